//! One line for two tasks: one reads, the other sends.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};

use futures_core::Stream;
use futures_sink::Sink;
use tieline_proto::{CloseCode, Closed, UsageError};
use tokio::io::{AsyncRead, AsyncWrite};

use super::received::Received;
use super::{ReadyState, WebSocket};
use crate::error::Error;
use crate::message::Message;

/// The half that sends; made by [`WebSocket::split`].
///
/// # Example
///
/// ```
/// # async fn example<S>(socket: tieline::WebSocket<S>) -> Result<(), tieline::Error>
/// # where S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static {
/// let (mut sender, mut receiver) = socket.split();
/// tokio::spawn(async move { while let Some(Ok(_)) = receiver.next().await {} });
/// sender.send("from the other task").await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Sender<S>(Arc<Shared<S>>);

/// The half that reads, answers pings and keeps the time; made by [`WebSocket::split`].
///
/// Keep a task in [`next`](Self::next): without it, pings go unanswered and nothing is given up.
#[derive(Debug)]
pub struct Receiver<S>(Arc<Shared<S>>);

/// The halves of two different lines were to be put together; here they are back.
#[derive(Debug)]
#[non_exhaustive]
pub struct ReuniteError<S>(pub Sender<S>, pub Receiver<S>);

pub(super) fn split<S>(socket: WebSocket<S>) -> (Sender<S>, Receiver<S>) {
    let wakers = Arc::<Wakers>::default();
    let waker = Waker::from(Arc::clone(&wakers));
    let shared = Arc::new(Shared { socket: Mutex::new(socket), wakers, waker });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

/// The line itself; locked for one poll, never across an await.
struct Shared<S> {
    socket: Mutex<WebSocket<S>>,
    wakers: Arc<Wakers>,
    /// Wakes whichever halves wait: a transport remembers one waker, and either half may be the
    /// one whose poll finds it busy.
    waker: Waker,
}

/// The tasks of the halves that wait, by [`Half`].
#[derive(Debug, Default)]
struct Wakers(Mutex<[Option<Waker>; 2]>);

#[derive(Clone, Copy, Debug)]
enum Half {
    Sender,
    Receiver,
}

impl<S> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, WebSocket<S>> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Polls the line for one half, and wakes both where what the other may wait for has moved.
    fn poll<T>(
        &self,
        half: Half,
        cx: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut WebSocket<S>>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T>
    where
        S: Unpin,
    {
        let mut socket = self.lock();
        self.wakers.set(half, Some(cx.waker().clone()));
        let before = (socket.ready_state(), socket.buffered_amount());
        let polled = poll(Pin::new(&mut socket), &mut Context::from_waker(&self.waker));
        let moved = before != (socket.ready_state(), socket.buffered_amount());
        drop(socket);
        if polled.is_ready() {
            self.wakers.set(half, None);
        }
        if moved {
            self.waker.wake_by_ref();
        }
        polled
    }
}

impl<S> fmt::Debug for Shared<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lock().fmt(f)
    }
}

impl Wakers {
    fn set(&self, half: Half, waker: Option<Waker>) {
        self.lock()[half as usize] = waker;
    }

    fn lock(&self) -> MutexGuard<'_, [Option<Waker>; 2]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let waiting = std::mem::take(&mut *self.lock());
        waiting.into_iter().flatten().for_each(Waker::wake);
    }
}

impl<S> Receiver<S> {
    /// How the connection closed; `None` while it is open or closing.
    pub fn closed(&self) -> Option<Closed> {
        self.0.lock().closed().cloned()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Receiver<S> {
    /// The next message, as [`WebSocket::next`] gives it.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::next`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: a message is taken only when it is given.
    pub async fn next(&mut self) -> Option<Result<Message, Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// What arrives next, as [`WebSocket::receive`] gives it.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::next`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn receive(&mut self) -> Option<Result<Received, Error>> {
        poll_fn(|cx| {
            self.0.poll(Half::Receiver, cx, |socket, cx| socket.get_mut().poll_receive(cx))
        })
        .await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Receiver<S> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll(Half::Receiver, cx, |socket, cx| socket.poll_next(cx))
    }
}

impl<S> Sender<S> {
    /// How the connection closed; `None` while it is open or closing.
    pub fn closed(&self) -> Option<Closed> {
        self.0.lock().closed().cloned()
    }

    /// Where in its life the line is.
    pub fn ready_state(&self) -> ReadyState {
        self.0.lock().ready_state()
    }

    /// Bytes that wait, as [`WebSocket::buffered_amount`] counts them.
    pub fn buffered_amount(&self) -> usize {
        self.0.lock().buffered_amount()
    }

    /// Puts the halves together again.
    ///
    /// # Errors
    ///
    /// [`ReuniteError`] gives back the halves of two different lines.
    pub fn reunite(self, receiver: Receiver<S>) -> Result<WebSocket<S>, Box<ReuniteError<S>>> {
        if !Arc::ptr_eq(&self.0, &receiver.0) {
            return Err(Box::new(ReuniteError(self, receiver)));
        }
        drop(receiver);
        let shared = Arc::into_inner(self.0).expect("a line has two halves, and one is dropped");
        Ok(shared.socket.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sender<S> {
    /// Sends one message, as [`WebSocket::send`] does.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::send`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has sent the whole message or none of it, and both halves stay usable.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        let message = message.into();
        poll_fn(|cx| Pin::new(&mut *self).poll_ready(cx)).await?;
        Pin::new(&mut *self).start_send(message)?;
        poll_fn(|cx| Pin::new(&mut *self).poll_flush(cx)).await
    }

    /// Sends a ping, as [`WebSocket::ping`] does.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::ping`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has sent the whole ping or none of it.
    pub async fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        poll_fn(|cx| Pin::new(&mut *self).poll_ready(cx)).await?;
        self.0.lock().start_ping(payload)?;
        poll_fn(|cx| Pin::new(&mut *self).poll_flush(cx)).await
    }

    /// Starts the closing handshake, and waits until the close frame has left.
    ///
    /// The receiver goes on with it: its [`next`](Receiver::next) gives the peer's last messages
    /// and then ends. Where the receiver was dropped, its part is done here, as
    /// [`WebSocket::close`] does.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::close`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has started the closing handshake; the receiver goes on with it.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        poll_fn(|cx| self.poll_close_with(cx, code, reason)).await
    }

    fn poll_close_with(
        &mut self,
        cx: &mut Context<'_>,
        code: CloseCode,
        reason: &str,
    ) -> Poll<Result<(), Error>> {
        let is_alone = Arc::strong_count(&self.0) == 1;
        self.0.poll(Half::Sender, cx, |mut socket, cx| {
            match socket.start_close(code, reason) {
                Ok(()) | Err(UsageError::Closed) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
            if !is_alone {
                return socket.poll_flush(cx);
            }
            ready!(socket.poll_finish(cx));
            Poll::Ready(socket.report().map_or(Ok(()), Err))
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Message> for Sender<S> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll(Half::Sender, cx, |socket, cx| socket.poll_ready(cx))
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        Pin::new(&mut *self.0.lock()).start_send(message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll(Half::Sender, cx, |socket, cx| socket.poll_flush(cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.get_mut().poll_close_with(cx, CloseCode::NORMAL, "")
    }
}
