//! TLS in the worker's own loop: rustls between the socket and the link.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection};

use super::socket::{Got, Socket};

/// Gives the TLS of the next handshake; what it gave before stays with those who have it.
pub type TlsSource = Arc<dyn Fn() -> Arc<ServerConfig> + Send + Sync>;

/// How many bytes TLS keeps of what cannot be sent yet, before it takes no more.
const SEND_BYTES: usize = 64 << 10;

/// One end of a TLS connection.
#[derive(Debug)]
pub(super) struct Tls {
    pub(super) connection: ServerConnection,
    /// The peer said goodbye.
    has_ended: bool,
    /// Why no more is decrypted; what was decrypted before comes first.
    failed: Option<rustls::Error>,
}

impl Tls {
    pub(super) fn new(config: Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        let mut connection = ServerConnection::new(config)?;
        connection.set_buffer_limit(Some(SEND_BYTES));
        Ok(Self { connection, has_ended: false, failed: None })
    }

    /// Whether the handshake still goes on.
    pub(super) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Whether both ends agreed on HTTP/2.
    pub(super) fn is_h2(&self) -> bool {
        self.connection.alpn_protocol() == Some(b"h2")
    }

    /// Decrypts what the socket has into `buffer`, which is larger than `raw` by a record at least.
    pub(super) fn read(
        &mut self,
        socket: &mut Socket,
        buffer: &mut [u8],
        raw: &mut [u8],
    ) -> io::Result<Got> {
        let mut bytes = 0;
        loop {
            match self.connection.reader().read(&mut buffer[bytes..]) {
                Ok(0) if bytes < buffer.len() => {
                    return Ok(Got { bytes, filled: bytes > 0, was_past: false });
                }
                Ok(read) => bytes += read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if let Some(error) = self.failure() {
                return match bytes {
                    0 => Err(error),
                    bytes => Ok(Got { bytes, filled: true, was_past: false }),
                };
            }
            if buffer.len() - bytes < raw.len() + RECORD_BYTES {
                return Ok(Got { bytes, filled: true, was_past: false });
            }
            match socket.read(raw) {
                // The end without close_notify: the reader says so the next time.
                Ok(0) => {
                    self.connection.read_tls(&mut io::empty())?;
                    if bytes > 0 {
                        return Ok(Got { bytes, filled: true, was_past: false });
                    }
                }
                Ok(read) => {
                    bytes += self.decrypt(socket, &raw[..read], &mut buffer[bytes..])?;
                    if read < raw.len() && bytes > 0 {
                        // The poll tells nothing of an end that came with what was read.
                        let filled = self.has_ended || self.failed.is_some();
                        return Ok(Got { bytes, filled, was_past: false });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && bytes > 0 => {
                    return Ok(Got { bytes, filled: false, was_past: false });
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn decrypt(
        &mut self,
        socket: &mut Socket,
        mut raw: &[u8],
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        let mut bytes = 0;
        while !raw.is_empty() && self.failed.is_none() {
            if self.connection.read_tls(&mut raw)? == 0 {
                break;
            }
            self.process();
            if self.connection.wants_write() {
                // An alert or a part of the handshake; whether it arrives shows in the answer.
                let _ = self.flush(socket);
            }
            loop {
                match self.connection.reader().read(&mut buffer[bytes..]) {
                    Ok(0) => break,
                    Ok(read) => bytes += read,
                    Err(_) => break,
                }
            }
        }
        Ok(bytes)
    }

    /// Decrypts what rustls was given.
    pub(super) fn process(&mut self) {
        match self.connection.process_new_packets() {
            Ok(state) => self.has_ended = state.peer_has_closed(),
            Err(error) => self.failed = Some(error),
        }
    }

    /// Why no more is decrypted.
    pub(super) fn failure(&self) -> Option<io::Error> {
        let error = self.failed.clone()?;
        Some(io::Error::new(io::ErrorKind::InvalidData, error))
    }

    pub(super) fn write(&mut self, socket: &mut Socket, bytes: &[u8]) -> io::Result<usize> {
        let mut taken = 0;
        loop {
            let accepted = self.connection.writer().write(&bytes[taken..])?;
            taken += accepted;
            let is_out = self.flush(socket)?;
            if taken == bytes.len() || (accepted == 0 && !is_out) {
                break;
            }
        }
        if taken == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(taken)
    }

    /// Writes the records that wait; whether none is left.
    pub(super) fn flush(&mut self, socket: &mut Socket) -> io::Result<bool> {
        while self.connection.wants_write() {
            match self.connection.write_tls(socket) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Sends close_notify, once, where there is room for it.
    pub(super) fn say_goodbye(&mut self, socket: &mut Socket) {
        self.connection.send_close_notify();
        // Whoever does not take it any more has gone.
        let _ = self.flush(socket);
    }
}

/// A record at its largest, with its header and what encryption adds.
const RECORD_BYTES: usize = (16 << 10) + 2_048 + 5;
