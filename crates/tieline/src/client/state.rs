//! How a client is.

use std::sync::Arc;
use std::time::Duration;

use super::error::Error;
use crate::reconnect::Why;

/// Whether a client has a line.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum State {
    /// The first line is being opened.
    Connecting,
    /// It is connected.
    Connected {
        /// The server's name for this client, as others see it.
        client: Arc<str>,
        /// Its user, where the server knows one.
        user: Option<Arc<str>>,
        /// Whether this is the session of the line before: every call goes on.
        recovered: bool,
    },
    /// There is no line at the moment; it comes back.
    Away {
        /// Why.
        why: Arc<Why>,
        /// How long it waits before it tries.
        retry_in: Duration,
    },
    /// It is over.
    Ended(Error),
}
