//! Where messages begin and end in what a program writes and reads.
//!
//! ```text
//! lines    text\n                 a line that is not UTF-8 is a binary message
//! bytes    whatever came at once
//! length   length (32), message   the highest byte first
//! ```

use std::cell::RefCell;
use std::io;

use memchr::memchr;
use serde::Serialize;
use tieline::serve::Message;
use tokio::net::unix::pipe;

use crate::config::Frame;

/// What is read at once, in bytes: what a pipe holds.
const READ_BYTES: usize = 64 << 10;

thread_local! {
    /// What was read last on this thread, whoever wrote it: most that is read is short, and a buffer for
    /// each of them would cost more than the read.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The length before a message.
const LENGTH_BYTES: usize = 4;

/// Cuts what a program writes into messages.
#[derive(Debug)]
pub(super) struct Framer {
    frame: Frame,
    tag: Option<Stream>,
    max_bytes: usize,
    /// What was read and not yet given.
    read: Vec<u8>,
    /// How much of it was given.
    given: usize,
    /// How much of it holds no end of a line.
    searched: usize,
    /// A line with its tag.
    tagged: String,
}

/// Where a line was written.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stream {
    Stderr,
    Stdout,
}

/// A line with its tag, as peers are told it.
#[derive(Serialize)]
struct Tagged<'a> {
    stream: Stream,
    line: &'a str,
    /// Whether something of it was no text.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    lossy: bool,
}

/// A message is longer than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a line of the command is too long (setting max_line_bytes)")]
pub(super) struct TooLong;

impl Framer {
    pub(super) const fn new(frame: Frame, tag: Option<Stream>, max_bytes: usize) -> Self {
        let read = Vec::new();
        Self { frame, tag, max_bytes, read, given: 0, searched: 0, tagged: String::new() }
    }

    /// Reads what waits in a pipe; 0 is its end. Who waits meanwhile holds no memory.
    pub(super) async fn fill(&mut self, pipe: &pipe::Receiver) -> io::Result<usize> {
        self.read.drain(..self.given);
        self.searched -= self.given;
        self.given = 0;
        if self.read.is_empty() {
            self.read = Vec::new();
        }
        loop {
            pipe.readable().await?;
            match self.try_fill(pipe) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }

    fn try_fill(&mut self, pipe: &pipe::Receiver) -> io::Result<usize> {
        BUFFER.with_borrow_mut(|buffer| {
            buffer.clear();
            buffer.reserve(READ_BYTES);
            let read = pipe.try_read_buf(buffer)?;
            self.read.extend_from_slice(buffer);
            Ok(read)
        })
    }

    /// The next whole message of what was read.
    pub(super) fn next(&mut self) -> Result<Option<Message<'_>>, TooLong> {
        match self.frame {
            Frame::Bytes => Ok(self.rest().map(Message::from)),
            Frame::Length => self.next_with_length(),
            Frame::Lines => self.next_line(),
        }
    }

    /// What is left at the end: a line without an end is a line.
    pub(super) fn finish(&mut self) -> Option<Message<'_>> {
        let rest = self.given..self.read.len();
        (self.given, self.searched) = (rest.end, rest.end);
        if rest.is_empty() || self.frame == Frame::Length {
            return None;
        }
        Some(self.line(rest))
    }

    fn next_line(&mut self) -> Result<Option<Message<'_>>, TooLong> {
        let Some(len) = memchr(b'\n', &self.read[self.searched..]) else {
            self.searched = self.read.len();
            return match self.read.len() - self.given {
                len if len > self.max_bytes => Err(TooLong),
                _ => Ok(None),
            };
        };
        let line = self.given..self.searched + len;
        if line.len() > self.max_bytes {
            return Err(TooLong);
        }
        self.given = line.end + 1;
        self.searched = self.given;
        Ok(Some(self.line(line)))
    }

    fn next_with_length(&mut self) -> Result<Option<Message<'_>>, TooLong> {
        let waiting = &self.read[self.given..];
        let Some((length, rest)) = waiting.split_first_chunk::<LENGTH_BYTES>() else {
            return Ok(None);
        };
        let len = u32::from_be_bytes(*length) as usize;
        if len > self.max_bytes {
            return Err(TooLong);
        }
        if rest.len() < len {
            return Ok(None);
        }
        let begin = self.given + LENGTH_BYTES;
        self.given = begin + len;
        self.searched = self.given;
        Ok(Some(Message::from(&self.read[begin..self.given])))
    }

    fn rest(&mut self) -> Option<&[u8]> {
        let begin = self.given;
        self.given = self.read.len();
        self.searched = self.given;
        (begin < self.given).then(|| &self.read[begin..])
    }

    /// What lies there, as it is told.
    fn line(&mut self, at: std::ops::Range<usize>) -> Message<'_> {
        let line = &self.read[at];
        match (self.tag, self.frame) {
            (None, Frame::Lines) => match std::str::from_utf8(line) {
                Ok(text) => Message::from(text),
                Err(_) => Message::from(line),
            },
            (None, _) => Message::from(line),
            (Some(stream), _) => {
                let text = String::from_utf8_lossy(line);
                let lossy = matches!(&text, std::borrow::Cow::Owned(_));
                let tagged = Tagged { stream, line: &text, lossy };
                self.tagged = serde_json::to_string(&tagged).expect("text always encodes");
                Message::from(self.tagged.as_str())
            }
        }
    }
}

/// Puts a message behind what a program is to read.
pub(super) fn append(message: Message<'_>, frame: Frame, input: &mut Vec<u8>) {
    match frame {
        Frame::Bytes => input.extend_from_slice(message.bytes()),
        Frame::Length => {
            // The route's limit for messages is far below what 32 bits can say.
            input.extend_from_slice(&(message.len() as u32).to_be_bytes());
            input.extend_from_slice(message.bytes());
        }
        Frame::Lines => {
            input.extend_from_slice(message.bytes());
            input.push(b'\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of these pieces, one read after the other; the rest at the end behind it.
    fn cut(mut framer: Framer, pieces: &[&[u8]]) -> Result<Vec<String>, TooLong> {
        let shown = |message: Message<'_>| match message.text() {
            Some(text) => format!("text {text}"),
            None => format!("binary {:?}", message.bytes()),
        };
        let mut messages = Vec::new();
        for piece in pieces {
            framer.read.extend_from_slice(piece);
            while let Some(message) = framer.next()? {
                messages.push(shown(message));
            }
            framer.read.drain(..framer.given);
            framer.searched -= framer.given;
            framer.given = 0;
        }
        messages.extend(framer.finish().map(shown));
        Ok(messages)
    }

    fn lines(pieces: &[&[u8]]) -> Result<Vec<String>, TooLong> {
        cut(Framer::new(Frame::Lines, None, 10), pieces)
    }

    #[test]
    fn how_the_pipe_cuts_lines_changes_nothing() {
        let written = b"one\n\ntwo\xff\nthree";
        let whole = lines(&[written]).unwrap();
        let two = format!("binary {:?}", b"two\xff");
        assert_eq!(whole, ["text one", "text ", two.as_str(), "text three"]);
        for at in 0..=written.len() {
            assert_eq!(lines(&[&written[..at], &written[at..]]).unwrap(), whole, "{at}");
        }
    }

    #[test]
    fn a_line_above_the_limit_is_told_as_soon_as_it_is_known() {
        assert_eq!(lines(&[b"0123456789\n"]).unwrap().len(), 1);
        assert_eq!(lines(&[b"0123456789a"]), Err(TooLong));
        assert_eq!(lines(&[b"0123456789a\n"]), Err(TooLong));
    }

    #[test]
    fn messages_with_a_length_are_cut_by_it() {
        let framer = || Framer::new(Frame::Length, None, 10);
        let written = b"\x00\x00\x00\x02a\n\x00\x00\x00\x00\x00\x00\x00\x01b";
        let whole = cut(framer(), &[written]).unwrap();
        assert_eq!(whole, ["binary [97, 10]", "binary []", "binary [98]"]);
        for at in 0..=written.len() {
            assert_eq!(cut(framer(), &[&written[..at], &written[at..]]).unwrap(), whole, "{at}");
        }
        assert_eq!(cut(framer(), &[b"\x00\x00\x00\x0b"]), Err(TooLong));
        // What was cut off by the end was never a message.
        assert!(cut(framer(), &[b"\x00\x00\x00\x02a"]).unwrap().is_empty());
    }

    #[test]
    fn bytes_are_told_as_they_come() {
        let framer = Framer::new(Frame::Bytes, None, 1);
        let heard = cut(framer, &[b"a\n", b"bc"]).unwrap();
        assert_eq!(heard, ["binary [97, 10]", "binary [98, 99]"]);
    }

    #[test]
    fn a_tagged_line_is_json_whatever_it_holds() {
        let framer = Framer::new(Frame::Lines, Some(Stream::Stderr), 100);
        let heard = cut(framer, &[b"a \"b\"\x1b[0m\n\xff\n"]).unwrap();
        assert_eq!(
            heard,
            [
                r#"text {"stream":"stderr","line":"a \"b\"\u001b[0m"}"#,
                "text {\"stream\":\"stderr\",\"line\":\"\u{fffd}\",\"lossy\":true}",
            ]
        );
    }

    #[test]
    fn what_is_read_lies_as_it_was_said() {
        let said = |frame| {
            let mut input = Vec::new();
            append(Message::from("ab"), frame, &mut input);
            append(Message::from(&b"\xff"[..]), frame, &mut input);
            input
        };
        assert_eq!(said(Frame::Bytes), b"ab\xff");
        assert_eq!(said(Frame::Lines), b"ab\n\xff\n");
        assert_eq!(said(Frame::Length), b"\x00\x00\x00\x02ab\x00\x00\x00\x01\xff");
    }
}
