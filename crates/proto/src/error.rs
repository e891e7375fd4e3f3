//! What a peer can do wrong once the connection is open, and what our own caller can.

use std::fmt;

use crate::close_code::CloseCode;

/// The peer broke the protocol; the connection has failed.
///
/// Every variant names one rule of the specification and knows the close code that answers it, so
/// no caller ever chooses a code by hand.
///
/// Spec: RFC 6455 §7.1.7, §7.4.1; RFC 7692 §7.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// A control frame was fragmented, or longer than 125 bytes (§5.5).
    InvalidControlFrame,
    /// A close payload of one byte, or a code that must not be on the wire (§5.5.1, §7.4).
    InvalidClosePayload,
    /// A compressed message could not be inflated (RFC 7692 §7.2.2).
    InvalidDeflate,
    /// A length was not written in the fewest bytes, or set its top bit (§5.2).
    InvalidLength,
    /// A text message or a close reason was not UTF-8 (§8.1).
    InvalidUtf8,
    /// A client's frame was not masked, or a server's was (§5.1).
    InvalidMask,
    /// A message exceeded the limit, after inflation.
    MessageTooBig {
        /// What the peer announced or sent so far, in bytes.
        bytes: u64,
        /// What this end accepts, in bytes.
        limit: usize,
    },
    /// A new data frame arrived inside a fragmented message (§5.4).
    MessageUnfinished,
    /// A reserved bit was set that no extension gave a meaning (§5.2).
    ReservedBit,
    /// A message came in more fragments than the limit, empty ones counted.
    TooManyFragments {
        /// What this end accepts.
        limit: usize,
    },
    /// A continuation arrived with no message in progress (§5.4).
    UnexpectedContinuation,
    /// A reserved opcode (§5.2).
    UnknownOpcode(u8),
}

impl ProtocolError {
    /// The code that fails the connection for this reason (§7.4.1).
    pub const fn close_code(&self) -> CloseCode {
        match self {
            Self::InvalidUtf8 | Self::InvalidDeflate => CloseCode::INVALID_DATA,
            Self::MessageTooBig { .. } | Self::TooManyFragments { .. } => CloseCode::TOO_BIG,
            Self::InvalidControlFrame
            | Self::InvalidClosePayload
            | Self::InvalidLength
            | Self::InvalidMask
            | Self::MessageUnfinished
            | Self::ReservedBit
            | Self::UnexpectedContinuation
            | Self::UnknownOpcode(_) => CloseCode::PROTOCOL,
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidControlFrame => f.write_str("control frame is fragmented or too long"),
            Self::InvalidClosePayload => f.write_str("close frame has an invalid code"),
            Self::InvalidDeflate => f.write_str("compressed message cannot be inflated"),
            Self::InvalidLength => f.write_str("frame length is not in its shortest form"),
            Self::InvalidUtf8 => f.write_str("text is not valid UTF-8"),
            Self::InvalidMask => f.write_str("frame is masked by a server or unmasked by a client"),
            Self::MessageTooBig { bytes, limit } => {
                write!(f, "message of {bytes} bytes exceeds the limit of {limit}")
            }
            Self::MessageUnfinished => f.write_str("new message inside an unfinished one"),
            Self::ReservedBit => f.write_str("reserved bit is set without an extension"),
            Self::TooManyFragments { limit } => {
                write!(f, "message has more than {limit} fragments")
            }
            Self::UnexpectedContinuation => f.write_str("continuation without a message"),
            Self::UnknownOpcode(opcode) => write!(f, "reserved opcode {opcode:#x}"),
        }
    }
}

impl std::error::Error for ProtocolError {}

/// Our own caller asked for what the state of the connection does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UsageError {
    /// Something was sent after the close frame, ours or the peer's (RFC 6455 §5.5.1).
    Closed,
    /// A close code that must not be on the wire: 1004, 1005, 1006, 1015 or out of range (§7.4).
    InvalidCloseCode(u16),
    /// A control payload longer than 125 bytes, or a close reason longer than 123 (§5.5).
    ControlTooLong(usize),
    /// The dialect has no such frame: hixie knows neither binary messages nor pings.
    NotInDialect,
    /// A text message that is not UTF-8 (§8.1).
    InvalidUtf8,
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the connection is closing or closed"),
            Self::InvalidCloseCode(code) => write!(f, "close code {code} must not be sent"),
            Self::ControlTooLong(bytes) => {
                write!(f, "control payload of {bytes} bytes is longer than allowed")
            }
            Self::NotInDialect => f.write_str("the peer's draft of the protocol has no such frame"),
            Self::InvalidUtf8 => f.write_str("text is not valid UTF-8"),
        }
    }
}

impl std::error::Error for UsageError {}
