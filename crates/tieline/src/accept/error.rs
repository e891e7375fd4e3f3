//! Why there is no line, whose fault that is, and what was answered.

use std::error;
use std::fmt;
use std::io;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};
use tieline_proto::handshake::{Fault, HandshakeError, VERSIONS};
use tieline_proto::http::HeadError;

use super::Refusal;

/// A line was asked for and not opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum AcceptError {
    /// The request cannot be granted, or our caller answered it in an impossible way.
    Handshake(HandshakeError),
    /// The transport failed, or did not take the 101 in time.
    Io(io::Error),
    /// The client left before its request was whole.
    Left,
    /// It was an ordinary request, and nobody had a page for it.
    NotUpgrade,
    /// The caller's closure answered otherwise.
    Refused(Refusal),
    /// The request was not whole in time (setting `handshake_within`).
    TooSlow,
}

impl AcceptError {
    /// The status that answers it; `None` where the client was no longer there.
    pub const fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Handshake(error) => Some(error.status()),
            Self::Io(_) | Self::Left => None,
            Self::NotUpgrade => Some(StatusCode::UPGRADE_REQUIRED),
            Self::Refused(refusal) => Some(refusal.status),
            Self::TooSlow => Some(StatusCode::REQUEST_TIMEOUT),
        }
    }

    /// Who has to change something; `None` where it was the network.
    pub const fn fault(&self) -> Option<Fault> {
        match self {
            Self::Handshake(error) => Some(error.fault()),
            Self::Io(_) => None,
            Self::Left | Self::NotUpgrade | Self::Refused(_) | Self::TooSlow => Some(Fault::Client),
        }
    }

    pub(super) const fn head(error: HeadError) -> Self {
        Self::Handshake(HandshakeError::Head(error))
    }

    /// The whole answer; [`accept_with`](crate::accept_with) has sent it, in an HTTP library's
    /// hands it is still to be sent.
    pub fn response(&self) -> Option<Response<Bytes>> {
        let status = self.status()?;
        Some(match self {
            Self::Handshake(error) => error.response().map(Bytes::from),
            Self::Refused(refusal) => refusal.response(),
            _ => {
                let mut response = Response::new(format!("{self}\n").into());
                *response.status_mut() = status;
                if status == StatusCode::UPGRADE_REQUIRED {
                    *response.headers_mut() = upgrade_headers();
                }
                response
            }
        })
    }
}

/// RFC 9110 §15.5.22: a 426 says what to upgrade to; RFC 6455 §4.4: and in which versions.
fn upgrade_headers() -> HeaderMap {
    [(header::UPGRADE, "websocket"), (header::SEC_WEBSOCKET_VERSION, VERSIONS)]
        .into_iter()
        .map(|(name, value)| (name, http::HeaderValue::from_static(value)))
        .collect()
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshake(_) => f.write_str("the handshake failed"),
            Self::Io(_) => f.write_str("the transport failed during the handshake"),
            Self::Left => f.write_str("the client left before its request was whole"),
            Self::NotUpgrade => f.write_str("only WebSocket is served here"),
            Self::Refused(refusal) => write!(f, "the request was {refusal}"),
            Self::TooSlow => f.write_str("the request was not whole in time"),
        }
    }
}

impl error::Error for AcceptError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Handshake(error) => Some(error),
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<HandshakeError> for AcceptError {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(error)
    }
}

impl From<io::Error> for AcceptError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
