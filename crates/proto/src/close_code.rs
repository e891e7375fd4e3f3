//! The codes that a close frame may carry, and those that only say how a connection ended.

use std::fmt;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_registry_has_a_name() {
        assert!((1000..=1015).all(|code| CloseCode::new(code).name().is_some()));
    }
}
