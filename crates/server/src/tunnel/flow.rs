//! One direction of a line: what one read gave is written before the next.
//!
//! Nothing is gathered: what the other side does not take stops the reading, and so does a client's
//! pace, where that is limited. While nothing waits a flow owns no buffer; all of a worker read into
//! one.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tieline::CloseCode;
use tieline_proto::frame::{Header, Opcode};
use tieline_proto::mask;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frames::Frames;
use super::pace::{Excess, Pace};
use crate::random;

/// What is read at once.
const SCRATCH_BYTES: usize = 64 << 10;

/// Reads of one side until others of the worker have their turn.
const MAX_ROUNDS: usize = 8;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_BYTES].into());
}

/// One direction.
pub(super) struct Flow<'w> {
    /// What the other side has not taken yet, from `at` on.
    pending: Vec<u8>,
    at: usize,
    state: State,
    /// Followed where something may be said between two frames: on the way to the client.
    frames: Option<Frames>,
    /// How much may pass, where that is limited: on the way to the upstream.
    pace: Option<Box<Pace<'w>>>,
    /// The end that is to be said as soon as a frame ends.
    close: Option<(CloseCode, Cow<'static, str>)>,
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

impl<'w> Flow<'w> {
    /// To the upstream; `ahead` was read already.
    pub(super) fn up(ahead: Bytes, pace: Option<Pace<'w>>) -> Self {
        let Some(mut pace) = pace else { return Self::new(&ahead) };
        let passed = ahead.len() as u64;
        pace.hold(ahead);
        Self { pace: Some(Box::new(pace)), passed, ..Self::new(&[]) }
    }

    /// To the client.
    pub(super) fn down(ahead: &[u8]) -> Self {
        let mut frames = Frames::default();
        frames.pass(ahead);
        Self { frames: Some(frames), ..Self::new(ahead) }
    }

    fn new(ahead: &[u8]) -> Self {
        Self {
            pending: ahead.to_vec(),
            at: 0,
            state: State::Open,
            frames: None,
            pace: None,
            close: None,
            discards: false,
            is_cut: false,
            is_flushed: true,
            passed: ahead.len() as u64,
        }
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
            if let Some(pace) = &mut self.pace {
                let Poll::Ready(held) = pace.poll_held(cx) else {
                    ready!(self.poll_flush(cx, to)).map_err(Broken::Writing)?;
                    return Poll::Pending;
                };
                if pace.excess().is_some() && held.is_empty() {
                    return Poll::Pending;
                }
                if !held.is_empty() {
                    self.pass(cx, &held, to)?;
                    continue;
                }
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
    pub(super) fn close_soon(&mut self, code: CloseCode, reason: impl Into<Cow<'static, str>>) {
        self.close = Some((code, reason.into()));
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
            let gone = || (CloseCode::BAD_GATEWAY, "the upstream is gone".into());
            self.close.get_or_insert_with(gone);
            self.say_close();
        }
        self.state = State::Ending;
    }

    /// Nothing can be written any more; what comes is thrown away.
    pub(super) fn cut(&mut self) {
        self.discards = true;
        self.is_cut = true;
        self.pace = None;
        self.pending = Vec::new();
        self.at = 0;
    }

    /// Why the client may say nothing more, once that is so: what comes is thrown away from then on,
    /// and the upstream is told, where that can be.
    pub(super) fn take_excess(&mut self) -> Option<Excess> {
        let excess = self.pace.as_mut()?.take_excess()?;
        if excess.is_between {
            let key = Some(random::bytes());
            append_close(&mut self.pending, excess.code, &excess.reason, key);
        }
        self.discards = true;
        self.pace = None;
        Some(excess)
    }

    /// Whether its end has been handed on.
    pub(super) fn is_over(&self) -> bool {
        self.state == State::Ended
    }

    /// How many bytes came.
    pub(super) const fn passed(&self) -> u64 {
        self.passed
    }

    /// What was read: written as far as it may pass and the other side takes it, the rest kept.
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
        let Some(pace) = &mut self.pace else { return self.pass(cx, bytes, to) };
        let (bytes, held) = bytes.split_at(pace.admit(bytes));
        pace.hold(Bytes::copy_from_slice(held));
        self.pass(cx, bytes, to)
    }

    /// Hands bytes on.
    fn pass<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        to: &mut W,
    ) -> Result<(), Broken> {
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
        match (&mut self.frames, &self.close) {
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
        let Some((code, reason)) = self.close.as_ref().filter(|_| !self.discards) else { return };
        append_close(&mut self.pending, *code, reason, None);
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

/// A close frame, masked where it goes to an upstream.
fn append_close(out: &mut Vec<u8>, code: CloseCode, reason: &str, mask: Option<[u8; 4]>) {
    let len = 2 + reason.len() as u64;
    Header { fin: true, reserved: 0, opcode: Opcode::Close, mask, len }.encode(out);
    let payload = out.len();
    out.extend_from_slice(&code.get().to_be_bytes());
    out.extend_from_slice(reason.as_bytes());
    if let Some(key) = mask {
        mask::apply(&mut out[payload..], key);
    }
}
