//! JSON values out of a stream of bytes: one behind the other with or without something between
//! them, on however many lines, cut anywhere.
//!
//! Only brackets and quotes are looked at, and each byte once. What stands between them is for whoever
//! reads the value to judge: what cannot be JSON comes out as well, and the next value after it.

use bytes::{Buf, BytesMut};

/// Puts values together.
#[derive(Debug)]
pub(crate) struct Splitter {
    buffer: BytesMut,
    /// How much of the value at the front was looked at.
    scanned: usize,
    state: State,
    max_bytes: usize,
}

/// What the bytes that were looked at are the beginning of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing yet.
    Between,
    /// An array or an object, so deep in it.
    Open { depth: usize },
    /// A string, so deep in arrays and objects; in it perhaps behind a backslash.
    Quoted { depth: usize, escaped: bool },
    /// A number, a word, or what can be no JSON.
    Word,
}

/// A value that is longer than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Splitter {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self { buffer: BytesMut::new(), scanned: 0, state: State::Between, max_bytes }
    }

    /// Where to put what was read.
    pub(crate) const fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next value that is whole.
    pub(crate) fn next(&mut self) -> Result<Option<BytesMut>, TooLong> {
        while let Some(&byte) = self.buffer.get(self.scanned) {
            if self.state == State::Between && is_space(byte) {
                let spaces = self.buffer.iter().take_while(|byte| is_space(**byte)).count();
                self.buffer.advance(spaces);
                continue;
            }
            let (state, end) = self.state.behind(byte, self.scanned);
            self.state = state;
            self.scanned += 1;
            if end.unwrap_or(self.scanned) > self.max_bytes {
                return Err(TooLong);
            }
            if let Some(end) = end {
                return Ok(Some(self.take(end)));
            }
        }
        if self.buffer.is_empty() {
            // A line that is silent owns no buffer.
            self.buffer = BytesMut::new();
        }
        Ok(None)
    }

    /// What is left when nothing more comes: a word that nothing ended, or half a value.
    pub(crate) fn finish(&mut self) -> Option<BytesMut> {
        (self.state != State::Between).then(|| self.take(self.buffer.len()))
    }

    fn take(&mut self, end: usize) -> BytesMut {
        self.scanned = 0;
        self.state = State::Between;
        self.buffer.split_to(end)
    }
}

impl State {
    /// The state behind a byte, and where the value ends, if it does.
    const fn behind(self, byte: u8, at: usize) -> (Self, Option<usize>) {
        match (self, byte) {
            (Self::Quoted { depth, escaped: true }, _) => {
                (Self::Quoted { depth, escaped: false }, None)
            }
            (Self::Quoted { depth, .. }, b'\\') => (Self::Quoted { depth, escaped: true }, None),
            (Self::Quoted { depth: 0, .. }, b'"') => (Self::Between, Some(at + 1)),
            (Self::Quoted { depth, .. }, b'"') => (Self::Open { depth }, None),
            (Self::Quoted { .. }, _) => (self, None),
            (Self::Between, b'"') => (Self::Quoted { depth: 0, escaped: false }, None),
            (Self::Between, b'{' | b'[') => (Self::Open { depth: 1 }, None),
            (Self::Between, _) => (Self::Word, None),
            (Self::Open { depth }, b'"') => (Self::Quoted { depth, escaped: false }, None),
            (Self::Open { depth }, b'{' | b'[') => (Self::Open { depth: depth + 1 }, None),
            (Self::Open { depth: 1 }, b'}' | b']') => (Self::Between, Some(at + 1)),
            (Self::Open { depth }, b'}' | b']') => (Self::Open { depth: depth - 1 }, None),
            (Self::Open { .. }, _) => (self, None),
            // What begins the next value is not the word's any more.
            (Self::Word, b' ' | b'\t' | b'\n' | b'\r' | b'{' | b'[' | b'"') => {
                (Self::Between, Some(at))
            }
            (Self::Word, _) => (self, None),
        }
    }
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out of these reads, and what is left at the end.
    fn split(max_bytes: usize, reads: &[&[u8]]) -> Result<Vec<String>, TooLong> {
        let mut splitter = Splitter::new(max_bytes);
        let mut values = Vec::new();
        for read in reads {
            splitter.buffer().extend_from_slice(read);
            while let Some(value) = splitter.next()? {
                values.push(String::from_utf8_lossy(&value).into_owned());
            }
        }
        values.extend(
            splitter.finish().map(|rest| format!("rest {}", String::from_utf8_lossy(&rest))),
        );
        Ok(values)
    }

    #[test]
    fn values_may_stand_back_to_back_and_on_many_lines() {
        let text = b" {\"a\":[1,{}]}{\"b\":\n2}[1]\"x\"12 true{\"c\":\"}\\\"{\"}\n\n[]3";
        assert_eq!(
            split(100, &[text]).unwrap(),
            [
                r#"{"a":[1,{}]}"#,
                "{\"b\":\n2}",
                "[1]",
                r#""x""#,
                "12",
                "true",
                r#"{"c":"}\"{"}"#,
                "[]",
                "rest 3"
            ]
        );
    }

    #[test]
    fn how_the_stream_is_cut_changes_nothing() {
        let text = "{\"a\":\"\\\\\"}12[\"ü]\\u0022\"] nul\n}{\"b\":{}}\"\\\"\"  {".as_bytes();
        let whole = split(100, &[text]).unwrap();
        assert_eq!(whole.len(), 8);
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let reads = [&text[..first], &text[first..second], &text[second..]];
                assert_eq!(split(100, &reads).unwrap(), whole, "{first} {second}");
            }
        }
        let bytes: Vec<_> = text.chunks(1).collect();
        assert_eq!(split(100, &bytes).unwrap(), whole);
    }

    #[test]
    fn what_is_no_json_comes_out_and_the_next_value_after_it() {
        assert_eq!(split(100, &[b"} bad{\"a\":1}"]).unwrap(), ["}", "bad", r#"{"a":1}"#]);
        assert_eq!(split(100, &[b"{]{\"a\":1}"]).unwrap(), ["{]", r#"{"a":1}"#]);
    }

    #[test]
    fn a_value_has_a_longest_length_and_the_space_between_has_none() {
        assert!(split(5, &[b"[1,2]"]).is_ok());
        assert_eq!(split(4, &[b"[1,2]"]), Err(TooLong));
        assert_eq!(split(4, &[b"[1,2"]).unwrap(), ["rest [1,2"]);
        assert_eq!(split(4, &[b"[1,2", b" "]), Err(TooLong));
        assert_eq!(split(4, &[b"\"aaaaa"]), Err(TooLong));
        assert_eq!(split(4, &[b"1234 "]).unwrap(), ["1234"]);
        assert_eq!(split(4, &[b"12345"]), Err(TooLong));
        assert_eq!(split(1, &[&[b' '; 100], b"1 "]).unwrap(), ["1"]);
    }
}
