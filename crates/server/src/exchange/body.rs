//! The body of an answer: a few bytes, a file in pieces, or what comes as it comes.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Interval, interval};

/// Most of a file that is held in memory at once.
const PIECE: usize = 64 << 10;

/// What an answer carries. On the worker that answers, and nowhere else.
#[derive(Debug)]
pub struct Body(Kind);

enum Kind {
    File {
        file: File,
        left: u64,
    },
    /// With what wakes whoever waits for it, where it is kept awake.
    Stream(Stream, Option<Interval>),
    Whole(Bytes),
}

type Stream = Pin<Box<dyn hyper::body::Body<Data = Bytes, Error = io::Error>>>;

impl Body {
    /// Nothing.
    pub const fn empty() -> Self {
        Self(Kind::Whole(Bytes::new()))
    }

    /// What comes as it comes, of a length that the body knows or nobody. An error ends the
    /// connection or the stream: whoever reads it sees that it is not whole.
    pub fn stream(body: impl hyper::body::Body<Data = Bytes, Error = io::Error> + 'static) -> Self {
        Self(Kind::Stream(Box::pin(body), None))
    }

    /// The same; while nothing comes it wakes whoever waits for it, so that a stream of HTTP/2 which
    /// is quiet is not taken for one that is stuck.
    pub(crate) fn awake(self, every: Duration) -> Self {
        match self.0 {
            Kind::Stream(stream, _) => Self(Kind::Stream(stream, Some(interval(every)))),
            kind => Self(kind),
        }
    }

    /// The first `left` bytes of a file.
    pub(crate) const fn file(file: File, left: u64) -> Self {
        Self(Kind::File { file, left })
    }

    /// Its length, where that is known before it has come.
    pub(crate) fn len(&self) -> Option<u64> {
        match &self.0 {
            Kind::File { left, .. } => Some(*left),
            Kind::Stream(stream, _) => stream.size_hint().exact(),
            Kind::Whole(bytes) => Some(bytes.len() as u64),
        }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(whole: T) -> Self {
        Self(Kind::Whole(whole.into()))
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File { .. } => "File",
            Self::Stream(..) => "Stream",
            Self::Whole(_) => "Whole",
        })
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.get_mut().0 {
            Kind::Stream(stream, ticks) => {
                let frame = stream.as_mut().poll_frame(cx);
                if frame.is_pending() {
                    while ticks.as_mut().is_some_and(|ticks| ticks.poll_tick(cx).is_ready()) {}
                }
                frame
            }
            Kind::File { left: 0, .. } => Poll::Ready(None),
            Kind::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Kind::File { file, left } => Poll::Ready(Some(read_piece(file, left).map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Stream(stream, _) => stream.is_end_stream(),
            Kind::File { .. } | Kind::Whole(_) => self.len() == Some(0),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Stream(stream, _) => stream.size_hint(),
            Kind::File { left, .. } => SizeHint::with_exact(*left),
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
        }
    }
}

/// Reads on the worker's thread: a piece of a page is in the system's cache, or soon there.
fn read_piece(file: &mut File, left: &mut u64) -> io::Result<Bytes> {
    let len = usize::try_from(*left).map_or(PIECE, |left| left.min(PIECE));
    let mut piece = vec![0; len];
    // A file that became shorter ends the connection: its length was already promised.
    file.read_exact(&mut piece)?;
    *left -= len as u64;
    Ok(piece.into())
}
