//! What a viewer types, put together into lines for the audit log: a note for each key would say
//! nothing to whoever reads it.

use bytes::{Bytes, BytesMut};

/// Longest piece that is noted, in bytes; what is longer is noted in pieces.
const MAX_BYTES: usize = 1 << 10;

/// What was typed and is not noted yet.
#[derive(Debug, Default)]
pub(super) struct Input(BytesMut);

impl Input {
    /// Takes what was typed; answers the pieces that are to be noted now.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<Bytes> {
        let mut pieces = Vec::new();
        for &byte in bytes {
            self.0.extend_from_slice(&[byte]);
            if is_end(byte) || self.0.len() >= MAX_BYTES {
                pieces.push(self.0.split().freeze());
            }
        }
        pieces
    }

    /// What is left when nothing more comes; `None` where nothing is.
    pub(super) fn finish(&mut self) -> Option<Bytes> {
        (!self.0.is_empty()).then(|| self.0.split().freeze())
    }
}

/// Whether a line ends with it: Enter, a newline that was pasted, Ctrl-C and Ctrl-D.
const fn is_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | 0x03 | 0x04)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_lines_and_nothing_is_lost() {
        let mut input = Input::default();
        for key in [b"l", b"s", b" "] {
            assert!(input.take(key).is_empty());
        }
        assert_eq!(input.take(b"-l\rwho\n\x03q"), ["ls -l\r", "who\n", "\x03"]);
        assert_eq!(input.finish().unwrap(), "q");
        assert_eq!(input.finish(), None);
    }

    #[test]
    fn no_piece_is_longer_than_it_may_be() {
        let mut input = Input::default();
        let pieces = input.take(&[b'x'; 5 * MAX_BYTES + 7]);
        assert!(pieces.len() == 5 && pieces.iter().all(|piece| piece.len() == MAX_BYTES));
        assert_eq!(input.finish().map(|rest| rest.len()), Some(7));
    }
}
