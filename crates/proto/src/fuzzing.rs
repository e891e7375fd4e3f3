//! The bodies of the fuzz targets: one function for each parser, and one for the whole connection.
//!
//! They are here and not under `fuzz/` so that the committed seeds also run as a plain test.
//! Each panics where a promise is broken. Where a parser takes bytes in pieces, the first eight
//! bytes of the input choose the cuts, and the result has to be that of the uncut bytes.

use std::time::{Duration, Instant};

use ::http::Request;

use crate::close::{self, Closed};
use crate::connection::{Connection, Event, Role};
use crate::deflate::{self, Agreed, Inflater, Window};
use crate::frame::Header;
use crate::handshake::{
    Agreement, Dialect, Hosts, Legacy, Origin, Origins, Scheme, client, server,
};
use crate::http::{Extension, HeadError, HeadReader};
use crate::utf8::Validator;
use crate::{Limits, MessageKind, mask};

/// A target: takes any bytes, and panics where a promise is broken.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also the name of its file and of the folder of its seeds.
pub const TARGETS: &[(&str, Target)] = &[
    ("close", close),
    ("connection", connection),
    ("extensions", extensions),
    ("header", header),
    ("inflate", inflate),
    ("mask", mask),
    ("request", request),
    ("response", response),
    ("utf8", utf8),
];

/// Runs the target of this name.
///
/// # Panics
///
/// Where a promise is broken, and where there is no such target.
pub fn run(name: &str, data: &[u8]) {
    let (_, target) =
        TARGETS.iter().find(|(known, _)| *known == name).expect("the name is one of `TARGETS`");
    target(data);
}

/// Small, so that the limits are reached.
fn limits() -> Limits {
    Limits { max_message_bytes: 4 << 10, max_fragments: 16, ..Limits::default() }
}

/// Pieces of bytes, their lengths taken from a seed.
struct Cuts<'a> {
    rest: &'a [u8],
    seed: u64,
}

impl<'a> Cuts<'a> {
    /// Splits the seed off the front of the input.
    fn of(data: &'a [u8]) -> (Self, &'a [u8]) {
        let (seed, rest) = data.split_first_chunk().unwrap_or((&[0; 8], data));
        (Self { rest, seed: u64::from_le_bytes(*seed) | 1 }, rest)
    }
}

impl<'a> Iterator for Cuts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        // xorshift64: short pieces are likelier than long ones.
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        let most = 1usize << (self.seed >> 8 & 0xF);
        let len = (self.seed >> 32) as usize % most + 1;
        let (piece, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest;
        Some(piece)
    }
}

fn header(data: &[u8]) {
    if let Ok(Some((header, len))) = Header::decode(data) {
        let mut wire = Vec::new();
        header.encode(&mut wire);
        assert_eq!(wire, &data[..len], "a header has one encoding");
        for cut in 0..len {
            assert_eq!(Header::decode(&data[..cut]), Ok(None), "no answer before it is whole");
        }
    }
}

fn close(data: &[u8]) {
    if let Ok((code, reason)) = close::decode(data)
        && data.len() <= close::MAX_CONTROL_BYTES
    {
        assert_eq!(close::encode(code, reason).as_deref(), Ok(data));
    }
}

fn utf8(data: &[u8]) {
    let (mut cuts, text) = Cuts::of(data);
    let mut validator = Validator::default();
    let valid = cuts.all(|piece| validator.push(piece).is_ok());
    let expected = std::str::from_utf8(text);
    assert_eq!(valid && validator.is_complete(), expected.is_ok());
    assert_eq!(valid, expected.map_or_else(|error| error.error_len().is_none(), |_| true));
}

fn mask(data: &[u8]) {
    let Some((key, _)) = data.split_first_chunk::<4>() else { return };
    let (cuts, payload) = Cuts::of(data);
    let plain: Vec<u8> = payload.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b).collect();
    let (mut turned, mut masked) = (*key, Vec::new());
    for piece in cuts {
        let start = masked.len();
        masked.extend_from_slice(piece);
        turned = mask::apply(&mut masked[start..], turned);
    }
    assert_eq!(masked, plain);
}

fn inflate(data: &[u8]) {
    let (cuts, message) = Cuts::of(data);
    let limit = limits().max_message_bytes;
    let bits = 9 + data.len() as u8 % 7;
    let run = |pieces: Vec<&[u8]>| {
        let (mut inflater, mut out) = (Inflater::new(bits), Vec::new());
        let result = pieces
            .iter()
            .try_for_each(|piece| inflater.push(piece, &mut out, limit))
            .and_then(|()| inflater.finish(&mut out, limit));
        assert!(out.capacity() <= limit + (64 << 10), "inflation stops at the limit");
        result.map(|()| out)
    };
    assert_eq!(run(cuts.collect()), run(vec![message]));
}

fn extensions(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(list) = Extension::parse(text) else { return };
    let written = list.iter().map(Extension::to_string).collect::<Vec<_>>().join(", ");
    assert_eq!(Extension::parse(&written).as_ref(), Ok(&list), "{written}");
}

/// Reads a head whole and in pieces, and answers it where both agree that there is one.
fn head<T: std::fmt::Debug>(
    data: &[u8],
    read: impl Fn(&mut HeadReader, &[u8]) -> Result<Option<(T, usize)>, HeadError>,
) -> Option<T> {
    let (cuts, wire) = Cuts::of(data);
    let whole = read(&mut HeadReader::new(&limits()), wire);
    let (mut reader, mut held, mut answer) = (HeadReader::new(&limits()), Vec::new(), Ok(None));
    for piece in cuts {
        held.extend_from_slice(piece);
        answer = read(&mut reader, &held);
        if !matches!(answer, Ok(None)) {
            break;
        }
    }
    match (&whole, &answer) {
        (Ok(Some(whole)), Ok(Some(cut))) => assert_eq!(format!("{whole:?}"), format!("{cut:?}")),
        // A fault may show later in pieces: the parser looks at sizes that double, and at the end.
        (Ok(None) | Err(_), Ok(None)) | (Err(_), Err(_)) => {}
        _ => panic!("{whole:?} whole, {answer:?} in pieces"),
    }
    whole.ok().flatten().map(|(head, _)| head)
}

fn request(data: &[u8]) {
    if let Some(request) = head(data, HeadReader::request) {
        accept(&request);
    }
}

/// Whatever is accepted makes an agreement that a connection can start from.
fn accept(request: &Request<()>) {
    for legacy in [Legacy::Off, Legacy::On] {
        let Ok(Some(upgrade)) = server::Upgrade::of(request, legacy) else { continue };
        judge(&upgrade);
        let answer = server::Accept {
            deflate: Some(deflate::Config::default()),
            ..server::Accept::default()
        };
        let key3 = &b"^n:ds[4U"[..upgrade.key3_bytes()];
        if let Ok((head, agreement)) = upgrade.accept(&answer, key3) {
            assert!(head.starts_with(b"HTTP/1.1 101 "));
            if let Some(agreed) = agreement.deflate {
                assert!(
                    (9..=15).contains(&agreed.ours.bits) && (9..=15).contains(&agreed.theirs.bits)
                );
            }
        }
    }
}

/// Whoever is let in as the same origin is let in by a list of just that origin.
fn judge(upgrade: &server::Upgrade) {
    for scheme in [None, Some(Scheme::Http), Some(Scheme::Https)] {
        let claim = upgrade.claim(scheme);
        let same = Origins::SameOrigin.allows(&claim);
        if let Some(Ok(origin)) = claim.origin.map(str::parse::<Origin>) {
            assert!(!same || origin != Origin::NULL);
            assert!(Origins::List(vec![origin]).allows(&claim));
        }
        assert!(!Hosts::default().allows(claim.host) || Hosts::Any.allows(claim.host));
    }
}

fn response(data: &[u8]) {
    let Some(response) = head(data, HeadReader::response) else { return };
    let asked = client::Request {
        protocols: vec!["chat".to_owned()],
        deflate: Some(deflate::Config::default()),
        ..client::Request::new("example.com", "/", *b"the sample nonce")
    };
    if let Ok(agreement) = asked.verify(&response) {
        assert!(agreement.protocol.is_none_or(|protocol| protocol == "chat"));
    }
}

/// Which line the connection target speaks, and from which end, by the ninth byte.
fn roles(choice: u8) -> (bool, Agreement) {
    let window = |bits, context_takeover| Window { bits, context_takeover };
    let deflate = |window| {
        let deflate = Some(Agreed { ours: window, theirs: window, level: 1, min_bytes: 1 });
        Agreement { deflate, ..Agreement::default() }
    };
    let agreement = match choice >> 1 & 0x7 {
        0 | 1 => Agreement::default(),
        2 => Agreement { dialect: Dialect::Hixie75, ..Agreement::default() },
        3 => Agreement { dialect: Dialect::Hixie76, ..Agreement::default() },
        4 => deflate(window(9, true)),
        5 => deflate(window(12, false)),
        _ => deflate(window(15, true)),
    };
    (choice & 1 == 0, agreement)
}

/// What one end saw and said, in a form that two runs can be compared by.
#[derive(Debug, Default, PartialEq)]
struct Transcript {
    messages: Vec<(MessageKind, Vec<u8>)>,
    controls: Vec<(bool, Vec<u8>)>,
    closed: Option<Closed>,
    out: Vec<u8>,
}

fn transcript<'a>(
    server: bool,
    agreement: &Agreement,
    now: Instant,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> Transcript {
    let role = if server { Role::Server } else { Role::Client(Box::new(|| [1, 2, 3, 4])) };
    let mut connection = Connection::new(role, agreement, limits(), now);
    let mut seen = Transcript::default();
    for piece in pieces {
        let mut piece = piece.to_vec();
        let (mut events, outgoing) = connection.receive(&mut piece, now);
        while let Some(event) = events.next(outgoing) {
            assert!(seen.closed.is_none(), "nothing follows the end");
            match event {
                Event::Message(message) => {
                    let (kind, payload) = (message.kind(), message.payload());
                    assert!(payload.len() <= limits().max_message_bytes);
                    assert!(kind == MessageKind::Binary || message.text().is_some());
                    // Echoed, so that the compressor works too.
                    let sent = outgoing.send(kind, payload, &mut seen.out);
                    assert!(sent.is_ok() || agreement.dialect != Dialect::Hybi);
                    seen.messages.push((kind, message.into_vec()));
                }
                Event::Ping(payload) => seen.controls.push((true, payload.to_vec())),
                Event::Pong(payload) => seen.controls.push((false, payload.to_vec())),
                Event::Closed(closed) => seen.closed = Some(closed),
            }
            outgoing.take_output(&mut seen.out);
        }
    }
    // The clock is moved too: nothing that is due may panic.
    for hours in 1..4 {
        let later = now + Duration::from_secs(3_600 * hours);
        if let Some(closed) = connection.handle_timeout(later) {
            assert!(seen.closed.is_none());
            seen.closed = Some(closed);
        }
    }
    seen
}

#[expect(clippy::disallowed_methods, reason = "an Instant has no other origin")]
fn connection(data: &[u8]) {
    let (mut cuts, wire) = Cuts::of(data);
    let Some((&choice, wire)) = wire.split_first() else { return };
    cuts.rest = wire;
    let (server, agreement) = roles(choice);
    let now = Instant::now();
    let whole = transcript(server, &agreement, now, std::iter::once(wire));
    let cut = transcript(server, &agreement, now, cuts);
    assert_eq!(cut, whole, "how the bytes are cut changes nothing");
}
