//! Why a proxy gave no line.

use std::fmt;
use std::io;

use http::StatusCode;
use tieline_proto::http::HeadError;

use crate::url::UrlError;

/// A proxy could not be asked, or refused.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProxyError {
    /// The user and password were wrong, are needed, or are too long to be sent (255 bytes each).
    Credentials,
    /// An HTTP proxy's answer cannot be read.
    Head(HeadError),
    /// The line to the proxy broke.
    Io(io::Error),
    /// An HTTP proxy answered with another status than 2xx.
    Refused(StatusCode),
    /// The proxy's URL has a scheme that is not spoken.
    Scheme(String),
    /// A SOCKS proxy refused, with this reply (RFC 1928 §6).
    Socks(u8),
    /// The answer is none of the protocol's.
    Unexpected,
    /// The proxy's URL is wrong.
    Url(UrlError),
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credentials => f.write_str("proxy wants another user name or password"),
            Self::Head(_) => f.write_str("proxy's answer cannot be read"),
            Self::Io(_) => f.write_str("line to the proxy broke"),
            Self::Refused(status) => write!(f, "proxy answered {status}"),
            Self::Scheme(scheme) => write!(
                f,
                "proxy's scheme is `{}`: write `http://host:port` or `socks5://host:port`",
                scheme.escape_debug()
            ),
            Self::Socks(reply) => match reply_name(*reply) {
                Some(name) => write!(f, "proxy refused: {name}"),
                None => write!(f, "proxy refused with reply {reply:#04x}"),
            },
            Self::Unexpected => f.write_str("what answered is no such proxy"),
            Self::Url(_) => f.write_str("proxy's URL is wrong"),
        }
    }
}

/// RFC 1928 §6.
const fn reply_name(reply: u8) -> Option<&'static str> {
    Some(match reply {
        0x01 => "general failure",
        0x02 => "not allowed by its rules",
        0x03 => "network unreachable",
        0x04 => "host unreachable",
        0x05 => "connection refused",
        0x06 => "time to live expired",
        0x07 => "command not supported",
        0x08 => "address type not supported",
        _ => return None,
    })
}

impl std::error::Error for ProxyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Head(error) => Some(error),
            Self::Io(error) => Some(error),
            Self::Url(error) => Some(error),
            Self::Credentials
            | Self::Refused(_)
            | Self::Scheme(_)
            | Self::Socks(_)
            | Self::Unexpected => None,
        }
    }
}

impl From<io::Error> for ProxyError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
