//! What was read and not yet looked at.

use std::io;
use std::pin::pin;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Room for one read while little arrives.
const SMALL: usize = 8 << 10;
/// Room for one read under load.
const LARGE: usize = 64 << 10;

/// The read buffer: it grows while reads fill it, and an idle one owns no memory.
#[derive(Debug)]
pub(super) struct ReadBuffer {
    bytes: BytesMut,
    /// Room for the next read.
    room: usize,
}

impl ReadBuffer {
    /// A buffer that starts with bytes which something else has read.
    pub(super) fn new(already_read: &[u8]) -> Self {
        Self { bytes: already_read.into(), room: SMALL }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What is not yet looked at; the protocol unmasks it in place.
    pub(super) fn unread(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    pub(super) fn advance(&mut self, taken: usize) {
        self.bytes.advance(taken);
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Reads once, behind what is there. Answers how many bytes came; 0 is the end of the stream.
    pub(super) fn poll_fill<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.bytes.reserve(self.room);
        let space = self.bytes.capacity() - self.bytes.len();
        let polled = pin!(stream.read_buf(&mut self.bytes)).poll(cx);
        match &polled {
            Poll::Ready(Ok(read)) if *read == space => self.room = (self.room * 2).min(LARGE),
            Poll::Ready(_) => {}
            Poll::Pending => {
                self.room = (self.room / 2).max(SMALL);
                if self.bytes.is_empty() {
                    self.bytes = BytesMut::new();
                }
            }
        }
        polled
    }
}
