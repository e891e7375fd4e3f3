//! One link's bytes, whatever they travel over.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;

use super::socket::{Got, Socket};
#[cfg(feature = "tls")]
use super::tls::Tls;

/// A socket, with TLS on it or without.
#[derive(Debug)]
pub(super) struct Transport {
    pub(super) socket: Socket,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Box<Tls>>,
}

impl Transport {
    pub(super) const fn plain(socket: Socket) -> Self {
        Self {
            socket,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Reads once. `raw` is where TLS may put what it has not decrypted yet.
    #[cfg_attr(not(feature = "tls"), expect(unused_variables, reason = "only TLS needs it"))]
    #[inline]
    pub(super) fn read(&mut self, buffer: &mut [u8], raw: &mut [u8]) -> io::Result<Got> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return tls.read(&mut self.socket, buffer, raw);
        }
        let bytes = self.socket.read(buffer)?;
        Ok(Got { bytes, filled: bytes == buffer.len(), was_past: false })
    }

    /// Reads once from a plain socket, first here and then there.
    pub(super) fn read_vectored(&mut self, first: &mut [u8], then: &mut [u8]) -> io::Result<usize> {
        self.socket.read_vectored(&mut [IoSliceMut::new(first), IoSliceMut::new(then)])
    }

    /// Writes what the system takes at once.
    #[inline]
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return tls.write(&mut self.socket, bytes);
        }
        self.socket.write(bytes)
    }

    /// Writes what the system takes at once of several pieces.
    pub(super) fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            let first = pieces.iter().find(|piece| !piece.is_empty());
            return first.map_or(Ok(0), |piece| self.write(piece));
        }
        self.socket.write_vectored(pieces)
    }

    /// Writes the records that wait below; whether none is left.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return tls.flush(&mut self.socket);
        }
        Ok(true)
    }

    /// Tells the other end that nothing more comes.
    pub(super) fn shutdown(&mut self) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            tls.say_goodbye(&mut self.socket);
        }
        match &self.socket {
            Socket::Tcp(socket) => socket.shutdown(Shutdown::Write),
            Socket::Unix(socket) => socket.shutdown(Shutdown::Write),
        }
    }

    /// Whether bytes may be written past this: TLS needs them in its own buffer.
    pub(super) const fn is_plain(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_none();
        #[cfg(not(feature = "tls"))]
        true
    }
}
