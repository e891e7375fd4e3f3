//! The handshakes of the drafts: hixie-75, hixie-76 (hybi-00), and hybi-07 to 10.

use tieline_proto::Limits;
use tieline_proto::handshake::server::{Accept, Upgrade};
use tieline_proto::handshake::{Dialect, HandshakeError, Legacy};
use tieline_proto::http::HeadReader;

/// draft-hixie-thewebsocketprotocol-76 §1.2.
const HIXIE_76: &str = "GET /demo HTTP/1.1\r\n\
    Host: example.com\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n\
    Sec-WebSocket-Protocol: sample\r\n\
    Upgrade: WebSocket\r\n\
    Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n\
    Origin: http://example.com\r\n\
    \r\n";

/// draft-hixie-thewebsocketprotocol-75 §1.2.
const HIXIE_75: &str = "GET /demo HTTP/1.1\r\n\
    Upgrade: WebSocket\r\n\
    Connection: Upgrade\r\n\
    Host: example.com\r\n\
    Origin: http://example.com\r\n\
    WebSocket-Protocol: sample\r\n\
    \r\n";

fn upgrade(head: &str, legacy: Legacy) -> Result<Option<Upgrade>, HandshakeError> {
    let read = HeadReader::new(&Limits::default()).request(head.as_bytes());
    Upgrade::of(&read.expect("a readable head").expect("a whole head").0, legacy)
}

fn accepted(head: &str) -> Upgrade {
    upgrade(head, Legacy::On).expect("a valid request").expect("a request to upgrade")
}

fn sample() -> Accept {
    Accept { protocol: Some("sample".into()), ..Accept::default() }
}

#[test]
fn the_example_of_hixie_76_is_answered_to_the_byte() {
    let upgrade = accepted(HIXIE_76);
    assert_eq!((upgrade.dialect(), upgrade.version()), (Dialect::Hixie76, None));
    assert_eq!((upgrade.key3_bytes(), upgrade.protocols()), (8, &["sample".to_owned()][..]));
    let (bytes, agreement) = upgrade.accept(&sample(), b"^n:ds[4U").unwrap();
    let expected = "HTTP/1.1 101 WebSocket Protocol Handshake\r\n\
        Upgrade: WebSocket\r\n\
        Connection: Upgrade\r\n\
        Sec-WebSocket-Origin: http://example.com\r\n\
        Sec-WebSocket-Location: ws://example.com/demo\r\n\
        Sec-WebSocket-Protocol: sample\r\n\
        \r\n\
        8jKS'y:G*Co,Wxa-";
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    assert_eq!(agreement.dialect, Dialect::Hixie76);
}

#[test]
fn the_second_example_of_hixie_76_keeps_every_space_of_its_keys() {
    let head = HIXIE_76
        .replace("4 @1  46546xW%0l 1 5", "18x 6]8vM;54 *(5:  {   U1]8  z [  8")
        .replace("12998 5 Y3 1  .P00", "1_ tx7X d  <  nf  334J702) 7]o}` 0");
    let (bytes, _) = accepted(&head).accept(&sample(), b"Tm[K T2u").unwrap();
    assert!(bytes.ends_with(b"\r\n\r\nfQJ,fN/4F4!~K~MH"));
}

#[test]
fn spaces_at_the_ends_of_a_key_count_but_for_the_one_behind_the_colon() {
    // 4 / 2 spaces, with a space at either end of the key.
    let keyed = |line: &str| {
        let line = format!("Sec-WebSocket-Key1:{line}\r\n");
        HIXIE_76.replace("Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n", &line)
    };
    let reply = |head: &str| {
        let (bytes, _) = accepted(head).accept(&sample(), b"^n:ds[4U").unwrap();
        bytes[bytes.len() - 16..].to_vec()
    };
    assert_eq!(reply(&keyed("  4 ")), reply(&keyed(" \"4\":  `")));
    assert_eq!(reply(&keyed("  4 ")), reply(&keyed("\"4\":  `")));
}

#[test]
fn the_eight_bytes_may_be_announced_as_a_body() {
    let with = |line: &str| HIXIE_76.replace("Origin:", &format!("{line}\r\nOrigin:"));
    assert_eq!(accepted(&with("Content-Length: 8")).key3_bytes(), 8);
    for line in ["Content-Length: 9", "Transfer-Encoding: chunked"] {
        assert_eq!(upgrade(&with(line), Legacy::On).unwrap_err(), HandshakeError::BodyInRequest);
    }
}

#[test]
fn hixie_76_needs_its_eight_bytes() {
    for key3 in [&b""[..], b"1234567", b"123456789"] {
        let error = accepted(HIXIE_76).accept(&sample(), key3).unwrap_err();
        assert_eq!(error, HandshakeError::LegacyKey3 { bytes: key3.len() });
    }
}

#[test]
fn a_key_that_hides_no_number_is_answered_400() {
    for key in
        ["12998", "no digits", "3 3 3 1", "12998 5 Y3 1  .P01", "9999999999 ", "", "\u{fc} 1"]
    {
        let error = upgrade(&HIXIE_76.replace("12998 5 Y3 1  .P00", key), Legacy::On).unwrap_err();
        assert_eq!(error.status(), 400, "{key:?}");
    }
    for name in ["Sec-WebSocket-Key1", "Sec-WebSocket-Key2"] {
        let head = HIXIE_76.replace(name, "X-Gone");
        assert_eq!(upgrade(&head, Legacy::On).unwrap_err().status(), 400);
        let head = HIXIE_76.replace(name, &format!("{name}: 1 1\r\n{name}"));
        assert_eq!(upgrade(&head, Legacy::On).unwrap_err().status(), 400);
    }
}

#[test]
fn the_example_of_hixie_75_is_answered_to_the_byte() {
    let upgrade = accepted(HIXIE_75);
    assert_eq!((upgrade.dialect(), upgrade.key3_bytes()), (Dialect::Hixie75, 0));
    let (bytes, agreement) = upgrade.accept(&sample(), &[]).unwrap();
    let expected = "HTTP/1.1 101 Web Socket Protocol Handshake\r\n\
        Upgrade: WebSocket\r\n\
        Connection: Upgrade\r\n\
        WebSocket-Origin: http://example.com\r\n\
        WebSocket-Location: ws://example.com/demo\r\n\
        WebSocket-Protocol: sample\r\n\
        \r\n";
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    assert_eq!(agreement.dialect, Dialect::Hixie75);
}

#[test]
fn the_location_is_what_the_client_asked_for() {
    let head = HIXIE_75
        .replace("/demo", "/demo?a=b%20c")
        .replace("Host: example.com", "Host: example.com:8443")
        .replace("WebSocket-Protocol: sample\r\n", "")
        .replace("Origin: http://example.com\r\n", "");
    let answer = Accept { secure: true, ..Accept::default() };
    let (bytes, _) = accepted(&head).accept(&answer, &[]).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("\r\nWebSocket-Location: wss://example.com:8443/demo?a=b%20c\r\n"));
    assert!(!text.contains("Origin") && !text.contains("Protocol:"));
}

#[test]
fn the_drafts_are_refused_where_they_are_off() {
    for (head, dialect) in [(HIXIE_76, Dialect::Hixie76), (HIXIE_75, Dialect::Hixie75)] {
        let error = upgrade(head, Legacy::Off).unwrap_err();
        assert_eq!(error, HandshakeError::LegacyOff(dialect));
        assert_eq!(
            (error.status().as_u16(), &error.headers()["upgrade"]),
            (426, &"websocket".parse().unwrap())
        );
        assert!(error.to_string().contains("legacy"), "{error}");
    }
}

#[test]
fn drafts_01_to_03_write_keys_alike_and_are_refused() {
    let head = HIXIE_76.replace("Origin:", "Sec-WebSocket-Draft: 2\r\nOrigin:");
    assert_eq!(upgrade(&head, Legacy::On).unwrap_err(), HandshakeError::UnknownVersion);
}

#[test]
fn a_hixie_answer_is_left_to_no_http_library() {
    let error = accepted(HIXIE_76).respond(&sample()).unwrap_err();
    assert_eq!(error, HandshakeError::LegacyOff(Dialect::Hixie76));
}

#[test]
fn versions_7_and_8_name_their_origin_in_a_header_of_their_own() {
    let head = |lines: &str| {
        format!(
            "GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
             Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n\
             Sec-WebSocket-Version: 8\r\nSec-WebSocket-Extensions: x-webkit-deflate-frame\r\n\
             {lines}\r\n"
        )
    };
    let older = "Sec-WebSocket-Origin: http://example.com\r\n";
    assert_eq!(accepted(&head(older)).origin(), Some("http://example.com"));
    let both = format!("{older}Origin: http://example.com\r\n");
    assert_eq!(accepted(&head(&both)).origin(), Some("http://example.com"));
    let differing = format!("{older}Origin: http://attacker.test\r\n");
    assert_eq!(upgrade(&head(&differing), Legacy::Off).unwrap_err().status(), 400);
    assert_eq!(upgrade(&head(&older.repeat(2)), Legacy::Off).unwrap_err().status(), 400);
    assert_eq!(accepted(&head("")).origin(), None);
}
