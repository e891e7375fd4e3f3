//! RFC 8441 §5: the opening handshake by an extended CONNECT, the server's end.
#![expect(clippy::unwrap_used, reason = "what helps tests is a test, too")]

use http::{HeaderMap, Request, StatusCode, request};
use tieline_proto::deflate;
use tieline_proto::handshake::server::{Accept, Upgrade};
use tieline_proto::handshake::{Dialect, Fault, HandshakeError, Origins, Problem, Scheme};

/// RFC 8441 §5.1, the client's example.
fn asked() -> request::Builder {
    Request::connect("https://server.example.com/chat")
        .header("sec-websocket-protocol", "chat, superchat")
        .header("sec-websocket-extensions", "permessage-deflate")
        .header("sec-websocket-version", "13")
        .header("origin", "http://www.example.com")
}

fn upgrade(request: request::Builder) -> Result<Upgrade, HandshakeError> {
    Upgrade::of_connect(&request.body(()).unwrap(), "websocket")
}

#[track_caller]
fn expect_refused_with(request: request::Builder, protocol: &str, status: u16) -> HandshakeError {
    let refused = Upgrade::of_connect(&request.body(()).unwrap(), protocol);
    let error = refused.expect_err("refused");
    assert_eq!((error.status().as_u16(), error.fault()), (status, Fault::Client), "{error}");
    error
}

#[test]
fn the_example_of_the_rfc_is_understood_and_answered() {
    let upgrade = upgrade(asked()).unwrap();
    assert_eq!((upgrade.dialect(), upgrade.version()), (Dialect::Hybi, Some(13)));
    assert_eq!(upgrade.protocols(), ["chat", "superchat"]);
    assert_eq!(upgrade.origin(), Some("http://www.example.com"));
    assert_eq!(upgrade.claim(None).host, Some("server.example.com"));

    let answer = Accept { protocol: Some("chat".into()), ..Accept::default() };
    let (response, agreement) = upgrade.respond(&answer).unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let expected: HeaderMap =
        [("sec-websocket-protocol".parse().unwrap(), "chat".parse().unwrap())]
            .into_iter()
            .collect();
    assert_eq!(response.headers(), &expected);
    assert_eq!((agreement.protocol.as_deref(), agreement.dialect), (Some("chat"), Dialect::Hybi));
}

#[test]
fn compression_is_agreed_on_as_ever() {
    let answer = Accept { deflate: Some(deflate::Config::default()), ..Accept::default() };
    let (response, agreement) = upgrade(asked()).unwrap().respond(&answer).unwrap();
    assert_eq!(response.headers()["sec-websocket-extensions"], agreement.extensions.as_str());
    assert!(agreement.deflate.is_some());
}

#[test]
fn a_key_is_answered_where_there_is_one_and_never_needed() {
    for (key, accept) in [
        ("dGhlIHNhbXBsZSBub25jZQ==", Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")),
        ("too short", None),
        ("", None),
    ] {
        let upgrade = upgrade(asked().header("sec-websocket-key", key)).unwrap();
        let (response, _) = upgrade.respond(&Accept::default()).unwrap();
        let answered = response.headers().get("sec-websocket-accept");
        assert_eq!(answered.map(|value| value.to_str().unwrap()), accept, "{key:?}");
    }
}

#[test]
fn another_protocol_is_not_implemented() {
    for protocol in ["connect-udp", "websocket2", "web", ""] {
        let error = expect_refused_with(asked(), protocol, 501);
        assert_eq!(error, HandshakeError::UnknownProtocol);
    }
    assert!(Upgrade::of_connect(&asked().body(()).unwrap(), "WebSocket").is_ok());
}

#[test]
fn what_an_upgrade_must_say_a_connect_must_say() {
    let version =
        |value| Request::connect("https://a.test/").header("sec-websocket-version", value);
    for spoken in ["8", "7", "12", "", "thirteen"] {
        let error = expect_refused_with(version(spoken), "websocket", 400);
        let name = "Sec-WebSocket-Version";
        let problem = Problem::Invalid;
        assert_eq!(error, HandshakeError::Header { fault: Fault::Client, name, problem });
    }
    expect_refused_with(Request::connect("https://a.test/"), "websocket", 400);
    expect_refused_with(asked().header("origin", "http://b.test"), "websocket", 400);
    expect_refused_with(asked().header("sec-websocket-extensions", ";"), "websocket", 400);
    expect_refused_with(asked().header("sec-websocket-protocol", "a b"), "websocket", 400);
    expect_refused_with(asked().header("content-length", "5"), "websocket", 400);
    expect_refused_with(asked().method("GET"), "websocket", 405);
}

#[test]
fn the_authority_is_the_host_that_the_origin_is_compared_with() {
    let from = |origin: &str| {
        let request = Request::connect("https://a.test:8443/")
            .header("sec-websocket-version", "13")
            .header("origin", origin);
        Origins::SameOrigin.allows(&upgrade(request).unwrap().claim(Some(Scheme::Https)))
    };
    assert!(from("https://a.test:8443"));
    for origin in ["https://a.test", "http://a.test:8443", "https://b.test:8443", "null"] {
        assert!(!from(origin), "{origin}");
    }
}

#[test]
fn it_has_no_answer_in_the_bytes_of_http_1() {
    let refused = upgrade(asked()).unwrap().accept(&Accept::default(), &[]).unwrap_err();
    assert_eq!((refused.fault(), refused.status().as_u16()), (Fault::Caller, 500));
}
