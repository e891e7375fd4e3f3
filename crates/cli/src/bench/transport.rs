//! The bytes of one connection, plain or encrypted, and how many of them were on the wire.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};

use mio::net::TcpStream;
use rustls::ClientConnection;
use socket2::{Domain, Protocol, Socket, Type};

use super::target::Target;

/// Read at once, by all connections of a thread.
const READ_BYTES: usize = 512 << 10;

/// What a TLS session may have held back of a record that was not whole.
const HELD_BYTES: usize = 64 << 10;

/// Receive buffer of a socket that reads slowly, so that the server soon feels it.
const SLOW_BUFFER_BYTES: usize = 16 << 10;

/// The buffers that all connections of a thread read into, and what they counted.
#[derive(Debug)]
pub(super) struct Shared {
    read: Vec<u8>,
    plain: Vec<u8>,
    /// Bytes that the sockets gave.
    pub(super) bytes_in: u64,
    /// Bytes that the sockets took.
    pub(super) bytes_out: u64,
}

impl Shared {
    pub(super) fn new(encrypts: bool) -> Self {
        Self {
            read: vec![0; READ_BYTES],
            plain: if encrypts { vec![0; READ_BYTES + HELD_BYTES] } else { Vec::new() },
            bytes_in: 0,
            bytes_out: 0,
        }
    }
}

/// What a read gave.
#[derive(Debug)]
pub(super) enum Taken<'b> {
    /// These bytes; `more` where the socket may hold others.
    Bytes { bytes: &'b mut [u8], more: bool },
    /// Nothing, for now.
    Nothing,
    /// The end.
    Eof,
}

/// A socket, and the encryption on it where there is one.
#[derive(Debug)]
pub(super) struct Transport {
    socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
}

impl Transport {
    /// Starts to connect; the socket is writable when it is done.
    pub(super) fn connect(
        target: &Target,
        source: Option<IpAddr>,
        is_slow: bool,
    ) -> io::Result<Self> {
        let domain = Domain::for_address(target.address);
        let socket = Socket::new(domain, Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
        socket.set_tcp_nodelay(true)?;
        if is_slow {
            socket.set_recv_buffer_size(SLOW_BUFFER_BYTES)?;
        }
        if let Some(source) = source {
            socket.bind(&SocketAddr::new(source, 0).into())?;
        }
        match socket.connect(&target.address.into()) {
            Err(error)
                if error.kind() != io::ErrorKind::WouldBlock
                    && error.raw_os_error()
                        != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) =>
            {
                return Err(error);
            }
            _ => {}
        }
        let tls = match &target.tls {
            None => None,
            Some((config, name)) => {
                let session = ClientConnection::new(config.clone(), name.clone());
                Some(Box::new(session.map_err(io::Error::other)?))
            }
        };
        Ok(Self { socket: TcpStream::from_std(socket.into()), tls })
    }

    /// What the poll watches.
    pub(super) const fn socket(&mut self) -> &mut TcpStream {
        &mut self.socket
    }

    /// Whether the TCP handshake is done; an error says why it never will be.
    pub(super) fn is_connected(&self) -> io::Result<bool> {
        if let Some(error) = self.socket.take_error()? {
            return Err(error);
        }
        match self.socket.peer_addr() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads at most `limit` bytes from the socket.
    pub(super) fn read<'b>(
        &mut self,
        shared: &'b mut Shared,
        limit: usize,
    ) -> io::Result<Taken<'b>> {
        let room = limit.min(READ_BYTES);
        let got = match self.socket.read(&mut shared.read[..room]) {
            Ok(0) => return Ok(Taken::Eof),
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Taken::Nothing),
            Err(error) => return Err(error),
        };
        shared.bytes_in += got as u64;
        let more = got == room;
        let Some(session) = &mut self.tls else {
            return Ok(Taken::Bytes { bytes: &mut shared.read[..got], more });
        };
        let (mut wire, mut filled) = (&shared.read[..got], 0);
        while !wire.is_empty() {
            session.read_tls(&mut wire)?;
            session.process_new_packets().map_err(io::Error::other)?;
            filled += drain(session, &mut shared.plain[filled..])?;
        }
        Ok(Taken::Bytes { bytes: &mut shared.plain[..filled], more })
    }

    /// Writes what it takes of `bytes`.
    pub(super) fn write(&mut self, bytes: &[u8], bytes_out: &mut u64) -> io::Result<usize> {
        let Some(session) = &mut self.tls else {
            let taken = self.socket.write(bytes)?;
            *bytes_out += taken as u64;
            return Ok(taken);
        };
        let taken = session.writer().write(bytes)?;
        self.flush(bytes_out)?;
        Ok(taken)
    }

    /// Writes what the encryption holds back.
    pub(super) fn flush(&mut self, bytes_out: &mut u64) -> io::Result<()> {
        let Some(session) = &mut self.tls else { return Ok(()) };
        while session.wants_write() {
            match session.write_tls(&mut self.socket) {
                Ok(taken) => *bytes_out += taken as u64,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Takes the plain bytes that a session holds.
fn drain(session: &mut ClientConnection, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    loop {
        match session.reader().read(&mut into[filled..]) {
            Ok(0) => return Ok(filled),
            Ok(got) => filled += got,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(filled),
            Err(error) => return Err(error),
        }
    }
}
