//! What holds for every handshake: cuts change nothing, both ends agree, nothing panics.

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use tieline_proto::Limits;
use tieline_proto::deflate::Config;
use tieline_proto::handshake::client::Request;
use tieline_proto::handshake::server::{Accept, Upgrade};
use tieline_proto::handshake::{Claim, Hosts, Legacy, Origin, Origins};
use tieline_proto::http::{Extension, HeadError, HeadReader};

/// What a reader makes of a head: all it says, and its length.
type Read = Result<Option<(String, usize)>, HeadError>;

const MAX_HEAD_BYTES: usize = 192;

fn limits() -> Limits {
    Limits { max_head_bytes: MAX_HEAD_BYTES, max_headers: 6, ..Limits::default() }
}

fn request(reader: &mut HeadReader, buf: &[u8]) -> Read {
    Ok(reader.request(buf)?.map(|(head, len)| (format!("{head:?}"), len)))
}

fn response(reader: &mut HeadReader, buf: &[u8]) -> Read {
    Ok(reader.response(buf)?.map(|(head, len)| (format!("{head:?}"), len)))
}

/// Gives the bytes in pieces, up to the first answer.
fn in_pieces(
    read: impl Fn(&mut HeadReader, &[u8]) -> Read,
    wire: &[u8],
    cuts: impl IntoIterator<Item = usize>,
) -> Read {
    let mut reader = HeadReader::new(&limits());
    for end in cuts.into_iter().chain([wire.len()]) {
        match read(&mut reader, &wire[..end]) {
            Ok(None) => {}
            answer => return answer,
        }
    }
    Ok(None)
}

fn pieces(len: usize) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::btree_set(0..=len, 0..8).prop_map(|cuts| cuts.into_iter().collect())
}

/// Heads that are nearly right, so that every branch of the reader is near, and enough behind them
/// that each is decided: while it is not, a cut decides how early a fault shows.
fn wire() -> impl Strategy<Value = Vec<u8>> {
    let start = prop::sample::select(vec![
        "GET / HTTP/1.1\r\n",
        "GET /chat?x=1 HTTP/1.1\r\n",
        "\r\nPOST http://a/b HTTP/1.1\r\n",
        "OPTIONS * HTTP/1.0\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n",
        "HTTP/1.0 200\r\n",
        "GET / HTTP/1.1\n",
        "",
    ]);
    let line = prop_oneof![
        8 => prop::sample::select(vec![
            "Host: a\r\n",
            "host:b:80\r\n",
            "Upgrade:websocket\r\n",
            "Connection: keep-alive, Upgrade\r\n",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            "Sec-WebSocket-Key1:  4 @1  46546xW%0l 1 5 \r\n",
            "Sec-WebSocket-Version: 13\r\n",
            "X-Long: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n",
            "\r\n",
        ]).prop_map(|line| line.as_bytes().to_vec()),
        1 => prop::sample::select(vec!["A: b\n", " folded\r\n", "A : b\r\n", "A\r\n", "\n", "A:\rb"])
            .prop_map(|line| line.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..24),
    ];
    (start, prop::collection::vec(line, 0..10)).prop_map(|(start, lines)| {
        [start.as_bytes(), &lines.concat(), &[b'x'; MAX_HEAD_BYTES]].concat()
    })
}

fn wire_and_cuts() -> impl Strategy<Value = (Vec<u8>, Vec<usize>)> {
    wire().prop_flat_map(|wire| {
        let len = wire.len();
        (Just(wire), pieces(len))
    })
}

fn token() -> impl Strategy<Value = String> {
    "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}"
}

fn config() -> impl Strategy<Value = Config> {
    (1..=9_u32, 9..=15_u8, 9..=15_u8, any::<[bool; 2]>()).prop_map(
        |(level, server, client, [server_takeover, client_takeover])| Config {
            level,
            server_max_window_bits: server,
            client_max_window_bits: client,
            server_context_takeover: server_takeover,
            client_context_takeover: client_takeover,
            ..Config::default()
        },
    )
}

fn asked() -> impl Strategy<Value = Request> {
    let protocols = prop::collection::btree_set(token(), 0..4);
    let headers = prop::collection::vec(("x-[a-z]{1,8}", "[ -~]{0,16}"), 0..4);
    let names = ("[a-z0-9.-]{1,16}(:[0-9]{1,4})?", "/[a-zA-Z0-9/._~%?=&-]{0,24}");
    let version = prop::sample::select(vec![13_u8, 8, 7]);
    let origin = prop::option::of("https?://[a-z]{1,8}");
    let parts = (names, any::<[u8; 16]>(), version, origin, protocols);
    (parts, headers, prop::option::of(config())).prop_map(
        |(((host, target), key, version, origin, protocols), lines, deflate)| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                let name: http::HeaderName = name.parse().expect("a name");
                headers.append(name, HeaderValue::from_str(value.trim()).expect("a value"));
            }
            let protocols = protocols.into_iter().collect();
            Request {
                version,
                origin,
                protocols,
                deflate,
                headers,
                ..Request::new(host, target, key)
            }
        },
    )
}

proptest! {
    #[test]
    fn how_a_request_is_cut_changes_nothing((wire, cuts) in wire_and_cuts()) {
        let whole = in_pieces(request, &wire, []);
        prop_assert_eq!(&in_pieces(request, &wire, cuts), &whole);
        prop_assert_eq!(&in_pieces(request, &wire, 0..wire.len()), &whole);
    }

    #[test]
    fn how_a_response_is_cut_changes_nothing((wire, cuts) in wire_and_cuts()) {
        let whole = in_pieces(response, &wire, []);
        prop_assert_eq!(&in_pieces(response, &wire, cuts), &whole);
        prop_assert_eq!(&in_pieces(response, &wire, 0..wire.len()), &whole);
    }

    #[test]
    fn what_follows_a_head_is_not_taken(request in asked(), rest in prop::collection::vec(any::<u8>(), 0..64)) {
        let head = request.encode().unwrap();
        let wire = [head.as_slice(), &rest].concat();
        let (_, len) = HeadReader::new(&Limits::default()).request(&wire).unwrap().unwrap();
        prop_assert_eq!(len, head.len());
    }

    #[test]
    fn both_ends_agree(
        request in asked(),
        choice in any::<prop::sample::Index>(),
        deflate in prop::option::of(config()),
    ) {
        let head = request.encode().unwrap();
        let (read, _) = HeadReader::new(&Limits::default()).request(&head).unwrap().unwrap();
        let upgrade = Upgrade::of(&read, Legacy::Off).unwrap().unwrap();
        prop_assert_eq!(upgrade.version(), Some(request.version));
        prop_assert_eq!(upgrade.protocols(), &request.protocols);
        prop_assert_eq!(upgrade.origin(), request.origin.as_deref());
        for (name, value) in &request.headers {
            prop_assert!(read.headers().get_all(name).iter().any(|read| read == value));
        }

        let protocols = upgrade.protocols();
        let protocol = (!protocols.is_empty()).then(|| protocols[choice.index(protocols.len())].clone());
        let answer = Accept { protocol, deflate, headers: request.headers.clone(), secure: false };
        let (bytes, server) = upgrade.accept(&answer, &[]).unwrap();
        let (read, len) = HeadReader::new(&Limits::default()).response(&bytes).unwrap().unwrap();
        prop_assert_eq!(len, bytes.len());
        let client = request.verify(&read).unwrap();

        prop_assert_eq!(&client.protocol, &server.protocol);
        prop_assert_eq!(&client.extensions, &server.extensions);
        prop_assert_eq!(client.deflate.is_some(), server.deflate.is_some());
        prop_assert_eq!(client.deflate.is_some(), request.deflate.is_some() && answer.deflate.is_some());
        if let (Some(client), Some(server)) = (client.deflate, server.deflate) {
            for (writer, reader) in [(client.ours, server.theirs), (server.ours, client.theirs)] {
                prop_assert!((9..=15).contains(&writer.bits) && (9..=15).contains(&reader.bits));
                prop_assert!(writer.bits <= reader.bits, "{:?} {:?}", writer, reader);
                // A reader may keep what the writer does not refer to; never the other way.
                prop_assert!(reader.context_takeover || !writer.context_takeover);
            }
        }
    }

    #[test]
    fn an_extension_list_survives_being_written(
        list in prop::collection::vec((token(), prop::collection::vec((token(), prop::option::of(token())), 0..4)), 0..4),
    ) {
        let list: Vec<_> = list.into_iter().map(|(name, params)| Extension { name, params }).collect();
        let written = list.iter().map(Extension::to_string).collect::<Vec<_>>().join(", ");
        prop_assert_eq!(Extension::parse(&written), Ok(list));
    }

    #[test]
    fn any_extension_list_is_parsed_or_refused(text in "[a-c;,=\"\\\\ \t\u{e9}]{0,24}|\\PC{0,24}", config in config()) {
        match Extension::parse(&text) {
            Ok(list) => {
                let written = list.iter().map(Extension::to_string).collect::<Vec<_>>().join(",");
                prop_assert_eq!(Extension::parse(&written), Ok(list.clone()));
                let _nothing_panics = (config.answer(&list), list.first().map(|first| config.verify(first)));
            }
            Err(error) => prop_assert!(error.at <= text.len()),
        }
    }

    #[test]
    fn any_offer_of_deflate_is_answered_within_bounds(
        params in prop::collection::vec((
            prop::sample::select(vec![
                "server_no_context_takeover", "client_no_context_takeover",
                "server_max_window_bits", "client_max_window_bits", "other",
            ]),
            prop::option::of(prop::sample::select(vec!["", "0", "7", "8", "9", "09", "12", "15", "16", "256", "x"])),
        ), 0..4),
        config in config(),
    ) {
        let params = params.into_iter().map(|(name, value)| (name.into(), value.map(Into::into)));
        let extension = Extension { name: "permessage-deflate".into(), params: params.collect() };
        let answered = config.answer(std::slice::from_ref(&extension)).unwrap();
        let verified = config.verify(&extension).ok().flatten();
        for agreed in answered.map(|(_, agreed)| agreed).into_iter().chain(verified) {
            prop_assert!((9..=15).contains(&agreed.ours.bits));
            prop_assert!((9..=15).contains(&agreed.theirs.bits));
        }
    }

    #[test]
    fn any_value_of_any_header_is_understood_or_refused(
        lines in prop::collection::vec((
            prop::sample::select(vec![
                "upgrade", "connection", "host", "origin", "sec-websocket-key", "sec-websocket-key1",
                "sec-websocket-key2", "sec-websocket-version", "sec-websocket-protocol",
                "sec-websocket-extensions", "websocket-protocol", "content-length", "sec-websocket-draft",
            ]),
            prop_oneof![
                prop::sample::select(vec![
                    "websocket", "upgrade", "13", "8", "dGhlIHNhbXBsZSBub25jZQ==", "4 @1  46546xW%0l 1 5", "0",
                ]).prop_map(|value| value.as_bytes().to_vec()),
                prop::collection::vec(any::<u8>(), 0..16),
            ],
        ), 0..12),
        key3 in prop::collection::vec(any::<u8>(), 0..10),
    ) {
        let mut request = http::Request::get("/").body(()).unwrap();
        request.headers_mut().insert("upgrade", HeaderValue::from_static("websocket"));
        request.headers_mut().insert("connection", HeaderValue::from_static("upgrade"));
        for (name, value) in lines {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                request.headers_mut().append(name, value);
            }
        }
        for legacy in [Legacy::Off, Legacy::On] {
            match Upgrade::of(&request, legacy) {
                Ok(Some(upgrade)) => {
                    prop_assert!(legacy == Legacy::On || !upgrade.dialect().is_legacy());
                    let answer = Accept { deflate: Some(Config::default()), ..Accept::default() };
                    let accepted = upgrade.accept(&answer, &key3).is_ok();
                    prop_assert!(accepted || upgrade.key3_bytes() != key3.len());
                }
                Ok(None) => prop_assert!(false, "it names websocket"),
                Err(error) => {
                    prop_assert!(error.status().is_client_error());
                    prop_assert!(error.to_string().bytes().all(|byte| (b' '..=b'~').contains(&byte)));
                }
            }
        }
    }

    #[test]
    fn any_text_is_an_origin_or_none(origin in "\\PC{0,24}|[a-z]{1,4}://[a-z0-9.:\\[\\]@/-]{0,16}", host in "[a-z0-9.:\\[\\]-]{0,16}") {
        if let Ok(parsed) = origin.parse::<Origin>() {
            prop_assert_eq!(parsed.to_string().parse::<Origin>(), Ok(parsed.clone()));
            let claim = Claim { origin: Some(&origin), host: Some(&host), scheme: None, legacy: Legacy::Off };
            prop_assert!(Origins::List(vec![parsed]).allows(&claim));
        }
        prop_assert!(Hosts::Any.allows(Some(&host)));
        let _nothing_panics = Hosts::default().allows(Some(&origin));
    }
}
