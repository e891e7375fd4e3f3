//! One link's bytes, whatever they travel over.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;

use super::layers::Layers;
use super::socket::{Got, Socket};
use super::tap::{Direction, Tap};
#[cfg(feature = "tls")]
use super::tls::Tls;

/// A socket, with something between it and the link, or mostly without.
#[derive(Debug)]
pub(super) struct Transport {
    pub(super) socket: Socket,
    layers: Option<Box<Layers>>,
}

impl Transport {
    pub(super) const fn plain(socket: Socket) -> Self {
        Self { socket, layers: None }
    }

    #[cfg(feature = "tls")]
    pub(super) fn secure(socket: Socket, tls: Tls) -> Self {
        Self { socket, layers: Some(Box::new(Layers::of_tls(tls))) }
    }

    /// TLS, where that is spoken.
    #[cfg(feature = "tls")]
    pub(super) fn tls(&self) -> Option<&Tls> {
        self.layers.as_ref()?.tls.as_ref()
    }

    /// The socket and what was between, for who carries it from here on.
    #[cfg(feature = "tls")]
    pub(super) fn into_parts(self) -> (Socket, Option<Box<Tls>>) {
        (self.socket, self.layers.and_then(|layers| layers.tls).map(Box::new))
    }

    /// Has somebody see what goes over it from here on.
    pub(super) fn tap(&mut self, tap: Tap) {
        self.layers.get_or_insert_default().taps.push(tap);
    }

    /// Reads once. `raw` is where TLS may put what it has not decrypted yet.
    #[inline]
    pub(super) fn read(&mut self, buffer: &mut [u8], raw: &mut [u8]) -> io::Result<Got> {
        if let Some(layers) = &mut self.layers {
            let got = layers.read(&mut self.socket, buffer, raw)?;
            self.show(Direction::In, &buffer[..got.bytes]);
            return Ok(got);
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
        if let Some(layers) = &mut self.layers {
            let written = layers.write(&mut self.socket, bytes)?;
            self.show(Direction::Out, &bytes[..written]);
            return Ok(written);
        }
        self.socket.write(bytes)
    }

    /// Writes what the system takes at once of several pieces.
    pub(super) fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.layers.is_some() {
            let first = pieces.iter().find(|piece| !piece.is_empty());
            return first.map_or(Ok(0), |piece| self.write(piece));
        }
        self.socket.write_vectored(pieces)
    }

    /// Writes the records that wait below; whether none is left.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        #[cfg(feature = "tls")]
        if let Some(tls) = self.layers.as_mut().and_then(|layers| layers.tls.as_mut()) {
            return tls.flush(&mut self.socket);
        }
        Ok(true)
    }

    /// Tells the other end that nothing more comes.
    pub(super) fn shutdown(&mut self) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if let Some(tls) = self.layers.as_mut().and_then(|layers| layers.tls.as_mut()) {
            tls.say_goodbye(&mut self.socket);
        }
        match &self.socket {
            Socket::Tcp(socket) => socket.shutdown(Shutdown::Write),
            Socket::Unix(socket) => socket.shutdown(Shutdown::Write),
        }
    }

    /// Whether bytes may go past this, straight from and to the socket: nobody else needs them.
    #[inline]
    pub(super) const fn is_plain(&self) -> bool {
        self.layers.is_none()
    }

    /// Shows bytes to who watches; whoever has gone goes.
    fn show(&mut self, direction: Direction, bytes: &[u8]) {
        if let Some(layers) = &mut self.layers
            && layers.show(direction, bytes)
        {
            self.layers = None;
        }
    }
}
