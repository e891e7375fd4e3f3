//! TLS in the worker's own loop: rustls between the socket and the link.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection};

use super::socket::{Got, Socket};

/// Gives the TLS of the next handshake; what it gave before stays with those who have it.
pub type TlsSource = Arc<dyn Fn() -> Arc<ServerConfig> + Send + Sync>;

/// How many bytes TLS keeps of what cannot be sent yet, before it takes no more.
const SEND_BYTES: usize = 64 << 10;

/// Reads of the socket in a row, before others have their turn: a peer may send much that says
/// little.
const READS: usize = 8;

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

    /// Decrypts what the socket has into `buffer`, which is larger than `raw` by a record at least;
    /// no bytes yet are no end, where more may wait.
    pub(super) fn read(
        &mut self,
        socket: &mut Socket,
        buffer: &mut [u8],
        raw: &mut [u8],
    ) -> io::Result<Got> {
        let mut bytes = 0;
        for _ in 0..READS {
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
        Ok(Got { bytes, filled: true, was_past: false })
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

#[cfg(test)]
mod tests {
    use mio::net::UnixStream;
    use rustls::ClientConnection;

    use super::*;
    use crate::tls::{Roots, ServerTlsOptions, TlsOptions};

    /// Both ends after their handshake, and the client's socket.
    fn pair() -> (Tls, Socket, ClientConnection, UnixStream) {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = own.cert.pem().into_bytes();
        let server = ServerTlsOptions {
            certificates_pem: certificate.clone(),
            key_pem: own.signing_key.serialize_pem().into_bytes(),
            ..ServerTlsOptions::default()
        };
        let trust = TlsOptions {
            roots: Roots::None,
            extra_roots_pem: certificate,
            ..TlsOptions::default()
        };
        let name = "localhost".try_into().unwrap();
        let mut client = ClientConnection::new(trust.config().unwrap().into(), name).unwrap();
        let mut tls = Tls::new(server.config().unwrap().into()).unwrap();
        let (socket, mut peer) = UnixStream::pair().unwrap();
        let mut socket = Socket::Unix(socket);
        let (mut buffer, mut raw) = (vec![0; 64 << 10], vec![0; 16 << 10]);
        while client.is_handshaking() || tls.is_handshaking() {
            while client.wants_write() {
                client.write_tls(&mut peer).unwrap();
            }
            let error = tls.read(&mut socket, &mut buffer, &mut raw).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
            while client.read_tls(&mut peer).is_ok_and(|read| read > 0) {
                client.process_new_packets().unwrap();
            }
        }
        (tls, socket, client, peer)
    }

    #[test]
    fn a_record_in_many_pieces_keeps_nobody_waiting() {
        let (mut tls, mut socket, mut client, mut peer) = pair();
        client.writer().write_all(b"hello").unwrap();
        let mut record = vec![];
        client.write_tls(&mut record).unwrap();
        peer.write_all(&record).unwrap();
        // As if the socket gave one byte at a time.
        let (mut buffer, mut raw) = (vec![0; 64 << 10], [0]);
        for _ in 0..(record.len() - 1) / READS {
            let got = tls.read(&mut socket, &mut buffer, &mut raw).unwrap();
            assert!(got.bytes == 0 && got.filled && !got.is_end(), "{got:?}");
        }
        let got = tls.read(&mut socket, &mut buffer, &mut raw).unwrap();
        assert_eq!(&buffer[..got.bytes], b"hello");
        let error = tls.read(&mut socket, &mut buffer, &mut raw).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        drop(peer);
        let error = tls.read(&mut socket, &mut buffer, &mut raw).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
