//! What a client asks for, what it takes, and what it says when it gets something else.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::error::Error as _;
use std::time::Duration;

use tieline::{
    CloseCode, Closed, Connect, ConnectError, Deflate, HandshakeError, Message, RequestError,
    Stage, UrlError, connect,
};
use tokio::io::duplex;

use crate::server::{answering, echo, echo_on, head, listen, text};

mod server;

#[tokio::test]
async fn echoes_and_closes() {
    let address = echo().await;
    let mut socket = connect(&format!("ws://{address}/a?b")).await.unwrap();
    assert_eq!(socket.url(), format!("ws://{address}/a?b"));
    assert!(socket.get_ref().tcp().nodelay().unwrap());
    for message in [Message::from("text"), Message::from(vec![0; 100_000]), Message::from("")] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    socket.close(CloseCode::NORMAL, "done").await.unwrap();
    assert!(socket.closed().unwrap().was_clean());
}

#[tokio::test]
async fn a_name_is_tried_with_all_its_addresses() {
    // `localhost` is ::1 first in many places, and the server listens on 127.0.0.1 alone.
    let port = echo().await.port();
    let mut socket = connect(&format!("ws://localhost:{port}/about")).await.unwrap();
    assert_eq!(text(&mut socket).await, format!("/about localhost:{port} - -"));
}

#[tokio::test]
async fn what_is_chosen_is_told() {
    let address = echo().await;
    let request = Connect::to(format!("ws://{address}")).subprotocol("other").subprotocol("echo");
    let socket = request.deflate(Deflate::default()).open().await.unwrap();
    assert_eq!(socket.protocol(), "echo");
    assert!(socket.extensions().starts_with("permessage-deflate"));
    let headers = socket.response_headers().unwrap();
    assert_eq!(headers["sec-websocket-protocol"], "echo");
}

#[tokio::test]
async fn user_and_password_are_sent_and_not_shown() {
    let address = echo().await;
    let url = format!("ws://me:secret@{address}/about");
    let mut socket = connect(&url).await.unwrap();
    assert_eq!(text(&mut socket).await, format!("/about {address} Basic bWU6c2VjcmV0 -"));
    assert_eq!(socket.url(), format!("ws://{address}/about"));
    let request = Connect::to(&url).header("Cookie", "secret=1").header("Authorization", "secret");
    assert!(!format!("{request:?}").contains("secret"), "{request:?}");
    let mut socket = request.header("Host", "else.example").open().await.unwrap();
    assert_eq!(text(&mut socket).await, "/about else.example secret secret=1");
}

#[tokio::test]
async fn an_old_version_is_asked_for_as_it_was() {
    let (address, request) = answering("HTTP/1.1 400 Bad\r\n\r\n").await;
    let connect = Connect::to(format!("ws://{address}")).version(8).origin("https://a.example");
    connect.open().await.unwrap_err();
    let request = request.await.unwrap();
    assert!(request.contains("\r\nSec-WebSocket-Version: 8\r\n"), "{request}");
    assert!(request.contains("\r\nSec-WebSocket-Origin: https://a.example\r\n"), "{request}");
}

/// SYSTEMS: real servers answer so.
#[tokio::test]
async fn what_real_servers_answer_is_taken() {
    let (ours, mut theirs) = duplex(1 << 10);
    let server = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        let head = head(&mut theirs).await;
        let (_, key) = head.split_once("Sec-WebSocket-Key: ").unwrap();
        let accept = tieline_proto::handshake::accept_key(key.split_once('\r').unwrap().0);
        let answer = format!(
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 101 Web Socket Protocol \
             Handshake\r\nUPGRADE:WebSocket\r\nconnection:keep-alive,upgrade\r\n\
             sec-websocket-accept:{accept}\r\nWebSocket-Location: ws://x/\r\nServer: x\r\n\r\n\
             \u{1}\u{0}"
        );
        // A first fragment, and its end as bytes of their own.
        theirs.write_all(answer.as_bytes()).await.unwrap();
        theirs.write_all(&[0x80, 0x02, b'h', b'i']).await.unwrap();
        theirs
    });
    let mut socket = Connect::to("ws://x/").over(ours).await.unwrap();
    assert_eq!(text(&mut socket).await, "hi");
    drop(server.await.unwrap());
}

#[tokio::test]
async fn a_refusal_is_told_with_its_status_headers_and_body() {
    let answer = "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nX-Why: rules\r\n\
        Content-Length: 12\r\n\r\norigin is no";
    let (address, _server) = answering(answer).await;
    let error = connect(&format!("ws://{address}")).await.unwrap_err();
    let expected = "server answered 403 Forbidden instead of 101: origin is no";
    assert_eq!(error.to_string(), expected);
    let ConnectError::Refused(refused) = error else { panic!("{error:?}") };
    assert_eq!(refused.headers["x-why"], "rules");
    assert_eq!(refused.body, "origin is no");
}

#[tokio::test]
async fn a_refusals_body_is_bounded_and_put_together() {
    let endless = format!("HTTP/1.1 500 \r\n\r\n{}", "x".repeat(100_000));
    let chunked =
        "HTTP/1.1 404 \r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    for (answer, body) in [(endless, "x".repeat(4096)), (chunked.into(), "abcde".into())] {
        let (address, _server) = answering(answer).await;
        match connect(&format!("ws://{address}")).await {
            Err(ConnectError::Refused(refused)) => assert_eq!(refused.body, body),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_no_handshake_says_whose_fault_it_is() {
    for (answer, source) in [
        ("SSH-2.0-OpenSSH\r\n\r\n", "the bytes are not HTTP/1"),
        ("HTTP/1.1 101 \r\nUpgrade: h2c\r\n\r\n", "header `Upgrade` is invalid"),
        ("", "the server ended the line without an answer"),
        ("HTTP/1.1 101 ", "the server ended the line in the middle of its answer"),
    ] {
        let (address, _server) = answering(answer).await;
        let error = connect(&format!("ws://{address}")).await.unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), source);
    }
}

#[tokio::test]
async fn nobody_there_is_the_networks_fault() {
    let (listener, address) = listen().await;
    drop(listener);
    let error = connect(&format!("ws://{address}")).await.unwrap_err();
    assert_eq!(error.to_string(), format!("could not connect to {address}"));
    assert!(matches!(error, ConnectError::Tcp { .. }));
    // No name has a label this long, so that nobody has to be asked.
    let name = "x".repeat(64);
    let error = connect(&format!("ws://{name}/")).await.unwrap_err();
    assert_eq!(error.to_string(), format!("name `{name}` could not be resolved"));
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_given_up() {
    let (ours, _theirs) = duplex(1 << 10);
    let request = Connect::to("ws://x/").timeout(Duration::from_secs(3));
    match request.over(ours).await {
        Err(ConnectError::Timeout { within, during }) => {
            assert_eq!((within.as_secs(), during), (3, Stage::Handshake));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_said_before_anything_is() {
    let to = || Connect::to("ws://name.invalid/");
    let refused = |error| ConnectError::Request(error).source().unwrap().to_string();
    for (request, error) in [
        (to().header("a b", "c"), RequestError::HeaderName("a b".into())),
        (to().header("X-A", "b\r\nc"), RequestError::HeaderValue("x-a".into())),
        (to().subprotocol("a, b"), RequestError::Subprotocol("a, b".into())),
        (to().subprotocol("a").subprotocol("a"), RequestError::Subprotocol("a".into())),
        (to().origin("a.example"), RequestError::Origin("a.example".into())),
        // The first one counts.
        (to().version(14).origin("b"), RequestError::Version(14)),
    ] {
        let answer = request.open().await.unwrap_err();
        assert_eq!(answer.source().unwrap().to_string(), refused(error));
    }
    assert!(matches!(
        connect("http://example.com").await,
        Err(ConnectError::Url(UrlError::Scheme(_)))
    ));
}

#[tokio::test]
async fn a_header_of_the_handshake_is_refused() {
    let address = echo().await;
    let request = Connect::to(format!("ws://{address}")).header("Sec-WebSocket-Key", "mine");
    match request.open().await {
        Err(ConnectError::Request(RequestError::Head(HandshakeError::ReservedHeader(name)))) => {
            assert_eq!(name, "sec-websocket-key");
        }
        other => panic!("{other:?}"),
    }
}

/// RFC 6455 §7.4.1.
#[tokio::test]
async fn a_server_without_deflate_is_told_1010_where_it_is_required() {
    let (listener, address) = listen().await;
    let server = tokio::spawn(async move {
        let mut socket = tieline::accept(listener.accept().await.unwrap().0).await.unwrap();
        echo_on(&mut socket).await;
        socket.closed().cloned()
    });
    let error = Connect::to(format!("ws://{address}")).require_deflate().open().await.unwrap_err();
    assert!(matches!(error, ConnectError::DeflateDeclined));
    let Some(Closed::Cleanly { code, .. }) = server.await.unwrap() else { panic!() };
    assert_eq!(code, CloseCode::MISSING_EXTENSION);
    let address = echo().await;
    Connect::to(format!("ws://{address}")).require_deflate().open().await.unwrap();
}
