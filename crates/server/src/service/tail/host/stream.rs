//! What comes from a host: the bytes of files, and marks that say of which.
//!
//! ```text
//! 0x1E NONCE SP kind SP id SP offset LF
//! ```
//!
//! The nonce is random and new for each connection: no file has it.

use bytes::BytesMut;
use memchr::memchr;

/// Takes it apart.
#[derive(Debug)]
pub(super) struct Stream {
    buffer: BytesMut,
    /// What a mark begins with.
    begin: Vec<u8>,
}

/// A part of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Bytes(BytesMut),
    /// From here on it is this file, from this byte on.
    Mark(Kind, String, u64),
}

/// What a mark says of the file that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is the first; behind byte 0 one byte earlier than its first line.
    Begin,
    /// It is the one before, shortened.
    Cut,
    /// There is one that may not be read; nothing follows.
    Fail,
    /// It is another than the one before, of which the rest was not found.
    Lost,
    /// It is another than the one before.
    New,
    /// There is none; nothing follows.
    None,
    /// It is the one before, under another name.
    Old,
    /// It is the one before.
    Same,
}

/// Longest mark behind its beginning.
const MAX_MARK_BYTES: usize = 200;

impl Stream {
    pub(super) fn new(nonce: &str) -> Self {
        Self { buffer: BytesMut::new(), begin: format!("\x1e{nonce} ").into_bytes() }
    }

    /// Adds what was read.
    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next part that is whole.
    pub(super) fn next(&mut self) -> Option<Piece> {
        let mut from = 0;
        while let Some(at) = memchr(0x1E, &self.buffer[from..]).map(|at| from + at) {
            let rest = &self.buffer[at..];
            if self.begin.starts_with(rest) {
                return self.bytes(at);
            }
            if let Some(mark) = rest.strip_prefix(self.begin.as_slice()) {
                let end = memchr(b'\n', mark);
                if end.is_none() && mark.len() < MAX_MARK_BYTES {
                    return self.bytes(at);
                }
                let parsed = end.and_then(|end| Some((parse(&mark[..end])?, end)));
                if let Some((mark, end)) = parsed {
                    if at > 0 {
                        return self.bytes(at);
                    }
                    let _mark = self.buffer.split_to(self.begin.len() + end + 1);
                    return Some(mark);
                }
            }
            from = at + 1;
        }
        self.bytes(self.buffer.len())
    }

    fn bytes(&mut self, len: usize) -> Option<Piece> {
        (len > 0).then(|| Piece::Bytes(self.buffer.split_to(len)))
    }
}

fn parse(mark: &[u8]) -> Option<Piece> {
    let mut words = std::str::from_utf8(mark).ok()?.split(' ');
    let kind = match words.next()? {
        "begin" => Kind::Begin,
        "cut" => Kind::Cut,
        "fail" => Kind::Fail,
        "lost" => Kind::Lost,
        "new" => Kind::New,
        "none" => Kind::None,
        "old" => Kind::Old,
        "same" => Kind::Same,
        _ => return None,
    };
    let id = words.next()?;
    let is_id = id.bytes().all(|byte| byte.is_ascii_digit() || b":-".contains(&byte));
    let offset = words.next()?.parse().ok()?;
    (is_id && words.next().is_none()).then(|| Piece::Mark(kind, id.to_owned(), offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out, bytes that follow each other put together.
    fn read(reads: &[&[u8]]) -> Vec<Piece> {
        let mut stream = Stream::new("abc");
        let mut pieces: Vec<Piece> = Vec::new();
        for bytes in reads {
            stream.put(bytes);
            while let Some(piece) = stream.next() {
                match (pieces.last_mut(), piece) {
                    (Some(Piece::Bytes(last)), Piece::Bytes(more)) => last.extend_from_slice(&more),
                    (_, piece) => pieces.push(piece),
                }
            }
        }
        pieces
    }

    fn bytes(text: &str) -> Piece {
        Piece::Bytes(BytesMut::from(text))
    }

    #[test]
    fn how_the_stream_is_cut_changes_nothing() {
        let text =
            b"hello\n\x1eabc begin 8:1 0\n1\n\x1e2\n\x1eabd\x1eabc x\nhalf\x1eabc new 8:2 7\n3\n";
        let whole = [
            bytes("hello\n"),
            Piece::Mark(Kind::Begin, "8:1".into(), 0),
            bytes("1\n\x1e2\n\x1eabd\x1eabc x\nhalf"),
            Piece::Mark(Kind::New, "8:2".into(), 7),
            bytes("3\n"),
        ];
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let reads = [&text[..first], &text[first..second], &text[second..]];
                assert_eq!(read(&reads), whole, "{first} {second}");
            }
        }
    }

    #[test]
    fn the_end_of_a_line_is_not_held_back() {
        assert_eq!(read(&[b"\x1eabc same 1:2 3\nline\n"]).last(), Some(&bytes("line\n")));
    }

    #[test]
    fn what_only_begins_like_a_mark_does_not_wait_for_ever() {
        let long = format!("\x1eabc {}", "x".repeat(300));
        assert_eq!(read(&[long.as_bytes()]), [bytes(&long)]);
    }
}
