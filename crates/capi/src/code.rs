//! What can go wrong, as a number and in words.

use std::error::Error as StdError;

use tieline::reconnect::Why;
use tieline::{ConnectError, Error};

/// What went wrong. Functions answer it (where they answer a number that may be one, it is the
/// negative ones), and events of kind ERROR have it as their `code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a number in a C header")]
#[repr(i32)]
pub enum Code {
    /// Nothing.
    None = 0,
    /// No client has this handle: it is 0, was freed, or never was one.
    Handle = -1,
    /// An argument or an option cannot be used.
    Argument = -2,
    /// A text is not UTF-8.
    Utf8 = -3,
    /// No line is open: wait for OPEN. Nothing is kept for later.
    NotOpen = -4,
    /// The queue of what is sent is full: poll, and send again later.
    Full = -5,
    /// A message is larger than the whole queue, or a ping or a reason is too long.
    TooBig = -6,
    /// The last event was taken; the client can only be freed.
    Closed = -7,
    /// There are too many clients, or the system gives no thread.
    Limit = -8,
    /// A bug in Tieline; the client can only be freed.
    Internal = -9,
    /// The URL cannot be connected to.
    Url = -20,
    /// A header, a subprotocol or the origin cannot be sent.
    Request = -21,
    /// The host's name has no address.
    Dns = -22,
    /// No address of the host took the connection, or it broke during the handshake.
    Connect = -23,
    /// It took too long to connect.
    Timeout = -24,
    /// The proxy could not be used, or refused.
    Proxy = -25,
    /// TLS could not be set up, or the server is not trusted.
    Tls = -26,
    /// The server answered with another status than 101.
    Refused = -27,
    /// A redirect was not followed.
    Redirect = -28,
    /// The server's answer is no WebSocket handshake.
    Handshake = -29,
    /// The server did not agree to permessage-deflate, which was required.
    Deflate = -30,
    /// The server broke the protocol, and was told so.
    Protocol = -31,
    /// The line ended without a closing handshake.
    Lost = -32,
}

impl Code {
    const ALL: [Self; 23] = [
        Self::None,
        Self::Handle,
        Self::Argument,
        Self::Utf8,
        Self::NotOpen,
        Self::Full,
        Self::TooBig,
        Self::Closed,
        Self::Limit,
        Self::Internal,
        Self::Url,
        Self::Request,
        Self::Dns,
        Self::Connect,
        Self::Timeout,
        Self::Proxy,
        Self::Tls,
        Self::Refused,
        Self::Redirect,
        Self::Handshake,
        Self::Deflate,
        Self::Protocol,
        Self::Lost,
    ];

    /// The code's meaning, ended by a NUL; also for numbers that are no code.
    pub(crate) fn text(number: i32) -> &'static str {
        match Self::ALL.into_iter().find(|code| *code as i32 == number) {
            Some(Self::None) => "no error\0",
            Some(Self::Handle) => {
                "no client has this handle: it is 0, was freed, or never was one\0"
            }
            Some(Self::Argument) => "an argument or an option cannot be used\0",
            Some(Self::Utf8) => "a text is not UTF-8\0",
            Some(Self::NotOpen) => "no line is open: wait for the event OPEN\0",
            Some(Self::Full) => "the queue of what is sent is full: poll, and send again later\0",
            Some(Self::TooBig) => {
                "the message is larger than the queue of what is sent, or a ping or a reason is too long\0"
            }
            Some(Self::Closed) => "the last event was taken: free the client\0",
            Some(Self::Limit) => "there are too many clients, or the system gives no thread\0",
            Some(Self::Internal) => {
                "a bug in Tieline: free the client, and report what was printed\0"
            }
            Some(Self::Url) => "the URL cannot be connected to\0",
            Some(Self::Request) => "a header, a subprotocol or the origin cannot be sent\0",
            Some(Self::Dns) => "the host's name has no address\0",
            Some(Self::Connect) => "the server did not take the connection, or broke it\0",
            Some(Self::Timeout) => "it took too long to connect\0",
            Some(Self::Proxy) => "the proxy could not be used, or refused\0",
            Some(Self::Tls) => "TLS could not be set up, or the server is not trusted\0",
            Some(Self::Refused) => "the server refused the WebSocket\0",
            Some(Self::Redirect) => "a redirect was not followed\0",
            Some(Self::Handshake) => "the server's answer is no WebSocket handshake\0",
            Some(Self::Deflate) => {
                "the server did not agree to permessage-deflate, which was required\0"
            }
            Some(Self::Protocol) => "the server broke the protocol\0",
            Some(Self::Lost) => "the line ended without a closing handshake\0",
            None => "no code of Tieline\0",
        }
    }
}

/// What went wrong, and in words what was wrong and what would be right.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) text: String,
}

impl Failure {
    pub(crate) fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    /// An error with its causes, in one line.
    pub(crate) fn of(code: Code, error: &dyn StdError) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let said = error.to_string();
            // Some errors print their cause themselves.
            if !text.contains(&said) {
                text = format!("{text}: {said}");
            }
            cause = error.source();
        }
        Self { code, text }
    }

    /// Why a line ended or did not open; `None` where it was closed well.
    pub(crate) fn why(why: &Why) -> Option<Self> {
        let code = match why {
            Why::Closed { .. } => return None,
            Why::Connect(error) => connecting(error),
            Why::Line(Error::Failed(_)) => Code::Protocol,
            Why::Line(_) => Code::Lost,
        };
        Some(Self::of(code, why))
    }
}

/// Why there is no connection, as a number.
const fn connecting(error: &ConnectError) -> Code {
    match error {
        ConnectError::DeflateDeclined => Code::Deflate,
        ConnectError::Dns { .. } => Code::Dns,
        ConnectError::Handshake(_) => Code::Handshake,
        ConnectError::Proxy(_) => Code::Proxy,
        ConnectError::Redirect(_) => Code::Redirect,
        ConnectError::Refused(_) => Code::Refused,
        ConnectError::Request(_) => Code::Request,
        ConnectError::Timeout { .. } => Code::Timeout,
        ConnectError::Tls(_) | ConnectError::TlsFeature => Code::Tls,
        ConnectError::Url(_) => Code::Url,
        _ => Code::Connect,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// `NotOpen` is `NOT_OPEN` in C.
    fn c_name(code: Code) -> String {
        let name = format!("{code:?}");
        let parts = name.split_inclusive(|_: char| true).map(|part| match part {
            upper if upper.chars().all(char::is_uppercase) => format!("_{upper}"),
            other => other.to_uppercase(),
        });
        format!("TIELINE_WS_ERROR{}", parts.collect::<String>())
    }

    #[test]
    fn the_documentation_has_every_code_with_its_words() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/codes.md");
        let page = fs::read_to_string(path).unwrap();
        let (_, section) = page.split_once("## Errors of the C library\n").unwrap();
        let rows: Vec<_> = section.lines().filter(|line| line.starts_with('|')).skip(2).collect();
        let expected = Code::ALL.map(|code| {
            let (number, text) = (code as i32, Code::text(code as i32).trim_end_matches('\0'));
            format!("| {number} | `{}` | {text} |", c_name(code))
        });
        assert_eq!(rows, expected);
    }

    #[test]
    fn every_code_has_words_of_its_own_and_other_numbers_say_so() {
        let mut texts: Vec<_> = Code::ALL.into_iter().map(|code| Code::text(code as i32)).collect();
        assert!(texts.iter().all(|text| text.ends_with('\0') && text.matches('\0').count() == 1));
        assert!(!texts.contains(&Code::text(77)));
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Code::ALL.len());
    }
}
