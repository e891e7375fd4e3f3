//! Cutting a stream of bytes into JSON values: back to back, with or without space between them,
//! split anywhere.
//!
//! Only objects and arrays are values here, as JSON-RPC has no others. Strings are skipped with what
//! is escaped in them; whether a value is JSON inside is for its reader to say.

use bytes::{Buf, BytesMut};

/// The bytes that have arrived, and how far they were looked at.
#[derive(Debug)]
pub(super) struct Values {
    buffer: BytesMut,
    /// Where the scan goes on.
    at: usize,
    depth: usize,
    is_in_string: bool,
    is_escaped: bool,
    max_bytes: usize,
}

/// The stream cannot be cut into values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ValueError {
    /// A byte stands where a value must begin.
    #[error("byte {0:#04x} begins no JSON object or array")]
    Begin(u8),
    /// A value has more bytes than are accepted.
    #[error("a value is longer than {0} bytes")]
    TooBig(usize),
}

impl Values {
    /// Nothing yet; no value may have more bytes than these.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            at: 0,
            depth: 0,
            is_in_string: false,
            is_escaped: false,
            max_bytes,
        }
    }

    /// Where the next bytes go.
    pub(super) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next whole value; `None` until it is there. No byte is looked at twice.
    pub(super) fn next(&mut self) -> Result<Option<BytesMut>, ValueError> {
        if self.depth == 0 {
            let space = self.buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            self.buffer.advance(space);
            match self.buffer.first() {
                None => return Ok(None),
                Some(b'{' | b'[') => {}
                Some(&byte) => return Err(ValueError::Begin(byte)),
            }
        }
        while let Some(&byte) = self.buffer.get(self.at) {
            if self.at >= self.max_bytes {
                return Err(ValueError::TooBig(self.max_bytes));
            }
            self.at += 1;
            self.look_at(byte);
            if self.depth == 0 {
                return Ok(Some(self.buffer.split_to(std::mem::take(&mut self.at))));
            }
        }
        Ok(None)
    }

    const fn look_at(&mut self, byte: u8) {
        if self.is_in_string {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.is_in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.is_in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth -= 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] =
        b" {\"a\":\"}\\\"]\\\\\"}[1,[2],{}]\n\n{\"b\":{\"c\":[\"{\"]}}\r\n\t{}  {\"id\":1,\n\"x\":2}";

    fn all(pieces: &[&[u8]]) -> Vec<String> {
        let mut values = Values::new(64);
        let mut found = Vec::new();
        for piece in pieces {
            values.buffer().extend_from_slice(piece);
            while let Some(value) = values.next().unwrap() {
                found.push(String::from_utf8(value.to_vec()).unwrap());
            }
        }
        found
    }

    #[test]
    fn values_are_told_apart_with_and_without_space() {
        let expected = [
            r#"{"a":"}\"]\\"}"#,
            "[1,[2],{}]",
            r#"{"b":{"c":["{"]}}"#,
            "{}",
            "{\"id\":1,\n\"x\":2}",
        ];
        assert_eq!(all(&[STREAM]), expected);
    }

    #[test]
    fn how_the_stream_is_cut_changes_nothing() {
        let whole = all(&[STREAM]);
        for cut in 0..=STREAM.len() {
            assert_eq!(all(&[&STREAM[..cut], &STREAM[cut..]]), whole, "cut at {cut}");
        }
        let bytes: Vec<_> = STREAM.chunks(1).collect();
        assert_eq!(all(&bytes), whole);
    }

    #[test]
    fn a_value_is_too_big_as_soon_as_the_bytes_at_hand_show_it() {
        let mut values = Values::new(8);
        values.buffer().extend_from_slice(b"[1,2,34]");
        assert_eq!(values.next().unwrap().unwrap(), &b"[1,2,34]"[..]);
        values.buffer().extend_from_slice(b"[1,2,345");
        assert_eq!(values.next(), Ok(None));
        values.buffer().extend_from_slice(b"6");
        assert_eq!(values.next(), Err(ValueError::TooBig(8)));
    }

    #[test]
    fn what_is_no_object_or_array_begins_no_value() {
        for text in ["x", "1", "\"a\"", "null", "]", "}", ","] {
            let mut values = Values::new(64);
            values.buffer().extend_from_slice(text.as_bytes());
            assert_eq!(values.next(), Err(ValueError::Begin(text.as_bytes()[0])), "{text}");
        }
    }
}
