//! Why there is no answer of a backend.

use std::net::IpAddr;

/// A call that has no answer. Nothing of what was sent or received is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum BackendError {
    /// What came is not HTTP, or broke off in the middle.
    #[error("the backend's answer is broken: {0}")]
    Broken(String),
    /// As many calls as there may be are in flight.
    #[error("{limit} calls of the backend are in flight already (max_in_flight)")]
    Busy { limit: usize },
    /// Its name leads to an address that it must not lead to.
    #[error(
        "the backend's name leads to {0}, which is refused: where that is meant, write the address itself or allow_private = true"
    )]
    Forbidden(IpAddr),
    /// It failed so often that it is not asked for a while.
    #[error("the backend failed {failures} times in a row and is left alone for a while (breaker)")]
    Open { failures: u32 },
    /// The call itself cannot be made. Our caller's fault.
    #[error("no such call can be made: {0}")]
    Request(String),
    /// There was no answer in time.
    #[error("the backend did not answer in time (timeout)")]
    TimedOut,
    /// The answer is larger than it may be.
    #[error("the backend's answer is larger than {limit} bytes (max_answer_bytes)")]
    TooLarge { limit: usize },
    /// There is no connection, or it was lost before the answer began.
    #[error("the backend cannot be reached: {0}")]
    Unreachable(String),
}

impl BackendError {
    /// The word for it in metrics and logs.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Broken(_) => "broken",
            Self::Busy { .. } => "busy",
            Self::Forbidden(_) => "forbidden",
            Self::Open { .. } => "open",
            Self::Request(_) => "request",
            Self::TimedOut => "timed_out",
            Self::TooLarge { .. } => "too_large",
            Self::Unreachable(_) => "unreachable",
        }
    }
}
