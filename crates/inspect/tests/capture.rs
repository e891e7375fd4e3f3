//! What is seen in a capture.

mod heads;
mod traffic;

use heads::{DEFLATING, REQUEST};
use proptest::prelude::*;
use serde_json::{Value, json};
use tieline_inspect::{Room, Sender};
use traffic::{
    ETHERNET, RAW, Segment, behind, flags, handshake, inspect, packets, pcap, pcapng, segment,
};

const CLIENT: Sender = Sender::Client;
const SERVER: Sender = Sender::Server;

const HELLO: &[u8] = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00";
const PING: &[u8] = b"\x89\x81\x00\x00\x00\x00a";
const PONG: &[u8] = b"\x8a\x01a";
const CLOSE: &[u8] = b"\x88\x82\x00\x00\x00\x00\x03\xe8";
const CLOSED: &[u8] = b"\x88\x02\x03\xe8";

/// What the client says, and what the server does.
fn said() -> [Vec<u8>; 2] {
    [[REQUEST, PING, CLOSE].concat(), [DEFLATING, HELLO, PONG, CLOSED].concat()]
}

/// A connection from its first segment to its last.
fn connection() -> Vec<Segment> {
    let mut segments = handshake();
    segments.extend([segment(CLIENT, 0, REQUEST), segment(SERVER, 0, DEFLATING)]);
    let (client, server) = (REQUEST.len() as i64, DEFLATING.len() as i64);
    segments.extend([segment(SERVER, server, HELLO), segment(CLIENT, client, PING)]);
    let (client, server) = (client + 7, server + HELLO.len() as i64);
    segments.extend([segment(SERVER, server, PONG), segment(CLIENT, client, CLOSE)]);
    let (client, server) = (client + 8, server + 3);
    segments.extend([segment(SERVER, server, CLOSED), flags(SERVER, server + 4, "fa")]);
    segments.push(flags(CLIENT, client, "fa"));
    segments
}

fn of_kind<'e>(events: &'e [Value], kind: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| event["event"] == kind).collect()
}

#[test]
fn a_connection_is_seen_from_its_first_segment_to_its_last() {
    let (events, counts, error) = inspect(&pcap(RAW, &packets(&connection())), Room::default());
    assert!(error.is_none());
    assert_eq!((counts.packets, counts.segments, counts.connections), (12, 12, 1));
    let at = |thousandths: u32| json!(1_700_000_000.0 + f64::from(thousandths) / 1e3);
    assert_eq!(
        events[0],
        json!({
            "event": "connection", "connection": 1, "time": at(3),
            "client": "10.0.0.1:50000", "server": "10.0.0.2:80",
            "syn": at(0), "syn_ack": at(1), "ack": at(2),
        })
    );
    let kinds: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "connection",
            "request",
            "response",
            "frame",
            "frame",
            "frame",
            "frame",
            "frame",
            "frame",
            "closed"
        ]
    );
    assert_eq!(events[4]["message"], json!({ "text": "Hello" }));
    assert_eq!((&events[6]["round_trip"], &events[6]["time"]), (&json!(0.001), &at(7)));
    let closed = &events[9];
    assert_eq!(
        (&closed["clean"], &closed["began"], &closed["code"]),
        (&json!(true), &json!("client"), &json!(1000))
    );
    assert_eq!((&closed["end"], &closed["by"]), (&json!("fin"), &json!("server")));
}

#[test]
fn the_same_is_seen_on_every_link_and_in_either_form() {
    let raw = packets(&connection());
    let (seen, ..) = inspect(&pcap(RAW, &raw), Room::default());
    let ethernet = [&[2; 12][..], &[0x08, 0x00]].concat();
    let vlan = [&[2; 12][..], &[0x81, 0x00, 0x00, 0x05, 0x08, 0x00]].concat();
    let cooked = [&[0; 14][..], &[0x08, 0x00]].concat();
    let cooked_2 = [&[0x08, 0x00][..], &[0; 18]].concat();
    for (link, header) in [
        (ETHERNET, &ethernet[..]),
        (ETHERNET, &vlan),
        (113, &cooked),
        (276, &cooked_2),
        (0, &[2, 0, 0, 0]),
        (108, &[0, 0, 0, 2]),
        (228, &[]),
        (12, &[]),
    ] {
        let packets = behind(header, &raw);
        assert_eq!(inspect(&pcap(link, &packets), Room::default()).0, seen, "link {link}");
        let ng = pcapng(link as u16, &packets);
        assert_eq!(inspect(&ng, Room::default()).0, seen, "link {link} in pcapng");
    }
}

#[test]
fn a_short_frame_of_ethernet_is_padded_and_the_padding_is_nobodys() {
    let header = [&[2; 12][..], &[0x08, 0x00]].concat();
    let mut padded = behind(&header, &packets(&connection()));
    for packet in &mut padded {
        packet.resize(packet.len().max(60), 0xAA);
    }
    let (seen, ..) = inspect(&pcap(RAW, &packets(&connection())), Room::default());
    assert_eq!(inspect(&pcap(ETHERNET, &padded), Room::default()).0, seen);
}

#[test]
fn a_capture_that_is_cut_off_shows_all_that_is_before() {
    let whole = pcap(RAW, &packets(&connection()));
    let (seen, ..) = inspect(&whole, Room::default());
    let (cut, _, error) = inspect(&whole[..whole.len() - 50], Room::default());
    assert_eq!(cut[..9], seen[..9]);
    let error = error.unwrap().to_string();
    assert!(error.starts_with("the capture is cut off: its last block begins at byte "), "{error}");
    for len in 1..whole.len() {
        inspect(&whole[..len], Room::default());
    }
}

#[test]
fn what_is_no_capture_is_told_so() {
    let error = |bytes: &[u8]| inspect(bytes, Room::default()).2.unwrap().to_string();
    assert!(error(b"").contains("empty"));
    assert!(error(b"\x7fELF\x02\x01").contains("it begins with 7f454c46"));
    assert!(error(b"\x1f\x8b\x08\x00\x00").contains("gzip -d"));
    let mut lies = pcap(RAW, &packets(&connection()));
    lies[24 + 8..24 + 12].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(error(&lies).contains("cut off"));
    lies.resize(20 << 20, 0);
    assert!(error(&lies).contains("larger than 16777216 bytes"));
    let (events, counts, error) = inspect(&pcap(147, &packets(&connection())), Room::default());
    assert_eq!((events.len(), counts.unknown_links, counts.unknown_link), (0, 12, Some(147)));
    assert!(error.is_none());
}

#[test]
fn a_packet_that_was_not_captured_whole_is_a_gap() {
    let mut packets = packets(&connection());
    let hello = &mut packets[5];
    hello.truncate(hello.len() - 3);
    let (events, counts, _) = inspect(&pcap(RAW, &packets), Room::default());
    assert_eq!(counts.gap_bytes, 3);
    let frames = of_kind(&events, "frame");
    assert_eq!(frames[0]["message"], json!({ "text": "Hello" }));
    assert_eq!(frames[1]["unread"], "bytes of its message are missing");
    assert_eq!(frames[2]["control"], "ping");
    assert_eq!(frames[3]["control"], "pong");
}

#[test]
fn a_reset_and_a_refusal_are_told() {
    let mut segments = connection();
    segments.truncate(8);
    segments.push(flags(CLIENT, REQUEST.len() as i64 + 7, "r"));
    // What comes late is no connection of its own.
    segments.push(segment(SERVER, 400, b"late"));
    let (events, ..) = inspect(&pcap(RAW, &packets(&segments)), Room::default());
    let closed = of_kind(&events, "closed")[0];
    assert_eq!(
        (&closed["end"], &closed["by"], &closed["code"]),
        (&json!("reset"), &json!("client"), &json!(1006))
    );
    let refused = [flags(CLIENT, -1, "s"), flags(SERVER, -1, "ra")];
    let (events, ..) = inspect(&pcap(RAW, &packets(&refused)), Room::default());
    assert_eq!(of_kind(&events, "end")[0]["by"], "server");
    assert_eq!(events.len(), 2);
}

#[test]
fn a_port_that_is_used_again_is_another_connection() {
    let mut segments = connection();
    segments.truncate(8);
    let mut again = connection();
    for segment in &mut again {
        segment.at += 1_000_000;
    }
    segments.extend(again);
    let (events, counts, _) = inspect(&pcap(RAW, &packets(&segments)), Room::default());
    assert_eq!(counts.connections, 2);
    let numbers: Vec<_> =
        of_kind(&events, "closed").iter().map(|e| e["connection"].clone()).collect();
    assert_eq!(numbers, [1, 2]);
    assert_eq!(of_kind(&events, "closed")[0]["end"], "unseen");
}

#[test]
fn a_capture_that_begins_in_the_middle_says_so() {
    let segments = connection().split_off(5);
    let (events, ..) = inspect(&pcap(RAW, &packets(&segments)), Room::default());
    assert_eq!(of_kind(&events, "note")[0]["kind"], "in_the_middle");
    let frames = of_kind(&events, "frame");
    assert_eq!(frames.len(), 6);
    assert_eq!(frames.iter().filter(|frame| frame["message"]["text"] == "Hello").count(), 2);
}

#[test]
fn connections_beyond_the_room_are_given_up_the_oldest_first() {
    let room = Room { max_connections: 8, ..Room::default() };
    let mut segments = Vec::new();
    for port in 1000..1020 {
        segments
            .extend(connection().into_iter().take(8).map(|segment| Segment { port, ..segment }));
    }
    let (events, counts, _) = inspect(&pcap(RAW, &packets(&segments)), room);
    assert_eq!((counts.connections, counts.given_up), (20, 12));
    assert_eq!(of_kind(&events, "closed").len(), 20);
    let room = Room { max_bytes: 64 << 10, ..Room::default() };
    let (_, counts, _) = inspect(&pcap(RAW, &packets(&segments)), room);
    assert!(counts.given_up > 0);
}

/// What both ends said, in segments of any size, in any order and some of them twice.
fn disturbed(lens: &[usize], order: &[u16], again: &[bool]) -> Vec<Segment> {
    let (mut lens, mut again) = (lens.iter().cycle(), again.iter().cycle());
    let mut said_in_segments = Vec::new();
    for (from, said) in [CLIENT, SERVER].into_iter().zip(said()) {
        let mut at = 0;
        while at < said.len() {
            let end = (at + lens.next().expect("there are lengths")).min(said.len());
            let piece = segment(from, at as i64, &said[at..end]);
            if *again.next().expect("there are choices") {
                // Once more, with some of what came before it.
                let before = at.saturating_sub(5);
                said_in_segments.push(segment(from, before as i64, &said[before..end]));
            }
            said_in_segments.push(piece);
            at = end;
        }
        let mut last = flags(from, at as i64, "fa");
        last.payload.clear();
        said_in_segments.push(last);
    }
    let mut order = order.iter().cycle();
    let mut keyed: Vec<_> = said_in_segments
        .into_iter()
        .map(|segment| (*order.next().expect("there is an order"), segment))
        .collect();
    keyed.sort_by_key(|(key, _)| *key);
    let mut segments = handshake();
    segments.extend(keyed.into_iter().map(|(_, segment)| segment));
    segments
}

proptest! {
    #[test]
    fn how_segments_are_cut_doubled_and_reordered_changes_nothing(
        lens in prop::collection::vec(1..90usize, 1..12),
        order in prop::collection::vec(any::<u16>(), 1..60),
        again in prop::collection::vec(any::<bool>(), 1..9),
    ) {
        let seen = |segments: &[Segment]| {
            let (events, counts, error) = inspect(&pcap(RAW, &packets(segments)), Room::default());
            assert!(error.is_none() && counts.gap_bytes == 0);
            // Each end's; how those of both lie between each other is what the order says.
            let of = |from: &str| {
                let events = events.iter().filter(|event| event["from"] == from);
                let events = events.cloned().map(|mut event| {
                    event["time"].take();
                    event["round_trip"].take();
                    event
                });
                events.collect::<Vec<_>>()
            };
            let others = ["request", "response"].map(|kind| {
                let mut event = of_kind(&events, kind)[0].clone();
                event["time"].take();
                event
            });
            (of("client"), of("server"), others)
        };
        prop_assert_eq!(seen(&disturbed(&lens, &order, &again)), seen(&connection()));
    }
}
