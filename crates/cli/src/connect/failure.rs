//! Why a conversation did not end well: the exit code of each reason, and what to do about it.

use std::fmt;

use tieline::http::StatusCode;
use tieline::reconnect::Why;
use tieline::tls::TlsError;
use tieline::url::Target;
use tieline::{ConnectError, ProtocolError};

use crate::exit_code::Exit;

/// An end that is not 0.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No line to `url` was opened.
    Connecting { url: String, error: ConnectError },
    /// The answers of a replay are others than those of its recording; that was said already.
    Different(String),
    /// The line ended, and not well.
    Ended(Why),
    /// The server's answer to a call is an error.
    Refused(String),
    /// What was waited for did not come.
    Unmet(String),
    /// The command line, or what it names, is wrong.
    Usage(String),
}

impl Failure {
    pub(super) fn connecting(url: &str, error: ConnectError) -> Self {
        // A password in it is nobody's business.
        let url = match Target::parse(url) {
            Ok(target) => target.as_str().to_owned(),
            Err(_) => String::new(),
        };
        Self::Connecting { url, error }
    }

    /// An end of the line to `url`.
    pub(super) fn ended(url: &str, why: Why) -> Self {
        match why {
            Why::Connect(error) => Self::connecting(url, error),
            why => Self::Ended(why),
        }
    }

    /// The code the program ends with.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Connecting { error, .. } | Self::Ended(Why::Connect(error)) => match error {
                ConnectError::Url(_) | ConnectError::Request(_) => Exit::Usage,
                ConnectError::Handshake(_) => Exit::Protocol,
                _ => Exit::NotConnected,
            },
            Self::Ended(Why::Line(tieline::Error::Failed(_))) => Exit::Protocol,
            Self::Ended(_) | Self::Different(_) | Self::Refused(_) | Self::Unmet(_) => Exit::Failed,
            Self::Usage(_) => Exit::Usage,
        }
    }

    /// What to do next.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Connecting { error, .. } => of_connecting(error),
            Self::Ended(Why::Line(tieline::Error::Failed(ProtocolError::MessageTooBig {
                ..
            }))) => Some("take larger ones with --max-message"),
            _ => None,
        }
    }
}

fn of_connecting(error: &ConnectError) -> Option<&'static str> {
    match error {
        ConnectError::Dns { .. } => Some("is the name right?"),
        ConnectError::Handshake(_) => Some(
            "what listens there speaks HTTP, but not WebSocket as it should: is it the right port?",
        ),
        ConnectError::Io(_) => {
            Some("is it the right port, and ws:// or wss:// as the server has it?")
        }
        ConnectError::Redirect(_) => {
            Some("follow redirects with --redirects N, or give the URL they lead to")
        }
        ConnectError::Refused(refused) => of_status(refused.status),
        ConnectError::Tcp { .. } => Some("is a server running there?"),
        ConnectError::Timeout { .. } => Some("give it more time with --connect-timeout"),
        ConnectError::Tls(TlsError::Handshake(_)) => Some(
            "trust a certificate of your own with --ca FILE; is it wss:// that is spoken there?",
        ),
        ConnectError::Url(_) => Some("write ws://HOST:PORT/PATH or wss://HOST/PATH"),
        _ => None,
    }
}

fn of_status(status: StatusCode) -> Option<&'static str> {
    match status {
        StatusCode::UNAUTHORIZED => {
            Some("say who you are: --token-file FILE, or --user NAME --password-file FILE")
        }
        StatusCode::FORBIDDEN => Some("who you are, or the --origin, is not let in"),
        StatusCode::NOT_FOUND => Some("is the path right?"),
        status if status.is_redirection() => {
            Some("follow redirects with --redirects N, or give the URL they lead to")
        }
        status if status.is_success() => Some("this path serves pages, not a WebSocket"),
        _ => None,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting { url, .. } if url.is_empty() => f.write_str("cannot connect"),
            Self::Connecting { url, .. } => write!(f, "cannot connect to {url}"),
            Self::Ended(Why::Closed { .. }) => f.write_str("the peer closed the line"),
            Self::Ended(_) => f.write_str("the line is lost"),
            Self::Different(what) | Self::Refused(what) | Self::Unmet(what) | Self::Usage(what) => {
                f.write_str(what)
            }
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Connecting { error, .. } => Some(error),
            Self::Ended(why) => Some(why),
            Self::Different(_) | Self::Refused(_) | Self::Unmet(_) | Self::Usage(_) => None,
        }
    }
}
