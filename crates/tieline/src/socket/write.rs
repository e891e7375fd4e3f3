//! What is encoded and not yet taken by the transport.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::AsyncWrite;

/// How many bytes may wait before a sender has to.
pub(super) const HIGH_WATER: usize = 64 << 10;
/// How much memory an empty buffer keeps.
const KEPT: usize = 4 << 10;

/// The write buffer: whole frames, in the order in which they were sent.
#[derive(Debug, Default)]
pub(super) struct WriteBuffer {
    bytes: Vec<u8>,
    /// How many of them the transport has taken.
    taken: usize,
    /// Whether the transport has bytes that it was not asked to flush.
    unflushed: bool,
    /// Since when the transport has taken nothing though something waits.
    stuck: Option<Instant>,
    /// Why nothing can be written any more.
    broken: Option<Arc<io::Error>>,
}

impl WriteBuffer {
    pub(super) const fn len(&self) -> usize {
        self.bytes.len() - self.taken
    }

    pub(super) const fn is_full(&self) -> bool {
        self.len() > HIGH_WATER
    }

    pub(super) const fn stuck_since(&self) -> Option<Instant> {
        self.stuck
    }

    pub(super) const fn broken(&self) -> Option<&Arc<io::Error>> {
        self.broken.as_ref()
    }

    /// Where frames are appended.
    pub(super) fn tail(&mut self) -> &mut Vec<u8> {
        // Moved to the front when that copies less than it frees: linear over the life of the line.
        if self.taken > self.len() {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        &mut self.bytes
    }

    /// Throws away what waits: nobody is there to take it.
    pub(super) fn discard(&mut self) {
        (self.bytes, self.taken) = (Vec::new(), 0);
    }

    /// Writes until no more than `rest` bytes wait, and where that is 0, flushes the transport.
    ///
    /// # Errors
    ///
    /// What the transport said, again and again: what waited is thrown away.
    pub(super) fn poll_drain<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
        rest: usize,
        now: impl FnOnce() -> Instant,
    ) -> Poll<Result<(), Arc<io::Error>>> {
        let polled = self.poll_write(stream, cx, rest);
        match &polled {
            Poll::Pending => _ = self.stuck.get_or_insert_with(now),
            Poll::Ready(Ok(())) => self.stuck = None,
            Poll::Ready(Err(_)) => {}
        }
        let result = ready!(polled);
        if let Err(error) = result {
            self.broken.get_or_insert_with(|| Arc::new(error));
        }
        if let Some(error) = &self.broken {
            let error = Arc::clone(error);
            self.discard();
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
        rest: usize,
    ) -> Poll<io::Result<()>> {
        if self.broken.is_some() {
            return Poll::Ready(Ok(()));
        }
        let mut stream = Pin::new(stream);
        while self.len() > rest {
            let written = ready!(stream.as_mut().poll_write(cx, &self.bytes[self.taken..]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.taken += written;
            (self.unflushed, self.stuck) = (true, None);
        }
        if self.len() == 0 {
            self.taken = 0;
            self.bytes.clear();
            if self.bytes.capacity() > KEPT {
                self.bytes = Vec::new();
            }
        }
        if rest == 0 && self.unflushed {
            ready!(stream.poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}
