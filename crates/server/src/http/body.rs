//! The body of an answer: a few bytes, or a file in pieces.

use std::fs::File;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

/// Most of a file that is held in memory at once.
const PIECE: usize = 64 << 10;

/// A body whose length is known before its head is written.
#[derive(Debug)]
pub(super) enum Body {
    File { file: File, left: u64 },
    Whole(Bytes),
}

impl Body {
    pub(super) const fn empty() -> Self {
        Self::Whole(Bytes::new())
    }

    pub(super) fn len(&self) -> u64 {
        match self {
            Self::File { left, .. } => *left,
            Self::Whole(bytes) => bytes.len() as u64,
        }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if this.len() == 0 {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(match this {
            Self::Whole(bytes) => Ok(Frame::data(std::mem::take(bytes))),
            Self::File { file, left } => read_piece(file, left).map(Frame::data),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.len() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len())
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
