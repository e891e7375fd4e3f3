//! What can be wrong with a head before anybody asks what it means.

use std::fmt;

use http::StatusCode;

/// A head that cannot be read. The peer's fault, and nothing after it can be trusted: answer with
/// [`status`](Self::status) and close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadError {
    /// More than one `Host` line (RFC 9112 §3.2).
    DuplicateHost,
    /// A `Host` that is no host and port.
    InvalidHost,
    /// An HTTP/1.1 request without `Host` (RFC 9112 §3.2).
    MissingHost,
    /// The bytes are not an HTTP/1 head, or end a line with LF alone.
    NotHttp,
    /// The head is longer than the setting `max_head_bytes`.
    TooLong {
        /// What this end accepts, in bytes.
        limit: usize,
    },
    /// The head has more lines than the setting `max_headers`.
    TooManyHeaders {
        /// What this end accepts.
        limit: usize,
    },
}

impl HeadError {
    /// The status that answers a request with this fault: 400, or 431 for the limits.
    ///
    /// Spec: RFC 9110 §15.5.1; RFC 6585 §5.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::DuplicateHost | Self::InvalidHost | Self::MissingHost | Self::NotHttp => {
                StatusCode::BAD_REQUEST
            }
            Self::TooLong { .. } | Self::TooManyHeaders { .. } => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
        }
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateHost => f.write_str("header `Host` is there more than once"),
            Self::InvalidHost => f.write_str("header `Host` is no host and port"),
            Self::MissingHost => f.write_str("header `Host` is missing"),
            Self::NotHttp => f.write_str("the bytes are not HTTP/1"),
            Self::TooLong { limit } => {
                write!(f, "head is longer than {limit} bytes (setting `max_head_bytes`)")
            }
            Self::TooManyHeaders { limit } => {
                write!(f, "head has more than {limit} headers (setting `max_headers`)")
            }
        }
    }
}

impl std::error::Error for HeadError {}
