//! Why a connection ended: the close frame's payload, and the outcome.
//!
//! ```text
//! +-----------+------------------------+
//! | code (16) | reason (UTF-8, 0–123)  |   or nothing at all
//! +-----------+------------------------+
//! ```

use std::fmt;

use crate::close_code::CloseCode;
use crate::error::{ProtocolError, UsageError};

/// Most bytes in the payload of a control frame (RFC 6455 §5.5).
pub const MAX_CONTROL_BYTES: usize = 125;

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
    let code = CloseCode::new(u16::from_be_bytes(*code));
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
