//! Captures made by hand: packets of one connection, in the forms that captures have.

use std::time::Duration;

use etherparse::PacketBuilder;
use serde_json::Value;
use tieline_inspect::{CaptureError, Counts, Inspector, Packets, Room, Sender, json};

pub(crate) const ETHERNET: u32 = 1;
pub(crate) const RAW: u32 = 101;

/// One segment of a connection; `at` counts what its sender has said before, the SYN not.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) from: Sender,
    pub(crate) at: i64,
    pub(crate) flags: &'static str,
    pub(crate) payload: Vec<u8>,
    pub(crate) port: u16,
}

pub(crate) fn segment(from: Sender, at: i64, payload: &[u8]) -> Segment {
    Segment { from, at, flags: "a", payload: payload.to_vec(), port: 50_000 }
}

pub(crate) fn flags(from: Sender, at: i64, flags: &'static str) -> Segment {
    Segment { flags, ..segment(from, at, b"") }
}

/// The three-way handshake.
pub(crate) fn handshake() -> Vec<Segment> {
    vec![
        flags(Sender::Client, -1, "s"),
        flags(Sender::Server, -1, "sa"),
        flags(Sender::Client, 0, "a"),
    ]
}

impl Segment {
    /// Its packet, from the header of IPv4 on.
    pub(crate) fn packet(&self) -> Vec<u8> {
        // Numbers that wrap soon.
        let first = u32::MAX - 40;
        let sequence = first.wrapping_add(1).wrapping_add(self.at as u32);
        let (client, server) = ([10, 0, 0, 1], [10, 0, 0, 2]);
        let (source, destination, from, to) = match self.from {
            Sender::Client => (client, server, self.port, 80),
            Sender::Server => (server, client, 80, self.port),
        };
        let mut builder =
            PacketBuilder::ipv4(source, destination, 64).tcp(from, to, sequence, 1024);
        for flag in self.flags.chars() {
            builder = match flag {
                's' => builder.syn(),
                'a' => builder.ack(first.wrapping_add(1)),
                'f' => builder.fin(),
                _ => builder.rst(),
            };
        }
        let mut packet = Vec::new();
        builder.write(&mut packet, &self.payload).expect("memory can be written to");
        packet
    }
}

pub(crate) fn packets(segments: &[Segment]) -> Vec<Vec<u8>> {
    segments.iter().map(Segment::packet).collect()
}

/// The same packets behind a header of another link.
pub(crate) fn behind(header: &[u8], packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
    packets.iter().map(|packet| [header, packet].concat()).collect()
}

/// A capture in the form pcap, a millisecond from packet to packet.
pub(crate) fn pcap(link: u32, packets: &[Vec<u8>]) -> Vec<u8> {
    let mut capture = Vec::new();
    for field in [0xA1B2_C3D4u32, 0x0004_0002, 0, 0, 65_535, link] {
        capture.extend_from_slice(&field.to_le_bytes());
    }
    for (number, packet) in packets.iter().enumerate() {
        let len = packet.len() as u32;
        for field in [1_700_000_000, 1000 * number as u32, len, len] {
            capture.extend_from_slice(&field.to_le_bytes());
        }
        capture.extend_from_slice(packet);
    }
    capture
}

/// The same in the form pcapng, with times in nanoseconds.
pub(crate) fn pcapng(link: u16, packets: &[Vec<u8>]) -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let len = (body.len() + 12) as u32;
        let parts = [&kind.to_be_bytes()[..], &len.to_be_bytes(), body, &len.to_be_bytes()];
        parts.concat()
    };
    let header = [&0x1A2B_3C4Du32.to_be_bytes()[..], &[0, 1, 0, 0], &[0xFF; 8]].concat();
    let resolution = [0, 9, 0, 1, 9, 0, 0, 0, 0, 0, 0, 0];
    let interface = [&link.to_be_bytes()[..], &[0; 2], &[0; 4], &resolution].concat();
    let mut capture = [block(0x0A0D_0D0A, &header), block(1, &interface)].concat();
    for (number, packet) in packets.iter().enumerate() {
        let time = Duration::new(1_700_000_000, 1_000_000 * number as u32).as_nanos() as u64;
        let mut body = vec![0; 4];
        body.extend_from_slice(&time.to_be_bytes());
        body.extend_from_slice(&(packet.len() as u32).to_be_bytes());
        body.extend_from_slice(&(packet.len() as u32).to_be_bytes());
        body.extend_from_slice(packet);
        body.resize(body.len().next_multiple_of(4), 0);
        capture.extend_from_slice(&block(6, &body));
    }
    capture
}

/// What is seen in a capture, and why no more.
pub(crate) fn inspect(capture: &[u8], room: Room) -> (Vec<Value>, Counts, Option<CaptureError>) {
    let mut packets = Packets::new(capture);
    let mut inspector = Inspector::new(room);
    let mut events = Vec::new();
    let mut sink = |seen| events.push(json::seen(&seen));
    let error = loop {
        match packets.next() {
            Ok(Some(packet)) => inspector.packet(&packet, &mut sink),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
        assert!(inspector.held() <= room.max_bytes, "{} bytes are held", inspector.held());
    };
    inspector.finish(&mut sink);
    assert_eq!(inspector.held(), 0);
    (events, *inspector.counts(), error)
}
