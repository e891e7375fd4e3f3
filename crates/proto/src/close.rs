//! Why a connection ended: the close codes, the close frame's payload, and the outcome.
//!
//! ```text
//! +-----------+------------------------+
//! | code (16) | reason (UTF-8, 0–123)  |   or nothing at all
//! +-----------+------------------------+
//! ```

use std::fmt;

use crate::error::{ProtocolError, UsageError};

/// Most bytes in the payload of a control frame (RFC 6455 §5.5).
pub const MAX_CONTROL_BYTES: usize = 125;

/// A status code of the closing handshake.
///
/// Spec: RFC 6455 §7.4 and the registry it founded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: the server goes down, or the page is left.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL: Self = Self(1002);
    /// 1003: a kind of data that this end does not take.
    pub const UNSUPPORTED: Self = Self(1003);
    /// 1004: reserved, never on the wire.
    pub const RESERVED: Self = Self(1004);
    /// 1005: the close frame had no code; never on the wire.
    pub const NO_STATUS: Self = Self(1005);
    /// 1006: the line was lost without a close frame; never on the wire.
    pub const ABNORMAL: Self = Self(1006);
    /// 1007: data that is not what its kind says, such as text that is not UTF-8.
    pub const INVALID_DATA: Self = Self(1007);
    /// 1008: the peer broke a rule of this end.
    pub const POLICY: Self = Self(1008);
    /// 1009: a message larger than this end takes.
    pub const TOO_BIG: Self = Self(1009);
    /// 1010: the client needs an extension that the server did not accept.
    pub const MISSING_EXTENSION: Self = Self(1010);
    /// 1011: this end met a condition it did not expect.
    pub const INTERNAL: Self = Self(1011);
    /// 1012: the server restarts; come back after a while.
    pub const RESTART: Self = Self(1012);
    /// 1013: the server is overloaded; come back later.
    pub const TRY_AGAIN: Self = Self(1013);
    /// 1014: a gateway got an invalid answer from its upstream.
    pub const BAD_GATEWAY: Self = Self(1014);
    /// 1015: the TLS handshake failed; never on the wire.
    pub const TLS: Self = Self(1015);

    /// The code with this number, whatever it is.
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The name in lower case, for 1000 to 1015 and the two ranges that have one.
    ///
    /// # Example
    ///
    /// ```
    /// use tieline_proto::CloseCode;
    ///
    /// assert_eq!(CloseCode::TOO_BIG.name(), Some("message too big"));
    /// assert_eq!(CloseCode::new(4000).name(), Some("private use"));
    /// assert_eq!(CloseCode::new(999).name(), None);
    /// ```
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            1000 => "normal closure",
            1001 => "going away",
            1002 => "protocol error",
            1003 => "unsupported data",
            1004 => "reserved",
            1005 => "no status received",
            1006 => "abnormal closure",
            1007 => "invalid payload data",
            1008 => "policy violation",
            1009 => "message too big",
            1010 => "mandatory extension",
            1011 => "internal error",
            1012 => "service restart",
            1013 => "try again later",
            1014 => "bad gateway",
            1015 => "TLS handshake",
            3000..=3999 => "registered use",
            4000..=4999 => "private use",
            _ => return None,
        })
    }

    /// Whether the code may stand in a close frame (§7.4.1, §7.4.2).
    pub const fn may_be_sent(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} ({name})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

/// How a connection ended, as the browser's `CloseEvent` has it.
///
/// Spec: RFC 6455 §7.1.4 to 7.1.7.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a connection ends in one of these three ways")]
pub enum Closed {
    /// Both close frames were exchanged; this is what the peer's said.
    Cleanly {
        /// The peer's code, or [`NO_STATUS`](CloseCode::NO_STATUS) where it sent none.
        code: CloseCode,
        /// The peer's reason, often empty.
        reason: String,
    },
    /// The peer broke the protocol and was told so.
    Failed(ProtocolError),
    /// The line ended without a closing handshake.
    Lost(Lost),
}

/// Why a line was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lost {
    /// The peer did not answer a close frame in time.
    CloseTimeout,
    /// The transport ended before a close frame came.
    Eof,
    /// The peer stayed silent after a ping.
    PongTimeout,
    /// The transport reported an error.
    Transport,
}

impl Closed {
    /// The code the browser would show: the peer's, or 1006 where the line did not close cleanly.
    pub const fn code(&self) -> CloseCode {
        match self {
            Self::Cleanly { code, .. } => *code,
            Self::Failed(_) | Self::Lost(_) => CloseCode::ABNORMAL,
        }
    }

    /// The peer's reason; empty where it gave none.
    pub fn reason(&self) -> &str {
        match self {
            Self::Cleanly { reason, .. } => reason,
            Self::Failed(_) | Self::Lost(_) => "",
        }
    }

    /// Whether both close frames were exchanged.
    pub const fn was_clean(&self) -> bool {
        matches!(self, Self::Cleanly { .. })
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cleanly { code, reason } if reason.is_empty() => {
                write!(f, "closed with {code}")
            }
            // The reason is the peer's text: escaped, so that it cannot steer a terminal.
            Self::Cleanly { code, reason } => {
                write!(f, "closed with {code}: {}", reason.escape_debug())
            }
            Self::Failed(error) => write!(f, "failed: {error}"),
            Self::Lost(lost) => write!(f, "lost: {lost}"),
        }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CloseTimeout => "the peer did not answer the close frame in time",
            Self::Eof => "the transport ended without a close frame",
            Self::PongTimeout => "the peer did not answer a ping in time",
            Self::Transport => "the transport failed",
        })
    }
}

/// Reads a close frame's payload: the code, [`NO_STATUS`](CloseCode::NO_STATUS) where it is empty,
/// and the reason.
///
/// # Errors
///
/// [`InvalidClosePayload`](ProtocolError::InvalidClosePayload) for one byte alone or a code that
/// must not be on the wire; [`InvalidUtf8`](ProtocolError::InvalidUtf8) for the reason.
///
/// Spec: RFC 6455 §5.5.1, §7.4.
pub fn decode(payload: &[u8]) -> Result<(CloseCode, &str), ProtocolError> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return match payload {
            [] => Ok((CloseCode::NO_STATUS, "")),
            _ => Err(ProtocolError::InvalidClosePayload),
        };
    };
    let code = CloseCode(u16::from_be_bytes(*code));
    if !code.may_be_sent() {
        return Err(ProtocolError::InvalidClosePayload);
    }
    let reason = std::str::from_utf8(reason).map_err(|_| ProtocolError::InvalidUtf8)?;
    Ok((code, reason))
}

/// Writes a close frame's payload; [`NO_STATUS`](CloseCode::NO_STATUS) writes an empty one.
///
/// # Errors
///
/// [`InvalidCloseCode`](UsageError::InvalidCloseCode) for a code that must not be on the wire, and
/// [`ControlTooLong`](UsageError::ControlTooLong) for a reason of more than 123 bytes.
pub fn encode(code: CloseCode, reason: &str) -> Result<Vec<u8>, UsageError> {
    if code == CloseCode::NO_STATUS && reason.is_empty() {
        return Ok(Vec::new());
    }
    if !code.may_be_sent() {
        return Err(UsageError::InvalidCloseCode(code.get()));
    }
    if reason.len() > MAX_CONTROL_BYTES - 2 {
        return Err(UsageError::ControlTooLong(reason.len()));
    }
    Ok([&code.get().to_be_bytes(), reason.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_registry_has_a_name() {
        assert!((1000..=1015).all(|code| CloseCode::new(code).name().is_some()));
    }

    #[test]
    fn codes_that_only_describe_are_never_on_the_wire() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX] {
            let payload = code.to_be_bytes();
            assert_eq!(decode(&payload), Err(ProtocolError::InvalidClosePayload), "{code}");
            let refused = UsageError::InvalidCloseCode(code);
            assert_eq!(encode(CloseCode::new(code), "x"), Err(refused), "{code}");
        }
        for code in [1000, 1003, 1007, 1011, 1014, 3000, 4999] {
            assert!(decode(&u16::to_be_bytes(code)).is_ok(), "{code}");
        }
    }

    #[test]
    fn an_empty_payload_is_no_status_and_one_byte_is_an_error() {
        assert_eq!(decode(&[]), Ok((CloseCode::NO_STATUS, "")));
        assert_eq!(decode(&[0x03]), Err(ProtocolError::InvalidClosePayload));
        assert_eq!(decode(&[0x03, 0xE8, 0xFF]), Err(ProtocolError::InvalidUtf8));
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let payload = encode(CloseCode::NORMAL, "adiós").unwrap();
        assert_eq!(decode(&payload), Ok((CloseCode::NORMAL, "adiós")));
        assert_eq!(encode(CloseCode::NO_STATUS, ""), Ok(vec![]));
        let long = "x".repeat(124);
        assert_eq!(encode(CloseCode::NORMAL, &long), Err(UsageError::ControlTooLong(124)));
    }

    #[test]
    fn a_reason_cannot_steer_a_terminal() {
        let closed = Closed::Cleanly { code: CloseCode::NORMAL, reason: "\x1b[2J".into() };
        assert_eq!(closed.to_string(), "closed with 1000 (normal closure): \\u{1b}[2J");
    }
}
