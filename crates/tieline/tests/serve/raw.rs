//! A client of bare bytes, for what no honest client does.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;

use socket2::{Domain, Socket, Type};

pub(crate) use crate::masked::masked;
use crate::served::PATIENCE;

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8A;

/// A socket that waits for what must come, but not for ever.
pub(crate) struct Raw(pub(crate) TcpStream);

/// A frame as a server sends it: the first byte, and the payload.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

impl Raw {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect(address).unwrap())
    }

    /// A peer whose side takes little before it reads.
    pub(crate) fn connect_narrowly(address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(8 << 10).unwrap();
        socket.connect(&address.into()).unwrap();
        Self::new(socket.into())
    }

    fn new(socket: TcpStream) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        socket.set_nodelay(true).unwrap();
        Self(socket)
    }

    /// An open line.
    pub(crate) fn open(address: SocketAddr) -> Self {
        let mut raw = Self::connect(address);
        raw.upgrade("");
        raw
    }

    /// An open line to a peer that takes little.
    pub(crate) fn open_narrowly(address: SocketAddr) -> Self {
        let mut raw = Self::connect_narrowly(address);
        raw.upgrade("");
        raw
    }

    /// Asks for a line, with more headers; answers the head of the 101.
    pub(crate) fn upgrade(&mut self, more: &str) -> String {
        self.say(request(more));
        let head = self.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        head
    }

    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).unwrap();
    }

    /// Says no more.
    pub(crate) fn end(&self) {
        self.0.shutdown(Shutdown::Write).unwrap();
    }

    /// Reads up to the empty line.
    pub(crate) fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.exactly(1)[0]);
        }
        String::from_utf8(head).unwrap()
    }

    pub(crate) fn exactly(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// All that comes before the server ends.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).unwrap();
        rest
    }

    pub(crate) fn frame(&mut self) -> Frame {
        let [first, len] = self.exactly(2).try_into().unwrap();
        let len = match len {
            126 => usize::from(u16::from_be_bytes(self.exactly(2).try_into().unwrap())),
            127 => u64::from_be_bytes(self.exactly(8).try_into().unwrap()) as usize,
            len => usize::from(len),
        };
        Frame { first, payload: self.exactly(len) }
    }

    pub(crate) fn expect(&mut self, first: u8, payload: impl AsRef<[u8]>) {
        let payload = payload.as_ref().to_vec();
        assert_eq!(self.frame(), Frame { first, payload });
    }

    /// Reads a close frame with this code, answers it, and waits for the end.
    pub(crate) fn expect_closed_with(&mut self, code: u16) {
        let frame = self.frame();
        assert_eq!((frame.first, frame.code()), (CLOSE, Some(code)), "{frame:?}");
        // A server that failed the line may be gone.
        let _ = self.0.write_all(&masked(CLOSE, code.to_be_bytes()));
        assert_eq!(self.rest(), b"");
    }
}

impl Frame {
    /// The code of a close frame.
    pub(crate) fn code(&self) -> Option<u16> {
        self.payload.first_chunk().map(|code| u16::from_be_bytes(*code))
    }
}

/// Writes all of this, and tells when the server takes no more for the first time. The socket does
/// not wait any more after it.
pub(crate) fn pour(
    socket: &mut TcpStream,
    frames: impl Iterator<Item = Vec<u8>>,
    full: &mpsc::Sender<()>,
) {
    socket.set_nonblocking(true).unwrap();
    let mut was_full = false;
    for frame in frames {
        let mut rest = &frame[..];
        while !rest.is_empty() {
            match socket.write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    if !std::mem::replace(&mut was_full, true) {
                        full.send(()).unwrap();
                    }
                    thread::yield_now();
                }
            }
        }
    }
}

/// A request for a line, with more headers.
pub(crate) fn request(more: &str) -> String {
    format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
    )
}
