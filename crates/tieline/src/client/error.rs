//! Why something is not done, and what its caller may do then.

use std::fmt;
use std::sync::Arc;

use tieline_proto::CloseCode;

use crate::reconnect::Why;

/// A call was not done, a subscription ended, or the client has.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The server answered what the language does not have.
    Answer,
    /// The client was closed by this side.
    Closed,
    /// The server sent this client away and wants it no more.
    Disconnected {
        /// The code.
        code: CloseCode,
        /// The reason, often empty.
        reason: Arc<str>,
    },
    /// What was to be published is no JSON.
    Encode(Arc<serde_json::Error>),
    /// The server refused the call.
    Fault(Fault),
    /// There is no line, and coming back makes no sense.
    Line(Arc<Why>),
    /// The session was lost after the call was sent: it may have been done, or not.
    Lost,
    /// This client is the device already.
    Registered,
    /// This client has subscribed to the channel already.
    Subscribed,
    /// There is no token to show, or nobody gives one, and why.
    Token(Option<Arc<dyn std::error::Error + Send + Sync>>),
    /// No answer in time: it may have been done, or not. A publication may be made again with its key.
    TimedOut,
    /// The server takes no message that is so big.
    TooBig,
}

/// Why the server refused a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// The code of JSON-RPC; `docs/codes.md` of the repository has them.
    pub code: i64,
    /// What is wrong.
    pub message: Arc<str>,
    /// What else is said of it, as JSON.
    pub data: Option<Arc<str>>,
}

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// The same may do better later.
    Again,
    /// It will not: something has to be changed first.
    GiveUp,
    /// Ask whether it was done before it is done again.
    Look,
    /// Another token is wanted.
    Token,
}

impl Error {
    /// What to do about it.
    pub const fn advice(&self) -> Advice {
        match self {
            Self::Fault(fault) => fault.advice(),
            Self::Lost | Self::TimedOut => Advice::Look,
            Self::Token(_) => Advice::Token,
            Self::Answer
            | Self::Closed
            | Self::Disconnected { .. }
            | Self::Encode(_)
            | Self::Line(_)
            | Self::Registered
            | Self::Subscribed
            | Self::TooBig => Advice::GiveUp,
        }
    }
}

impl Fault {
    /// The code for a token that is not good, or a right that has ended with it.
    const TOKEN: i64 = 4003;

    /// What to do about it.
    pub const fn advice(&self) -> Advice {
        match self.code {
            Self::TOKEN => Advice::Token,
            // Overloaded, the disk failed, and what the server cannot say better.
            4011 | 4012 | 4018 | -32603 | -32005 => Advice::Again,
            // A method did not answer in time.
            -32002 => Advice::Look,
            _ => Advice::GiveUp,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer => f.write_str("server does not speak tieline.v1 as it must"),
            Self::Closed => f.write_str("client is closed"),
            Self::Disconnected { code, reason } if reason.is_empty() => {
                write!(f, "server sent this client away with {code}")
            }
            Self::Disconnected { code, reason } => {
                let reason = reason.escape_debug();
                write!(f, "server sent this client away with {code}: {reason}")
            }
            Self::Encode(_) => f.write_str("value has no JSON"),
            Self::Fault(fault) => fault.fmt(f),
            Self::Line(why) => why.fmt(f),
            Self::Lost => {
                f.write_str("session was lost before the answer: it may have been done, or not")
            }
            Self::Registered => f.write_str("this client is the device already"),
            Self::Subscribed => f.write_str("this client has subscribed to the channel already"),
            Self::Token(_) => f.write_str("there is no token to show"),
            Self::TimedOut => f.write_str("no answer in time: it may have been done, or not"),
            Self::TooBig => f.write_str("message is bigger than the server takes"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Encode(error) => Some(error),
            // It was displayed in full.
            Self::Line(why) => why.source(),
            Self::Token(why) => why.as_deref().map(|why| why as _),
            _ => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The server's text: escaped, so that it cannot steer a terminal.
        write!(f, "{} ({})", self.message.escape_debug(), self.code)
    }
}

impl std::error::Error for Fault {}
