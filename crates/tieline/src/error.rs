//! What can go wrong on an open socket.

use std::error;
use std::fmt;
use std::io;
use std::sync::Arc;

use tieline_proto::{Closed, Lost, ProtocolError, UsageError};

/// An open socket failed, or was asked for what it cannot do.
///
/// A clean close is no error: [`WebSocket::next`](crate::WebSocket::next) then answers `None`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The peer broke the protocol, and was told so with the error's
    /// [`close_code`](ProtocolError::close_code).
    Failed(ProtocolError),
    /// The line ended without a closing handshake: the network's fault, or the peer's.
    Lost {
        /// How it was lost.
        why: Lost,
        /// What the transport said, where it said something.
        source: Option<Arc<io::Error>>,
    },
    /// Our own caller's fault: sending after the close, or what must not be sent. The socket is as
    /// usable as before.
    Usage(UsageError),
}

impl Error {
    /// How the connection closed; `None` for a [`Usage`](Self::Usage) error.
    pub fn closed(&self) -> Option<Closed> {
        match self {
            Self::Failed(error) => Some(Closed::Failed(error.clone())),
            Self::Lost { why, .. } => Some(Closed::Lost(*why)),
            Self::Usage(_) => None,
        }
    }

    /// The error that a connection which closed this way reports; `None` for a clean close.
    pub(crate) fn of(closed: &Closed, source: Option<Arc<io::Error>>) -> Option<Self> {
        match closed {
            Closed::Cleanly { .. } => None,
            Closed::Failed(error) => Some(Self::Failed(error.clone())),
            Closed::Lost(why) => Some(Self::Lost { why: *why, source }),
        }
    }
}

impl From<UsageError> for Error {
    fn from(error: UsageError) -> Self {
        Self::Usage(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(_) => f.write_str("the peer broke the protocol"),
            Self::Lost { why, .. } => write!(f, "the line was lost: {why}"),
            Self::Usage(_) => f.write_str("the socket cannot do this"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Lost { source, .. } => source.as_deref().map(|source| source as _),
            Self::Usage(error) => Some(error),
        }
    }
}
