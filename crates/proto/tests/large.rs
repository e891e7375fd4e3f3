//! Large messages, read straight into their own memory.
#![allow(clippy::unwrap_used, reason = "a script that goes wrong is a failed test")]

mod script;

use proptest::prelude::*;
use script::{Seen, binary, frame};
use tieline_proto::handshake::Agreement;
use tieline_proto::{Connection, Event, Limits, MessageKind, Role};

/// What lies in memory that had another message before.
const DIRT: u8 = 0xAA;

/// Reads `wire` as a server that fills where it can, `reads` bytes at a time, in turns.
#[expect(clippy::disallowed_methods, reason = "an Instant has no other origin")]
fn read(mut wire: &[u8], reads: &[usize], more: impl Fn(usize) -> Vec<u8>) -> (Vec<Seen>, usize) {
    let now = std::time::Instant::now();
    let server = Connection::new(Role::Server, &Agreement::default(), Limits::default(), now);
    let (mut incoming, mut outgoing) = server.into_halves();
    let (mut seen, mut filled) = (Vec::new(), 0);
    let mut reads = reads.iter().cycle();
    while !wire.is_empty() {
        let (mut come, mut rest) = wire.split_at(wire.len().min(*reads.next().unwrap()));
        incoming.fill(now, &more, |room| {
            let (past, behind) = come.split_at(come.len().min(room.len()));
            room[..past.len()].copy_from_slice(past);
            filled += past.len();
            come = behind;
            past.len()
        });
        let mut bytes = come.to_vec();
        let mut events = incoming.receive(&mut bytes, now);
        while let Some(event) = events.next(&mut outgoing) {
            match event {
                Event::Message(message) => seen.push(match message.kind() {
                    MessageKind::Text => Seen::Text(message.text().unwrap().to_owned()),
                    MessageKind::Binary => Seen::Binary(message.into_vec()),
                }),
                Event::Closed(closed) => {
                    seen.push(Seen::Closed(closed));
                    rest = &[];
                }
                _ => {}
            }
        }
        wire = rest;
    }
    (seen, filled)
}

/// Text of so many bytes.
fn words(len: usize) -> String {
    (0..len).map(|at| char::from((at * 31 % 94) as u8 + b'!')).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_message_is_the_same_however_it_is_read_and_whatever_lay_in_its_memory(
        len in 1..600_000usize,
        fragments in 1..4usize,
        reads in prop::collection::vec(1..150_000usize, 1..12),
        memory in 0..1_000_000usize,
    ) {
        let text = words(len);
        let mut wire = Vec::new();
        for (at, piece) in text.as_bytes().chunks(len.div_ceil(fragments)).enumerate() {
            wire.extend(frame(if at == 0 { 0x01 } else { 0x00 }, piece));
        }
        wire.extend(frame(0x80, b"."));
        wire.extend(frame(0x82, b"behind"));
        let (seen, _) = read(&wire, &reads, |_| vec![DIRT; memory]);
        prop_assert!(seen == [Seen::Text(text + "."), binary(b"behind")]);
    }
}

#[test]
fn nearly_all_of_a_large_message_needs_no_copy() {
    let text = words(1 << 20);
    let (seen, filled) = read(&frame(0x81, text.as_bytes()), &[100_000], |len| vec![DIRT; len]);
    assert_eq!(seen, [Seen::Text(text)]);
    assert!(filled > 900_000, "{filled}");
}

#[test]
fn a_text_that_is_none_fails_where_it_is_filled_in_too() {
    let mut text = words(300_000).into_bytes();
    text[250_000] = 0xFF;
    let (seen, _) = read(&frame(0x81, &text), &[50_000], |len| vec![DIRT; len]);
    assert!(matches!(&seen[..], [Seen::Closed(_)]), "{seen:?}");
}
