//! Requests that are granted, and those that are refused with an answer that arrives.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod line;

use line::*;
use tieline::http::StatusCode;
use tieline::{
    AcceptError, AcceptOptions, Answer, Deflate, Dialect, Fault, HandshakeError, Hosts, Limits,
    Origins, Refusal, WebSocket,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

const HANDSHAKE: &str = "Host: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

fn request(more: &str) -> String {
    format!("GET /chat?room=1 HTTP/1.1\r\n{HANDSHAKE}{more}\r\n")
}

/// Accepts what these bytes ask for; answers the outcome and the bytes that came back.
async fn ask(
    bytes: impl AsRef<[u8]>,
    options: &AcceptOptions,
    choose: impl FnOnce(&tieline::Request) -> Result<Answer, Refusal>,
) -> (Result<WebSocket<DuplexStream>, AcceptError>, String) {
    let (near, mut far) = duplex(ROOM);
    far.write_all(bytes.as_ref()).await.unwrap();
    let reading = tokio::spawn(async move {
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") && far.read_buf(&mut answer).await.unwrap() > 0 {}
        String::from_utf8_lossy(&answer).into_owned()
    });
    let outcome = tieline::accept_with(near, options, choose).await;
    (outcome, reading.await.unwrap())
}

async fn ask_plainly(
    bytes: impl AsRef<[u8]>,
) -> (Result<WebSocket<DuplexStream>, AcceptError>, String) {
    ask(bytes, &AcceptOptions::default(), |_| Ok(Answer::default())).await
}

/// Expects a refusal, told to both sides.
async fn expect_refused(
    bytes: impl AsRef<[u8]>,
    options: &AcceptOptions,
    status: u16,
) -> AcceptError {
    let (outcome, answer) = ask(bytes, options, |_| Ok(Answer::default())).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(status), "{error:?}");
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert!(answer.contains("Connection: close"), "{answer}");
    error
}

#[tokio::test]
async fn a_request_is_granted_and_the_line_is_open() {
    let early =
        [request("Origin: http://example.com\r\n").as_bytes(), &masked(0x81, b"early")].concat();
    let (outcome, answer) = ask_plainly(early).await;
    let mut socket = outcome.unwrap();
    assert!(answer.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{answer}");
    assert!(answer.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{answer}");
    assert_eq!(socket.url(), "ws://example.com/chat?room=1");
    assert_eq!((socket.protocol(), socket.extensions(), socket.dialect()), ("", "", Dialect::Hybi));
    assert_eq!(text(&mut socket).await, "early");
}

#[tokio::test]
async fn a_request_may_come_byte_by_byte() {
    let (near, mut far) = duplex(1);
    let writing = tokio::spawn(async move {
        far.write_all(request("").as_bytes()).await.unwrap();
        expect(&mut far, b"HTTP/1.1 101 ").await;
        far.read_to_end(&mut Vec::new()).await
    });
    drop(tieline::accept(near).await.unwrap());
    writing.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_closure_sees_the_request_and_chooses() {
    let offer = request("Sec-WebSocket-Protocol: chat, superchat\r\nCookie: a=b\r\n");
    let (outcome, answer) = ask(offer, &AcceptOptions::default(), |request| {
        assert_eq!((request.path(), request.query()), ("/chat", Some("room=1")));
        assert_eq!(request.header("Cookie"), Some("a=b"));
        assert_eq!(request.protocols(), ["chat", "superchat"]);
        let mut answer = Answer { protocol: Some("superchat".into()), ..Answer::default() };
        answer.headers.insert("set-cookie", "c=d".parse().unwrap());
        Ok(answer)
    })
    .await;
    assert_eq!(outcome.unwrap().protocol(), "superchat");
    assert!(answer.contains("Sec-WebSocket-Protocol: superchat\r\n"), "{answer}");
    assert!(answer.contains("Set-Cookie: c=d\r\n"), "{answer}");
}

#[tokio::test]
async fn the_preferred_subprotocol_that_is_offered_is_chosen() {
    let protocols = ["v3", "v2", "v1"].map(String::from).to_vec();
    let options = AcceptOptions { protocols, ..AcceptOptions::default() };
    for (offered, chosen) in [("v1, v2", "v2"), ("v3", "v3"), ("v4", "")] {
        let offer = request(&format!("Sec-WebSocket-Protocol: {offered}\r\n"));
        let (outcome, _) = ask(offer, &options, |_| Ok(Answer::default())).await;
        assert_eq!(outcome.unwrap().protocol(), chosen);
    }
}

#[tokio::test]
async fn deflate_is_agreed_only_where_it_is_configured() {
    let offer = request("Sec-WebSocket-Extensions: permessage-deflate\r\n");
    let (outcome, _) = ask_plainly(&offer).await;
    assert_eq!(outcome.unwrap().extensions(), "");
    let options = AcceptOptions { deflate: Some(Deflate::default()), ..AcceptOptions::default() };
    let (outcome, answer) = ask(&offer, &options, |_| Ok(Answer::default())).await;
    assert_eq!(outcome.unwrap().extensions(), "permessage-deflate");
    assert!(answer.contains("Sec-WebSocket-Extensions: permessage-deflate\r\n"), "{answer}");
}

#[tokio::test]
async fn the_closure_may_refuse() {
    let (outcome, answer) = ask(request(""), &AcceptOptions::default(), |_| {
        Err(Refusal::new(StatusCode::UNAUTHORIZED, "who?")
            .with_header("www-authenticate", "Bearer"))
    })
    .await;
    let error = outcome.unwrap_err();
    assert!(matches!(&error, AcceptError::Refused(refusal) if refusal.body == "who?"), "{error:?}");
    assert_eq!(error.status(), Some(StatusCode::UNAUTHORIZED));
    assert!(answer.contains("Www-Authenticate: Bearer\r\n"), "{answer}");
}

#[tokio::test]
async fn an_ordinary_request_gets_a_page_or_426() {
    let ordinary = "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";
    let error = expect_refused(ordinary, &AcceptOptions::default(), 426).await;
    assert!(matches!(error, AcceptError::NotUpgrade));
    let (_, answer) = ask_plainly(ordinary).await;
    assert!(answer.contains("Upgrade: websocket\r\n"), "{answer}");
    assert!(answer.contains("Sec-WebSocket-Version: 13"), "{answer}");

    let (outcome, answer) = ask(ordinary, &AcceptOptions::default(), |request| {
        assert!(request.upgrade().is_none());
        Err(Refusal::new(StatusCode::OK, "a page"))
    })
    .await;
    assert_eq!(outcome.unwrap_err().status(), Some(StatusCode::OK));
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[tokio::test]
async fn what_cannot_be_granted_is_answered_with_its_status() {
    let options = AcceptOptions::default();
    expect_refused("\x16\x03\x01 is TLS\r\n\r\n", &options, 400).await;
    expect_refused(format!("POST / HTTP/1.1\r\n{HANDSHAKE}\r\n"), &options, 405).await;
    expect_refused(request("").replace("Version: 13", "Version: 12"), &options, 426).await;
    expect_refused(request("").replace("Sec-WebSocket-Key", "X"), &options, 400).await;
    let long = request(&format!("X: {}\r\n", "x".repeat(20_000)));
    expect_refused(long, &options, 431).await;
    expect_refused(request(&"X: y\r\n".repeat(100)), &options, 431).await;
}

#[tokio::test]
async fn a_foreign_page_is_refused_unless_it_is_listed() {
    let foreign = request("Origin: https://attacker.test\r\n");
    let error = expect_refused(&foreign, &AcceptOptions::default(), 403).await;
    assert_eq!(error.fault(), Some(Fault::Client));
    assert!(matches!(error, AcceptError::Handshake(HandshakeError::OriginNotAllowed)));
    let listed = Origins::List(vec!["https://attacker.test".parse().unwrap()]);
    let options = AcceptOptions { origins: listed, ..AcceptOptions::default() };
    let (outcome, _) = ask(&foreign, &options, |_| Ok(Answer::default())).await;
    outcome.unwrap();
}

#[tokio::test]
async fn a_loopback_listener_answers_to_its_own_names_alone() {
    let options = AcceptOptions { hosts: Hosts::default(), ..AcceptOptions::default() };
    expect_refused(request(""), &options, 403).await;
    expect_refused("GET / HTTP/1.1\r\nHost: attacker.test\r\n\r\n", &options, 403).await;
    let local = request("").replace("Host: example.com", "Host: localhost:8080");
    let (outcome, _) = ask(local, &options, |_| Ok(Answer::default())).await;
    outcome.unwrap();
}

#[tokio::test]
async fn a_subprotocol_that_was_not_offered_is_the_callers_fault() {
    let (outcome, answer) = ask(request(""), &AcceptOptions::default(), |_| {
        Ok(Answer { protocol: Some("chat".into()), ..Answer::default() })
    })
    .await;
    assert_eq!(outcome.unwrap_err().fault(), Some(Fault::Caller));
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn who_is_too_slow_gets_408_within_the_limit() {
    let (near, mut far) = duplex(ROOM);
    let start = Instant::now();
    let accepting = tokio::spawn(async move { tieline::accept(near).await.unwrap_err() });
    far.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let mut answer = String::new();
    far.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
    assert_eq!(start.elapsed().as_secs(), 10);
    drop(far);
    assert!(matches!(accepting.await.unwrap(), AcceptError::TooSlow));
}

#[tokio::test(start_paused = true)]
async fn who_does_not_take_the_answer_is_left_within_the_limit() {
    let (near, mut far) = duplex(64);
    let start = Instant::now();
    let options = AcceptOptions {
        limits: Limits { max_head_bytes: 64, ..Limits::default() },
        ..AcceptOptions::default()
    };
    far.write_all(&[0x16; 64]).await.unwrap();
    let outcome = tieline::accept_with(near, &options, |_| Ok(Answer::default())).await;
    assert_eq!(outcome.unwrap_err().status(), Some(StatusCode::BAD_REQUEST));
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn who_leaves_is_not_answered() {
    let (near, far) = duplex(ROOM);
    drop(far);
    let error = tieline::accept(near).await.unwrap_err();
    assert!(matches!(error, AcceptError::Left) && error.status().is_none());
}

/// The request of the draft, and its answer.
#[tokio::test]
async fn hixie_76_is_spoken_where_it_is_let_in() {
    let head = "GET /demo HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\nUpgrade: WebSocket\r\n\
        Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nOrigin: http://example.com\r\n\r\n";
    expect_refused(format!("{head}^n:ds[4U"), &AcceptOptions::default(), 426).await;

    let options = AcceptOptions { legacy: true, ..AcceptOptions::default() };
    let (near, mut far) = duplex(ROOM);
    let asking = tokio::spawn(async move {
        far.write_all(head.as_bytes()).await.unwrap();
        far.write_all(b"^n:ds[4U\x00hello\xFF").await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"8jKS'y:G*Co,Wxa-") {
            assert!(far.read_buf(&mut answer).await.unwrap() > 0);
        }
        (far, String::from_utf8(answer).unwrap())
    });
    let socket = tieline::accept_with(near, &options, |_| Ok(Answer::default())).await;
    let mut socket = socket.unwrap();
    let (_far, answer) = asking.await.unwrap();
    assert!(answer.contains("Sec-WebSocket-Location: ws://example.com/demo\r\n"), "{answer}");
    assert_eq!(socket.dialect(), Dialect::Hixie76);
    assert_eq!(text(&mut socket).await, "hello");
}
