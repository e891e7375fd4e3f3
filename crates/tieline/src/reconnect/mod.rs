//! A client that comes back when its line is lost.
//!
//! ```text
//!            ┌──────────── Disconnected, retry_in: Some ◀─────────┐
//!            ▼                                                    │
//!  attempt ──┬─▶ Connected ─▶ Message … ─▶ the line ends ─────────┤
//!            └─▶ it does not open ────────────────────────────────┤
//!                                                                 ▼
//!                                     Disconnected, retry_in: None ─▶ the end
//! ```
//!
//! What was sent on a line that is lost may or may not have arrived, and nothing is sent again: on
//! [`Event::Connected`] the owner says what the server has to know.

mod backoff;
mod event;
mod options;

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use backoff::Backoff;
pub use event::{Event, SendError, Why};
use futures_core::Stream;
use futures_sink::Sink;
pub use options::Reconnect;
use tieline_proto::{CloseCode, Closed, UsageError};
use tokio::time::{Instant, Sleep, sleep};

use crate::connect::{Connect, ConnectError};
use crate::error::Error;
use crate::message::Message;
use crate::socket::{Received, WebSocket};
use crate::stream::ClientStream;

type Socket = WebSocket<ClientStream>;
type Attempt = Pin<Box<dyn Future<Output = Result<Socket, ConnectError>> + Send>>;
type Prepared = Result<Connect, Box<dyn StdError + Send + Sync>>;
type Hook = Box<dyn FnMut(Connect) -> Pin<Box<dyn Future<Output = Prepared> + Send>> + Send>;

/// A client that opens its line again, and again, until told otherwise.
///
/// It does nothing by itself: [`next`](Self::next) connects, waits, reads and answers pings, so
/// keep one task in it, and send from the same task with `tokio::select!`. It is also a [`Stream`]
/// of events, and a [`Sink`] for messages: what is handed to it leaves with the next event that is
/// waited for, so that neither direction waits for the other.
///
/// # Example
///
/// ```no_run
/// use tieline::Connect;
/// use tieline::reconnect::{Event, Reconnect, Reconnecting};
///
/// # async fn fresh_token() -> Result<String, std::io::Error> { Ok(String::new()) }
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let request = Connect::to("wss://example.com/feed");
/// let mut feed = Reconnecting::new(request, Reconnect::default())
///     .before_each(|request| async {
///         let token = fresh_token().await?;
///         Ok(request.header("Authorization", format!("Bearer {token}")))
///     });
/// while let Some(event) = feed.next().await {
///     match event {
///         Event::Connected => feed.send("subscribe").await?,
///         Event::Message(message) => println!("{message:?}"),
///         Event::Disconnected { why, retry_in } => eprintln!("{why}; next in {retry_in:?}"),
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is opened before `next`"]
pub struct Reconnecting {
    request: Connect,
    options: Reconnect,
    hook: Option<Hook>,
    backoff: Backoff,
    state: State,
    /// Whether the owner closed it for good.
    leaving: bool,
    /// Whether the owner ends this line, to come back on another.
    restarting: bool,
    /// How long the owner wants to stay away when this line has ended.
    wait: Duration,
}

enum State {
    /// The next attempt is due.
    Due,
    Ended,
    Open {
        socket: Box<Socket>,
        since: Instant,
        /// What the socket reported before its end.
        error: Option<Error>,
    },
    Opening(Attempt),
    Waiting(Pin<Box<Sleep>>),
}

impl Reconnecting {
    /// A client that makes this request each time.
    pub fn new(request: Connect, options: Reconnect) -> Self {
        let (backoff, state) = (Backoff::default(), State::Due);
        let (leaving, restarting, wait) = (false, false, Duration::ZERO);
        Self { request, options, hook: None, backoff, state, leaving, restarting, wait }
    }

    /// Calls `hook` with the request before each attempt; what it answers is sent. An error is an
    /// attempt that failed.
    pub fn before_each<F, P>(mut self, mut hook: F) -> Self
    where
        F: FnMut(Connect) -> P + Send + 'static,
        P: Future<Output = Prepared> + Send + 'static,
    {
        self.hook = Some(Box::new(move |request| Box::pin(hook(request))));
        self
    }

    /// The next event; `None` once there will be no more.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: an attempt or a wait goes on with the next call, and
    /// time spent in between counts.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Sends one message over the line that is open.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](SendError::NotConnected) at once where there is none: nothing is kept for
    /// later. [`Line`](SendError::Line) as [`WebSocket::send`] says; `next` then tells the rest.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has sent the whole message or none of it.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), SendError> {
        match &mut self.state {
            State::Open { socket, .. } => socket.send(message).await.map_err(SendError::Line),
            _ => Err(SendError::NotConnected),
        }
    }

    /// Has a ping sent over the line that is open, as [`WebSocket::start_ping`] says.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](SendError::NotConnected) where there is none, and [`Line`](SendError::Line).
    pub fn start_ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        match &mut self.state {
            State::Open { socket, .. } => Ok(socket.start_ping(payload)?),
            _ => Err(SendError::NotConnected),
        }
    }

    /// Starts to close the line, and stays away: [`next`](Self::next) gives the server's last
    /// messages, says how it closed, and ends. Without a line it ends at once.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::start_close`] says; nothing has changed. A line that closes already is none.
    pub fn start_close(&mut self, code: CloseCode, reason: &str) -> Result<(), UsageError> {
        match &mut self.state {
            State::Open { socket, .. } => match socket.start_close(code, reason) {
                Ok(()) | Err(UsageError::Closed) => {}
                Err(error) => return Err(error),
            },
            _ => self.state = State::Ended,
        }
        self.leaving = true;
        Ok(())
    }

    /// Closes the line, if there is one, and stays away.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::close`] says; after [`Error::Usage`] nothing has changed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has started the closing handshake; `next` goes on with it.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.leaving = true;
        let closed = match &mut self.state {
            State::Open { socket, .. } => socket.close(code, reason).await,
            _ => Ok(()),
        };
        match closed {
            Err(Error::Usage(_)) => self.leaving = false,
            _ => self.state = State::Ended,
        }
        closed
    }

    /// Ends the line that is open and comes back on another, whatever the server answers; without a
    /// line it changes nothing. [`next`](Self::next) tells both.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::start_close`] says; nothing has changed.
    pub fn restart(&mut self, code: CloseCode, reason: &str) -> Result<(), UsageError> {
        if let State::Open { socket, .. } = &mut self.state {
            socket.start_close(code, reason)?;
            self.restarting = true;
        }
        Ok(())
    }

    /// Has it stay away for at least that long when this line has ended, where it comes back.
    #[cfg(feature = "client")]
    pub(crate) const fn wait_at_least(&mut self, wait: Duration) {
        self.wait = wait;
    }

    fn open(&mut self) -> Result<Pin<&mut Socket>, SendError> {
        match &mut self.state {
            State::Open { socket, .. } => Ok(Pin::new(&mut **socket)),
            _ => Err(SendError::NotConnected),
        }
    }

    /// The line that is open, for what was agreed on it.
    pub const fn socket(&self) -> Option<&WebSocket<ClientStream>> {
        match &self.state {
            State::Open { socket, .. } => Some(socket),
            _ => None,
        }
    }

    pub(crate) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        loop {
            match &mut self.state {
                State::Due => self.state = State::Opening(self.attempt()),
                State::Ended => return Poll::Ready(None),
                State::Opening(attempt) => match ready!(attempt.as_mut().poll(cx)) {
                    Ok(socket) => {
                        let (socket, since) = (Box::new(socket), Instant::now());
                        self.state = State::Open { socket, since, error: None };
                        return Poll::Ready(Some(Event::Connected));
                    }
                    Err(error) => {
                        return Poll::Ready(Some(self.disconnected(Why::Connect(error))));
                    }
                },
                State::Open { socket, since, error } => match ready!(socket.poll_receive(cx)) {
                    Some(Ok(received)) => return Poll::Ready(Some(received.into())),
                    Some(Err(lost)) => *error = Some(lost),
                    None => {
                        let why = why(socket, error.take());
                        self.backoff.was_open(&self.options, since.elapsed());
                        return Poll::Ready(Some(self.disconnected(why)));
                    }
                },
                State::Waiting(wait) => {
                    ready!(wait.as_mut().poll(cx));
                    self.state = State::Due;
                }
            }
        }
    }

    fn attempt(&mut self) -> Attempt {
        let request = self.request.clone();
        let Some(hook) = &mut self.hook else { return Box::pin(request.open()) };
        let prepared = hook(request);
        Box::pin(async { prepared.await.map_err(ConnectError::Prepare)?.open().await })
    }

    fn disconnected(&mut self, why: Why) -> Event {
        let restarts = std::mem::take(&mut self.restarting);
        let retry_in = match self.leaving {
            true => None,
            false if restarts => Some(self.backoff.next(&self.options, options::random())),
            false => self.options.wait_after(&why, &mut self.backoff),
        };
        let wait = std::mem::take(&mut self.wait);
        let retry_in = retry_in.map(|retry_in| retry_in.max(wait));
        self.state = match retry_in {
            Some(wait) => State::Waiting(Box::pin(sleep(wait))),
            None => State::Ended,
        };
        Event::Disconnected { why, retry_in }
    }
}

fn why(socket: &Socket, error: Option<Error>) -> Why {
    match (error, socket.closed()) {
        (Some(error), _) => Why::Line(error),
        (None, Some(Closed::Cleanly { code, reason })) => {
            Why::Closed { code: *code, reason: reason.clone() }
        }
        // A socket reports an end that is no clean one before it ends.
        (None, _) => Why::Closed { code: CloseCode::ABNORMAL, reason: String::new() },
    }
}

impl Stream for Reconnecting {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_event(cx)
    }
}

/// `poll_ready` waits while more than 64 KiB are buffered; `start_send` encodes the whole message;
/// `poll_flush` waits until it has left, which [`next`](Reconnecting::next) sees to as well;
/// `poll_close` closes with 1000. Without a line each says [`NotConnected`](SendError::NotConnected).
impl Sink<Message> for Reconnecting {
    type Error = SendError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.open()?.poll_ready(cx).map_err(SendError::Line)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), SendError> {
        self.open()?.start_send(message).map_err(SendError::Line)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.open()?.poll_flush(cx).map_err(SendError::Line)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.leaving = true;
        self.open()?.poll_close(cx).map_err(SendError::Line)
    }
}

impl From<Received> for Event {
    fn from(received: Received) -> Self {
        match received {
            Received::Message(message) => Self::Message(message),
            Received::Ping(payload) => Self::Ping(payload),
            Received::Pong(payload) => Self::Pong(payload),
        }
    }
}

impl fmt::Debug for Reconnecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnecting")
            .field("request", &self.request)
            .field("is_open", &self.socket().is_some())
            .finish_non_exhaustive()
    }
}
