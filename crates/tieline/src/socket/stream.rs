//! The socket as a `Stream` of messages and a `Sink` for them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_sink::Sink;
use tieline_proto::connection::State;
use tieline_proto::{CloseCode, Closed, Lost, UsageError};
use tokio::io::{AsyncRead, AsyncWrite};

use super::WebSocket;
use super::received::Received;
use super::write::HIGH_WATER;
use crate::error::Error;
use crate::message::Message;

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for WebSocket<S> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            match ready!(this.poll_receive(cx)) {
                Some(Ok(Received::Message(message))) => return Poll::Ready(Some(Ok(message))),
                Some(Ok(Received::Ping(_) | Received::Pong(_))) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

/// `poll_ready` waits while more than 64 KiB are buffered; `start_send` encodes the whole message,
/// so that it is sent whole or not at all; `poll_flush` is one write for all that waits;
/// `poll_close` closes with 1000 and waits as [`close`](WebSocket::close) does.
impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Message> for WebSocket<S> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        this.check_open()?;
        if this.write.is_full() {
            ready!(this.poll_sent(cx, HIGH_WATER))?;
        }
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        let this = self.get_mut();
        this.check_open()?;
        // What was answered before is sent before.
        this.queue_control();
        let outgoing = this.connection.outgoing();
        outgoing.send(message.kind(), message.as_bytes(), this.write.tail())?;
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.get_mut().poll_sent(cx, 0)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        if this.connection.state() == State::Open {
            this.begin_close(CloseCode::NORMAL, "")?;
        }
        ready!(this.poll_finish(cx));
        Poll::Ready(this.report().map_or(Ok(()), Err))
    }
}

impl<S> WebSocket<S> {
    /// Whether anything may still be sent.
    fn check_open(&self) -> Result<(), Error> {
        if let Some(broken) = self.write.broken() {
            return Err(Error::Lost { why: Lost::Transport, source: Some(Arc::clone(broken)) });
        }
        match self.connection.state() {
            State::Open => Ok(()),
            _ => Err(self.failure().unwrap_or(Error::Usage(UsageError::Closed))),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    fn poll_sent(&mut self, cx: &mut Context<'_>, rest: usize) -> Poll<Result<(), Error>> {
        if let Some(Closed::Lost(_)) = self.closed {
            return Poll::Ready(self.failure().map_or(Ok(()), Err));
        }
        let written = ready!(self.poll_send(cx, rest));
        Poll::Ready(written.map_err(|source| {
            let lost = Error::Lost { why: Lost::Transport, source: Some(source) };
            self.failure().unwrap_or(lost)
        }))
    }
}
