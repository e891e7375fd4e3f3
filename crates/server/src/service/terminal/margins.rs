//! The rows between which a program scrolls, on each of the two screens: a newcomer has to scroll
//! there as well.

use super::words::Size;

const ESC: u8 = 0x1B;

/// Whatever was set: all rows.
pub(super) const RESET: &[u8] = b"\x1B[r";

/// The first and the last row, counted from 1.
type Rows = (u16, u16);

/// What was set on the usual screen, and on the other one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Margins {
    set: [Option<Rows>; 2],
    is_alternate: bool,
}

impl Margins {
    /// Notes what output that is whole says of them, on a screen of this size.
    pub(super) fn note(&mut self, output: &[u8], size: Size) {
        let mut rest = output;
        while let Some(at) = rest.iter().position(|&byte| byte == ESC) {
            rest = &rest[at + 1..];
            match rest {
                [b'c', ..] => *self = Self::default(),
                [b'[', sequence @ ..] => {
                    let Some(end) = sequence.iter().position(|byte| matches!(byte, 0x40..=0x7E))
                    else {
                        return;
                    };
                    self.take(&sequence[..end], sequence[end], size);
                }
                _ => {}
            }
        }
    }

    /// The screen has another size: programs set them anew.
    pub(super) fn clear(&mut self) {
        self.set = [None; 2];
    }

    /// What sets them on a terminal that shows the same screen and was [`RESET`]; its cursor stays.
    pub(super) fn restore(self, paint: &mut Vec<u8>) {
        if let Some((first, last)) = self.set[usize::from(self.is_alternate)] {
            paint.extend_from_slice(format!("\x1B7\x1B[{first};{last}r\x1B8").as_bytes());
        }
    }

    fn take(&mut self, parameters: &[u8], end: u8, size: Size) {
        match (parameters, end) {
            (b"!", b'p') => self.set[usize::from(self.is_alternate)] = None,
            ([b'?', modes @ ..], b'h') if names_screens(modes) => {
                // The other screen begins anew.
                (self.is_alternate, self.set[1]) = (true, None);
            }
            ([b'?', modes @ ..], b'l') if names_screens(modes) => self.is_alternate = false,
            (rows, b'r') => {
                if let Some(rows) = parse(rows, size) {
                    self.set[usize::from(self.is_alternate)] = rows;
                }
            }
            _ => {}
        }
    }
}

/// Whether one of these modes is that of the other screen.
fn names_screens(modes: &[u8]) -> bool {
    modes.split(|&byte| byte == b';').any(|mode| matches!(mode, b"47" | b"1049"))
}

/// The rows that two numbers name, either of which may be left out; none where they are all rows.
/// `None` where they are no such numbers.
fn parse(parameters: &[u8], size: Size) -> Option<Option<Rows>> {
    let mut numbers = str::from_utf8(parameters).ok()?.split(';').map(|number| match number {
        "" => Some(0),
        number => number.parse::<u16>().ok(),
    });
    let first = numbers.next()??.max(1);
    let last = match numbers.next().unwrap_or(Some(0))? {
        0 => size.rows,
        last => last.min(size.rows),
    };
    Some((first < last && (first, last) != (1, size.rows)).then_some((first, last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { columns: 80, rows: 24 };

    fn check(output: &str, expected: &str) {
        let mut margins = Margins::default();
        margins.note(output.as_bytes(), SIZE);
        let mut paint = Vec::new();
        margins.restore(&mut paint);
        assert_eq!(String::from_utf8(paint).unwrap(), expected, "{output:?}");
    }

    #[test]
    fn rows_that_were_set_are_set_again() {
        check("text \x1B[1;31mred", "");
        check("\x1B[1;23rtext", "\x1B7\x1B[1;23r\x1B8");
        check("\x1B[5rtext", "\x1B7\x1B[5;24r\x1B8");
        check("\x1B[;7r", "\x1B7\x1B[1;7r\x1B8");
        check("\x1B[2;99r", "\x1B7\x1B[2;24r\x1B8");
        check("\x1B[2;5r\x1B[r", "");
        check("\x1B[2;5r\x1B[1;24r", "");
        check("\x1B[2;5r\x1Bc", "");
        check("\x1B[2;5r\x1B[!p", "");
        // Those are other sequences.
        check("\x1B[?2;5r\x1B[2;5R\x1B]2;5r\x07[2;5r", "");
    }

    #[test]
    fn each_screen_has_its_own() {
        check("\x1B[2;5r\x1B[?1049h", "");
        check("\x1B[2;5r\x1B[?25;1049h\x1B[3;9r", "\x1B7\x1B[3;9r\x1B8");
        check("\x1B[2;5r\x1B[?1049h\x1B[3;9r\x1B[?1049l", "\x1B7\x1B[2;5r\x1B8");
        check("\x1B[?1049h\x1B[3;9r\x1B[?1049l\x1B[?1049h", "");
    }
}
