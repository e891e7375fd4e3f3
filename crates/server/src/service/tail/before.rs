//! The last bytes that were read of a file, by which it is known again: its number alone is given
//! to another file once it is removed, and stays when it is written anew.

/// At most [`MAX_BYTES`] of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Before(Vec<u8>);

/// How many bytes are compared.
pub(super) const MAX_BYTES: usize = 64;

/// The polynomial of `cksum`, highest bit first.
const POLYNOMIAL: u32 = 0x04C1_1DB7;

impl Before {
    /// The last of these.
    pub(super) fn new(bytes: &[u8]) -> Self {
        let mut before = Self::default();
        before.pass(bytes);
        before
    }

    /// These bytes were read as well.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(&bytes[bytes.len().saturating_sub(MAX_BYTES)..]);
        let too_many = self.0.len().saturating_sub(MAX_BYTES);
        self.0.drain(..too_many);
    }

    pub(super) const fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// What `cksum` says of them: the checksum and how many there are.
    ///
    /// Spec: POSIX.1-2024, cksum.
    pub(super) fn cksum(&self) -> String {
        let octets = self.0.len().to_le_bytes();
        let len = octets.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
        let all = self.0.iter().chain(&octets[..len]);
        let sum = all.fold(0, |sum: u32, octet| {
            (0..8).fold(sum ^ u32::from(*octet) << 24, |sum, _| {
                if sum & 1 << 31 == 0 { sum << 1 } else { sum << 1 ^ POLYNOMIAL }
            })
        });
        format!("{} {}", !sum, self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_the_one_that_the_program_prints() {
        assert_eq!(Before::new(b"").cksum(), "4294967295 0");
        assert_eq!(Before::new(b"123456789").cksum(), "930766865 9");
    }

    #[test]
    fn only_the_last_are_kept() {
        let mut before = Before::new(&[b'x'; 1_000]);
        assert_eq!(before.bytes().len(), MAX_BYTES);
        before.pass(b"yz");
        assert_eq!(before.bytes()[MAX_BYTES - 3..], *b"xyz");
    }
}
