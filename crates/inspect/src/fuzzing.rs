//! The body of the fuzz target `pcap`: captures, TCP and conversations.
//!
//! It is here and not under `fuzz/` so that the committed seeds also run as a plain test. It panics
//! where a promise is broken: more is held than there is room for, or how bytes are cut changes
//! what is seen.
//!
//! ```text
//! 00 │ cuts (8) │ a capture
//! 01 │ segments: flags, where (2, from the middle), length, so many bytes; …
//! 02 │ cuts (8) │ start │ what was said: whose, length, so many bytes; …
//! ```

use std::io::Read;
use std::time::Duration;

use serde_json::Value;
use tieline_proto::deflate::Window;
use tieline_proto::handshake::Dialect;

use crate::{
    Bounds, Conversation, End, Inspector, Packet, Packets, Room, Sender, Start, Terms, Windows,
    json,
};

/// Small, so that the bounds are reached.
const BOUNDS: Bounds = Bounds { max_payload_bytes: 64, max_message_bytes: 1 << 10 };
const ROOM: Room = Room { bounds: BOUNDS, max_connections: 4, max_bytes: 24 << 10 };

/// Raw IP, as captures number it.
const RAW: i32 = 101;

/// The target: takes any bytes.
///
/// # Panics
///
/// Where a promise is broken.
pub fn pcap(data: &[u8]) {
    match data.split_first() {
        Some((0, rest)) => captures(rest),
        Some((1, rest)) => segments(rest),
        Some((_, rest)) => conversations(rest),
        None => {}
    }
}

/// Lengths of pieces, from a seed.
struct Cuts(u64);

impl Cuts {
    fn of(data: &[u8]) -> (Self, &[u8]) {
        let (seed, rest) = data.split_first_chunk().unwrap_or((&[0; 8], data));
        (Self(u64::from_le_bytes(*seed) | 1), rest)
    }

    fn next(&mut self) -> usize {
        // xorshift64: short pieces are likelier than long ones.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let most = 1usize << (self.0 >> 8 & 0xB);
        (self.0 >> 32) as usize % most + 1
    }
}

/// A reader that gives little at a time.
struct InPieces<'a>(&'a [u8], Cuts);

impl Read for InPieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let len = self.1.next().min(into.len());
        self.0.read(&mut into[..len])
    }
}

fn captures(data: &[u8]) {
    let (cuts, capture) = Cuts::of(data);
    let whole = seen_in(capture);
    assert_eq!(seen_in(InPieces(capture, cuts)), whole, "how a capture is read changes nothing");
}

/// What is seen in a capture, and why no more.
fn seen_in(capture: impl Read) -> (Vec<Value>, Option<String>) {
    let mut packets = Packets::new(capture);
    let mut inspector = Inspector::new(ROOM);
    let mut events = Vec::new();
    let mut sink = |seen| events.push(json::seen(&seen));
    let error = loop {
        match packets.next() {
            Ok(Some(packet)) => inspector.packet(&packet, &mut sink),
            Ok(None) => break None,
            Err(error) => break Some(error.to_string()),
        }
        assert!(inspector.held() <= ROOM.max_bytes, "{} bytes are held", inspector.held());
    };
    inspector.finish(&mut sink);
    assert_eq!(inspector.held(), 0);
    (events, error)
}

fn segments(mut data: &[u8]) {
    let mut inspector = Inspector::new(ROOM);
    let mut events = 0;
    let mut sink = |seen| {
        json::seen(&seen);
        events += 1;
    };
    let mut time = Duration::ZERO;
    while let [flags, high, low, len, rest @ ..] = data {
        let (payload, rest) = rest.split_at(usize::from(*len).min(rest.len()));
        data = rest;
        time += Duration::from_millis(u64::from(flags >> 6) * 500);
        let from_client = flags & 0b10_0000 == 0;
        let at = u32::from(u16::from_be_bytes([*high, *low])).wrapping_sub(1 << 15);
        let packet = packet(from_client, flags & 0b1_0111, at, payload);
        inspector.packet(&Packet { time, link: RAW, data: &packet }, &mut sink);
        assert!(inspector.held() <= ROOM.max_bytes, "{} bytes are held", inspector.held());
    }
    inspector.finish(&mut sink);
    assert_eq!(inspector.held(), 0);
}

/// A packet of IPv4 with a segment; its numbers wrap at 0.
fn packet(from_client: bool, flags: u8, at: u32, payload: &[u8]) -> Vec<u8> {
    let (client, server) = ([10, 0, 0, 1], [10, 0, 0, 2]);
    let (ends, ports) = match from_client {
        true => ([client, server], [50_000u16, 80]),
        false => ([server, client], [80, 50_000]),
    };
    let len = (40 + payload.len()) as u16;
    let mut packet = vec![0x45, 0];
    packet.extend_from_slice(&len.to_be_bytes());
    packet.extend_from_slice(&[0, 0, 0, 0, 64, 6, 0, 0]);
    packet.extend(ends.iter().flatten());
    packet.extend(ports.iter().flat_map(|port| port.to_be_bytes()));
    packet.extend_from_slice(&at.to_be_bytes());
    packet.extend_from_slice(&0u32.to_be_bytes());
    packet.extend_from_slice(&[5 << 4, flags, 0xFF, 0xFF, 0, 0, 0, 0]);
    packet.extend_from_slice(payload);
    packet
}

/// Something that one end said, or bytes of it that are missing.
enum Act<'a> {
    Missed(Sender, u64),
    Said(Sender, &'a [u8]),
}

fn conversations(data: &[u8]) {
    let (mut cuts, data) = Cuts::of(data);
    let Some((&choice, mut rest)) = data.split_first() else { return };
    let mut acts = Vec::new();
    while let [whose, high, low, behind @ ..] = rest {
        let from = if whose & 1 == 0 { Sender::Client } else { Sender::Server };
        let len = u16::from_be_bytes([*high, *low]);
        rest = behind;
        if whose & 0b10 != 0 {
            acts.push(Act::Missed(from, u64::from(len) + 1));
            continue;
        }
        let (said, behind) = rest.split_at(usize::from(len).min(rest.len()));
        acts.push(Act::Said(from, said));
        rest = behind;
    }
    let whole = told(choice, &acts);
    let mut pieces = Vec::new();
    for act in acts {
        match act {
            Act::Said(from, mut said) => {
                while !said.is_empty() {
                    let (piece, behind) = said.split_at(cuts.next().min(said.len()));
                    pieces.push(Act::Said(from, piece));
                    said = behind;
                }
            }
            missed => pieces.push(missed),
        }
    }
    assert_eq!(told(choice, &pieces), whole, "how bytes are cut changes nothing");
}

fn start(choice: u8) -> Start {
    let context_takeover = choice & 0b1000 != 0;
    let window = Window { bits: 9 + choice % 7, context_takeover };
    let deflate = (choice & 0b1_0000 != 0).then_some(Windows { client: window, server: window });
    let dialect = match choice >> 5 & 0b11 {
        0 => Dialect::Hixie75,
        1 => Dialect::Hixie76,
        _ => Dialect::Hybi,
    };
    match choice & 0b11 {
        0 => Start::Anywhere,
        1 => Start::Handshake,
        2 => Start::Open(Terms { dialect, deflate }),
        _ => Start::BetweenFrames(Terms { dialect, deflate }),
    }
}

fn told(choice: u8, acts: &[Act<'_>]) -> Vec<Value> {
    let mut conversation = Conversation::new(start(choice), BOUNDS);
    let mut events = Vec::new();
    let mut sink = |event| events.push(json::event(&event));
    for act in acts {
        match act {
            Act::Said(from, bytes) => {
                conversation.receive(*from, bytes, Duration::ZERO, &mut sink);
            }
            Act::Missed(from, bytes) => {
                conversation.miss(*from, *bytes, Duration::ZERO, &mut sink);
            }
        }
    }
    conversation.finish(End::Unseen, Duration::ZERO, &mut sink);
    events
}
