//! Why a run did not end well, and the exit code of each reason.

use std::fmt;

use crate::exit_code::Exit;

/// An end of `tieline bench` that is not 0.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What the options or the system ask for cannot be; what to do about it.
    Usage(String),
    /// No connection was opened; why the first was not.
    NotConnected(String),
    /// The server broke the protocol.
    Protocol(String),
    /// What was measured is not good enough.
    Missed(Vec<String>),
}

impl Failure {
    /// The code the program ends with.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::NotConnected(_) => Exit::NotConnected,
            Self::Protocol(_) => Exit::Protocol,
            Self::Missed(_) => Exit::Failed,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) => f.write_str(what),
            Self::NotConnected(why) => write!(f, "could not connect: {why}"),
            Self::Protocol(why) => write!(f, "the server broke the protocol: {why}"),
            Self::Missed(what) => f.write_str(&what.join("; ")),
        }
    }
}

impl std::error::Error for Failure {}
