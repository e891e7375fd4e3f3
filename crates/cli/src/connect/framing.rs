//! Where a message ends on standard input and output.

use std::io::{self, Write};

use tieline::Message;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// Largest message that is read.
const MAX_BYTES: usize = 64 << 20;

/// Where a message ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Framing {
    /// At the end of its line
    Lines,
    /// Behind the length in front of it: four bytes, the highest first
    Length,
    /// Nowhere: what is read at once is sent at once, and written as it comes
    Raw,
}

impl Framing {
    /// The next message; `None` at the end.
    pub(super) async fn read(
        self,
        from: &mut (impl AsyncBufRead + Unpin),
    ) -> io::Result<Option<Vec<u8>>> {
        match self {
            Self::Lines => line(from).await,
            Self::Length => with_length(from).await,
            Self::Raw => {
                let bytes = from.fill_buf().await?.to_vec();
                from.consume(bytes.len());
                Ok((!bytes.is_empty()).then_some(bytes))
            }
        }
    }

    /// Writes a message with its end.
    pub(super) fn write(self, out: &mut impl Write, message: &Message) -> io::Result<()> {
        let bytes = message.as_bytes();
        if self == Self::Length {
            let len = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
            out.write_all(&len.to_be_bytes())?;
        }
        out.write_all(bytes)?;
        if self == Self::Lines {
            out.write_all(b"\n")?;
        }
        out.flush()
    }
}

/// A line without its end; the last may have none.
async fn line(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if from.take(MAX_BYTES as u64 + 2).read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        line.pop_if(|last| *last == b'\r');
    } else if line.len() > MAX_BYTES {
        return Err(too_big(line.len()));
    }
    Ok(Some(line))
}

async fn with_length(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    if from.fill_buf().await?.is_empty() {
        return Ok(None);
    }
    let len = from.read_u32().await? as usize;
    if len > MAX_BYTES {
        return Err(too_big(len));
    }
    let mut bytes = Vec::new();
    // It grows by what is there, not by what was announced.
    if from.take(len as u64).read_to_end(&mut bytes).await? < len {
        let what = format!(
            "the input ended within a message: {len} bytes were announced, {} came",
            bytes.len()
        );
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
    }
    Ok(Some(bytes))
}

fn too_big(len: usize) -> io::Error {
    let what = format!("a message has at most {MAX_BYTES} bytes, not {len} or more");
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(framing: Framing, mut input: &[u8]) -> io::Result<Vec<Vec<u8>>> {
        let mut messages = Vec::new();
        while let Some(message) = framing.read(&mut input).await? {
            messages.push(message);
        }
        Ok(messages)
    }

    #[tokio::test]
    async fn what_is_written_is_read_again() {
        for (framing, messages) in [
            (Framing::Lines, vec!["a", "", "b c"]),
            (Framing::Length, vec!["a\nb", "", "c"]),
            (Framing::Raw, vec!["a\nb"]),
        ] {
            let mut written = Vec::new();
            for message in &messages {
                framing.write(&mut written, &Message::from(*message)).unwrap();
            }
            let read = all(framing, &written).await.unwrap();
            assert_eq!(read, messages.iter().map(|text| text.as_bytes()).collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn the_last_line_needs_no_end_and_any_line_may_have_two() {
        assert_eq!(all(Framing::Lines, b"a\r\nb").await.unwrap(), [b"a", b"b"]);
    }

    #[tokio::test]
    async fn a_length_that_lies_is_told_and_costs_nothing() {
        for input in [&b"\x00\x00"[..], b"\x00\x00\x00\x05abc", b"\xff\xff\xff\xffabc"] {
            assert!(all(Framing::Length, input).await.is_err(), "{input:?}");
        }
    }
}
