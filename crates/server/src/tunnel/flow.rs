//! One direction of a line: what one read gave is written before the next.
//!
//! Nothing is gathered: what the other side does not take stops the reading. While nothing waits a
//! flow owns no buffer; all of a worker read into one.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tieline::CloseCode;
use tieline_proto::frame::{Header, Opcode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frames::Frames;

/// What is read at once.
const SCRATCH_BYTES: usize = 64 << 10;

/// Reads of one side until others of the worker have their turn.
const MAX_ROUNDS: usize = 8;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_BYTES].into());
}

/// One direction.
#[derive(Debug)]
pub(super) struct Flow {
    /// What the other side has not taken yet, from `at` on.
    pending: Vec<u8>,
    at: usize,
    state: State,
    /// Followed where something may be said between two frames: on the way to the client.
    frames: Option<Frames>,
    /// The end that is to be said as soon as a frame ends.
    close: Option<(CloseCode, &'static str)>,
    /// Whether what comes is thrown away: the end was said, or there is nobody to tell it to.
    discards: bool,
    /// Whether nothing can be written any more, not even the end.
    is_cut: bool,
    is_flushed: bool,
    passed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Nothing more comes; what waits is written, and then the end.
    Ending,
    Ended,
}

/// Which end of a flow broke.
#[derive(Debug)]
pub(super) enum Broken {
    Reading(io::Error),
    Writing(io::Error),
}

impl Flow {
    /// To the upstream; `ahead` was read already.
    pub(super) fn up(ahead: &[u8]) -> Self {
        Self {
            pending: ahead.to_vec(),
            at: 0,
            state: State::Open,
            frames: None,
            close: None,
            discards: false,
            is_cut: false,
            is_flushed: true,
            passed: ahead.len() as u64,
        }
    }

    /// To the client.
    pub(super) fn down(ahead: &[u8]) -> Self {
        let mut frames = Frames::default();
        frames.pass(ahead);
        Self { frames: Some(frames), ..Self::up(ahead) }
    }

    /// Moves what there is. Ready when the flow is over, or when one of its ends broke.
    pub(super) fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
    ) -> Poll<Result<(), Broken>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        for _ in 0..MAX_ROUNDS {
            ready!(self.poll_write(cx, to)).map_err(Broken::Writing)?;
            if self.is_over() {
                return Poll::Ready(Ok(()));
            }
            let read = SCRATCH.with_borrow_mut(|scratch| {
                let mut buf = ReadBuf::new(scratch);
                let read = Pin::new(&mut *from).poll_read(cx, &mut buf).map_err(Broken::Reading);
                match read {
                    Poll::Ready(Ok(())) => Poll::Ready(self.take(cx, buf.filled(), to)),
                    read => read,
                }
            });
            if read.is_pending() {
                ready!(self.poll_flush(cx, to)).map_err(Broken::Writing)?;
                return Poll::Pending;
            }
            ready!(read)?;
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Says the end as soon as no frame is passing.
    pub(super) fn close_soon(&mut self, code: CloseCode, reason: &'static str) {
        self.close = Some((code, reason));
        if self.frames.as_ref().is_some_and(Frames::may_close) {
            self.say_close();
        }
    }

    /// Nothing more comes. Where nobody said an end, one is said if it can be.
    pub(super) fn end(&mut self) {
        if self.state != State::Open {
            return;
        }
        if self.frames.as_ref().is_some_and(Frames::may_close) {
            self.close.get_or_insert((CloseCode::BAD_GATEWAY, "the upstream is gone"));
            self.say_close();
        }
        self.state = State::Ending;
    }

    /// Nothing can be written any more; what comes is thrown away.
    pub(super) fn cut(&mut self) {
        self.discards = true;
        self.is_cut = true;
        self.pending = Vec::new();
        self.at = 0;
    }

    /// Whether its end has been handed on.
    pub(super) fn is_over(&self) -> bool {
        self.state == State::Ended
    }

    /// How many bytes came.
    pub(super) const fn passed(&self) -> u64 {
        self.passed
    }

    /// What was read: written as far as the other side takes it, the rest kept.
    fn take<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        to: &mut W,
    ) -> Result<(), Broken> {
        if bytes.is_empty() {
            self.end();
            return Ok(());
        }
        self.passed += bytes.len() as u64;
        if self.discards {
            return Ok(());
        }
        let (bytes, is_last) = self.until_close(bytes);
        let mut written = 0;
        while written < bytes.len() {
            match Pin::new(&mut *to).poll_write(cx, &bytes[written..]) {
                Poll::Pending => break,
                Poll::Ready(Err(error)) => return Err(Broken::Writing(error)),
                Poll::Ready(Ok(0)) => return Err(Broken::Writing(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(taken)) => written += taken,
            }
            self.is_flushed = false;
        }
        self.pending.extend_from_slice(&bytes[written..]);
        if is_last {
            self.say_close();
        }
        Ok(())
    }

    /// What of the bytes still goes before the end that is to be said, and whether it follows.
    fn until_close<'b>(&mut self, bytes: &'b [u8]) -> (&'b [u8], bool) {
        match (&mut self.frames, self.close) {
            (None, _) => (bytes, false),
            (Some(frames), None) => {
                frames.pass(bytes);
                (bytes, false)
            }
            (Some(frames), Some(_)) => match frames.end_of_frame(bytes) {
                Some(end) => (&bytes[..end], true),
                None => (bytes, false),
            },
        }
    }

    fn say_close(&mut self) {
        let Some((code, reason)) = self.close.filter(|_| !self.discards) else { return };
        let len = 2 + reason.len() as u64;
        let header = Header { fin: true, reserved: 0, opcode: Opcode::Close, mask: None, len };
        header.encode(&mut self.pending);
        self.pending.extend_from_slice(&code.get().to_be_bytes());
        self.pending.extend_from_slice(reason.as_bytes());
        self.discards = true;
    }

    /// Writes what waits, and the end behind it.
    fn poll_write<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
    ) -> Poll<io::Result<()>> {
        while self.at < self.pending.len() {
            match ready!(Pin::new(&mut *to).poll_write(cx, &self.pending[self.at..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                taken => self.at += taken,
            }
            self.is_flushed = false;
        }
        self.pending = Vec::new();
        self.at = 0;
        if self.state == State::Ending {
            if !self.is_cut {
                ready!(Pin::new(to).poll_shutdown(cx))?;
            }
            self.state = State::Ended;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
    ) -> Poll<io::Result<()>> {
        if !self.is_flushed {
            ready!(Pin::new(to).poll_flush(cx))?;
            self.is_flushed = true;
        }
        Poll::Ready(Ok(()))
    }
}
