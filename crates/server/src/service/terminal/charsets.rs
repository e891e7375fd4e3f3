//! Which of a terminal's two character sets is in force, for a screen that knows only one.
//!
//! Programs draw lines with letters: after `ESC ( 0` an `x` is `│`. What they write is put into
//! Unicode before the screen sees it; viewers get it as it was written.

use std::borrow::Cow;

use super::cut::At;

/// What `_` to `~` are among the lines.
const LINES: [char; 32] = [
    '\u{A0}', '◆', '▒', '␉', '␌', '␍', '␊', '°', '±', '␤', '␋', '┘', '┐', '┌', '└', '┼', '⎺', '⎻',
    '─', '⎼', '⎽', '├', '┤', '┴', '┬', '│', '≤', '≥', 'π', '≠', '£', '·',
];

const FIRST_LINE: u8 = b'_';

const SHIFT_OUT: u8 = 0x0E;
const SHIFT_IN: u8 = 0x0F;

/// Whatever was set: letters.
pub(super) const RESET: &[u8] = b"\x1B(B\x1B)B\x0F";

/// G0 and G1, and which of them is in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Charsets {
    /// Whether each has lines in place of letters.
    has_lines: [bool; 2],
    is_shifted: bool,
}

impl Charsets {
    /// Output that is whole, with lines as Unicode has them.
    pub(super) fn translate<'o>(&mut self, output: &'o [u8]) -> Cow<'o, [u8]> {
        if self.has_lines == [false; 2] && !mentions_sets(output) {
            return Cow::Borrowed(output);
        }
        let mut translated = Vec::with_capacity(output.len());
        let (mut at, mut before) = (At::Ground, 0);
        for &byte in output {
            match (at, before, byte) {
                (At::Escape, b'(', set) => self.has_lines[0] = set == b'0',
                (At::Escape, b')', set) => self.has_lines[1] = set == b'0',
                // A reset of everything, and the soft one.
                (At::Escape, 0x1B, b'c') | (At::Sequence, b'!', b'p') => *self = Self::default(),
                (_, _, SHIFT_OUT) => self.is_shifted = true,
                (_, _, SHIFT_IN) => self.is_shifted = false,
                _ => {}
            }
            match self.line(byte).filter(|_| at == At::Ground) {
                Some(line) => {
                    translated.extend_from_slice(line.encode_utf8(&mut [0; 4]).as_bytes());
                }
                None => translated.push(byte),
            }
            (at, before) = (at.then(byte), byte);
        }
        Cow::Owned(translated)
    }

    /// What brings a terminal that was [`RESET`] to the same sets.
    pub(super) fn restore(self, paint: &mut Vec<u8>) {
        for (has_lines, sequence) in self.has_lines.into_iter().zip([b"\x1B(0", b"\x1B)0"]) {
            if has_lines {
                paint.extend_from_slice(sequence);
            }
        }
        if self.is_shifted {
            paint.push(SHIFT_OUT);
        }
    }

    fn line(self, byte: u8) -> Option<char> {
        let has_lines = self.has_lines[usize::from(self.is_shifted)];
        let index = byte.checked_sub(FIRST_LINE).filter(|_| has_lines)?;
        LINES.get(usize::from(index)).copied()
    }
}

/// Whether anything is said of character sets.
fn mentions_sets(output: &[u8]) -> bool {
    output.windows(2).any(|pair| matches!(pair, [0x1B, b'(' | b')']))
        || output.iter().any(|byte| matches!(*byte, SHIFT_OUT | SHIFT_IN))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(outputs: &[&str], expected: &str) {
        let mut sets = Charsets::default();
        let all = outputs.iter().map(|output| sets.translate(output.as_bytes()).into_owned());
        let all = all.collect::<Vec<_>>().concat();
        assert_eq!(String::from_utf8(all).unwrap(), expected, "{outputs:?}");
    }

    #[test]
    fn letters_are_lines_from_where_that_is_said() {
        check(&["lqk"], "lqk");
        check(&["\x1B(0lqk\x1B(Bx"], "\x1B(0┌─┐\x1B(Bx");
        check(&["\x1B(0", "x", "\x1B(B", "x"], "\x1B(0│\x1B(Bx");
        check(&["\x1B)0x\x0Ex\x0Fx"], "\x1B)0x\x0E│\x0Fx");
        check(&["\x1B(0~_` a|é"], "\x1B(0·\u{A0}◆ ▒≠é");
    }

    #[test]
    fn sequences_and_characters_are_let_be() {
        check(&["\x1B(0\x1B[31mq\x1B]0;title\x07q"], "\x1B(0\x1B[31m─\x1B]0;title\x07─");
        check(&["\x1B(0日本x"], "\x1B(0日本│");
        check(&["\x1B(0q\x1Bcq"], "\x1B(0─\x1Bcq");
        check(&["\x1B(0q\x1B[!pq"], "\x1B(0─\x1B[!pq");
    }

    #[test]
    fn what_is_in_force_can_be_restored() {
        for output in ["", "\x1B(0", "\x1B)0\x0E", "\x1B(0\x1B)0\x0E\x1B)B"] {
            let (mut sets, mut other) = (Charsets::default(), Charsets::default());
            sets.translate(output.as_bytes());
            other.translate(b"\x1B(0\x1B)0\x0E");
            let mut paint = RESET.to_vec();
            sets.restore(&mut paint);
            other.translate(&paint);
            assert_eq!(other, sets, "{output:?}");
        }
    }
}
