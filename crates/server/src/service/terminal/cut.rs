//! Where a program's output may be cut: between characters and control sequences, never within.
//!
//! ```text
//! ground ─ ESC ─▶ escape ─┬─ [ ─────────▶ sequence ─ @ … ~ ─▶ ground
//!                         ├─ ] P X ^ _ ─▶ string ─ BEL, ESC \ ─▶ ground
//!                         └─ 0 … ~ ─────▶ ground
//! ground ─ first byte of a character ─▶ its rest ─▶ ground
//! ```
//!
//! Whoever begins to watch is shown the screen as it is after some piece of the output, and then the
//! next pieces. If a sequence began in one piece and ended in the next, its second half would be
//! shown as text.

use bytes::{Bytes, BytesMut};

/// Most of an unfinished sequence that is held back, in bytes; what is longer, such as an image,
/// passes in pieces.
const MAX_HELD: usize = 64 << 10;

const ESC: u8 = 0x1B;

/// Puts the output into pieces that end where it may be cut.
#[derive(Debug, Default)]
pub(super) struct Cut {
    at: At,
    /// What was begun and is not finished.
    held: BytesMut,
}

/// What the last byte was part of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum At {
    /// A character that needs so many bytes more.
    Character(u8),
    /// `ESC`, and what may stand between it and its last byte.
    Escape,
    /// Nothing that goes on.
    #[default]
    Ground,
    /// `ESC [`.
    Sequence,
    /// `ESC ]` and others whose text goes on until it is ended.
    String,
}

impl At {
    /// What the next byte is part of.
    pub(super) const fn then(self, byte: u8) -> Self {
        match (self, byte) {
            (_, ESC) => Self::Escape,
            // CAN and SUB end whatever was begun.
            (_, 0x18 | 0x1A) => Self::Ground,
            (Self::Character(more @ 2..), 0x80..=0xBF) => Self::Character(more - 1),
            (Self::Character(_), 0x80..=0xBF) => Self::Ground,
            (Self::Character(_) | Self::Ground, 0xC2..=0xDF) => Self::Character(1),
            (Self::Character(_) | Self::Ground, 0xE0..=0xEF) => Self::Character(2),
            (Self::Character(_) | Self::Ground, 0xF0..=0xF4) => Self::Character(3),
            (Self::Character(_) | Self::Ground, _) => Self::Ground,
            (Self::Escape, b'[') => Self::Sequence,
            (Self::Escape, b']' | b'P' | b'X' | b'^' | b'_') => Self::String,
            (Self::Escape, 0x30..=0x7E) => Self::Ground,
            (Self::Escape, _) => Self::Escape,
            (Self::Sequence, 0x40..=0x7E) => Self::Ground,
            (Self::Sequence, _) => Self::Sequence,
            (Self::String, 0x07) => Self::Ground,
            (Self::String, _) => Self::String,
        }
    }
}

impl Cut {
    /// The next bytes of the output; answers what may be shown now, which may be nothing.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Bytes {
        let (from, mut at) = self.begin(bytes);
        // Where something began that is not finished; `None` while it began before these bytes.
        let mut open = (at == At::Ground).then_some(0);
        for (index, &byte) in bytes.iter().enumerate().skip(from) {
            let next = at.then(byte);
            // An ESC begins anew whatever it comes after.
            if at == At::Ground || byte == ESC {
                open = Some(index);
            }
            at = next;
        }
        self.at = at;
        let end = match (at, open) {
            (At::Ground, _) => bytes.len(),
            (_, Some(open)) => open,
            (_, None) => 0,
        };
        let is_finished = at == At::Ground || open.is_some();
        self.held.extend_from_slice(&bytes[..end]);
        let shown = if is_finished { self.held.split().freeze() } else { Bytes::new() };
        self.held.extend_from_slice(&bytes[end..]);
        if self.held.len() > MAX_HELD {
            let mut all = BytesMut::from(shown);
            all.unsplit(self.held.split());
            return all.freeze();
        }
        shown
    }

    /// What is left when nothing more comes.
    pub(super) fn finish(&mut self) -> Bytes {
        self.at = At::Ground;
        self.held.split().freeze()
    }

    /// Where to begin to look, and with what: what lies before decides nothing.
    fn begin(&self, bytes: &[u8]) -> (usize, At) {
        match bytes.iter().rposition(|&byte| byte == ESC) {
            Some(escape) => (escape, At::Ground),
            // A character has four bytes at most.
            None if self.at == At::Ground => (bytes.len().saturating_sub(3), At::Ground),
            None => (0, self.at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces that come of these, and what is left at the end.
    fn pieces(parts: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<u8>) {
        let mut cut = Cut::default();
        let shown = parts.iter().map(|part| cut.take(part).to_vec()).collect();
        (shown, cut.finish().to_vec())
    }

    fn check(parts: &[&[u8]], shown: &[&[u8]], left: &[u8]) {
        let expected: Vec<_> = shown.iter().map(|piece| piece.to_vec()).collect();
        assert_eq!(pieces(parts), (expected, left.to_vec()), "{parts:?}");
    }

    #[test]
    fn text_passes_as_it_comes() {
        check(&[b"hello\r\n", b"", b"\x80\xFF\x07"], &[b"hello\r\n", b"", b"\x80\xFF\x07"], b"");
    }

    #[test]
    fn a_sequence_is_held_until_it_is_whole() {
        check(&[b"a\x1B", b"[3", b"1mred"], &[b"a", b"", b"\x1B[31mred"], b"");
        check(&[b"\x1B(", b"0q"], &[b"", b"\x1B(0q"], b"");
        check(&[b"x\x1B]0;ti", b"tle\x07y"], &[b"x", b"\x1B]0;title\x07y"], b"");
        check(&[b"\x1BP1;2", b"q##"], &[b"", b""], b"\x1BP1;2q##");
    }

    #[test]
    fn what_follows_a_whole_sequence_is_not_held() {
        check(&[b"\x1B[31mred\x1B[0m", b"x"], &[b"\x1B[31mred\x1B[0m", b"x"], b"");
        check(&[b"\x1B]8;;http://x\x1B\\link"], &[b"\x1B]8;;http://x\x1B\\link"], b"");
        check(&[b"\x1B[3\x18plain"], &[b"\x1B[3\x18plain"], b"");
    }

    #[test]
    fn a_character_is_not_cut() {
        let euro = "€".as_bytes();
        check(&[&euro[..1], &euro[1..2], &euro[2..]], &[b"", b"", euro], b"");
        let smile = "😀".as_bytes();
        check(&[b"a", &smile[..3], &smile[3..]], &[b"a", b"", smile], b"");
        check(&["é😀".as_bytes()], &["é😀".as_bytes()], b"");
        // What cannot become a character is not waited for.
        check(&[b"\xE2", b"x"], &[b"", b"\xE2x"], b"");
    }

    #[test]
    fn every_cut_of_the_bytes_shows_all_of_them_in_order() {
        let all = b"a\x1B[1;31mb\x1B]0;t\x07\xE2\x82\xAC\x1BPq\x1B\\\xF0\x9F\x98\x80\x1B[?25lz";
        for first in 0..=all.len() {
            for second in first..=all.len() {
                let (shown, left) = pieces(&[&all[..first], &all[first..second], &all[second..]]);
                assert_eq!(shown.concat(), all, "{first} {second}");
                assert!(left.is_empty(), "{first} {second}");
            }
        }
    }

    #[test]
    fn no_more_is_held_than_may_be() {
        let mut cut = Cut::default();
        let mut shown = cut.take(b"\x1BPq").len();
        for _ in 0..100 {
            shown += cut.take(&[b'#'; 4 << 10]).len();
            assert!(cut.held.len() <= MAX_HELD);
        }
        assert!(shown >= 3 + 100 * (4 << 10) - MAX_HELD);
    }
}
