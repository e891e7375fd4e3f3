//! What a conversation is held over: a line that this end opens, or one that others open to it.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use futures_util::{Sink, Stream};
use tieline::reconnect::{self, Reconnect, Reconnecting, SendError};
use tieline::{CloseCode, Connect, Message, Received, UsageError};

use super::event::{Event, Opened};
use super::listening::Listening;

/// A line, from before it is open until there will be no other.
pub(super) enum Line {
    Asking(Box<Asking>),
    Listening(Box<Listening>),
}

/// A line that this end opens, once, or again and again.
pub(super) struct Asking {
    line: Reconnecting,
    comes_back: bool,
    is_over: bool,
    /// When the attempt began.
    since: Instant,
}

impl Line {
    pub(super) fn asking(request: Connect, comes_back: bool) -> Self {
        let line = Reconnecting::new(request, Reconnect::default());
        Self::Asking(Box::new(Asking { line, comes_back, is_over: false, since: Instant::now() }))
    }

    /// What happens next; `None` once there will be no more.
    pub(super) async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    pub(super) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        match self {
            Self::Asking(line) => line.poll_event(cx),
            Self::Listening(line) => line.poll_event(cx),
        }
    }

    /// Whether a line is there.
    pub(super) const fn is_open(&self) -> bool {
        match self {
            Self::Asking(line) => line.line.socket().is_some(),
            Self::Listening(line) => line.is_open(),
        }
    }

    /// Whether a message is taken at once; where the line ends instead, its event says so.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let ready = match self {
            Self::Asking(line) => Pin::new(&mut line.line).poll_ready(cx),
            Self::Listening(line) => line.poll_ready(cx),
        };
        match ready!(ready) {
            Ok(()) => Poll::Ready(()),
            Err(_) => Poll::Pending,
        }
    }

    /// Hands a message to a line that is ready; it leaves while the next event is waited for.
    pub(super) fn send(&mut self, message: Message) -> Result<(), SendError> {
        match self {
            Self::Asking(line) => Pin::new(&mut line.line).start_send(message),
            Self::Listening(line) => line.send(message),
        }
    }

    pub(super) fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        match self {
            Self::Asking(line) => line.line.start_ping(payload),
            Self::Listening(line) => line.ping(payload),
        }
    }

    /// Closes, and opens no other.
    pub(super) fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), UsageError> {
        match self {
            Self::Asking(line) => line.line.start_close(code, reason),
            Self::Listening(line) => line.close(code, reason),
        }
    }
}

impl Asking {
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        while !self.is_over {
            let Some(event) = ready!(Pin::new(&mut self.line).poll_next(cx)) else { break };
            return Poll::Ready(Some(match event {
                reconnect::Event::Connected => match self.line.socket() {
                    Some(socket) => Event::Opened(Opened::of(socket, self.since.elapsed())),
                    None => continue,
                },
                reconnect::Event::Message(message) => Event::Received(Received::Message(message)),
                reconnect::Event::Ping(payload) => Event::Received(Received::Ping(payload)),
                reconnect::Event::Pong(payload) => Event::Received(Received::Pong(payload)),
                reconnect::Event::Disconnected { why, retry_in } => {
                    let retry_in = retry_in.filter(|_| self.comes_back);
                    self.is_over = retry_in.is_none();
                    self.since = Instant::now() + retry_in.unwrap_or_default();
                    Event::Ended { why, retry_in }
                }
                _ => continue,
            }));
        }
        Poll::Ready(None)
    }
}
