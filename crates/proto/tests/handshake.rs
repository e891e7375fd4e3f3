//! RFC 6455 §4: the opening handshake, from both ends.

use http::{HeaderMap, HeaderValue, Response};
use tieline_proto::handshake::client::Request;
use tieline_proto::handshake::server::{Accept, Upgrade};
use tieline_proto::handshake::{Dialect, Fault, HandshakeError, Legacy, Problem, accept_key};
use tieline_proto::http::{HeadReader, encode_response};
use tieline_proto::{Limits, deflate};

/// RFC 6455 §1.2, the client's example.
const ASKED: &str = "GET /chat HTTP/1.1\r\n\
    Host: server.example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Origin: http://example.com\r\n\
    Sec-WebSocket-Protocol: chat, superchat\r\n\
    Sec-WebSocket-Version: 13\r\n\
    \r\n";

/// RFC 6455 §1.2, the server's example.
const ANSWERED: &str = "HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
    Sec-WebSocket-Protocol: chat\r\n\
    \r\n";

fn upgrade(head: &str) -> Result<Option<Upgrade>, HandshakeError> {
    let read = HeadReader::new(&Limits::default()).request(head.as_bytes());
    let (request, len) = read.expect("a readable head").expect("a whole head");
    assert_eq!(len, head.len());
    Upgrade::of(&request, Legacy::Off)
}

fn accepted(head: &str) -> Upgrade {
    upgrade(head).expect("a valid request").expect("a request to upgrade")
}

#[track_caller]
fn expect_refused_with(head: &str, status: u16) -> HandshakeError {
    let error = upgrade(head).expect_err("refused");
    assert_eq!(error.status(), status, "{error}");
    assert_eq!(error.fault(), Fault::Client);
    error
}

fn response(head: &str) -> Response<()> {
    let read = HeadReader::new(&Limits::default()).response(head.as_bytes());
    read.expect("a readable head").expect("a whole head").0
}

fn client() -> Request {
    let protocols = vec!["chat".to_owned(), "superchat".to_owned()];
    Request { protocols, ..Request::new("server.example.com", "/chat", *b"the sample nonce") }
}

#[test]
fn the_example_of_the_rfc_is_understood_and_answered_to_the_byte() {
    let upgrade = accepted(ASKED);
    assert_eq!((upgrade.dialect(), upgrade.version()), (Dialect::Hybi, Some(13)));
    assert_eq!(upgrade.protocols(), ["chat", "superchat"]);
    assert_eq!(upgrade.origin(), Some("http://example.com"));
    assert_eq!(upgrade.key3_bytes(), 0);

    let answer = Accept { protocol: Some("chat".into()), ..Accept::default() };
    let (bytes, agreement) = upgrade.accept(&answer, &[]).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), ANSWERED);
    assert_eq!(agreement.protocol.as_deref(), Some("chat"));
    assert_eq!(agreement.extensions, "");
}

#[test]
fn the_example_of_the_rfc_is_verified_by_the_client() {
    let agreement = client().verify(&response(ANSWERED)).unwrap();
    assert_eq!(agreement.protocol.as_deref(), Some("chat"));
    assert_eq!(agreement.dialect, Dialect::Hybi);
}

#[test]
fn known_keys_have_known_answers() {
    for (key, answer) in [
        ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ("sN9cRrP/n9NdMgdcy2VJFQ==", "fFBooB7FAkLlXgRSz0BT3v4hq5s="),
        ("In1aAp/ya9Lkv+tsUtXLXQ==", "HBMDBbZMiS59r3aAITpGtJ64Mfc="),
    ] {
        assert_eq!(accept_key(key), answer);
        let head = ASKED.replace("dGhlIHNhbXBsZSBub25jZQ==", key);
        let (bytes, _) = accepted(&head).accept(&Accept::default(), &[]).unwrap();
        let line = format!("\r\nSec-WebSocket-Accept: {answer}\r\n");
        assert!(String::from_utf8(bytes).unwrap().contains(&line));
    }
}

#[test]
fn names_in_any_case_and_values_without_a_space_are_understood() {
    let head = "GET /chat?a=b HTTP/1.1\r\n\
        HOST:localhost:8080\r\n\
        uPGRADE:WebSocket\r\n\
        connection:keep-alive,UPGRADE\r\n\
        sec-websocket-key:dGhlIHNhbXBsZSBub25jZQ==\r\n\
        SEC-WEBSOCKET-VERSION:13 \r\n\
        WebSocket-Location: ws://elsewhere\r\n\
        X-Unknown: \u{fc}\r\n\
        \r\n";
    assert_eq!(accepted(head).version(), Some(13));
}

#[test]
fn what_asks_for_no_websocket_is_an_ordinary_request() {
    for line in ["", "Upgrade: h2c\r\n", "Upgrade: websockets\r\n", "Connection: Upgrade\r\n"] {
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{line}\r\n");
        assert!(upgrade(&head).unwrap().is_none(), "{line}");
    }
}

#[test]
fn versions_13_8_and_7_are_spoken() {
    for version in [13, 8, 7] {
        let head = ASKED.replace("Version: 13", &format!("Version: {version}"));
        assert_eq!(accepted(&head).version(), Some(version));
    }
}

#[test]
fn another_version_is_answered_426_with_the_versions_spoken() {
    for version in ["0", "4", "6", "9", "12", "14", "013", "+13", "13, 8", "x", ""] {
        let head = ASKED.replace("Version: 13", &format!("Version: {version}"));
        let error = expect_refused_with(&head, 426);
        assert_eq!(error.headers()["sec-websocket-version"], "13, 8, 7");
        let answer = String::from_utf8(encode_response(&error.response())).unwrap();
        assert!(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\nConnection: close, upgrade"));
        assert!(answer.contains("\r\nSec-WebSocket-Version: 13, 8, 7\r\n"));
    }
}

#[test]
fn a_header_of_the_handshake_that_is_missing_is_answered_400() {
    for line in [
        "Host: server.example.com",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ] {
        let head = ASKED.replace(&format!("{line}\r\n"), "");
        let read = HeadReader::new(&Limits::default()).request(head.as_bytes());
        let status = match read {
            Err(error) => error.status(),
            Ok(whole) => Upgrade::of(&whole.unwrap().0, Legacy::Off).unwrap_err().status(),
        };
        assert_eq!(status, 400, "{line}");
    }
}

#[test]
fn a_header_of_the_handshake_that_is_doubled_is_answered_400() {
    for line in [
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        "Origin: http://example.com",
    ] {
        let head = ASKED.replace(line, &format!("{line}\r\n{line}"));
        let error = expect_refused_with(&head, 400);
        let doubled = |error: &HandshakeError| {
            matches!(error, HandshakeError::Header { problem: Problem::Duplicate, .. })
        };
        assert!(doubled(&error), "{error}");
    }
}

#[test]
fn a_key_of_version_13_is_sixteen_bytes_of_canonical_base64() {
    for key in [
        "",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZR==",
        "dGhlIHNhbXBsZSBub25jZXM=",
        "!!!!IHNhbXBsZSBub25jZQ==",
        "dGhl IHNhbXBsZSBub25jZQ=",
    ] {
        let head = ASKED.replace("dGhlIHNhbXBsZSBub25jZQ==", key);
        expect_refused_with(&head, 400);
    }
}

#[test]
fn a_key_below_version_13_may_have_fifteen_bytes() {
    let head = ASKED.replace("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j");
    expect_refused_with(&head, 400);
    let head = head.replace("Version: 13", "Version: 8");
    let (bytes, _) = accepted(&head).accept(&Accept::default(), &[]).unwrap();
    let answer = accept_key("dGhlIHNhbXBsZSBub25j");
    assert!(String::from_utf8(bytes).unwrap().contains(&answer));
}

#[test]
fn only_get_and_http_1_1_are_upgraded() {
    let error = expect_refused_with(&ASKED.replace("GET", "POST"), 405);
    assert_eq!(error.headers()["allow"], "GET");
    expect_refused_with(&ASKED.replace("HTTP/1.1", "HTTP/1.0"), 400);
}

#[test]
fn a_connection_that_does_not_name_upgrade_is_answered_400() {
    for value in ["close", "keep-alive", "upgrades", "\"Upgrade\""] {
        let head = ASKED.replace("Connection: Upgrade", &format!("Connection: {value}"));
        expect_refused_with(&head, 400);
    }
    for value in
        ["keep-alive, Upgrade", "Upgrade,HTTP2-Settings", "upgrade", "x\r\nConnection: UPGRADE"]
    {
        accepted(&ASKED.replace("Connection: Upgrade", &format!("Connection: {value}")));
    }
}

#[test]
fn a_request_to_upgrade_has_no_body() {
    for line in [
        "Content-Length: 5",
        "Content-Length: 8",
        "Content-Length: +0",
        "Content-Length: 0\r\nContent-Length: 5",
        "Transfer-Encoding: chunked",
    ] {
        let head = ASKED.replace("Upgrade: websocket", &format!("Upgrade: websocket\r\n{line}"));
        assert_eq!(expect_refused_with(&head, 400), HandshakeError::BodyInRequest);
    }
    accepted(&ASKED.replace("Upgrade: websocket", "Upgrade: websocket\r\nContent-Length: 0"));
}

#[test]
fn subprotocols_are_tokens_and_are_offered_once_each() {
    let offer = |value: &str| ASKED.replace("chat, superchat", value);
    assert_eq!(
        accepted(&offer("b ,a,, b\r\nSec-WebSocket-Protocol: c")).protocols(),
        ["b", "a", "c"]
    );
    assert!(accepted(&offer("")).protocols().is_empty());
    for value in ["a b", "a/b", "\"a\"", "ä"] {
        expect_refused_with(&offer(value), 400);
    }
}

#[test]
fn an_answer_names_a_subprotocol_that_was_offered() {
    let answer = Accept { protocol: Some("Chat".into()), ..Accept::default() };
    let error = accepted(ASKED).accept(&answer, &[]).unwrap_err();
    assert_eq!(error, HandshakeError::ProtocolNotOffered("Chat".into()));
    assert_eq!((error.status().as_u16(), error.fault()), (500, Fault::Caller));
}

#[test]
fn an_extension_list_that_leaves_its_grammar_is_answered_400_in_version_13_alone() {
    for value in [";", "a;", "a b", "a; b=\"", "a; b=\"c d\"", "a=b", "\u{fc}"] {
        let line = format!("Sec-WebSocket-Extensions: {value}\r\n\r\n");
        let head = ASKED.strip_suffix("\r\n").unwrap().to_owned() + &line;
        expect_refused_with(&head, 400);
        let older = accepted(&head.replace("Version: 13", "Version: 7"));
        assert!(older.extensions().is_empty());
    }
}

#[test]
fn unknown_extensions_are_read_and_not_accepted() {
    let line = "Sec-WebSocket-Extensions: deflate-stream, x-webkit-deflate-frame\r\n\
        Sec-WebSocket-Extensions: mux; a=1\r\n\r\n";
    let upgrade = accepted(&(ASKED.strip_suffix("\r\n").unwrap().to_owned() + line));
    let names: Vec<_> = upgrade.extensions().iter().map(|offer| offer.name.as_str()).collect();
    assert_eq!(names, ["deflate-stream", "x-webkit-deflate-frame", "mux"]);
    let deflate = Some(deflate::Config::default());
    let (bytes, agreement) = upgrade.accept(&Accept { deflate, ..Accept::default() }, &[]).unwrap();
    assert_eq!((agreement.deflate, agreement.extensions.as_str()), (None, ""));
    assert!(!String::from_utf8(bytes).unwrap().contains("Extensions"));
}

#[test]
fn a_head_in_the_making_says_the_same_as_the_bytes() {
    let mut headers = HeaderMap::new();
    headers.insert("set-cookie", HeaderValue::from_static("a=b"));
    let deflate = Some(deflate::Config::default());
    let answer = Accept { protocol: Some("chat".into()), deflate, headers, secure: false };
    let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    let upgrade = accepted(&(ASKED.strip_suffix("\r\n").unwrap().to_owned() + offer));
    let (bytes, agreed) = upgrade.accept(&answer, &[]).unwrap();
    let written = response(std::str::from_utf8(&bytes).unwrap());
    let (made, agreed_too) = upgrade.respond(&answer).unwrap();
    assert_eq!((made.status(), made.headers()), (written.status(), written.headers()));
    assert_eq!(agreed, agreed_too);
    assert_eq!(agreed.extensions, "permessage-deflate");
}

#[test]
fn a_client_writes_what_was_asked_for_and_nothing_else() {
    let mut headers = HeaderMap::new();
    headers.insert("cookie", HeaderValue::from_static("a=b"));
    let request = Request {
        origin: Some("http://example.com".into()),
        deflate: Some(deflate::Config::default()),
        headers,
        ..client()
    };
    let expected = "GET /chat HTTP/1.1\r\n\
        Host: server.example.com\r\n\
        Upgrade: websocket\r\n\
        Connection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\n\
        Origin: http://example.com\r\n\
        Sec-WebSocket-Protocol: chat, superchat\r\n\
        Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\
        Cookie: a=b\r\n\
        \r\n";
    assert_eq!(String::from_utf8(request.encode().unwrap()).unwrap(), expected);

    let older = Request { version: 8, ..request };
    let older = String::from_utf8(older.encode().unwrap()).unwrap();
    assert!(older.contains("\r\nSec-WebSocket-Origin: http://example.com\r\n"));
    assert!(older.contains("\r\nSec-WebSocket-Version: 8\r\n"));
}

#[test]
fn nothing_a_caller_gives_can_start_a_line_of_its_own() {
    let injected = || "a\r\nX-Injected: b".to_owned();
    let refused = |request: Request| match request.encode() {
        Err(HandshakeError::InvalidField(field)) => field,
        other => panic!("{other:?}"),
    };
    for host in [injected(), String::new(), "a b".into(), "a/b".into(), "u@a".into(), "ä".into()] {
        assert_eq!(refused(Request { host, ..client() }), "host");
    }
    for target in ["", "chat", "http://a/", "/a b", "/a\r\nX: b", "/a#b", "/ä", "/\0"] {
        assert_eq!(refused(Request { target: target.into(), ..client() }), "target");
    }
    for origin in [injected(), String::new(), "a b".into()] {
        assert_eq!(refused(Request { origin: Some(origin), ..client() }), "origin");
    }
    for protocol in [injected(), String::new(), "a,b".into(), "superchat".into()] {
        let protocols = vec!["superchat".into(), protocol];
        assert_eq!(refused(Request { protocols, ..client() }), "protocols");
    }
    for version in [0, 6, 9, 12, 14] {
        assert_eq!(refused(Request { version, ..client() }), "version");
    }
}

#[test]
fn a_header_that_the_handshake_writes_is_not_added_by_the_caller() {
    for name in [
        "host",
        "upgrade",
        "connection",
        "sec-websocket-key",
        "sec-websocket-accept",
        "sec-websocket-extensions",
        "origin",
        "content-length",
        "transfer-encoding",
        "te",
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static("x"));
        let error = Request { headers: headers.clone(), ..client() }.encode().unwrap_err();
        assert_eq!(error, HandshakeError::ReservedHeader(name.parse().unwrap()));
        assert_eq!(error.fault(), Fault::Caller);
        let answer = Accept { headers, ..Accept::default() };
        assert_eq!(accepted(ASKED).accept(&answer, &[]).unwrap_err(), error);
    }
}

#[test]
fn a_client_bears_what_real_servers_write() {
    let head = "HTTP/1.1 101 Web Socket Protocol Handshake\r\n\
        upgrade:WebSocket\r\n\
        CONNECTION:keep-alive, upgrade\r\n\
        Sec-WebSocket-Accept:  s3pPLMBiTxaQ9kYGzzhZRbK+xOo=  \r\n\
        WebSocket-Origin: http://example.com\r\n\
        WebSocket-Location: ws://server.example.com/chat\r\n\
        Server: \u{fc}\r\n\
        Content-Length: 0\r\n\
        \r\n";
    assert_eq!(client().verify(&response(head)).unwrap().protocol, None);
}

#[test]
fn a_client_takes_nothing_but_a_whole_101() {
    let faulty = |from: &str, to: &str| {
        let error = client().verify(&response(&ANSWERED.replace(from, to))).unwrap_err();
        assert_eq!((error.fault(), error.status().as_u16()), (Fault::Server, 502), "{error}");
        error.to_string()
    };
    assert_eq!(faulty("Upgrade: websocket\r\n", ""), "header `Upgrade` is missing");
    assert_eq!(faulty("Upgrade: websocket", "Upgrade: h2c"), "header `Upgrade` is invalid");
    assert_eq!(faulty(": websocket", ": websocket, h2c"), "header `Upgrade` is invalid");
    assert_eq!(faulty("Connection: Upgrade\r\n", ""), "header `Connection` is missing");
    assert_eq!(faulty("Connection: Upgrade", "Connection: x"), "header `Connection` is invalid");
    let accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    assert_eq!(faulty(accept, ""), "header `Sec-WebSocket-Accept` is missing");
    assert_eq!(faulty("s3pP", "S3pP"), "header `Sec-WebSocket-Accept` is invalid");
    let twice = accept.repeat(2);
    assert_eq!(faulty(accept, &twice), "header `Sec-WebSocket-Accept` is there more than once");
    assert_eq!(faulty("HTTP/1.1", "HTTP/1.0"), "HTTP/1.0 is too old to be upgraded");
    let unasked = "header `Sec-WebSocket-Protocol` was not asked for";
    assert_eq!(faulty(": chat", ": Chat"), unasked);
    assert_eq!(faulty(": chat", ": chat, superchat"), unasked);
    let extension = "chat\r\nSec-WebSocket-Extensions: permessage-deflate";
    assert_eq!(faulty("chat", extension), "header `Sec-WebSocket-Extensions` was not asked for");
}

#[test]
fn what_the_server_said_instead_of_101_is_kept() {
    let head = "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nRetry-After: 5\r\n\r\n";
    match client().verify(&response(head)).unwrap_err() {
        HandshakeError::Status { status, headers } => {
            assert_eq!(
                (status.as_u16(), &headers["location"]),
                (302, &"/elsewhere".parse().unwrap())
            );
        }
        other => panic!("{other}"),
    }
}

#[test]
fn an_answer_that_is_no_http_is_the_fault_of_the_server() {
    let error = HeadReader::new(&Limits::default()).response(b"SSH-2.0-x\r\n").unwrap_err();
    let error = HandshakeError::AnswerHead(error);
    assert_eq!((error.fault(), error.status().as_u16()), (Fault::Server, 502));
    assert_eq!(error.to_string(), "the bytes are not HTTP/1");
}

#[test]
fn nothing_from_the_wire_steers_a_terminal() {
    let protocol = HandshakeError::ProtocolNotOffered("\x1b[2J".into());
    assert!(!protocol.to_string().contains('\x1b'));
}
