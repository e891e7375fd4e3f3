//! One frame as it was seen, and what comes of it.

use std::fmt;

use tieline_proto::frame::{Header, Opcode};
use tieline_proto::{CloseCode, MessageKind, ProtocolError, mask};

/// Who has sent something: a client masks, a server does not (RFC 6455 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a connection has two ends")]
pub enum Sender {
    /// The end that asked.
    Client,
    /// The end that answered.
    Server,
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "what is there to see of a frame")]
pub struct Frame {
    /// Where it begins, in bytes of its direction.
    pub offset: u64,
    /// Its header as it lies there: all of it, or as much as there is.
    pub head: Vec<u8>,
    /// What the header says; `None` where it is cut off or makes no sense, and in the old drafts,
    /// whose frames have none.
    pub header: Option<Header>,
    /// Its payload without its mask, or as much of it as was there and is kept.
    pub payload: Vec<u8>,
    /// Bytes of its payload, as announced; in the old drafts, and where there is no header, as many as there are.
    pub len: u64,
    /// What comes of it.
    pub outcome: Outcome,
}

/// What comes of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The connection is closed, in this way.
    Close {
        /// Its code; 1005 where there is none.
        code: CloseCode,
        /// Its reason, often empty.
        reason: String,
    },
    /// It is cut off: so many bytes of its payload are missing, where its header is whole.
    CutOff(Option<u64>),
    /// More of the message is to come.
    Fragment,
    /// A message is whole.
    Message {
        /// Text or binary.
        kind: MessageKind,
        /// All of it, inflated where it was compressed.
        payload: Vec<u8>,
    },
    /// Whether the other end is there.
    Ping,
    /// It is.
    Pong,
    /// It belongs to a message that cannot be shown.
    Unread(Unread),
    /// It breaks the protocol: the connection fails with the error's close code.
    Wrong(ProtocolError),
}

/// Why a message cannot be shown. The peers may well have understood it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unread {
    /// It began before there was anything to see.
    Beginning,
    /// It is compressed with what was said before, and that is not known.
    Deflate,
    /// Some of its bytes are missing.
    Gap,
    /// It is larger than what is put together.
    TooBig {
        /// The bound, in bytes.
        limit: usize,
    },
    /// A frame of it breaks the protocol.
    Wrong,
}

impl Sender {
    /// The other end.
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// In a word, the same for people and programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

impl Frame {
    /// What its opcode is called (RFC 6455 §11.8).
    pub fn name(&self) -> &'static str {
        match (&self.header, &self.outcome) {
            (Some(header), _) => opcode_name(header.opcode as u8),
            (None, Outcome::Message { .. }) => "text",
            (None, Outcome::Close { .. }) => "close",
            _ => match self.head.first() {
                Some(first) => opcode_name(*first & 0x0F),
                None => "nothing",
            },
        }
    }

    /// Its payload as it lay there, as much of it as is kept.
    pub fn masked(&self) -> Vec<u8> {
        let mut masked = self.payload.clone();
        if let Some(key) = self.header.and_then(|header| header.mask) {
            mask::apply(&mut masked, key);
        }
        masked
    }

    /// Whether RSV1 says that its message is compressed (RFC 7692 §6).
    pub fn is_compressed(&self) -> bool {
        self.header.is_some_and(|header| header.reserved & Header::COMPRESSED != 0)
    }
}

/// What an opcode is called (RFC 6455 §11.8).
pub const fn opcode_name(opcode: u8) -> &'static str {
    match opcode {
        o if o == Opcode::Continuation as u8 => "continuation",
        o if o == Opcode::Text as u8 => "text",
        o if o == Opcode::Binary as u8 => "binary",
        o if o == Opcode::Close as u8 => "close",
        o if o == Opcode::Ping as u8 => "ping",
        o if o == Opcode::Pong as u8 => "pong",
        _ => "reserved, and means nothing",
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Beginning => f.write_str("its message began before"),
            Self::Deflate => f.write_str("unknown deflate context"),
            Self::Gap => f.write_str("bytes of its message are missing"),
            Self::TooBig { limit } => {
                write!(f, "its message is larger than {limit} bytes, which is all that is kept")
            }
            Self::Wrong => f.write_str("its message is broken"),
        }
    }
}
