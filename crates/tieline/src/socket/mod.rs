//! The open line: messages in and out over any transport.
//!
//! | question                         | file          |
//! |----------------------------------|---------------|
//! | what was read, not yet looked at | `read.rs`     |
//! | what is sent, not yet taken      | `write.rs`    |
//! | when is something due            | `alarm.rs`    |
//! | what arrives                     | `received.rs` |
//! | how does it go on, and end       | `drive.rs`    |
//! | `Stream` and `Sink`              | `stream.rs`   |
//! | one task reads, another writes   | `split.rs`    |

mod alarm;
mod drive;
mod read;
mod received;
mod split;
mod state;
mod stream;
mod write;

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_sink::Sink;
use http::HeaderMap;
pub use received::Received;
pub use split::{Receiver, ReuniteError, Sender};
pub use state::ReadyState;
use tieline_proto::handshake::{Agreement, Dialect};
use tieline_proto::{CloseCode, Closed, Connection, Limits, Role, UsageError};
use tokio::io::{AsyncRead, AsyncWrite};

use self::alarm::Alarm;
use self::drive::Ending;
use self::read::ReadBuffer;
use self::write::WriteBuffer;
use crate::error::Error;
use crate::keys::mask_keys;
use crate::message::Message;

/// An open line, as the browser's `WebSocket` object has it, over any transport.
///
/// Pings are answered, a silent peer is pinged and a dead one given up while
/// [`next`](Self::next) is awaited, so keep one task in it; [`split`](Self::split) lets another
/// task send meanwhile. It is also a [`Stream`] of messages and a [`Sink`] for them: what is fed to
/// the sink and not flushed leaves in one write, at the latest before `next` waits for the peer.
///
/// The socket works in a tokio runtime whose time is enabled. Dropping it drops the transport
/// without a closing handshake: the peer sees 1006. Use [`close`](Self::close) to end it well.
///
/// Spec: RFC 6455 §5 to §7.
///
/// # Example
///
/// ```
/// # async fn echo<S>(stream: S) -> Result<(), Box<dyn std::error::Error>>
/// # where S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin {
/// let mut socket = tieline::accept(stream).await?;
/// while let Some(message) = socket.next().await {
///     socket.send(message?).await?;
/// }
/// # Ok(()) }
/// ```
pub struct WebSocket<S> {
    stream: S,
    connection: Connection,
    limits: Arc<Limits>,
    agreement: Box<Agreement>,
    url: Box<str>,
    response: Option<Box<HeaderMap>>,
    is_server: bool,
    read: ReadBuffer,
    write: WriteBuffer,
    alarm: Alarm,
    /// Whether the transport has nothing more to read.
    eof: bool,
    /// Whether the peer's answer to a close frame is late, and one more read is allowed.
    overdue: bool,
    closed: Option<Closed>,
    /// What the transport said when it was lost.
    source: Option<Arc<io::Error>>,
    /// Whether an end that is no clean one was told to the caller.
    reported: bool,
    ending: Ending,
}

impl<S> WebSocket<S> {
    /// A line whose handshake was done by other means.
    ///
    /// `already_read` are the bytes that came after the handshake, often none.
    pub fn from_parts(
        stream: S,
        role: Role,
        agreement: &Agreement,
        limits: impl Into<Arc<Limits>>,
        already_read: &[u8],
    ) -> Self {
        let limits = limits.into();
        let is_server = matches!(role, Role::Server);
        Self {
            stream,
            connection: Connection::new(role, agreement, Arc::clone(&limits), alarm::now()),
            limits,
            agreement: Box::new(agreement.clone()),
            url: Box::default(),
            response: None,
            is_server,
            read: ReadBuffer::new(already_read),
            write: WriteBuffer::default(),
            alarm: Alarm::default(),
            eof: false,
            overdue: false,
            closed: None,
            source: None,
            reported: false,
            ending: &[],
        }
    }

    /// The asking end of a line whose handshake was done by other means; its frames are masked
    /// with keys from the operating system. The rest is as [`from_parts`](Self::from_parts) says.
    pub fn client(
        stream: S,
        agreement: &Agreement,
        limits: impl Into<Arc<Limits>>,
        already_read: &[u8],
    ) -> Self {
        Self::from_parts(stream, Role::Client(mask_keys()), agreement, limits, already_read)
    }

    /// The answering end of a line whose handshake was done by other means. The rest is as
    /// [`from_parts`](Self::from_parts) says.
    pub fn server(
        stream: S,
        agreement: &Agreement,
        limits: impl Into<Arc<Limits>>,
        already_read: &[u8],
    ) -> Self {
        Self::from_parts(stream, Role::Server, agreement, limits, already_read)
    }

    /// Sets what [`url`](Self::url) says, for a line made [`from_parts`](Self::from_parts).
    #[must_use]
    pub fn with_url(self, url: impl Into<Box<str>>) -> Self {
        Self { url: url.into(), ..self }
    }

    /// Keeps what [`response_headers`](Self::response_headers) says.
    pub(crate) fn with_response(self, headers: HeaderMap) -> Self {
        Self { response: Some(Box::new(headers)), ..self }
    }

    /// The URL that was asked for; empty where the handshake was done by other means.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The headers of the server's answer, such as its cookies; `None` on a server, and where the
    /// handshake was done by other means.
    pub fn response_headers(&self) -> Option<&HeaderMap> {
        self.response.as_deref()
    }

    /// The subprotocol that was agreed; empty for none.
    ///
    /// Spec: RFC 6455 §1.9.
    pub fn protocol(&self) -> &str {
        self.agreement.protocol.as_deref().unwrap_or_default()
    }

    /// The extensions that were agreed, as the response wrote them; empty for none.
    ///
    /// Spec: RFC 6455 §9.1.
    pub fn extensions(&self) -> &str {
        &self.agreement.extensions
    }

    /// Which of the protocol's drafts is spoken.
    pub fn dialect(&self) -> Dialect {
        self.agreement.dialect
    }

    /// Where in its life the line is.
    pub fn ready_state(&self) -> ReadyState {
        ReadyState::of(self.connection.state(), self.closed.is_some() && self.ending.is_empty())
    }

    /// Bytes that were sent and not yet taken by the transport, the headers of their frames and
    /// control frames included.
    pub const fn buffered_amount(&self) -> usize {
        self.write.len()
    }

    /// How the connection closed; `None` while it is open or closing.
    pub const fn closed(&self) -> Option<&Closed> {
        self.closed.as_ref()
    }

    /// The transport.
    pub const fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The same line over another form of its transport.
    pub(crate) fn map_transport<T>(self, map: impl FnOnce(S) -> T) -> WebSocket<T> {
        let Self {
            stream,
            connection,
            limits,
            agreement,
            url,
            response,
            is_server,
            read,
            write,
            alarm,
            eof,
            closed,
            source,
            reported,
            ending,
            overdue,
        } = self;
        WebSocket {
            stream: map(stream),
            connection,
            limits,
            agreement,
            url,
            response,
            is_server,
            read,
            write,
            alarm,
            eof,
            closed,
            source,
            reported,
            ending,
            overdue,
        }
    }

    /// Has a ping sent with the next flush, or while [`next`](Self::next) is awaited; one that still
    /// waits is replaced.
    ///
    /// # Errors
    ///
    /// [`ControlTooLong`](UsageError::ControlTooLong) above 125 bytes,
    /// [`Closed`](UsageError::Closed) after the close, and
    /// [`NotInDialect`](UsageError::NotInDialect) in the hixie drafts, which have no pings.
    pub fn start_ping(&mut self, payload: &[u8]) -> Result<(), UsageError> {
        self.connection.outgoing().ping(payload)
    }

    /// Starts the closing handshake without waiting for its end.
    ///
    /// The close frame leaves with the next flush; go on with [`next`](Self::next), which gives the
    /// peer's last messages and then ends.
    ///
    /// # Errors
    ///
    /// [`InvalidCloseCode`](UsageError::InvalidCloseCode) and
    /// [`ControlTooLong`](UsageError::ControlTooLong), and the line stays open;
    /// [`Closed`](UsageError::Closed) where a close was started before, by either end.
    pub fn start_close(&mut self, code: CloseCode, reason: &str) -> Result<(), UsageError> {
        self.begin_close(code, reason)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// The next message; `None` once the line closed cleanly and its transport ended.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] and [`Error::Lost`], once, and `None` after that. What the peer sent
    /// before is given first.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: a message is taken only when it is given.
    pub async fn next(&mut self) -> Option<Result<Message, Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// What arrives next, pings and pongs as well; the rest is as [`next`](Self::next) says.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn receive(&mut self) -> Option<Result<Received, Error>> {
        poll_fn(|cx| self.poll_receive(cx)).await
    }

    /// [`receive`](Self::receive) for who polls.
    pub fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Received, Error>>> {
        if let Some(received) = ready!(self.poll_received(cx)) {
            return Poll::Ready(Some(Ok(received)));
        }
        ready!(self.poll_end(cx));
        Poll::Ready(self.report().map(Err))
    }

    /// Sends one message, and waits until the transport has taken it: a slow peer makes it wait.
    ///
    /// While it waits nothing is read. Where both ends send much at the same time each would wait
    /// for the other to read: [`split`](Self::split) the line, and read in a task of its own.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] after the close, or for what the dialect cannot say; [`Error::Lost`] where
    /// the transport failed, or took nothing for as long as a silent peer is given (the limits
    /// `ping_after` and `pong_within` together).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has sent the whole message or none of it, and the socket stays usable:
    /// what the transport has not taken leaves with whatever is called next.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        let message = message.into();
        poll_fn(|cx| Pin::new(&mut *self).poll_ready(cx)).await?;
        Pin::new(&mut *self).start_send(message)?;
        poll_fn(|cx| Pin::new(&mut *self).poll_flush(cx)).await
    }

    /// Sends a ping. The pong is not waited for: any sign of life from the peer counts as one, and
    /// [`receive`](Self::receive) tells it.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] above 125 bytes, after the close, or in the hixie drafts, which have no
    /// pings; [`Error::Lost`] as [`send`](Self::send) says.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has sent the whole ping or none of it.
    pub async fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        poll_fn(|cx| Pin::new(&mut *self).poll_ready(cx)).await?;
        self.start_ping(payload)?;
        poll_fn(|cx| Pin::new(&mut *self).poll_flush(cx)).await
    }

    /// Closes the line: sends a close frame, waits for the peer's and for the end of the transport.
    ///
    /// Messages that still arrive are thrown away; to see them, use
    /// [`start_close`](Self::start_close) and go on with [`next`](Self::next). A line that is
    /// closing or closed is waited for in the same way. What the peer said is in
    /// [`closed`](Self::closed).
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] at once for a code that must not be sent or a reason above 123 bytes, and
    /// the line stays open. [`Error::Lost`] and [`Error::Failed`] where the peer did not answer
    /// within [`Limits::close_within`], or not well, unless it was told before.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has started the closing handshake: call it again, or
    /// [`next`](Self::next), to go on with it.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        match self.begin_close(code, reason) {
            Ok(()) | Err(UsageError::Closed) => {}
            Err(error) => return Err(error.into()),
        }
        poll_fn(|cx| self.poll_finish(cx)).await;
        self.report().map_or(Ok(()), Err)
    }

    /// Splits the line, so that one task reads and another sends.
    pub fn split(self) -> (Sender<S>, Receiver<S>) {
        split::split(self)
    }
}

impl<S> fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("url", &self.url)
            .field("dialect", &self.agreement.dialect)
            .field("ready_state", &self.ready_state())
            .finish_non_exhaustive()
    }
}
