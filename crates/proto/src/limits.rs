//! What one end is willing to bear.

use std::time::Duration;

use crate::error::ProtocolError;

/// The bounds of one connection, from its handshake to its end.
///
/// Set the fields you mean and take the rest from `default()`.
///
/// # Example
///
/// ```
/// use tieline_proto::Limits;
///
/// let limits = Limits { max_message_bytes: 64 << 10, ..Limits::default() };
/// assert_eq!(limits.max_fragments, 4_096);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "options are plain structs: callers write `..default()`"
)]
pub struct Limits {
    /// Largest message accepted, after inflation, in bytes. Default 1 MiB.
    pub max_message_bytes: usize,
    /// Most fragments of one message, empty ones counted. Default 4,096.
    pub max_fragments: usize,
    /// Longest request or response head, in bytes. Default 16 KiB.
    pub max_head_bytes: usize,
    /// Most header lines in one head. Default 100.
    pub max_headers: usize,
    /// Longest time from the first byte of the transport to the end of the handshake. Default 10 s.
    pub handshake_within: Duration,
    /// Silence from the peer after which it is pinged; `None` never pings. Default 25 s.
    pub ping_after: Option<Duration>,
    /// How long the peer may then stay silent before it counts as lost. Default 10 s.
    pub pong_within: Duration,
    /// How long the peer may take to answer a close frame, and then to end the transport. Default 5 s.
    pub close_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message_bytes: 1 << 20,
            max_fragments: 4_096,
            max_head_bytes: 16 << 10,
            max_headers: 100,
            handshake_within: Duration::from_secs(10),
            ping_after: Some(Duration::from_secs(25)),
            pong_within: Duration::from_secs(10),
            close_within: Duration::from_secs(5),
        }
    }
}

impl Limits {
    /// Turns a length announced on the wire, on top of `held` bytes of the same message, into one
    /// that is safe to reserve.
    pub(crate) fn admit(&self, held: usize, announced: u64) -> Result<usize, ProtocolError> {
        let total = announced.saturating_add(held as u64);
        match usize::try_from(announced) {
            Ok(len) if total <= self.max_message_bytes as u64 => Ok(len),
            _ => Err(ProtocolError::MessageTooBig { bytes: total, limit: self.max_message_bytes }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admits_up_to_the_limit_and_nothing_above_it() {
        let limits = Limits { max_message_bytes: 10, ..Limits::default() };
        assert_eq!(limits.admit(0, 10), Ok(10));
        assert_eq!(limits.admit(4, 6), Ok(6));
        let refused = ProtocolError::MessageTooBig { bytes: 11, limit: 10 };
        assert_eq!(limits.admit(4, 7), Err(refused));
        assert!(limits.admit(1, u64::MAX).is_err());
    }
}
