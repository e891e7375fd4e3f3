//! The screen of a session as it is, so that it can be painted to whoever has not seen it become so.
//!
//! What a paint restores: both text and colours, what scrolled off the top, the cursor, the title,
//! the modes of keyboard, mouse and paste. Of a program on the alternate screen only that is painted:
//! who was painted it is painted again when it is left.

use std::num::NonZeroU16;

use bytes::Bytes;
use vt100::{Callbacks, Parser};

use super::charsets::{self, Charsets};
use super::cut::Cut;
use super::margins::{self, Margins};
use super::words::Size;

/// Longest title that is kept, in bytes.
const MAX_TITLE: usize = 1 << 10;

/// Most that is painted of what scrolled off the top, in bytes.
const MAX_SCROLLED: usize = 256 << 10;

/// What stands behind each line that scrolled off.
const LINE_END: &[u8] = b"\x1B[m\r\n";

/// Whatever a terminal was in before: a soft reset, the cursor as it usually looks, what is drawn
/// shown at once, and mouse and paste off.
const RESET: &[u8] = b"\x1B[!p\x1B[0 q\x1B[?2026l\x1B[?9l\x1B[?1000l\x1B[?1002l\x1B[?1003l\x1B[?1005l\x1B[?1006l\x1B[?2004l";

/// A terminal of the mind.
pub(super) struct Screen {
    parser: Parser<Title>,
    cut: Cut,
    charsets: Charsets,
    margins: Margins,
    size: Size,
}

/// The title that the program gave to its window.
#[derive(Debug, Default)]
struct Title(Vec<u8>);

impl Title {
    fn set<'t>(&mut self, title: impl Iterator<Item = &'t u8>) {
        self.0.clear();
        // What would end the sequence is no part of a title.
        self.0.extend(title.filter(|byte| !byte.is_ascii_control()).take(MAX_TITLE));
    }
}

impl Callbacks for Title {
    fn set_window_title(&mut self, _: &mut vt100::Screen, title: &[u8]) {
        self.set(title.iter());
    }

    /// A title with semicolons in it comes as several.
    fn unhandled_osc(&mut self, _: &mut vt100::Screen, parameters: &[&[u8]]) {
        if let [b"0" | b"2", first, rest @ ..] = parameters {
            let rest = rest.iter().flat_map(|part| b";".iter().chain(*part));
            self.set(first.iter().chain(rest));
        }
    }
}

impl Screen {
    pub(super) fn new(size: Size, scrollback_lines: usize) -> Self {
        let (rows, columns) = in_cells(size);
        let parser = Parser::new_with_callbacks(rows, columns, scrollback_lines, Title::default());
        let (cut, charsets, margins) = Default::default();
        Self { parser, cut, charsets, margins, size }
    }

    /// What the program has written; answers what of its output is whole by now.
    pub(super) fn feed(&mut self, output: &[u8]) -> Bytes {
        let whole = self.cut.take(output);
        self.draw(&whole);
        whole
    }

    /// What is left when nothing more comes.
    pub(super) fn finish(&mut self) -> Bytes {
        let rest = self.cut.finish();
        self.draw(&rest);
        rest
    }

    fn draw(&mut self, whole: &[u8]) {
        self.margins.note(whole, self.size);
        self.parser.process(&self.charsets.translate(whole));
    }

    pub(super) fn resize(&mut self, size: Size) {
        let (rows, columns) = in_cells(size);
        self.parser.set_size(rows, columns);
        self.margins.clear();
        self.size = size;
    }

    /// Whether the program shows the other screen, that of editors and pagers.
    pub(super) fn is_alternate(&self) -> bool {
        self.parser.screen().alternate_screen()
    }

    /// What makes any terminal of its size show the same; for one that is empty also what scrolled
    /// off the top.
    pub(super) fn paint(&mut self, is_empty: bool) -> Vec<u8> {
        let mut paint = Vec::new();
        match self.is_alternate() {
            true => paint.extend_from_slice(b"\x1B[?1049h"),
            false => paint.extend_from_slice(b"\x1B[?1049l"),
        }
        paint.extend_from_slice(RESET);
        paint.extend_from_slice(margins::RESET);
        paint.extend_from_slice(charsets::RESET);
        if is_empty && !self.is_alternate() {
            self.paint_scrolled(&mut paint);
        }
        paint.extend_from_slice(self.parser.screen().state_formatted().as_bytes());
        if !self.parser.callbacks().0.is_empty() {
            paint.extend_from_slice(b"\x1B]2;");
            paint.extend_from_slice(&self.parser.callbacks().0);
            paint.push(0x07);
        }
        self.margins.restore(&mut paint);
        self.charsets.restore(&mut paint);
        paint
    }

    /// The lines above the screen, the newest of them where they are too many, and then as many
    /// empty ones as move them off.
    fn paint_scrolled(&mut self, paint: &mut Vec<u8>) {
        let (rows, columns) = self.parser.screen().size();
        let screen = self.parser.screen_mut();
        screen.set_scrollback(usize::MAX);
        let all = screen.scrollback();
        let (mut lines, mut bytes) = (Vec::new(), 0);
        for back in 1..=all {
            screen.set_scrollback(back);
            let Some(line) = screen.rows_formatted(0, columns.get()).next() else { break };
            bytes += line.len() + LINE_END.len();
            if bytes > MAX_SCROLLED {
                break;
            }
            lines.push(line);
        }
        screen.set_scrollback(0);
        if lines.is_empty() {
            return;
        }
        paint.extend_from_slice(b"\x1B[H");
        for line in lines.iter().rev() {
            paint.extend_from_slice(line.as_bytes());
            paint.extend_from_slice(LINE_END);
        }
        (1..rows.get()).for_each(|_| paint.extend_from_slice(b"\r\n"));
    }
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen").field("cut", &self.cut).finish_non_exhaustive()
    }
}

fn in_cells(size: Size) -> (NonZeroU16, NonZeroU16) {
    let cells = |number| NonZeroU16::new(number).unwrap_or(NonZeroU16::MIN);
    (cells(size.rows), cells(size.columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { columns: 20, rows: 4 };

    fn screen(output: &[u8]) -> Screen {
        let mut screen = Screen::new(SIZE, 100);
        screen.feed(output);
        screen
    }

    /// A terminal that was painted the screen, whatever it had shown before.
    fn painted(screen: &mut Screen, before: &[u8]) -> Screen {
        let mut other = Screen::new(SIZE, 100);
        other.feed(before);
        other.feed(&screen.paint(before.is_empty()));
        other
    }

    /// Everything that can be seen of it.
    fn seen(screen: &Screen) -> (String, (u16, u16), bool) {
        let screen = screen.parser.screen();
        (screen.state_formatted(), screen.cursor_position(), screen.alternate_screen())
    }

    #[test]
    fn a_paint_makes_any_terminal_show_the_same() {
        for output in [
            &b""[..],
            b"hello\r\nthere",
            b"\x1B[1;31mred\x1B[0m and \x1B[48;5;17mblue\x1B[38;2;1;2;3mexact",
            b"1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n\x1B[2;3H",
            b"\x1B[?1049h\x1B[Hfull\x1B[?25l\x1B[?1h\x1B[?1002h\x1B[?1006h\x1B[?2004h",
            b"exactly twenty cells!!!!",
            "é€😀 wide 漢字".as_bytes(),
            b"\x1B(0lqqk\x1B(B and x\x1B[5 q",
            b"\x1B(0lqq",
        ] {
            let mut screen = screen(output);
            for before in [
                &b""[..],
                b"x\x1B[31m\x1B[?1003h\x1B[?25l\x1B[3 q",
                b"\x1B[?1049hother\x1B[4h\x1B)0\x0E",
            ] {
                let other = painted(&mut screen, before);
                assert_eq!(seen(&other), seen(&screen), "{output:?} after {before:?}");
                // What comes next means the same to both.
                let mut both = [&mut screen, &mut { other }];
                both.iter_mut().for_each(|screen| drop(screen.feed(b"x")));
                assert_eq!(seen(both[0]), seen(both[1]), "{output:?} after {before:?}");
            }
        }
    }

    #[test]
    fn what_scrolled_off_the_top_is_painted_for_a_newcomer() {
        let mut screen = screen(b"1\r\n\x1B[32m2\x1B[m\r\n3\r\n4\r\n5\r\n6");
        let mut other = painted(&mut screen, b"");
        for screen in [&mut screen, &mut other] {
            let screen = screen.parser.screen_mut();
            screen.set_scrollback(usize::MAX);
            let top: Vec<_> = screen.rows(0, 20).take(2).collect();
            assert_eq!(top, ["1", "2"]);
            screen.set_scrollback(0);
        }
        assert!(!screen.paint(false).windows(3).any(|it| it == b"2\x1B["), "only once");
    }

    #[test]
    fn no_more_is_painted_of_what_scrolled_off_than_may_be() {
        let mut screen = Screen::new(Size { columns: 1_000, rows: 2 }, 10_000);
        let line = [b'x'; 1_000];
        for _ in 0..1_000 {
            screen.feed(&line);
        }
        assert!(screen.paint(true).len() < MAX_SCROLLED + (8 << 10));
        let mut empty = Screen::new(SIZE, 100_000);
        empty.feed(&b"\n".repeat(100_000));
        assert!(empty.paint(true).len() < MAX_SCROLLED + (8 << 10));
    }

    #[test]
    fn a_title_is_kept_without_what_could_end_it() {
        let mut screen = screen(b"\x1B]2;a title\x07");
        assert!(screen.paint(true).ends_with(b"\x1B]2;a title\x07"));
        screen.feed(b"\x1B]0;one;two;\x07");
        assert!(screen.paint(true).ends_with(b"\x1B]2;one;two;\x07"));
        let long = [b"\x1B]0;".as_slice(), &[b't'; 5_000], b"\x07"].concat();
        screen.feed(&long);
        assert!(screen.paint(true).len() < MAX_TITLE + 500);
    }

    #[test]
    fn who_was_painted_scrolls_as_the_screen_does() {
        for output in ["1\r\n2\r\n3\r\nlast\x1B[1;3r\x1B[3H", "\x1B[?1049hfirst\x1B[2;4r\x1B[4Hx"] {
            let mut screen = screen(output.as_bytes());
            for before in [&b""[..], b"\x1B[2;3r", b"\x1B[?1049h\x1B[1;2r"] {
                let mut other = painted(&mut screen, before);
                for more in ["\r\n", "more\r\n", "\x1B[2S"] {
                    screen.feed(more.as_bytes());
                    other.feed(more.as_bytes());
                    assert_eq!(seen(&other), seen(&screen), "{output:?} after {before:?}");
                }
            }
        }
    }

    #[test]
    fn the_picture_does_not_depend_on_where_the_output_was_cut() {
        let output = "\x1B[31mé\x1B]2;t\x07\x1B[5;1Hx\x1B[0m漢\x1B(0qx\x1B(Bq".as_bytes();
        let whole = seen(&screen(output));
        for cut in 0..output.len() {
            let mut parts = screen(&output[..cut]);
            // Whoever joins here is painted what is whole, and hears the rest.
            let mut other = painted(&mut parts, b"");
            let rest = parts.feed(&output[cut..]);
            other.feed(&rest);
            assert_eq!(seen(&parts), whole, "{cut}");
            assert_eq!(seen(&other), whole, "{cut}");
        }
    }

    #[test]
    fn it_can_have_any_size() {
        let mut screen = screen(b"hello there\r\nmore\r\n");
        for (columns, rows) in [(1, 1), (1_000, 1), (1, 1_000), (1_000, 1_000), (80, 24)] {
            screen.resize(Size { columns, rows });
            screen.feed("漢字 and more\r\n\x1B[999;999Hx\x1B[2J".as_bytes());
            screen.paint(true);
        }
    }
}
