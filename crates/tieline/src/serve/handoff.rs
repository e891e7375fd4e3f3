//! A connection that leaves the engine: for HTTP, or whatever else its first bytes ask for.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use super::arrival::Arrival;
use super::inbox::Inbox;
use super::preface::begins_http2;
use super::socket::Socket;
use super::transport::Transport;

#[cfg(feature = "tls")]
use super::tls::Tls;

/// A connection handed over with what was read of it: an async stream, on the worker's own runtime.
///
/// What was read comes first, whatever carries the rest, TLS included.
pub struct Handoff {
    /// How it came.
    pub arrival: Arrival,
    read: Bytes,
    socket: Async,
    #[cfg(feature = "tls")]
    tls: Option<Box<Tls>>,
    /// The worker does not end before it, unless the time to drain is over.
    _counted: Counted,
}

/// Counts a connection that was handed over for as long as it lives, and has the worker look again
/// when it ends.
pub(super) struct Counted {
    alive: Arc<AtomicUsize>,
    inbox: Inbox,
}

impl Counted {
    pub(super) fn new(alive: &Arc<AtomicUsize>, inbox: &Inbox) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Self { alive: Arc::clone(alive), inbox: inbox.clone() }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::Relaxed);
        self.inbox.look();
    }
}

enum Async {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Handoff {
    /// Takes a connection over; its socket is not polled by the engine any more.
    pub(super) fn new(
        arrival: Arrival,
        transport: Transport,
        read: Bytes,
        counted: Counted,
    ) -> io::Result<Self> {
        #[cfg(feature = "tls")]
        let (socket, tls) = transport.into_parts();
        #[cfg(not(feature = "tls"))]
        let socket = transport.socket;
        let socket = match socket {
            Socket::Tcp(socket) => Async::Tcp(TcpStream::from_std(socket.into())?),
            Socket::Unix(socket) => Async::Unix(UnixStream::from_std(socket.into())?),
        };
        Ok(Self {
            arrival,
            read,
            socket,
            #[cfg(feature = "tls")]
            tls,
            _counted: counted,
        })
    }

    /// Whether it speaks HTTP/2: as both ends agreed in their TLS handshake, or as the first bytes
    /// of a plain connection say.
    pub fn is_h2(&self) -> bool {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return tls.is_h2();
        }
        begins_http2(&self.read) == Some(true)
    }

    /// What was read and not taken yet.
    pub fn read_ahead(&self) -> &[u8] {
        &self.read
    }
}

/// Calls the same method on whichever socket it is.
macro_rules! each {
    ($socket:expr, $stream:ident => $call:expr) => {
        match $socket {
            Async::Tcp($stream) => $call,
            Async::Unix($stream) => $call,
        }
    };
}

impl AsyncRead for Handoff {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.read.is_empty() {
            let len = self.read.len().min(buf.remaining());
            buf.put_slice(&self.read[..len]);
            self.read.advance(len);
            return Poll::Ready(Ok(()));
        }
        let this = &mut *self;
        let socket = &mut this.socket;
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut this.tls {
            return tls.poll_read(socket, cx, buf);
        }
        each!(socket, stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Handoff {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let socket = &mut this.socket;
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut this.tls {
            return tls.poll_write(socket, cx, bytes);
        }
        each!(socket, stream => Pin::new(stream).poll_write(cx, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let socket = &mut this.socket;
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut this.tls {
            ready!(tls.poll_flush(socket, cx))?;
        }
        each!(socket, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let socket = &mut this.socket;
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut this.tls {
            tls.connection.send_close_notify();
            ready!(tls.poll_flush(socket, cx))?;
        }
        each!(socket, stream => Pin::new(stream).poll_shutdown(cx))
    }
}

#[cfg(feature = "tls")]
impl Tls {
    fn poll_read(
        &mut self,
        socket: &mut Async,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        use std::io::Read;
        loop {
            match self.connection.reader().read(buf.initialize_unfilled()) {
                Ok(read) => {
                    buf.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
            // What the handshake or a key update wants to say; a full socket is no reason to wait.
            let _unless_full = self.poll_flush(socket, cx)?;
            if let Some(error) = self.failure() {
                return Poll::Ready(Err(error));
            }
            let read = ready!(read_tls(&mut self.connection, socket, cx))?;
            if read > 0 {
                self.process();
            }
        }
    }

    fn poll_write(
        &mut self,
        socket: &mut Async,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        use std::io::Write;
        loop {
            let taken = self.connection.writer().write(bytes)?;
            let flushed = self.poll_flush(socket, cx)?;
            if taken > 0 || bytes.is_empty() {
                return Poll::Ready(Ok(taken));
            }
            ready!(flushed);
        }
    }

    fn poll_flush(&mut self, socket: &mut Async, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.connection.wants_write() {
            ready!(write_tls(&mut self.connection, socket, cx))?;
        }
        Poll::Ready(Ok(()))
    }
}

/// Reads records once the socket has some.
#[cfg(feature = "tls")]
fn read_tls(
    connection: &mut rustls::ServerConnection,
    socket: &mut Async,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    loop {
        each!(socket, stream => ready!(stream.poll_read_ready(cx))?);
        let read = each!(socket, stream => {
            connection.read_tls(&mut NonBlocking(|bytes: &mut [u8]| stream.try_read(bytes)))
        });
        match read {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return Poll::Ready(read),
        }
    }
}

/// Writes records once the socket takes some.
#[cfg(feature = "tls")]
fn write_tls(
    connection: &mut rustls::ServerConnection,
    socket: &mut Async,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    loop {
        each!(socket, stream => ready!(stream.poll_write_ready(cx))?);
        let written = each!(socket, stream => {
            connection.write_tls(&mut NonBlocking(|bytes: &[u8]| stream.try_write(bytes)))
        });
        match written {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            written => return Poll::Ready(written),
        }
    }
}

/// A call on a socket that does not wait, as rustls wants to make it.
#[cfg(feature = "tls")]
struct NonBlocking<F>(F);

#[cfg(feature = "tls")]
impl<F: FnMut(&mut [u8]) -> io::Result<usize>> io::Read for NonBlocking<F> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        (self.0)(bytes)
    }
}

#[cfg(feature = "tls")]
impl<F: FnMut(&[u8]) -> io::Result<usize>> io::Write for NonBlocking<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.0)(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Handoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handoff").field("arrival", &self.arrival).finish_non_exhaustive()
    }
}
