//! Does what was said come back, whole and in order, however it was cut?

use tieline::serve::ListenOptions;
use tieline::{AcceptOptions, Connect, Deflate, Limits, Message};

use crate::raw::*;
use crate::served::*;

#[tokio::test]
async fn messages_of_every_kind_and_size_come_back() {
    let limits = Limits { max_message_bytes: 8 << 20, ..Limits::default() };
    let server = served_with(within(limits.clone()), echo);
    let mut socket = Connect::to(server.url("/")).limits(limits).open().await.unwrap();
    for len in [0, 1, 125, 126, 65_535, 65_536, 300_000, 1 << 20, 3 << 20, 8 << 20] {
        for message in [Message::from("ä".repeat(len / 2)), Message::from(vec![0xA5; len])] {
            let (sent, echo) = tokio::join!(socket.send(message.clone()), async { len });
            sent.unwrap();
            let answer = soon(socket.next()).await.unwrap().unwrap();
            assert!(answer == message, "{echo} bytes");
        }
    }
}

#[test]
fn fragments_with_a_ping_between_them_make_one_message() {
    let server = served(echo);
    let mut raw = Raw::open(server.address);
    raw.say([masked(0x01, "he"), masked(PING, "now"), masked(0x00, "ll")].concat());
    raw.expect(PONG, "now");
    raw.say([masked(0x00, ""), masked(0x80, "o"), masked(TEXT, "next")].concat());
    raw.expect(TEXT, "hello");
    raw.expect(TEXT, "next");
}

#[test]
fn many_messages_of_one_write_are_answered_in_their_order() {
    let server = served(echo);
    let raw = Raw::open(server.address);
    let said: Vec<u8> = (0..10_000).flat_map(|n| masked(TEXT, n.to_string())).collect();
    let (mut writer, mut reader) = (raw.0.try_clone().unwrap(), raw);
    let writing =
        std::thread::spawn(move || std::io::Write::write_all(&mut writer, &said).unwrap());
    for n in 0..10_000 {
        reader.expect(TEXT, n.to_string());
    }
    writing.join().unwrap();
}

#[test]
fn what_stands_behind_the_request_is_the_first_message() {
    let server = served(echo);
    let mut raw = Raw::connect(server.address);
    let early = [masked(TEXT, "early"), masked(BINARY, vec![7; 3_000])].concat();
    let half = early.len() - 1_000;
    raw.say([request("").as_bytes(), &early[..half]].concat());
    raw.head();
    raw.expect(TEXT, "early");
    raw.say(&early[half..]);
    raw.expect(BINARY, vec![7; 3_000]);
}

#[test]
fn pings_of_one_write_are_all_answered_in_their_order() {
    let server = served(echo);
    let mut raw = Raw::open(server.address);
    raw.say([masked(PING, "1"), masked(PING, ""), masked(TEXT, "a"), masked(PING, "3")].concat());
    raw.expect(PONG, "1");
    raw.expect(PONG, "");
    raw.expect(TEXT, "a");
    raw.expect(PONG, "3");
}

#[test]
fn a_peer_that_breaks_the_protocol_is_told_how() {
    let limits = Limits { max_message_bytes: 1_000, max_fragments: 3, ..Limits::default() };
    let server = served_with(within(limits), echo);
    let fragments = |count: usize| [masked(0x01, ""), masked(0x00, "").repeat(count)].concat();
    for (said, code) in [
        (masked(BINARY, vec![0; 1_001]), 1009),
        (fragments(3), 1009),
        (masked(TEXT, b"\xFF"), 1007),
        (masked(0x83, ""), 1002),
        (masked(0xC1, "reserved bit"), 1002),
        (masked(0x80, "continues nothing"), 1002),
        (b"\x81\x02hi".to_vec(), 1002),
        (masked(CLOSE, b"\x03\xED"), 1002),
    ] {
        let mut raw = Raw::open(server.address);
        raw.say([masked(TEXT, "before"), said.clone(), masked(TEXT, "behind")].concat());
        raw.expect(TEXT, "before");
        let frame = raw.frame();
        assert_eq!((frame.first, frame.code()), (CLOSE, Some(code)), "{said:02X?} {frame:?}");
        assert_eq!(raw.rest(), b"");
    }
}

#[test]
fn how_the_network_cuts_the_bytes_changes_nothing() {
    let server = served(echo);
    let mut random = Random(0x5EED);
    for round in 0..40 {
        let mut raw = Raw::open(server.address);
        let messages: Vec<_> = (0..20)
            .map(|_| {
                let len = [3, 130, 5_000, 70_000][random.below(4)];
                let first = [TEXT, BINARY][random.below(2)];
                (first, vec![b'a' + random.below(26) as u8; random.below(len)])
            })
            .collect();
        let mut wire = Vec::new();
        for (first, payload) in &messages {
            let cut = random.below(payload.len() + 1);
            wire.extend(masked(first & 0x0F, &payload[..cut]));
            if random.below(3) == 0 {
                wire.extend(masked(PONG, "nobody asked"));
            }
            wire.extend(masked(0x80, &payload[cut..]));
        }
        let mut writer = raw.0.try_clone().unwrap();
        let mut cuts = Random(round + 1);
        let writing = std::thread::spawn(move || {
            let mut rest = &wire[..];
            while !rest.is_empty() {
                let most = [1, 9, 700, 40_000][cuts.below(4)];
                let (piece, others) = rest.split_at((cuts.below(most) + 1).min(rest.len()));
                std::io::Write::write_all(&mut writer, piece).unwrap();
                rest = others;
            }
        });
        for (first, payload) in messages {
            raw.expect(first, payload);
        }
        writing.join().unwrap();
    }
}

#[tokio::test]
async fn compressed_lines_echo_with_a_kept_window_and_without() {
    for takeover in [true, false] {
        let deflate = Deflate {
            server_context_takeover: takeover,
            client_context_takeover: takeover,
            min_bytes: 0,
            ..Deflate::default()
        };
        let accept = AcceptOptions { deflate: Some(deflate.clone()), ..AcceptOptions::default() };
        let server = served_with(ListenOptions { accept, ..ListenOptions::default() }, echo);
        let request = Connect::to(server.url("/")).deflate(deflate).require_deflate();
        let mut socket = request.open().await.unwrap();
        for len in [0, 5, 5, 5, 70_000, 900_000, 5] {
            let said = "tieline ".repeat(len / 8 + 1);
            socket.send(said.clone()).await.unwrap();
            assert!(text(&mut socket).await == said, "{len} bytes, takeover {takeover}");
        }
    }
}

#[test]
fn a_client_of_the_oldest_drafts_is_let_in_where_it_may() {
    const HIXIE_75: &str = "GET / HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\
        Host: localhost\r\nOrigin: http://localhost\r\n\r\n";
    const HIXIE_76: &str = "GET /demo HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\nUpgrade: WebSocket\r\n\
        Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nOrigin: http://example.com\r\n\r\n";
    let legacy = AcceptOptions { legacy: true, ..AcceptOptions::default() };
    let server = served_with(accepting(legacy), echo);

    let mut raw = Raw::connect(server.address);
    raw.say(HIXIE_75);
    raw.head();
    raw.say(b"\x00hello\xFF\x00again\xFF");
    assert_eq!(raw.exactly(14), b"\x00hello\xFF\x00again\xFF");

    let mut raw = Raw::connect(server.address);
    raw.say(HIXIE_76);
    // The last of the handshake comes by itself.
    raw.say("^n:ds[4U");
    raw.head();
    assert_eq!(raw.exactly(16), b"8jKS'y:G*Co,Wxa-");
    raw.say(b"\x00hello\xFF\xFF\x00");
    assert_eq!(raw.rest(), b"\x00hello\xFF\xFF\x00");

    let modern = served(echo);
    let mut raw = Raw::connect(modern.address);
    raw.say(HIXIE_75);
    assert!(raw.head().starts_with("HTTP/1.1 4"));
}

/// Numbers that are the same every time (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 as usize % bound.max(1)
    }
}
