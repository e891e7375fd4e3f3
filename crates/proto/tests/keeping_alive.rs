//! RFC 6455 §5.5.2 and 5.5.3: pings, pongs, and a peer that fell silent.

mod script;

use std::time::Duration;

use script::{End, Seen, frame};
use tieline_proto::{Closed, Limits, Lost, Role};

#[test]
fn a_ping_is_answered_with_its_own_payload() {
    let mut server = End::server();
    server.receive(&frame(0x89, b"Hello"));
    assert_eq!(server.take_output(), b"\x8A\x05Hello");
}

#[test]
fn pings_are_answered_in_order_and_each() {
    let mut server = End::server();
    server.receive(&[frame(0x89, b"1"), frame(0x89, b"2")].concat());
    assert_eq!(server.take_output(), b"\x8A\x011\x8A\x012");
}

#[test]
fn while_nothing_is_taken_a_newer_ping_replaces_the_unanswered_one() {
    let mut server = End::server();
    let mut wire: Vec<u8> = (0..10_000u32).flat_map(|n| frame(0x89, &n.to_be_bytes())).collect();
    let (mut events, outgoing) = server.connection.receive(&mut wire, server.now);
    while events.next(outgoing).is_some() {}
    assert_eq!(server.take_output(), [&[0x8A, 4][..], &9_999u32.to_be_bytes()].concat());
}

#[test]
fn a_silent_peer_is_pinged_and_then_lost() {
    let mut server = End::server();
    assert_eq!(server.connection.deadline(), Some(server.now + Duration::from_secs(25)));
    assert_eq!(server.wait(Duration::from_secs(25)), None);
    assert_eq!(server.take_output(), [0x89, 0x00]);
    assert_eq!(server.wait(Duration::from_secs(10)), Some(Closed::Lost(Lost::PongTimeout)));
}

#[test]
fn any_bytes_prove_that_the_peer_lives() {
    let mut server = End::server();
    server.wait(Duration::from_secs(25));
    server.take_output();
    server.now += Duration::from_secs(9);
    assert_eq!(server.receive(&frame(0x8A, b"")), [Seen::Pong(vec![])]);
    assert_eq!(server.connection.deadline(), Some(server.now + Duration::from_secs(25)));
}

#[test]
fn when_a_peer_was_pinged_is_known_until_it_is_heard_of() {
    let mut server = End::server();
    assert_eq!(server.connection.pinged(), None);
    server.wait(Duration::from_secs(25));
    assert_eq!(server.connection.pinged(), Some(server.now));
    server.receive(&frame(0x8A, b""));
    assert_eq!(server.connection.pinged(), None);
}

#[test]
fn without_an_idle_limit_nothing_is_due() {
    let limits = Limits { ping_after: None, ..Limits::default() };
    let mut server = End::with(Role::Server, &Default::default(), limits);
    assert_eq!(server.connection.deadline(), None);
    assert_eq!(server.wait(Duration::from_secs(1_000_000)), None);
    assert_eq!(server.take_output(), []);
}
