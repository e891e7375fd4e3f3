//! Where something stands in the log of a channel.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;

/// A life of a channel's log: another one means that entries may have been lost, and that offsets of
/// the one before say nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(u64);

/// A place in the log of a channel: of the publication with this offset, or before the first where it
/// is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a pair that is written out")]
pub struct Position {
    /// Which life of the log.
    pub epoch: Epoch,
    /// Counted from 1, without holes.
    pub offset: u64,
}

/// What is written is no epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an epoch is 11 letters")]
#[non_exhaustive]
pub struct EpochError;

impl Epoch {
    /// One that no log has had.
    pub fn random() -> Self {
        let number = getrandom::u64().expect("the system has randomness");
        Self(number)
    }

    /// As it is stored.
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// What was stored.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        BASE64URL_NOPAD.encode_display(&self.to_bytes()).fmt(f)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Epoch {
    type Err = EpochError;

    fn from_str(text: &str) -> Result<Self, EpochError> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| EpochError)?;
        Ok(Self::from_bytes(bytes.try_into().map_err(|_| EpochError)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_read_as_it_is_written() {
        let epoch = Epoch::random();
        assert_eq!(epoch.to_string().parse(), Ok(epoch));
        assert_eq!(Epoch::from_bytes([0; 8]).to_string(), "AAAAAAAAAAA");
        for wrong in ["", "AAAA", "AAAAAAAAAA!", "AAAAAAAAAAAAAAAA"] {
            assert_eq!(wrong.parse::<Epoch>(), Err(EpochError));
        }
    }
}
