//! The last bytes that were read of a file, by which it is known again: its number alone is given
//! to another file once it is removed, and stays when it is written anew.

/// At most [`MAX_BYTES`] of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Before(Vec<u8>);

/// How many bytes are compared.
pub(super) const MAX_BYTES: usize = 64;

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

    /// Two hexadecimal digits for each, with spaces between them.
    pub(super) fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_written_as_od_does() {
        assert_eq!(Before::new(b"").hex(), "");
        assert_eq!(Before::new(b"a\n\xff").hex(), "61 0a ff");
    }

    #[test]
    fn only_the_last_are_kept() {
        let mut before = Before::new(&[b'x'; 1_000]);
        assert_eq!(before.bytes().len(), MAX_BYTES);
        before.pass(b"yz");
        assert_eq!(before.bytes()[MAX_BYTES - 3..], *b"xyz");
    }
}
