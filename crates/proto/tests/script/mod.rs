//! Scripted conversations: one end, or a pair of ends, and a clock moved by hand.
#![allow(dead_code, unreachable_pub, reason = "each file of tests uses its own part of this")]
#![allow(clippy::unwrap_used, reason = "a script that goes wrong is a failed test")]

use std::time::{Duration, Instant};

use tieline_proto::connection::State;
use tieline_proto::frame::{Header, Opcode};
use tieline_proto::handshake::Agreement;
use tieline_proto::{
    CloseCode, Closed, Connection, Event, Limits, MessageKind, ProtocolError, Role, close, mask,
};

/// What an end saw, with payloads of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Closed(Closed),
}

/// One end of a connection, fed by hand.
pub struct End {
    pub connection: Connection,
    pub now: Instant,
    /// Everything it wants sent and nobody took yet.
    pub out: Vec<u8>,
}

impl End {
    pub fn server() -> Self {
        Self::with(Role::Server, &Agreement::default(), Limits::default())
    }

    pub fn client() -> Self {
        Self::with(client_role(), &Agreement::default(), Limits::default())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "an Instant has no other origin; it is moved by hand"
    )]
    pub fn with(role: Role, agreement: &Agreement, limits: Limits) -> Self {
        let now = Instant::now();
        Self { connection: Connection::new(role, agreement, limits, now), now, out: Vec::new() }
    }

    /// Feeds bytes, and answers what they brought.
    pub fn receive(&mut self, bytes: &[u8]) -> Vec<Seen> {
        let mut bytes = bytes.to_vec();
        let mut seen = Vec::new();
        let (mut events, outgoing) = self.connection.receive(&mut bytes, self.now);
        while let Some(event) = events.next(outgoing) {
            seen.push(match event {
                Event::Message(message) => match message.kind() {
                    MessageKind::Text => Seen::Text(message.text().unwrap().to_owned()),
                    MessageKind::Binary => Seen::Binary(message.into_vec()),
                },
                Event::Ping(payload) => Seen::Ping(payload.to_vec()),
                Event::Pong(payload) => Seen::Pong(payload.to_vec()),
                Event::Closed(closed) => Seen::Closed(closed),
                other => panic!("an event without a name here: {other:?}"),
            });
            outgoing.take_output(&mut self.out);
        }
        assert_eq!(events.consumed(), bytes.len(), "every byte is taken");
        seen
    }

    pub fn send(&mut self, kind: MessageKind, payload: impl AsRef<[u8]>) {
        self.connection.outgoing().send(kind, payload.as_ref(), &mut self.out).unwrap();
    }

    pub fn close(&mut self, code: CloseCode, reason: &str) {
        self.connection.outgoing().close(code, reason, self.now).unwrap();
    }

    /// Moves the clock, and does what became due.
    pub fn wait(&mut self, time: Duration) -> Option<Closed> {
        self.now += time;
        self.connection.handle_timeout(self.now)
    }

    /// Everything this end wants sent.
    pub fn take_output(&mut self) -> Vec<u8> {
        self.connection.outgoing().take_output(&mut self.out);
        std::mem::take(&mut self.out)
    }

    /// Feeds bytes that break the protocol, and expects the answer that names the error.
    #[track_caller]
    pub fn expect_failed_with(&mut self, bytes: &[u8], error: ProtocolError, code: u16) {
        let seen = self.receive(bytes);
        assert_eq!(seen.last(), Some(&Seen::Closed(Closed::Failed(error))));
        assert_eq!(self.sent_close_code(), Some(code));
        assert!(matches!(self.connection.state(), State::Closed { .. }));
        assert_eq!(self.receive(&frame(0x81, b"ignored")), [], "nothing is read after the end");
    }

    /// The code of the close frame that this end, a server, sent last.
    pub fn sent_close_code(&mut self) -> Option<u16> {
        let out = self.take_output();
        let mut rest = &out[..];
        while let Some((header, len)) = Header::decode(rest).unwrap() {
            let payload = &rest[len..len + header.len as usize];
            if header.opcode == Opcode::Close {
                return Some(close::decode(payload).unwrap().0.get());
            }
            rest = &rest[len + payload.len()..];
        }
        None
    }
}

/// Two ends that agreed on the same, and the line between them.
pub struct Pair {
    pub client: End,
    pub server: End,
}

impl Pair {
    pub fn new(client: &Agreement, server: &Agreement) -> Self {
        Self {
            client: End::with(client_role(), client, Limits::default()),
            server: End::with(Role::Server, server, Limits::default()),
        }
    }

    /// Carries bytes both ways until both are silent; answers what the client and the server saw.
    pub fn run(&mut self) -> (Vec<Seen>, Vec<Seen>) {
        let (mut by_client, mut by_server) = (Vec::new(), Vec::new());
        loop {
            let (up, down) = (self.client.take_output(), self.server.take_output());
            if up.is_empty() && down.is_empty() {
                return (by_client, by_server);
            }
            by_server.extend(self.server.receive(&up));
            by_client.extend(self.client.receive(&down));
        }
    }
}

/// A client whose keys are known.
pub fn client_role() -> Role {
    let mut key = 0u32;
    Role::Client(Box::new(move || {
        key = key.wrapping_add(0x9E37_79B9);
        key.to_be_bytes()
    }))
}

/// A whole masked frame with this first byte, as a client sends it.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let header = Header {
        fin: true,
        reserved: 0,
        opcode: Opcode::Binary,
        mask: Some(key),
        len: payload.len() as u64,
    };
    let mut wire = Vec::new();
    header.encode(&mut wire);
    wire[0] = first;
    let start = wire.len();
    wire.extend_from_slice(payload);
    mask::apply(&mut wire[start..], key);
    wire
}

pub fn text(text: &str) -> Seen {
    Seen::Text(text.to_owned())
}

pub fn binary(bytes: &[u8]) -> Seen {
    Seen::Binary(bytes.to_vec())
}

/// A clean close as the other end sees it.
pub fn closed(code: CloseCode, reason: &str) -> Seen {
    Seen::Closed(Closed::Cleanly { code, reason: reason.to_owned() })
}
