//! Where one message ends and the next begins, in bytes that are only looked at.

use tieline_proto::connection::Cut;
use tieline_proto::frame::{Header, MAX_HEADER_BYTES, Opcode};

/// Goes over the bytes of one direction, header by header.
#[derive(Debug)]
pub(super) struct Walk {
    /// The first bytes of a header that is not whole.
    head: [u8; MAX_HEADER_BYTES],
    head_len: usize,
    /// Payload bytes of the frame that are still to come.
    left: u64,
    /// Whether more frames of the message come behind this one.
    is_fragment: bool,
    /// Nothing can be told of the bytes that come: they break the protocol, or are of a hixie draft.
    is_blind: bool,
}

impl Walk {
    /// Begins in the middle of something, or between two messages.
    pub(super) fn from(cut: Cut<'_>) -> Self {
        let mut head = [0; MAX_HEADER_BYTES];
        head[..cut.head.len()].copy_from_slice(cut.head);
        let (head_len, left, is_fragment) = (cut.head.len(), cut.left, cut.is_fragment);
        Self { head, head_len, left, is_fragment, is_blind: false }
    }

    /// Takes every place for one where a message may begin.
    pub(super) fn blind() -> Self {
        Self { is_blind: true, ..Self::from(Cut::default()) }
    }

    /// Whether a message may begin here.
    pub(super) const fn is_between(&self) -> bool {
        self.is_blind || (self.head_len == 0 && self.left == 0 && !self.is_fragment)
    }

    /// Goes to the end of the next frame, or of the bytes; how many those are.
    pub(super) fn step(&mut self, bytes: &[u8]) -> usize {
        if self.is_blind {
            return bytes.len();
        }
        let mut at = 0;
        while self.left == 0 && at < bytes.len() {
            self.head[self.head_len] = bytes[at];
            self.head_len += 1;
            at += 1;
            match Header::decode(&self.head[..self.head_len]) {
                Ok(None) => continue,
                Ok(Some((header, _))) => {
                    self.left = header.len;
                    match header.opcode {
                        Opcode::Close | Opcode::Ping | Opcode::Pong => {}
                        _ => self.is_fragment = !header.fin,
                    }
                }
                Err(_) => {
                    self.is_blind = true;
                    return bytes.len();
                }
            }
            self.head_len = 0;
            if self.left == 0 {
                return at;
            }
        }
        let here = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len() - at);
        self.left -= here as u64;
        at + here
    }

    /// Goes over all of them.
    pub(super) fn go_over(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = self.step(rest);
            rest = &rest[taken..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places behind which a message may begin.
    fn places(wire: &[u8], cut: Cut<'_>, piece: usize) -> Vec<usize> {
        let (mut walk, mut at, mut places) = (Walk::from(cut), 0, Vec::new());
        for piece in wire.chunks(piece) {
            let mut rest = piece;
            while !rest.is_empty() {
                let taken = walk.step(rest);
                (at, rest) = (at + taken, &rest[taken..]);
                if walk.is_between() {
                    places.push(at);
                }
            }
        }
        places
    }

    #[test]
    fn a_message_begins_behind_the_last_frame_of_another_however_the_bytes_are_cut() {
        // A text, a message in two fragments with a ping between, an empty text, a long binary.
        let wire =
            [&b"\x81\x83keyyabc\x01\x01a\x89\x00\x80\x01b\x81\x00\x82\x7e\x00\x80"[..], &[0; 128]]
                .concat();
        for piece in 1..=wire.len() {
            let places = places(&wire, Cut::default(), piece);
            assert_eq!(places, [9, 17, 19, 151], "in pieces of {piece}");
        }
    }

    #[test]
    fn what_was_begun_before_is_gone_over_first() {
        let cut = Cut { left: 2, is_fragment: true, ..Cut::default() };
        assert_eq!(places(b"ab\x80\x01c\x81\x00", cut, 64), [5, 7]);
        let cut = Cut { head: b"\x82\x7e\x00", ..Cut::default() };
        assert_eq!(places(&[&[126][..], &[0; 126], b"\x81\x00"].concat(), cut, 64), [127, 129]);
    }

    #[test]
    fn behind_what_breaks_the_protocol_nothing_is_told() {
        assert_eq!(places(b"\x83\x00\x81\x00", Cut::default(), 1), [1, 2, 3, 4][1..]);
    }
}
