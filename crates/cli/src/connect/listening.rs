//! The server's end: others open lines to it, one after the other.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_util::Sink;
use tieline::reconnect::{SendError, Why};
use tieline::{
    AcceptError, AcceptOptions, Answer, CloseCode, Closed, Hosts, Message, UsageError, WebSocket,
};
use tokio::net::{TcpListener, TcpStream};

use super::event::{Event, Opened};

type Socket = WebSocket<TcpStream>;
type Handshake = Pin<Box<dyn Future<Output = Result<Socket, AcceptError>>>>;

/// A server for one peer at a time.
pub(super) struct Listening {
    listener: TcpListener,
    options: AcceptOptions,
    /// Whether the next peer is taken when one has left.
    stays: bool,
    state: State,
}

enum State {
    Accepting(Handshake, Instant),
    Open(Box<Socket>),
    Over,
    Waiting,
}

impl Listening {
    /// Listens at `address`; the address it has got is [`address`](Self::address).
    pub(super) async fn at(
        address: &str,
        mut options: AcceptOptions,
        stays: bool,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        if listener.local_addr()?.ip().is_loopback() {
            // No page reaches it under a name of its own.
            options.hosts = Hosts::default();
        }
        Ok(Self { listener, options, stays, state: State::Waiting })
    }

    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    pub(super) const fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    pub(super) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        loop {
            match &mut self.state {
                State::Over => return Poll::Ready(None),
                State::Waiting => {
                    let (stream, _) = match ready!(self.listener.poll_accept(cx)) {
                        Ok(accepted) => accepted,
                        Err(error) => {
                            return Poll::Ready(Some(Event::TurnedAway(error.to_string())));
                        }
                    };
                    let handshake = Box::pin(handshake(stream, self.options.clone()));
                    self.state = State::Accepting(handshake, Instant::now());
                }
                State::Accepting(handshake, since) => {
                    let (accepted, took) = (ready!(handshake.as_mut().poll(cx)), since.elapsed());
                    let event = match accepted {
                        Ok(socket) => {
                            let opened = Opened::of(&socket, took);
                            self.state = State::Open(Box::new(socket));
                            Event::Opened(opened)
                        }
                        Err(error) => {
                            self.state = State::Waiting;
                            Event::TurnedAway(error.to_string())
                        }
                    };
                    return Poll::Ready(Some(event));
                }
                State::Open(socket) => {
                    let why = match ready!(socket.poll_receive(cx)) {
                        Some(Ok(received)) => return Poll::Ready(Some(Event::Received(received))),
                        Some(Err(error)) => Why::Line(error),
                        None => closed(socket),
                    };
                    self.state = if self.stays { State::Waiting } else { State::Over };
                    let retry_in = self.stays.then_some(Duration::ZERO);
                    return Poll::Ready(Some(Event::Ended { why, retry_in }));
                }
            }
        }
    }

    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Pin::new(self.socket()?).poll_ready(cx).map_err(SendError::Line)
    }

    pub(super) fn send(&mut self, message: Message) -> Result<(), SendError> {
        Pin::new(self.socket()?).start_send(message).map_err(SendError::Line)
    }

    pub(super) fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        Ok(self.socket()?.start_ping(payload)?)
    }

    pub(super) fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), UsageError> {
        match &mut self.state {
            State::Open(socket) => match socket.start_close(code, reason) {
                Ok(()) | Err(UsageError::Closed) => self.stays = false,
                Err(error) => return Err(error),
            },
            _ => self.state = State::Over,
        }
        Ok(())
    }

    fn socket(&mut self) -> Result<&mut Socket, SendError> {
        match &mut self.state {
            State::Open(socket) => Ok(socket),
            _ => Err(SendError::NotConnected),
        }
    }
}

/// How a line ended that was not lost.
fn closed(socket: &Socket) -> Why {
    let (code, reason) = match socket.closed() {
        Some(Closed::Cleanly { code, reason }) => (*code, reason.clone()),
        _ => (CloseCode::ABNORMAL, String::new()),
    };
    Why::Closed { code, reason }
}

async fn handshake(stream: TcpStream, options: AcceptOptions) -> Result<Socket, AcceptError> {
    // A short message is not to wait for the next.
    stream.set_nodelay(true)?;
    tieline::accept_with(stream, &options, |_| Ok(Answer::default())).await
}
