//! What went wrong with a server of channels, and what to do about it.

use std::fmt;

use tieline::ConnectError;
use tieline::client::Error;
use tieline::http::StatusCode;
use tieline::reconnect::Why;
use tieline::url::Target;

use crate::exit_code::Exit;

/// An end that is not 0.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server did not do what was to be done: `cannot subscribe to "chat:lobby"`.
    Server { what: String, error: Error },
    /// The command line, or what it names, is wrong.
    Usage(String),
}

impl Failure {
    pub(crate) const fn server(what: String, error: Error) -> Self {
        Self::Server { what, error }
    }

    pub(crate) fn connecting(url: &str, error: Error) -> Self {
        // A password in it is nobody's business.
        let what = match Target::parse(url) {
            Ok(target) => format!("cannot connect to {}", target.as_str()),
            Err(_) => "cannot connect".to_owned(),
        };
        Self::Server { what, error }
    }

    /// The code the program ends with.
    pub(crate) fn exit(&self) -> Exit {
        let error = match self {
            Self::Server { error, .. } => error,
            Self::Usage(_) => return Exit::Usage,
        };
        let Error::Line(why) = error else {
            return if matches!(error, Error::Answer) { Exit::Protocol } else { Exit::Failed };
        };
        match &**why {
            Why::Connect(ConnectError::Url(_)) => Exit::Usage,
            Why::Connect(ConnectError::Handshake(_)) | Why::Line(tieline::Error::Failed(_)) => {
                Exit::Protocol
            }
            Why::Connect(_) => Exit::NotConnected,
            Why::Closed { .. } | Why::Line(_) => Exit::Failed,
        }
    }

    /// What to do next.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        let Self::Server { error, .. } = self else { return None };
        match error {
            Error::Fault(fault) => of_code(fault.code),
            Error::Line(why) => match &**why {
                Why::Connect(error) => of_connecting(error),
                Why::Closed { code, .. } if code.get() == 4401 || code.get() == 4403 => {
                    Some("get a newer token, and put it into TIELINE_TOKEN or a --token-file")
                }
                Why::Closed { .. } | Why::Line(_) => None,
            },
            Error::Answer => Some("is this the path of channels? --url ws://HOST:PORT/PATH"),
            Error::Lost | Error::TimedOut => {
                Some("look whether it was done before you do it again, or give it a --key")
            }
            Error::TooBig => Some("send less, or raise max_message_bytes of the route"),
            _ => None,
        }
    }
}

const fn of_code(code: i64) -> Option<&'static str> {
    match code {
        4003 => Some("get a newer token, and put it into TIELINE_TOKEN or a --token-file"),
        4004 => Some(
            "show a token with the right to it (publish:CHANNEL, subscribe:CHANNEL) in TIELINE_TOKEN, \
             or allow it to all in the server's [namespace.NAME]",
        ),
        4005 => Some(
            "give the channel's namespace its table in the server's configuration: [namespace.NAME]",
        ),
        4008 => Some("subscribe to fewer, or raise max_subscriptions of the route"),
        4009 => Some("set presence = true in the server's [namespace.NAME]"),
        4010 => Some("set patterns = true in the server's [namespace.NAME]"),
        4011 | 4012 => Some("try again later"),
        _ => None,
    }
}

fn of_connecting(error: &ConnectError) -> Option<&'static str> {
    match error {
        ConnectError::Tcp { .. } => {
            Some("is the server running there? tieline serve --config FILE")
        }
        ConnectError::Refused(refused) => match refused.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Some("put a token into TIELINE_TOKEN, or into a file that --token-file names")
            }
            StatusCode::NOT_FOUND | StatusCode::UPGRADE_REQUIRED => Some(
                "the server needs a route with service = { kind = \"channels\" } at this path; \
                 --url names another",
            ),
            _ => None,
        },
        _ => None,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server { what, .. } | Self::Usage(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Server { error, .. } => Some(error),
            Self::Usage(_) => None,
        }
    }
}
