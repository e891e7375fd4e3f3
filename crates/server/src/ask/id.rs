//! What names an emulated line, and what only its client knows.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq;

/// Names an emulated line: `3-8f14e45fceea167a`, the worker that has it and a number drawn at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LineId {
    worker: u32,
    number: u64,
}

/// What only the client of a line knows: 128 random bits, compared in constant time, and never shown but
/// to that client.
#[derive(Clone, Copy)]
pub(crate) struct LineSecret([u8; 16]);

/// A text that is no id, or no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotOne;

impl LineId {
    /// A new one, of a line on this worker.
    pub(crate) fn random(worker: u32) -> Self {
        let number = getrandom::u64().expect("the system has randomness: TLS could not do without");
        Self { worker, number }
    }

    /// The worker that has it.
    pub(crate) const fn worker(self) -> u32 {
        self.worker
    }
}

impl FromStr for LineId {
    type Err = NotOne;

    fn from_str(text: &str) -> Result<Self, NotOne> {
        let (worker, number) = text.split_once('-').ok_or(NotOne)?;
        let worker = worker.parse().map_err(|_| NotOne)?;
        let number = u64::from_str_radix(number, 16).map_err(|_| NotOne)?;
        let id = Self { worker, number };
        // One line has one name.
        if id.to_string() == text { Ok(id) } else { Err(NotOne) }
    }
}

impl fmt::Display for LineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:016x}", self.worker, self.number)
    }
}

impl LineSecret {
    pub(crate) fn random() -> Self {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the system has randomness: TLS could not do without");
        Self(bytes)
    }

    /// Whether this is it.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// As its client is told it: 22 letters, digits, `-` and `_`.
    pub(crate) fn reveal(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }
}

impl FromStr for LineSecret {
    type Err = NotOne;

    fn from_str(text: &str) -> Result<Self, NotOne> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| NotOne)?;
        bytes.try_into().map(Self).map_err(|_| NotOne)
    }
}

impl fmt::Debug for LineSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LineSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_was_written_and_in_no_other_way() {
        let id = LineId::random(13);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.worker(), 13);
        for text in
            ["", "1", "1-", "-1", "1-g", "1-1", "+1-0000000000000001", "01-0000000000000001"]
        {
            assert_eq!(text.parse::<LineId>(), Err(NotOne), "{text}");
        }
        let loud = format!("1-{:016X}", 0xabcd);
        assert_eq!(loud.parse::<LineId>(), Err(NotOne));
    }

    #[test]
    fn a_secret_is_compared_whole_and_shows_nothing() {
        let secret = LineSecret::random();
        let told = secret.reveal();
        assert_eq!(told.len(), 22);
        assert!(secret.is(&told.parse().unwrap()));
        assert!(!secret.is(&LineSecret::random()));
        assert_eq!(format!("{secret:?}"), "LineSecret");
        for text in ["", "short", &format!("{told}A"), &told[1..]] {
            assert!(text.parse::<LineSecret>().is_err(), "{text}");
        }
    }
}
