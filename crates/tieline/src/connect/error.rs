//! Why a connection did not open, and whose fault that is.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use tieline_proto::deflate;
use tieline_proto::handshake::HandshakeError;

use super::refused::Refused;
use crate::proxy::ProxyError;
#[cfg(feature = "tls")]
use crate::tls::TlsError;
use crate::url::UrlError;

/// No connection opened.
///
/// | variant                                  | who has to change something               |
/// |------------------------------------------|-------------------------------------------|
/// | `Url`, `Request`, `TlsFeature`           | the caller                                |
/// | `Dns`, `Tcp`, `Io`, `Timeout`            | the network, or nobody: try again         |
/// | `Proxy`                                  | the proxy, or who configured it           |
/// | `Tls`                                    | the server's certificate, or what is trusted |
/// | `Refused`, `Redirect`                    | the server did not want this request      |
/// | `Handshake`, `DeflateDeclined`           | the server does not speak as it must      |
/// | `Prepare`                                | the hook of a reconnecting client         |
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The server did not agree to permessage-deflate, which was required; it was told 1010.
    DeflateDeclined,
    /// The host's name has no address.
    Dns {
        /// The name.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// The server's answer is no WebSocket handshake.
    Handshake(HandshakeError),
    /// The line broke during the handshake.
    Io(io::Error),
    /// The hook that prepares each attempt of a reconnecting client failed.
    Prepare(Box<dyn StdError + Send + Sync>),
    /// The proxy could not be used, or refused.
    Proxy(ProxyError),
    /// A redirect was not followed.
    Redirect(RedirectError),
    /// The server answered with another status than 101.
    Refused(Box<Refused>),
    /// What was given to [`Connect`](crate::Connect) cannot be sent.
    Request(RequestError),
    /// No address of the host took the connection.
    Tcp {
        /// The host and port.
        address: String,
        /// What the first address tried said.
        source: io::Error,
    },
    /// It took too long.
    Timeout {
        /// The time that was given for everything together.
        within: Duration,
        /// What was going on when it ran out.
        during: Stage,
    },
    /// TLS could not be set up, or the server's certificate is not trusted.
    #[cfg(feature = "tls")]
    Tls(TlsError),
    /// A `wss` URL, and the crate is built without its feature `tls`.
    TlsFeature,
    /// The URL cannot be connected to.
    Url(UrlError),
}

/// What a connection attempt is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Looking the host's name up.
    Resolving,
    /// Opening a TCP connection.
    Connecting,
    /// Asking the proxy for a line.
    Proxy,
    /// The TLS handshake.
    Tls,
    /// The WebSocket handshake.
    Handshake,
}

/// A value given to [`Connect`](crate::Connect) that cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The settings of permessage-deflate cannot be.
    Deflate(deflate::ConfigError),
    /// A header that the handshake writes itself, or a `Host` that is none.
    Head(HandshakeError),
    /// A header's name is no token.
    HeaderName(String),
    /// The value of the named header has a line end or another control character.
    HeaderValue(String),
    /// An origin is `scheme://host`, perhaps with a port, or `null`.
    Origin(String),
    /// A subprotocol is no token, or was given twice.
    Subprotocol(String),
    /// A version other than 13, 8 and 7.
    Version(u8),
}

/// A redirect that was not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectError {
    /// From `wss` to `ws`: the line would lose its encryption.
    Downgrade,
    /// The location cannot be connected to.
    Location(UrlError),
    /// The answer names no location.
    Missing,
    /// More than were allowed.
    TooMany {
        /// How many were.
        limit: usize,
    },
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeflateDeclined => {
                f.write_str("server did not agree to permessage-deflate, which was required")
            }
            Self::Dns { host, .. } => write!(f, "name `{host}` could not be resolved"),
            Self::Handshake(_) => f.write_str("server's handshake is invalid"),
            Self::Io(_) => f.write_str("line broke during the handshake"),
            Self::Prepare(_) => f.write_str("request could not be prepared"),
            Self::Proxy(_) => f.write_str("proxy did not open a line"),
            Self::Redirect(_) => f.write_str("redirect was not followed"),
            Self::Refused(refused) => refused.fmt(f),
            Self::Request(_) => f.write_str("request is invalid"),
            Self::Tcp { address, .. } => write!(f, "could not connect to {address}"),
            Self::Timeout { within, during } => {
                write!(f, "no connection within {within:?}, still busy {during}")
            }
            #[cfg(feature = "tls")]
            Self::Tls(_) => f.write_str("no encrypted line"),
            Self::TlsFeature => {
                f.write_str("a wss:// URL needs the feature `tls` of the crate `tieline`")
            }
            Self::Url(error) => error.fmt(f),
        }
    }
}

impl StdError for ConnectError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Dns { source, .. } | Self::Io(source) | Self::Tcp { source, .. } => Some(source),
            Self::Handshake(error) => Some(error),
            Self::Prepare(error) => Some(error.as_ref()),
            Self::Proxy(error) => Some(error),
            Self::Redirect(error) => Some(error),
            Self::Request(error) => Some(error),
            #[cfg(feature = "tls")]
            Self::Tls(error) => Some(error),
            // It was displayed in full.
            Self::Url(error) => error.source(),
            Self::DeflateDeclined | Self::Refused(_) | Self::Timeout { .. } | Self::TlsFeature => {
                None
            }
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolving => "resolving the name",
            Self::Connecting => "connecting",
            Self::Proxy => "asking the proxy",
            Self::Tls => "with the TLS handshake",
            Self::Handshake => "with the WebSocket handshake",
        })
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deflate(error) => error.fmt(f),
            Self::Head(error) => error.fmt(f),
            Self::HeaderName(name) => {
                write!(f, "header name `{}` is no token", name.escape_debug())
            }
            Self::HeaderValue(name) => {
                write!(f, "value of header `{name}` has a line end or a control character")
            }
            Self::Origin(origin) => write!(
                f,
                "origin `{}` is neither `https://host` (or `http://host:port`) nor `null`",
                origin.escape_debug()
            ),
            Self::Subprotocol(protocol) => {
                write!(f, "subprotocol `{}` is no token, or there twice", protocol.escape_debug())
            }
            Self::Version(version) => {
                write!(f, "version {version} is not spoken here; 13, 8 and 7 are")
            }
        }
    }
}

impl StdError for RequestError {}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Downgrade => f.write_str("it leads from wss to ws"),
            Self::Location(error) => write!(f, "its location is wrong: {error}"),
            Self::Missing => f.write_str("it names no location"),
            Self::TooMany { limit } => write!(f, "it is one too many after {limit}"),
        }
    }
}

impl StdError for RedirectError {}

impl From<ProxyError> for ConnectError {
    fn from(error: ProxyError) -> Self {
        Self::Proxy(error)
    }
}

impl From<RedirectError> for ConnectError {
    fn from(error: RedirectError) -> Self {
        Self::Redirect(error)
    }
}

impl From<RequestError> for ConnectError {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

#[cfg(feature = "tls")]
impl From<TlsError> for ConnectError {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl From<UrlError> for ConnectError {
    fn from(error: UrlError) -> Self {
        Self::Url(error)
    }
}
