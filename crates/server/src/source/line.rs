//! Bytes into lines: whole ones only, and none longer than it may be.

use bytestring::ByteString;
use memchr::memchr;

/// One line, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// What it says; U+FFFD stands for what is not UTF-8.
    pub(crate) text: ByteString,
    /// Whether something in it was not UTF-8.
    pub(crate) is_lossy: bool,
}

/// Stands behind a line of which the rest was left out.
const CUT: &str = " [cut]";

/// Puts lines together out of bytes that come cut anywhere.
#[derive(Debug)]
pub(crate) struct Splitter {
    /// The line that has no end yet.
    rest: Vec<u8>,
    max_bytes: usize,
    /// Whether more of it came than it may have.
    is_cut: bool,
    /// Whether nothing is taken before the next line begins.
    is_skipping: bool,
}

impl Splitter {
    /// Lines longer than `max_bytes` are cut there.
    pub(crate) const fn new(max_bytes: usize) -> Self {
        Self { rest: Vec::new(), max_bytes, is_cut: false, is_skipping: false }
    }

    /// Leaves out what comes up to the next end of a line: reading began somewhere within one.
    pub(crate) const fn skip_to_next(&mut self) {
        self.is_skipping = true;
    }

    /// Takes what was read, and adds the lines that it ends.
    pub(crate) fn take(&mut self, bytes: &[u8], lines: &mut Vec<Line>) {
        let mut left = bytes;
        while let Some(end) = memchr(b'\n', left) {
            self.add(&left[..end]);
            if !std::mem::take(&mut self.is_skipping) {
                lines.push(self.end());
            }
            left = &left[end + 1..];
        }
        self.add(left);
    }

    /// Nothing more comes: what has no end is a line all the same.
    pub(crate) fn finish(&mut self) -> Option<Line> {
        self.is_skipping = false;
        (!self.rest.is_empty()).then(|| self.end())
    }

    /// The rest of the line is lost: what came of it is one that was cut.
    pub(crate) fn cut(&mut self) -> Option<Line> {
        self.is_cut = true;
        let line = self.finish();
        self.is_cut = false;
        line
    }

    fn add(&mut self, bytes: &[u8]) {
        if self.is_skipping {
            return;
        }
        let room = self.max_bytes - self.rest.len();
        self.is_cut |= bytes.len() > room;
        self.rest.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end(&mut self) -> Line {
        let line = Line::decode(&self.rest, std::mem::take(&mut self.is_cut));
        self.rest.clear();
        // One long line does not keep its memory.
        self.rest.shrink_to(KEPT_BYTES);
        line
    }
}

/// What a splitter keeps for the next line.
const KEPT_BYTES: usize = 4 << 10;

impl Line {
    fn decode(bytes: &[u8], is_cut: bool) -> Self {
        if !is_cut {
            let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
            return match std::str::from_utf8(bytes) {
                Ok(text) => Self { text: text.into(), is_lossy: false },
                Err(_) => {
                    Self { text: String::from_utf8_lossy(bytes).as_ref().into(), is_lossy: true }
                }
            };
        }
        // A character that the cut went through is not damage.
        let whole = match std::str::from_utf8(bytes) {
            Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
            _ => bytes,
        };
        let text = String::from_utf8_lossy(whole);
        let is_lossy = matches!(text, std::borrow::Cow::Owned(_));
        Self { text: (text.into_owned() + CUT).into(), is_lossy }
    }

    /// What it costs to keep.
    pub(crate) fn cost(&self) -> usize {
        size_of::<Self>() + self.text.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(max_bytes: usize, reads: &[&[u8]]) -> Vec<(String, bool)> {
        let (mut splitter, mut lines) = (Splitter::new(max_bytes), Vec::new());
        for read in reads {
            splitter.take(read, &mut lines);
        }
        lines.extend(splitter.finish());
        lines.into_iter().map(|line| (line.text.to_string(), line.is_lossy)).collect()
    }

    fn texts(max_bytes: usize, reads: &[&[u8]]) -> Vec<String> {
        split(max_bytes, reads).into_iter().map(|(text, _)| text).collect()
    }

    #[test]
    fn how_the_bytes_are_cut_changes_nothing() {
        let text = "one\r\n\nzwölf\n\u{1b}[31mred\nthe rest".as_bytes();
        let whole = texts(100, &[text]);
        assert_eq!(whole, ["one", "", "zwölf", "\u{1b}[31mred", "the rest"]);
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let reads = [&text[..first], &text[first..second], &text[second..]];
                assert_eq!(texts(100, &reads), whole, "{first} {second}");
            }
        }
    }

    #[test]
    fn only_whole_lines_come_out_before_the_end() {
        let (mut splitter, mut lines) = (Splitter::new(100), Vec::new());
        splitter.take(b"half a", &mut lines);
        assert!(lines.is_empty());
        splitter.take(b" line\nnext", &mut lines);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].text, "half a line");
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_with_a_mark_and_the_next_is_whole() {
        assert_eq!(texts(4, &[b"1234\n12345\n12\n"]), ["1234", "1234 [cut]", "12"]);
        assert_eq!(texts(4, &[b"123", b"45", b"6789", b"\n12"]), ["1234 [cut]", "12"]);
        assert_eq!(texts(4, &[&[b'x'; 1 << 20]]), ["xxxx [cut]"]);
    }

    #[test]
    fn a_line_whose_rest_is_lost_is_one_that_was_cut_and_the_next_is_whole() {
        let (mut splitter, mut lines) = (Splitter::new(100), Vec::new());
        assert_eq!(splitter.cut(), None);
        splitter.take(b"one\nha", &mut lines);
        assert_eq!(splitter.cut().unwrap().text, "ha [cut]");
        splitter.take(b"two\n", &mut lines);
        assert_eq!(lines[1].text, "two");
    }

    #[test]
    fn a_flood_without_an_end_costs_no_more_than_one_line() {
        let (mut splitter, mut lines) = (Splitter::new(1 << 10), Vec::new());
        for _ in 0..1_000 {
            splitter.take(&[b'x'; 4 << 10], &mut lines);
        }
        assert!(lines.is_empty() && splitter.rest.capacity() <= 4 << 10);
    }

    #[test]
    fn what_is_not_utf_8_is_told_and_a_character_that_was_cut_is_not_damage() {
        let lossy = |text: &str| (text.to_owned(), true);
        assert_eq!(split(100, &[b"a\xffb\n"]), [lossy("a\u{fffd}b")]);
        assert_eq!(split(2, &["aöö\n".as_bytes()]), [("a [cut]".to_owned(), false)]);
        assert_eq!(split(2, &[b"a\xffxx\n"]), [lossy("a\u{fffd} [cut]")]);
    }

    #[test]
    fn reading_that_begins_within_a_line_begins_with_the_next() {
        let (mut splitter, mut lines) = (Splitter::new(100), Vec::new());
        splitter.skip_to_next();
        splitter.take(b"of a li", &mut lines);
        splitter.take(b"ne\nwhole\n", &mut lines);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].text, "whole");
    }
}
