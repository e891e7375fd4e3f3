//! What the benches do it with: frames as a client sends them, texts, and a server that echoes.
#![allow(dead_code, unreachable_pub, reason = "each bench uses its own part of this")]

use std::time::Instant;

use tieline_proto::deflate::{Agreed, Window};
use tieline_proto::frame::{Header, Opcode};
use tieline_proto::handshake::Agreement;
use tieline_proto::{Connection, Event, Limits, MessageKind, Role, mask};

/// Bytes of a short message, and of a long one.
pub const SHORT: usize = 128;
pub const LONG: usize = 16 << 10;

/// A whole masked frame.
pub fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let len = payload.len() as u64;
    let header = Header { fin: true, reserved: 0, opcode, mask: Some(key), len };
    let mut wire = Vec::new();
    header.encode(&mut wire);
    let start = wire.len();
    wire.extend_from_slice(payload);
    mask::apply(&mut wire[start..], key);
    wire
}

/// A text of about `bytes`, whole words.
pub fn text(word: &str, bytes: usize) -> String {
    word.repeat(bytes / word.len())
}

/// Records as an interface sends them: what repeats, and what does not.
pub fn json(bytes: usize) -> String {
    let words =
        ["order", "shipped", "gateway", "customer", "refund", "invoice", "window", "parcel"];
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut next = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) % below
    };
    let mut out = String::from("[");
    while out.len() < bytes {
        let (id, price, day, token) = (next(100_000), next(500_000), next(28), next(1 << 48));
        let note: Vec<&str> = (0..4).map(|_| words[next(8) as usize]).collect();
        let note = note.join(" ");
        out += &format!(
            "{{\"id\":{id},\"price\":{price},\"day\":\"2026-05-{day:02}\",\"note\":\"{note}\",\"token\":\"{token:012x}\"}},"
        );
    }
    out.truncate(bytes);
    out
}

/// A server, the bytes that it reads again and again, and where it writes to.
pub struct Echo {
    server: Connection,
    wire: Vec<u8>,
    buffer: Vec<u8>,
    out: Vec<u8>,
    now: Instant,
}

impl Echo {
    pub fn new(wire: Vec<u8>) -> Self {
        Self::with(&Agreement::default(), wire)
    }

    /// A server that compresses and keeps no window, sent one text by a client that does the same.
    pub fn deflated(level: u32, text: &str) -> Self {
        let window = Window { bits: 15, context_takeover: false };
        let deflate = Some(Agreed { ours: window, theirs: window, level, min_bytes: 1 });
        let agreement = Agreement { deflate, ..Agreement::default() };
        let mut wire = Vec::new();
        let role = Role::Client(Box::new(|| [0x37, 0xfa, 0x21, 0x3d]));
        let mut client = Connection::new(role, &agreement, Limits::default(), now());
        let sent = client.outgoing().send(MessageKind::Text, text.as_bytes(), &mut wire);
        sent.expect("still open");
        Self::with(&agreement, wire)
    }

    fn with(agreement: &Agreement, wire: Vec<u8>) -> Self {
        let now = now();
        let server = Connection::new(Role::Server, agreement, Limits::default(), now);
        let (buffer, out) = (wire.clone(), Vec::with_capacity(2 * wire.len() + (32 << 10)));
        Self { server, wire, buffer, out, now }
    }

    /// Reads everything and answers it; answers how many bytes that made.
    pub fn run(&mut self) -> usize {
        // The copy stands for the read: bytes are unmasked where they lie.
        self.buffer.copy_from_slice(&self.wire);
        self.out.clear();
        let (mut events, outgoing) = self.server.receive(&mut self.buffer, self.now);
        while let Some(event) = events.next(outgoing) {
            if let Event::Message(message) = event {
                let sent = outgoing.send(message.kind(), message.payload(), &mut self.out);
                sent.expect("still open");
            }
        }
        self.out.len()
    }
}

#[expect(clippy::disallowed_methods, reason = "an Instant has no other origin")]
fn now() -> Instant {
    Instant::now()
}
