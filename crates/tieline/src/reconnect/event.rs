//! What a client that comes back tells its owner.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use tieline_proto::{CloseCode, UsageError};

use crate::connect::ConnectError;
use crate::error::Error;
use crate::message::Message;

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A line is open: say again what the server has to know.
    Connected,
    /// The line ended, or an attempt to open one failed.
    Disconnected {
        /// Why.
        why: Why,
        /// When the next attempt is made; `None` when there is none, and this is the last event.
        retry_in: Option<Duration>,
    },
    /// A message arrived.
    Message(Message),
    /// A ping arrived, and was answered.
    Ping(Bytes),
    /// A pong arrived.
    Pong(Bytes),
}

/// Why there is no line.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "it closed, it was lost, or it did not open")]
pub enum Why {
    /// It was closed well.
    Closed {
        /// The code, [`NO_STATUS`](CloseCode::NO_STATUS) where there was none.
        code: CloseCode,
        /// The reason, often empty.
        reason: String,
    },
    /// It did not open.
    Connect(ConnectError),
    /// It was lost, or the server broke the protocol.
    Line(Error),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { code, reason } if reason.is_empty() => write!(f, "closed with {code}"),
            // The reason is the peer's text: escaped, so that it cannot steer a terminal.
            Self::Closed { code, reason } => {
                write!(f, "closed with {code}: {}", reason.escape_debug())
            }
            Self::Connect(error) => error.fmt(f),
            Self::Line(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Why {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Closed { .. } => None,
            Self::Connect(error) => error.source(),
            Self::Line(error) => error.source(),
        }
    }
}

/// A message was not sent. It is not kept for later, either.
#[derive(Debug)]
#[non_exhaustive]
pub enum SendError {
    /// There is no line at the moment.
    NotConnected,
    /// The line did not take it.
    Line(Error),
}

impl From<UsageError> for SendError {
    fn from(error: UsageError) -> Self {
        Self::Line(error.into())
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected => {
                f.write_str("not connected: wait for `Event::Connected` and send again")
            }
            Self::Line(_) => f.write_str("message was not sent"),
        }
    }
}

impl std::error::Error for SendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotConnected => None,
            Self::Line(error) => Some(error),
        }
    }
}
