//! What a client is told.

use tieline::bytes::Bytes;
use tieline::{CloseCode, Message};

use crate::code::Failure;

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a number in a C header")]
#[repr(i32)]
pub enum Kind {
    /// A line is open: `data` is the subprotocol that was agreed, empty for none. Say now what the
    /// server has to know; after a reconnect say it again.
    Open = 1,
    /// A message: `message` says text or binary, `data` is its payload.
    Message = 2,
    /// The line ended, or did not open: `code`, `clean`, `data` (the server's reason) and
    /// `retry_in_ms`. Each attempt to open a line ends with one.
    Close = 3,
    /// Why the CLOSE that follows is no clean one: `code` is a `tieline_ws_error`, `data` says it
    /// in words.
    Error = 4,
    /// The server answered a ping, of the program or of the library itself: `data` is its payload.
    Pong = 5,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a number in a C header")]
#[repr(i32)]
pub enum MessageKind {
    /// The event is none.
    None = 0,
    /// UTF-8.
    Text = 1,
    /// Any bytes.
    Binary = 2,
}

/// An event, in a form that needs no other to be read.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) kind: Kind,
    pub(crate) message: MessageKind,
    /// A close code, or a [`Code`](crate::code::Code).
    pub(crate) code: i32,
    pub(crate) clean: bool,
    pub(crate) retry_in_ms: i64,
    /// Of an OPEN: which of the client's lines it is, from 1.
    pub(crate) line: u64,
    /// With one NUL behind it.
    data: Vec<u8>,
}

impl Event {
    fn new(kind: Kind, mut data: Vec<u8>) -> Self {
        data.push(0);
        let (message, code, clean, retry_in_ms) = (MessageKind::None, 0, false, -1);
        Self { kind, message, code, clean, retry_in_ms, line: 0, data }
    }

    pub(crate) fn open(protocol: &str, line: u64) -> Self {
        Self { line, ..Self::new(Kind::Open, protocol.into()) }
    }

    pub(crate) fn message(message: Message) -> Self {
        let kind = match message {
            Message::Text(_) => MessageKind::Text,
            Message::Binary(_) => MessageKind::Binary,
        };
        Self { message: kind, ..Self::new(Kind::Message, message.into_bytes().into()) }
    }

    /// The end of a line that was closed well, or of an attempt.
    pub(crate) fn close(code: CloseCode, reason: String, retry_in_ms: Option<i64>) -> Self {
        let event = Self::new(Kind::Close, reason.into_bytes());
        let (clean, retry_in_ms) = (code != CloseCode::ABNORMAL, retry_in_ms.unwrap_or(-1));
        Self { code: code.get().into(), clean, retry_in_ms, ..event }
    }

    pub(crate) fn error(failure: &Failure) -> Self {
        Self { code: failure.code as i32, ..Self::new(Kind::Error, failure.text.clone().into()) }
    }

    pub(crate) fn pong(payload: Bytes) -> Self {
        Self::new(Kind::Pong, payload.into())
    }

    /// The payload, the text, or whatever else the kind says, without the NUL behind it.
    pub(crate) fn data(&self) -> &[u8] {
        &self.data[..self.data.len() - 1]
    }

    /// Whether no event follows this one.
    pub(crate) fn is_last(&self) -> bool {
        self.kind == Kind::Close && self.retry_in_ms < 0
    }
}
