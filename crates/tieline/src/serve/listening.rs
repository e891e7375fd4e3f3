//! A listening socket, before a worker has it.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;

/// A listening socket that no worker has taken yet.
#[derive(Debug)]
pub(super) enum Listening {
    /// Its connections are handed over as they are.
    Raw(UnixListener),
    Tcp(TcpListener),
    Unix(UnixListener),
}
