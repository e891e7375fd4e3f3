//! How a socket goes on: reading, writing, keeping time, and ending.
//!
//! ```text
//!  poll_received ─▶ what was read                  ┐ whatever is called, pongs and close
//!       │ none       ▲                             │ frames go into the write buffer while
//!       ▼            │                             │ there is room, and out with the rest
//!  write what waits, read more, or see what is due ┘
//!       │ the connection closed
//!       ▼
//!  poll_end: Flush ─▶ Shutdown ─▶ Linger     a server, and who fails the connection
//!            Flush ─▶ Linger ─▶ Shutdown     a client (RFC 6455 §7.1.1)
//!            Leave                           whose line was lost
//! ```

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use tieline_proto::connection::State;
use tieline_proto::{CloseCode, Closed, Event, Limits, UsageError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::coop::poll_proceed;

use super::WebSocket;
use super::alarm::now;
use super::received::Received;
use crate::error::Error;
use crate::message::Message;

/// What is left to do with the transport of a closed connection.
pub(super) type Ending = &'static [Step];

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// What waits is written, the close frame last.
    Flush,
    /// The other end is told that nothing more comes.
    Shutdown,
    /// The same in one try: it is probably gone.
    Leave,
    /// Read and thrown away until the peer ends too: a transport that is dropped with unread bytes
    /// is reset, and a reset destroys the close frame on its way.
    Linger,
}

type Written = Result<(), Arc<io::Error>>;

impl<S> WebSocket<S> {
    /// Starts the closing handshake and waits for nothing.
    pub(super) fn begin_close(&mut self, code: CloseCode, reason: &str) -> Result<(), UsageError> {
        let outgoing = self.connection.outgoing();
        outgoing.close(code, reason, now())?;
        // Hixie-75 has no closing handshake: it is over.
        if let State::Closed { .. } = outgoing.state() {
            self.end(Closed::Cleanly { code: CloseCode::NO_STATUS, reason: String::new() }, None);
        }
        self.queue_control();
        Ok(())
    }

    /// Moves pongs, pings and close frames into the write buffer while there is room; where there
    /// is none a newer ping replaces the unanswered one.
    pub(super) fn queue_control(&mut self) {
        let outgoing = self.connection.outgoing();
        if outgoing.has_output() && !self.write.is_full() {
            outgoing.take_output(self.write.tail());
        }
    }

    /// What comes next among the bytes that were read.
    fn take_received(&mut self) -> Option<Received> {
        while !self.read.is_empty() && self.closed.is_none() {
            let (mut events, outgoing) = self.connection.receive(self.read.unread(), now());
            let (received, closed) = match events.next(outgoing) {
                Some(Event::Message(message)) => {
                    (Some(Received::Message(Message::received(message))), None)
                }
                Some(Event::Ping(payload)) => {
                    (Some(Received::Ping(Bytes::copy_from_slice(payload))), None)
                }
                Some(Event::Pong(payload)) => {
                    (Some(Received::Pong(Bytes::copy_from_slice(payload))), None)
                }
                Some(Event::Closed(closed)) => (None, Some(closed)),
                _ => (None, None),
            };
            let taken = events.consumed();
            self.read.advance(taken);
            self.queue_control();
            if let Some(closed) = closed {
                self.end(closed, None);
            }
            if received.is_some() {
                return received;
            }
        }
        None
    }

    fn end(&mut self, closed: Closed, source: Option<Arc<io::Error>>) {
        self.ending = match &closed {
            Closed::Lost(_) => &[Step::Leave],
            Closed::Cleanly { .. } if !self.is_server => {
                &[Step::Flush, Step::Linger, Step::Shutdown]
            }
            Closed::Cleanly { .. } | Closed::Failed(_) => {
                &[Step::Flush, Step::Shutdown, Step::Linger]
            }
        };
        if let Closed::Lost(_) = closed {
            self.write.discard();
        }
        self.read.clear();
        (self.closed, self.source) = (Some(closed), source);
    }

    /// The error of a connection that did not close cleanly, the first time it is asked for.
    pub(super) fn report(&mut self) -> Option<Error> {
        if std::mem::replace(&mut self.reported, true) {
            return None;
        }
        self.failure()
    }

    pub(super) fn failure(&self) -> Option<Error> {
        Error::of(self.closed.as_ref()?, self.source.clone())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// What arrives next, or `None` once the connection closed.
    pub(super) fn poll_received(&mut self, cx: &mut Context<'_>) -> Poll<Option<Received>> {
        loop {
            // A peer that is always ready must not keep the thread from the others.
            let turn = ready!(poll_proceed(cx));
            if let Some(received) = self.take_received() {
                turn.made_progress();
                return Poll::Ready(Some(received));
            }
            if self.closed.is_some() || self.gives_up_closing() {
                return Poll::Ready(None);
            }
            // A write that fails is no reason to lose what the peer has sent: it is read first.
            let _unless_broken = self.poll_write(cx, 0);
            match self.read.poll_fill(&mut self.stream, cx) {
                Poll::Ready(read) => {
                    self.note_read(read);
                    turn.made_progress();
                }
                Poll::Pending => ready!(self.poll_due(cx, self.connection.deadline())),
            }
        }
    }

    /// Whether the peer goes on talking after the time it has to answer a close frame. One more read
    /// is allowed, for a caller who comes late: the answer may have been there in time.
    fn gives_up_closing(&mut self) -> bool {
        let State::Closing { .. } = self.connection.state() else { return false };
        if self.connection.deadline().is_none_or(|deadline| now() < deadline) {
            return false;
        }
        if !std::mem::replace(&mut self.overdue, true) {
            return false;
        }
        if let Some(closed) = self.connection.handle_timeout(now()) {
            self.end(closed, None);
        }
        self.closed.is_some()
    }

    /// Throws messages away until the connection closed and its transport ended.
    pub(super) fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while ready!(self.poll_received(cx)).is_some() {}
        self.poll_end(cx)
    }

    /// Ends the transport of a closed connection, at the latest when its deadline passes.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some((step, rest)) = self.ending.split_first() {
            let polled = match step {
                Step::Flush => self.poll_write(cx, 0).map(|written| written.is_ok()),
                Step::Shutdown => self.poll_shutdown(cx),
                Step::Leave => Poll::Ready(self.poll_shutdown(cx).is_ready()),
                Step::Linger => self.poll_discard(cx),
            };
            self.ending = match polled {
                Poll::Ready(true) => rest,
                Poll::Ready(false) => &[],
                Poll::Pending => {
                    ready!(self.alarm.poll(cx, self.connection.deadline()));
                    &[]
                }
            };
        }
        Poll::Ready(())
    }

    /// Writes until no more than `rest` bytes wait. A transport that takes nothing for as long as a
    /// silent peer is given counts as lost.
    pub(super) fn poll_send(&mut self, cx: &mut Context<'_>, rest: usize) -> Poll<Written> {
        if let Poll::Ready(written) = self.poll_write(cx, rest) {
            return Poll::Ready(written);
        }
        let deadline = match self.connection.state() {
            State::Open => self.stuck_until(),
            State::Closing { .. } | State::Closed { .. } => self.connection.deadline(),
        };
        ready!(self.alarm.poll(cx, deadline));
        let stuck = Arc::new(io::ErrorKind::TimedOut.into());
        let closed = match self.connection.state() {
            State::Open => self.connection.receive_error(now()),
            State::Closing { .. } | State::Closed { .. } => self.connection.handle_timeout(now()),
        };
        if let Some(closed) = closed {
            self.end(closed, Some(Arc::clone(&stuck)));
        }
        Poll::Ready(Err(stuck))
    }

    fn stuck_until(&self) -> Option<Instant> {
        // A line without pings is not patient for ever either.
        let silence = self.limits.ping_after.or_else(|| Limits::default().ping_after);
        Some(self.write.stuck_since()? + silence.unwrap_or_default() + self.limits.pong_within)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, rest: usize) -> Poll<Written> {
        loop {
            self.queue_control();
            ready!(self.write.poll_drain(&mut self.stream, cx, rest, now))?;
            if rest > 0 || !self.connection.outgoing().has_output() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        Pin::new(&mut self.stream).poll_shutdown(cx).map(|result| result.is_ok())
    }

    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        while !self.eof {
            let turn = ready!(poll_proceed(cx));
            let read = ready!(self.read.poll_fill(&mut self.stream, cx));
            self.read.clear();
            turn.made_progress();
            match read {
                Ok(0) => self.eof = true,
                Ok(_) => {}
                Err(_) => return Poll::Ready(false),
            }
        }
        Poll::Ready(true)
    }

    /// Takes note of what a read brought: bytes, the end, or an error.
    fn note_read(&mut self, read: io::Result<usize>) {
        let now = now();
        let (closed, source) = match (read, self.write.broken()) {
            (Ok(1..), _) => return,
            (Ok(0), None) => (self.connection.receive_eof(now), None),
            (Ok(0), Some(broken)) => (self.connection.receive_error(now), Some(Arc::clone(broken))),
            // TLS says so where the peer ended without saying goodbye.
            (Err(error), _) if error.kind() == io::ErrorKind::UnexpectedEof => {
                (self.connection.receive_eof(now), Some(Arc::new(error)))
            }
            (Err(error), _) => (self.connection.receive_error(now), Some(Arc::new(error))),
        };
        self.eof = true;
        if let Some(closed) = closed {
            self.end(closed, source);
        }
    }

    /// Waits for `deadline` and does what is then due.
    fn poll_due(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()> {
        ready!(self.alarm.poll(cx, deadline));
        if let Some(closed) = self.connection.handle_timeout(now()) {
            self.end(closed, None);
        }
        Poll::Ready(())
    }
}
