//! Why a handshake failed, whose fault it is, and what answers it.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version, header};

use super::{Dialect, VERSIONS};
use crate::deflate::{ConfigError, NegotiationError};
use crate::http::{ExtensionError, HeadError};

/// The two ends did not agree; there is no connection.
///
/// Spec: RFC 6455 §4.1, §4.2.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The head of the server's answer could not be read. (That of a request is [`Head`](Self::Head).)
    AnswerHead(HeadError),
    /// A request to upgrade announced a body, whose bytes could pass for frames.
    BodyInRequest,
    /// Our caller asked for the answer to an extended CONNECT as the bytes of HTTP/1.
    ConnectAsBytes,
    /// Our caller's settings for permessage-deflate cannot be.
    DeflateConfig(ConfigError),
    /// The server's answer to permessage-deflate breaks RFC 7692.
    DeflateResponse(NegotiationError),
    /// The list of extensions is malformed (§9.1).
    Extensions(Fault, ExtensionError),
    /// The head of a request could not be read.
    Head(HeadError),
    /// A header of the handshake does not say what it must.
    Header {
        /// Whose head it stands in, or is missing from.
        fault: Fault,
        /// The header, in its usual case.
        name: &'static str,
        /// What is wrong with it.
        problem: Problem,
    },
    /// The `Host` is not one that the listener answers to (setting `hosts`).
    HostNotAllowed,
    /// A field of our caller's [`Request`](super::client::Request) cannot stand in a head; its name.
    InvalidField(&'static str),
    /// A key of hixie-76 has no spaces, or does not divide evenly.
    LegacyKey,
    /// The handshake of hixie-76 needs exactly eight bytes behind the head.
    LegacyKey3 {
        /// How many our caller gave.
        bytes: usize,
    },
    /// A draft that is off (setting `legacy`), or that cannot be answered this way.
    LegacyOff(Dialect),
    /// An upgrade by another method than GET (§4.1).
    MethodNotAllowed,
    /// The page's origin is not one that may ask (setting `origins`).
    OriginNotAllowed,
    /// Our caller chose a subprotocol that the client did not offer (§4.2.2).
    ProtocolNotOffered(String),
    /// Our caller added a header that the handshake writes itself.
    ReservedHeader(HeaderName),
    /// The server answered with another status than 101.
    Status {
        /// The status.
        status: StatusCode,
        /// The headers: `Location` of a redirect, `WWW-Authenticate`, `Retry-After`.
        headers: Box<HeaderMap>,
    },
    /// An extended CONNECT for another protocol than `websocket` (RFC 9220 §3).
    UnknownProtocol,
    /// A version of the protocol that is not spoken here (§4.4).
    UnknownVersion,
    /// The peer speaks an HTTP older than 1.1 (§4.1).
    Version(Fault, Version),
}

/// Who has to change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a handshake has two ends, and ours has a caller")]
pub enum Fault {
    /// Our own caller: settings, or arguments.
    Caller,
    /// The client.
    Client,
    /// The server.
    Server,
}

/// What is wrong with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a header is missing, doubled, wrong or uncalled-for")]
pub enum Problem {
    /// It is there more than once.
    Duplicate,
    /// It does not say what it must, or cannot be read.
    Invalid,
    /// It is not there.
    Missing,
    /// It is there though nobody asked.
    Unexpected,
}

impl HandshakeError {
    /// Whose fault it is.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::ConnectAsBytes
            | Self::DeflateConfig(_)
            | Self::InvalidField(_)
            | Self::LegacyKey3 { .. }
            | Self::ProtocolNotOffered(_)
            | Self::ReservedHeader(_) => Fault::Caller,
            Self::BodyInRequest
            | Self::Head(_)
            | Self::HostNotAllowed
            | Self::LegacyOff(_)
            | Self::LegacyKey
            | Self::MethodNotAllowed
            | Self::OriginNotAllowed
            | Self::UnknownProtocol
            | Self::UnknownVersion => Fault::Client,
            Self::AnswerHead(_) | Self::DeflateResponse(_) | Self::Status { .. } => Fault::Server,
            Self::Extensions(fault, _) | Self::Header { fault, .. } | Self::Version(fault, _) => {
                *fault
            }
        }
    }

    /// The HTTP status that answers it: 400, 403, 405, 426, 431 or 501 for a client's fault, 500 for our
    /// caller's, and 502 for what a gateway's upstream did.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Head(error) => error.status(),
            Self::HostNotAllowed | Self::OriginNotAllowed => StatusCode::FORBIDDEN,
            Self::LegacyOff(_) | Self::UnknownVersion => StatusCode::UPGRADE_REQUIRED,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::UnknownProtocol => StatusCode::NOT_IMPLEMENTED,
            other => match other.fault() {
                Fault::Caller => StatusCode::INTERNAL_SERVER_ERROR,
                Fault::Client => StatusCode::BAD_REQUEST,
                Fault::Server => StatusCode::BAD_GATEWAY,
            },
        }
    }

    /// The headers that the answer needs: the versions spoken with 426 (§4.4), the method with 405.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        match self.status() {
            StatusCode::UPGRADE_REQUIRED => {
                headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
                let versions = HeaderValue::from_static(VERSIONS);
                headers.insert(header::SEC_WEBSOCKET_VERSION, versions);
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                headers.insert(header::ALLOW, HeaderValue::from_static(Method::GET.as_str()));
            }
            _ => {}
        }
        headers
    }

    /// The whole answer, for [`encode_response`](crate::http::encode_response): status, headers, and
    /// the reason as a line of text, which a fault of our caller's keeps to itself.
    pub fn response(&self) -> Response<String> {
        let reason = match self.fault() {
            Fault::Caller => "the server is misconfigured\n".to_owned(),
            Fault::Client | Fault::Server => format!("{self}\n"),
        };
        let mut response = Response::new(reason);
        *response.status_mut() = self.status();
        *response.headers_mut() = self.headers();
        response
    }

    /// A header of the client's that does not say what it must.
    pub(super) const fn request(name: &'static str, problem: Problem) -> Self {
        Self::Header { fault: Fault::Client, name, problem }
    }

    /// A header of the server's that does not say what it must.
    pub(super) const fn answer(name: &'static str, problem: Problem) -> Self {
        Self::Header { fault: Fault::Server, name, problem }
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BodyInRequest => f.write_str("a request to upgrade cannot have a body"),
            Self::ConnectAsBytes => f.write_str("an extended CONNECT has no answer of HTTP/1"),
            Self::DeflateConfig(_) => f.write_str("settings of permessage-deflate are invalid"),
            Self::DeflateResponse(_) => f.write_str("server answered permessage-deflate wrongly"),
            Self::Extensions(..) => f.write_str("header `Sec-WebSocket-Extensions` is malformed"),
            Self::AnswerHead(error) | Self::Head(error) => error.fmt(f),
            Self::HostNotAllowed => f.write_str("host is not among the allowed (setting `hosts`)"),
            Self::InvalidField(field) => write!(f, "field `{field}` cannot stand in a request"),
            Self::LegacyOff(dialect) => {
                write!(f, "draft {dialect} is not spoken here (setting `legacy`)")
            }
            Self::LegacyKey => f.write_str("a key of hixie-76 hides no number"),
            Self::LegacyKey3 { bytes } => {
                write!(f, "{bytes} bytes behind the head, not the eight of hixie-76")
            }
            Self::MethodNotAllowed => f.write_str("only GET can be upgraded"),
            Self::OriginNotAllowed => {
                f.write_str("origin is not among the allowed (setting `origins`)")
            }
            // Peers wrote some of it: escaped, so that it cannot steer a terminal.
            Self::ProtocolNotOffered(protocol) => {
                write!(f, "subprotocol `{}` was not offered", protocol.escape_debug())
            }
            Self::Header { name, problem, .. } => write!(f, "header `{name}` {problem}"),
            Self::ReservedHeader(name) => write!(f, "header `{name}` belongs to the handshake"),
            Self::Status { status, .. } => write!(f, "server answered {status} instead of 101"),
            Self::UnknownProtocol => f.write_str("the only protocol to CONNECT for is `websocket`"),
            Self::UnknownVersion => {
                write!(f, "version is not spoken here; these are: {VERSIONS}")
            }
            Self::Version(_, version) => write!(f, "{version:?} is too old to be upgraded"),
        }
    }
}

impl std::error::Error for HandshakeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::DeflateConfig(error) => Some(error),
            Self::DeflateResponse(error) => Some(error),
            Self::Extensions(_, error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Duplicate => "is there more than once",
            Self::Invalid => "is invalid",
            Self::Missing => "is missing",
            Self::Unexpected => "was not asked for",
        })
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hixie75 => "hixie-75",
            Self::Hixie76 => "hixie-76",
            Self::Hybi => "hybi",
        })
    }
}

impl From<HeadError> for HandshakeError {
    /// The fault of a request's head; a client maps to [`AnswerHead`](Self::AnswerHead) instead.
    fn from(error: HeadError) -> Self {
        Self::Head(error)
    }
}

impl From<ConfigError> for HandshakeError {
    fn from(error: ConfigError) -> Self {
        Self::DeflateConfig(error)
    }
}
