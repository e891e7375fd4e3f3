//! Sockets that systemd opened before it started the process.
//!
//! They are told by `LISTEN_FDS`, `LISTEN_PID` and `LISTEN_FDNAMES` in the environment
//! (sd_listen_fds(3)), and each can be taken once.

use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};

use listenfd::ListenFd;

use super::listening::Listening;

/// What was passed to this process.
struct Passed {
    sockets: ListenFd,
    /// The names, in the order of the sockets.
    names: Vec<String>,
}

fn passed() -> &'static Mutex<Passed> {
    static PASSED: OnceLock<Mutex<Passed>> = OnceLock::new();
    PASSED.get_or_init(|| {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let names = names.split(':').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Mutex::new(Passed { sockets: ListenFd::from_env(), names })
    })
}

/// Takes the socket of this name. A single socket without a name answers to every one.
pub(super) fn take(name: &str) -> io::Result<Listening> {
    let mut passed = passed().lock().unwrap_or_else(PoisonError::into_inner);
    let named = passed.names.iter().position(|it| it == name);
    let only = (passed.names.is_empty() && passed.sockets.len() == 1).then_some(0);
    let Some(index) = named.or(only).filter(|index| *index < passed.sockets.len()) else {
        return Err(io::Error::new(io::ErrorKind::NotFound, "no such socket was passed"));
    };
    // A socket is of one kind; it stays where it is when it is asked for as another.
    if let Ok(Some(socket)) = passed.sockets.take_tcp_listener(index) {
        socket.set_nonblocking(true)?;
        return Ok(Listening::Tcp(socket));
    }
    match passed.sockets.take_unix_listener(index)? {
        Some(socket) => {
            socket.set_nonblocking(true)?;
            Ok(Listening::Unix(socket))
        }
        None => Err(io::Error::new(io::ErrorKind::NotFound, "the socket was taken before")),
    }
}

/// What to do when a socket is not there.
pub(super) fn advice() -> String {
    let passed = passed().lock().unwrap_or_else(PoisonError::into_inner);
    if passed.sockets.len() == 0 {
        return "systemd passed no socket: start the program by its socket unit".to_owned();
    }
    format!("systemd passed: {}", passed.names.join(", "))
}
