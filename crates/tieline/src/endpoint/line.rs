//! An open line that takes one type and gives another.

use std::error;
use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::str::FromStr;
use std::task::Poll;

use futures_core::Stream;
use futures_sink::Sink;
use tieline_proto::{CloseCode, Closed};
use tokio::io::{AsyncRead, AsyncWrite};

use super::codec::{Decode, DecodeError, Encode, EncodeError};
use super::path::Parameters;
use crate::error::Error;
use crate::message::Message;
use crate::socket::WebSocket;

/// Whatever carries a typed line.
pub(super) trait Carrier: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Carrier for S {}

/// A carrier whose type does not matter: one allocation a line.
pub(super) type Transport = Box<dyn Carrier>;

/// One end of an open line that takes `In` and gives `Out`.
///
/// Keep a task in [`next`](Self::next): it also answers pings and keeps the time, as
/// [`WebSocket::next`] does.
pub struct Line<In = Message, Out = Message> {
    socket: WebSocket<Transport>,
    parameters: Parameters,
    types: PhantomData<fn(Out) -> In>,
}

/// What ends a typed line, or keeps something from being sent on it.
#[derive(Debug)]
#[non_exhaustive]
pub enum LineError {
    /// The peer sent what nobody takes here; the line is closed with the error's
    /// [`close_code`](DecodeError::close_code).
    Decode(DecodeError),
    /// Our caller's value could not be made a message; the line stays open.
    Encode(EncodeError),
    /// The socket's own.
    Socket(Error),
}

/// What comes first on a line.
pub(super) enum Turn<T> {
    /// What the peer said, or how the line ended.
    Heard(Option<Result<Message, Error>>),
    /// What this end wants to say of its own accord.
    Pushed(T),
}

impl<In, Out> Line<In, Out> {
    pub(super) fn new(socket: WebSocket<Transport>, parameters: Parameters) -> Self {
        Self { socket, parameters, types: PhantomData }
    }

    /// A parameter of the path; `None` where there is none of this name, or it is no `T`.
    ///
    /// On the server what [`Endpoint::param`](super::Endpoint::param) named was checked before the
    /// handshake, and is there.
    pub fn param<T: FromStr>(&self, name: &str) -> Option<T> {
        let (_, value) = self.parameters.iter().find(|(known, _)| known == name)?;
        value.parse().ok()
    }

    /// The subprotocol that was agreed; empty for none.
    pub fn protocol(&self) -> &str {
        self.socket.protocol()
    }

    /// The URL that was asked for.
    pub fn url(&self) -> &str {
        self.socket.url()
    }

    /// How the line closed; `None` while it is open or closing.
    pub const fn closed(&self) -> Option<&Closed> {
        self.socket.closed()
    }

    /// The next message, or room for one to send and what `push` then gives; reading goes on while
    /// there is no room, so that two ends that both speak do not wait for each other.
    pub(super) async fn next_turn<T>(&mut self, push: impl Future<Output = T>) -> Turn<T> {
        let mut push = pin!(push);
        poll_fn(|cx| {
            let mut socket = Pin::new(&mut self.socket);
            if let Poll::Ready(heard) = socket.as_mut().poll_next(cx) {
                return Poll::Ready(Turn::Heard(heard));
            }
            match socket.poll_ready(cx) {
                Poll::Ready(Ok(())) => push.as_mut().poll(cx).map(Turn::Pushed),
                // What closed the line is told by reading.
                Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Queues a message for which there is room; it leaves when the line is read next.
    pub(super) fn feed(&mut self, message: Message) -> Result<(), LineError> {
        Ok(Pin::new(&mut self.socket).start_send(message)?)
    }

    /// Sends a message of any type that has an encoder: for endpoints that say several.
    ///
    /// # Errors
    ///
    /// [`LineError::Encode`], and as [`WebSocket::send`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has sent the whole message or none of it.
    pub async fn send_any<T: Encode>(&mut self, message: T) -> Result<(), LineError> {
        let message = message.encode().map_err(LineError::Encode)?;
        Ok(self.socket.send(message).await?)
    }

    /// Closes the line, as [`WebSocket::close`] does.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::close`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has started the closing handshake.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), LineError> {
        Ok(self.socket.close(code, reason).await?)
    }

    /// The same line with other types.
    pub(super) fn typed<NewIn, NewOut>(self) -> Line<NewIn, NewOut> {
        Line::new(self.socket, self.parameters)
    }

    /// Closes the line for what the peer sent, and waits for the end; the cause is the answer.
    pub(super) async fn refuse(&mut self, error: DecodeError) -> LineError {
        // The line ends either way, and the cause says more than how it ended.
        _ = self.socket.close(error.close_code(), &error.to_string()).await;
        LineError::Decode(error)
    }
}

impl<In: Decode, Out> Line<In, Out> {
    /// The next message; `None` once the line closed cleanly.
    ///
    /// # Errors
    ///
    /// [`LineError::Decode`] for what cannot be read as `In`, after the line was closed with its
    /// code; [`LineError::Socket`] as [`WebSocket::next`]. Once, and `None` after that.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: a message is taken only when it is given.
    pub async fn next(&mut self) -> Option<Result<In, LineError>> {
        match self.socket.next().await? {
            Ok(message) => match In::decode(message) {
                Ok(value) => Some(Ok(value)),
                Err(error) => Some(Err(self.refuse(error).await)),
            },
            Err(error) => Some(Err(error.into())),
        }
    }
}

impl<In, Out: Encode> Line<In, Out> {
    /// Sends a message, and waits until the transport has taken it.
    ///
    /// # Errors
    ///
    /// [`LineError::Encode`], and as [`WebSocket::send`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has sent the whole message or none of it.
    pub async fn send(&mut self, message: Out) -> Result<(), LineError> {
        self.send_any(message).await
    }
}

impl<In, Out> fmt::Debug for Line<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("socket", &self.socket)
            .field("parameters", &self.parameters)
            .finish()
    }
}

impl From<Error> for LineError {
    fn from(error: Error) -> Self {
        Self::Socket(error)
    }
}

impl From<EncodeError> for LineError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Decode(_) => "the peer sent what is not taken here",
            Self::Encode(_) => "the message could not be made",
            Self::Socket(_) => "the line failed",
        })
    }
}

impl error::Error for LineError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Decode(error) => Some(error),
            Self::Encode(error) => Some(error),
            Self::Socket(error) => Some(error),
        }
    }
}
