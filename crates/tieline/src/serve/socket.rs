//! A connected socket, and what a look at it brings.
//!
//! Single reads and writes go to the system without the C library between, which would look each time
//! whether its thread is to be cancelled.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use socket2::SockRef;

/// A connected socket.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// What one look at a transport brought.
#[derive(Debug)]
pub(super) struct Got {
    /// Bytes that lie in the buffer.
    pub(super) bytes: usize,
    /// Whether there may be more, as where the buffer was filled.
    pub(super) filled: bool,
    /// Whether some went past the buffer, into a message of its own.
    pub(super) was_past: bool,
}

impl Got {
    /// Whether it is the end: nothing came, and nothing more does.
    pub(super) const fn is_end(&self) -> bool {
        self.bytes == 0 && !self.filled && !self.was_past
    }
}

impl Socket {
    /// Who is at the other end.
    pub(super) fn peer(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(socket) => socket.peer_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    /// Has the other end told of no orderly end, once it is closed. A Unix socket knows no other.
    pub(super) fn reset_when_closed(&self) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => SockRef::from(socket).set_linger(Some(Duration::ZERO)),
            Self::Unix(_) => Ok(()),
        }
    }
}

impl AsFd for Socket {
    #[inline]
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(socket) => socket.as_fd(),
            Self::Unix(socket) => socket.as_fd(),
        }
    }
}

impl Read for Socket {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (bytes, _) = recv(self, buffer, RecvFlags::empty())?;
        Ok(bytes)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.read_vectored(buffers),
            Self::Unix(socket) => socket.read_vectored(buffers),
        }
    }
}

impl Write for Socket {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(self, bytes, SendFlags::NOSIGNAL)?)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.write_vectored(pieces),
            Self::Unix(socket) => socket.write_vectored(pieces),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for Socket {
    fn register(&mut self, registry: &Registry, token: Token, of: Interest) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.register(registry, token, of),
            Self::Unix(socket) => socket.register(registry, token, of),
        }
    }

    fn reregister(&mut self, registry: &Registry, token: Token, of: Interest) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.reregister(registry, token, of),
            Self::Unix(socket) => socket.reregister(registry, token, of),
        }
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.deregister(registry),
            Self::Unix(socket) => socket.deregister(registry),
        }
    }
}
