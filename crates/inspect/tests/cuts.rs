//! How the bytes of a connection are cut changes nothing of what is seen.

mod heads;
mod watched;

use heads::{ANSWER, DEFLATING, REQUEST};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use tieline_inspect::{Bounds, Sender, Start, Terms, json};
use watched::{Act, client, seen, server};

/// Some connections, and how they begin.
fn connections() -> Vec<(Start, Vec<Act>)> {
    let hixie = b"GET / HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\
        Host: a\r\nOrigin: b\r\n\r\n";
    let draft = b"HTTP/1.1 101 Web Socket Protocol Handshake\r\nUpgrade: WebSocket\r\n\
        Connection: Upgrade\r\nWebSocket-Origin: b\r\nWebSocket-Location: ws://a/\r\n\r\n";
    let frames = b"\x81\x05Hello\x89\x01a\x01\x03abc\x80\x7e\x00\x80".to_vec();
    let frames = [frames, vec![b'x'; 128], b"\x82\x00\x81\x02\xc3\x28\x83\x00\x81\x02hi".to_vec()];
    let frames = frames.concat();
    let masked = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x8a\x81\x00\x00\x00\x00a";
    let compressed = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\x41\x02\xf2\x00\x80\x03\x11\x00\x00\
        \x88\x02\x03\xe8more";
    let gap = |bytes| Act::Missed(Sender::Server, bytes);
    vec![
        (Start::Handshake, vec![client(REQUEST), server(ANSWER), server(&frames), client(masked)]),
        (Start::Handshake, vec![client(REQUEST), server(DEFLATING), server(compressed)]),
        (
            Start::Handshake,
            vec![client(hixie), server(draft), server(b"\x00hi\xff\x80\x02ab\x00ho\xff")],
        ),
        (Start::Handshake, vec![client(b"\x16\x03\x01\x00\x80")]),
        (Start::Anywhere, vec![server(&frames[3..]), client(&masked[4..])]),
        (Start::Anywhere, vec![server(&compressed[9..]), server(b"\x82\x00")]),
        (
            Start::Anywhere,
            vec![client(&[&REQUEST[40..], masked].concat()), server(b"\x17\x03\x03")],
        ),
        (Start::Open(Terms::default()), vec![server(&frames[..150]), gap(6), server(&frames)]),
        (
            Start::Open(Terms::default()),
            vec![server(&frames[..140]), gap(1), server(&frames[141..])],
        ),
    ]
}

/// What is seen, but for the times.
fn told(start: &Start, acts: &[Act]) -> Vec<Value> {
    let bounds = Bounds { max_payload_bytes: 100, max_message_bytes: 1 << 10 };
    let events = seen(start.clone(), bounds, acts);
    let without_times = events.iter().map(|event| {
        let mut value = json::event(event);
        value["time"].take();
        if value["round_trip"].is_number() {
            value["round_trip"].take();
        }
        value
    });
    without_times.collect()
}

/// The same, said in pieces.
fn cut(acts: &[Act], lens: &[usize]) -> Vec<Act> {
    let mut lens = lens.iter().cycle();
    let mut pieces = Vec::new();
    for act in acts {
        let Act::Said(from, bytes) = act else {
            pieces.push(act.clone());
            continue;
        };
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let len = (*lens.next().expect("there are lengths")).clamp(1, rest.len());
            pieces.push(Act::Said(*from, rest[..len].to_vec()));
            rest = &rest[len..];
        }
    }
    pieces
}

#[test]
fn bytes_one_by_one_tell_the_same() {
    for (number, (start, acts)) in connections().iter().enumerate() {
        let whole = told(start, acts);
        assert!(!whole.is_empty(), "connection {number}");
        assert_eq!(told(start, &cut(acts, &[1])), whole, "connection {number}");
    }
}

proptest! {
    #[test]
    fn bytes_in_any_pieces_tell_the_same(
        number in 0..9usize,
        lens in vec(1..60usize, 1..20),
        broken in proptest::option::of((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>())),
    ) {
        let (start, mut acts) = connections().swap_remove(number);
        if let Some((act, at, byte)) = broken
            && let Act::Said(_, bytes) = act.get_mut(&mut acts)
        {
            *at.get_mut(bytes) = byte;
        }
        prop_assert_eq!(told(&start, &cut(&acts, &lens)), told(&start, &acts));
    }
}
