//! Pages and lines over HTTP/2, in the clear and over TLS.

use std::fs;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Instant;

use h2::Reason;
use h2::ext::Protocol;
use http::{HeaderValue, Method, Request};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tieline::CloseCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::http2_client::{Client, Line};
use crate::server::{PATIENCE, Server, folder, next};
use crate::tls::{Authority, authority, start, write_certificate};

async fn heard(line: &mut Line) -> String {
    let message = timeout(PATIENCE, line.next()).await.unwrap();
    message.unwrap().unwrap().text().unwrap().to_owned()
}

async fn close_code(line: &mut Line) -> u16 {
    let ended = async { while line.next().await.is_some() {} };
    timeout(PATIENCE, ended).await.unwrap();
    line.closed().unwrap().code().get()
}

async fn echoes(line: &mut Line, message: &str) {
    line.send(message).await.unwrap();
    assert_eq!(heard(line).await, message);
}

/// A TLS connection to the server that offers these protocols.
async fn secured(server: &Server, roots: &Authority, alpn: &[&str]) -> TlsStream<TcpStream> {
    let mut store = RootCertStore::empty();
    store.add(roots.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(server.host()).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

/// A server with one listener whose requests have a second to come, an echo and a big page.
fn impatient() -> Server {
    let folder = folder();
    fs::File::create(folder.join("big.bin")).unwrap().set_len(64 << 20).unwrap();
    let config = "[[listener]]\naddress = '127.0.0.1:0'\nlimits = { handshake_within = '1s' }\n\
                  [[route]]\npath = '/big'\npage = { kind = 'file', path = 'big.bin' }\n\
                  [[route]]\npath = '/echo'\nservice = { kind = 'echo' }\n";
    let file = folder.join("tieline.toml");
    fs::write(&file, config).unwrap();
    Server::start_as_told(&["--config", file.to_str().unwrap()], 1)
}

#[tokio::test]
async fn a_page_and_two_lines_share_one_connection_and_meet_who_comes_by_http_1() {
    let server = Server::start(&[]);
    let mut client = Client::to(&server).await;
    let page = client.get("/").await;
    assert_eq!(page.status, 200);
    assert!(page.body.starts_with("<!doctype html>"));
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
    assert_eq!(page.headers["x-frame-options"], "DENY");
    let known = Request::get(format!("{}/", server.addresses[0]))
        .header("if-none-match", &page.headers["etag"])
        .body(())
        .unwrap();
    assert_eq!(client.ask(known).await.status, 304);

    let mut first = client.open("/counter").await;
    let mut second = client.open("/counter").await;
    let mut third = server.connect("/counter").await;
    let line = server.wait_for_log(&["connected", r#""via":"h2""#]);
    assert!(line.contains(r#""path":"/counter""#), "{line}");
    server.wait_for_log(&["connected", r#""via":"http/1.1""#]);
    while !heard(&mut first).await.contains("\"value\":3") {
        assert!(first.closed().is_none());
        first.send(r#"{"action":"plus"}"#).await.unwrap();
    }
    while !heard(&mut second).await.contains("\"value\":3") {}
    while !next(&mut third).await.contains("\"value\":3") {}
}

#[tokio::test]
async fn over_tls_the_client_chooses_the_version() {
    let (folder, roots) = (folder(), authority());
    write_certificate(&folder, &roots);
    let server = start(&folder, "");
    let stream = secured(&server, &roots, &["http/1.1", "h2"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]), "preferred by the server");
    let mut client = Client::over(stream, &server.addresses[0]).await;
    echoes(&mut client.open("/").await, "grüße").await;
    // The listener is a secure one: a page of the same name and the other scheme is another page.
    let mut request = client.connect("/");
    let origin = HeaderValue::from_str(&server.addresses[0].replace("https", "http")).unwrap();
    request.headers_mut().insert("origin", origin);
    assert_eq!(client.ask(request).await.status, 403);

    for alpn in [&["http/1.1"][..], &[]] {
        let mut stream = secured(&server, &roots, alpn).await;
        assert_ne!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let request = b"GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    }
}

#[tokio::test]
async fn each_bad_request_is_told_what_would_be_right() {
    let server = Server::start(&[]);
    let mut client = Client::to(&server).await;
    let echo = || client.connect("/echo");
    let with = |name: &'static str, value: &'static str| {
        let mut request = echo();
        request.headers_mut().insert(name, HeaderValue::from_static(value));
        request
    };
    let of =
        |method: Method, uri: &str| Request::builder().method(method).uri(uri).body(()).unwrap();
    let base = &server.addresses[0];
    let mut other_protocol = echo();
    other_protocol.extensions_mut().insert(Protocol::from_static("connect-udp"));
    let mut other_host = echo();
    *other_host.uri_mut() = "http://attacker.test/echo".parse().unwrap();
    let mut versionless = echo();
    versionless.headers_mut().remove("sec-websocket-version");
    let mut many = echo();
    for _ in 0..101 {
        many.headers_mut().append("x", HeaderValue::from_static("y"));
    }
    let requests = [
        (client.connect("/nowhere"), 404, "no WebSocket service"),
        (client.connect("/"), 404, "no WebSocket service"),
        (with("origin", "https://evil.test"), 403, "origins"),
        (with("origin", "null"), 403, "origins"),
        (other_host, 403, "hosts"),
        (other_protocol, 501, "websocket"),
        (with("sec-websocket-version", "8"), 400, "Sec-WebSocket-Version"),
        (versionless, 400, "Sec-WebSocket-Version"),
        (with("sec-websocket-extensions", ";"), 400, "Sec-WebSocket-Extensions"),
        (with("host", "localhost"), 400, "different hosts"),
        (many, 431, "max_headers"),
        (of(Method::GET, &format!("{base}/echo")), 400, "speaks WebSocket"),
        (of(Method::GET, &format!("{base}/nowhere")), 404, "nothing at this path"),
        (of(Method::GET, "http://attacker.test/"), 403, "hosts"),
        (of(Method::POST, &format!("{base}/")), 405, "GET and HEAD"),
        (of(Method::CONNECT, server.host()), 404, "nothing at this path"),
        (of(Method::HEAD, &format!("{base}/healthz")), 200, ""),
    ];
    for (request, status, words) in requests {
        let told = format!("{request:?}");
        let answer = client.ask(request).await;
        assert_eq!(answer.status, status, "{told}: {}", answer.body);
        assert!(answer.body.contains(words), "{told}: {}", answer.body);
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        for name in ["connection", "upgrade", "keep-alive"] {
            assert!(!answer.headers.contains_key(name), "{told}: {name}");
        }
    }
    echoes(&mut client.open("/echo").await, "after all of them").await;
}

#[tokio::test]
async fn subprotocol_key_and_compression_are_answered() {
    let server = Server::with_routes(
        "[[route]]\npath = '/echo'\nservice = { kind = 'echo' }\n\
         compression = {}\nsubprotocols = ['second']\n",
    );
    let mut client = Client::to(&server).await;
    let mut request = client.connect("/echo");
    for (name, value) in [
        ("sec-websocket-protocol", "first, second"),
        ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ] {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let (response, _send) = client.begin(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let headers = response.headers();
    assert_eq!(headers["sec-websocket-protocol"], "second");
    assert_eq!(headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    let extensions = headers["sec-websocket-extensions"].to_str().unwrap();
    assert!(extensions.starts_with("permessage-deflate"), "{extensions}");
}

/// Waiting for the log must not keep the client's connection from going on.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_ends_takes_no_other_with_it() {
    let server = Server::start(&[]);
    let mut client = Client::to(&server).await;
    let mut closed = client.open("/echo").await;
    let mut left = client.open("/echo").await;
    let mut stays = client.open("/echo").await;
    for line in [&mut closed, &mut left, &mut stays] {
        echoes(line, "here").await;
    }
    closed.close(CloseCode::new(4000), "enough").await.unwrap();
    assert_eq!(close_code(&mut closed).await, 4000);
    server.wait_for_log(&["disconnected", "\"code\":4000"]);
    echoes(&mut stays, "still here").await;

    let request = client.connect("/chat");
    let (_response, mut send) = client.begin(request).await.unwrap();
    let peer = server.wait_for_log(&["connected", r#""path":"/chat""#]);
    let peer = peer.split(',').find(|field| field.starts_with("\"peer\":")).unwrap().to_owned();
    send.send_reset(Reason::CANCEL);
    server.wait_for_log(&["disconnected", &peer, "\"code\":1006"]);
    drop(left);
    echoes(&mut stays, "and now").await;
    assert_eq!(client.get("/healthz").await.body, "ok\n");
    drop((stays, client));
}

#[tokio::test]
async fn a_message_that_breaks_the_protocol_fails_its_line_alone() {
    let server = Server::start(&["--workers", "1"]);
    let mut client = Client::to(&server).await;
    let mut stays = client.open("/echo").await;
    let request = client.connect("/echo");
    let (response, mut send) = client.begin(request).await.unwrap();
    // A frame that is not masked.
    send.send_data(b"\x81\x05Hello"[..].into(), false).unwrap();
    let mut stream = response.into_body();
    let frame = timeout(PATIENCE, stream.data()).await.unwrap().unwrap().unwrap();
    assert_eq!((frame[0], &frame[2..4]), (0x88, &1002_u16.to_be_bytes()[..]));
    while let Some(rest) = timeout(PATIENCE, stream.data()).await.unwrap() {
        assert_eq!(rest.unwrap(), "", "nothing but the end of the stream");
    }
    echoes(&mut stays, "still here").await;
}

#[tokio::test]
async fn a_line_that_takes_nothing_is_lost_and_its_stream_reset() {
    let server = Server::with_routes(
        "[[route]]\npath = '/echo'\nservice = { kind = 'echo' }\n\
         limits = { ping_after = '1s', pong_within = '1s' }\n",
    );
    let mut client = Client::to(&server).await;
    let request = client.connect("/echo");
    let (response, mut send) = client.begin(request).await.unwrap();
    let mut message = vec![0x82, 0x80 | 126, 0xEA, 0x60, 0, 0, 0, 0];
    message.resize(8 + 60_000, b'x');
    for _ in 0..8 {
        send.send_data(message.clone().into(), false).unwrap();
    }
    let mut stream = response.into_body();
    let error = loop {
        let piece = timeout(PATIENCE, stream.data()).await.expect("a reset in time");
        // What is read is not released: the window stays shut.
        if let Err(error) = piece.expect("no orderly end") {
            break error;
        }
    };
    assert_eq!(error.reason(), Some(Reason::CANCEL));
    server.wait_for_log(&["disconnected", "\"code\":1006"]);
    assert_eq!(client.get("/nowhere").await.status, 404, "the connection goes on");
}

#[tokio::test]
async fn sigterm_closes_the_lines_with_1001_and_the_connection() {
    let mut server = Server::start(&["--workers", "1", "--drain", "10m"]);
    let mut client = Client::to(&server).await;
    let mut lines = Vec::new();
    for path in ["/echo", "/counter", "/chat", "/room"] {
        lines.push(client.open(path).await);
    }
    let idle = Client::to(&server).await;
    let began = Instant::now();
    server.signal("TERM");
    for line in &mut lines {
        assert_eq!(close_code(line).await, 1001);
    }
    drop(lines);
    client.ended().await.unwrap();
    idle.ended().await.unwrap();
    assert_eq!(server.wait().code(), Some(0));
    assert!(began.elapsed() < PATIENCE);
    assert!(!server.log().contains("the time to drain is over"));
}

#[tokio::test]
async fn whoever_asks_for_nothing_is_sent_away() {
    let server = impatient();
    let settings = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    for said in [&b""[..], b"PRI * HT", &settings[..24], settings] {
        let mut stream = server.open();
        stream.write_all(said).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
    }
    let mut client = Client::to(&server).await;
    let mut line = client.open("/echo").await;
    let mut idle = Client::to(&server).await;
    idle.get("/nowhere").await;
    idle.ended().await.unwrap();
    echoes(&mut line, "a line may be silent for longer").await;
}

#[tokio::test]
async fn a_page_that_nobody_takes_is_given_up_and_the_lines_beside_it_go_on() {
    let server = impatient();
    let mut client = Client::to(&server).await;
    let mut line = client.open("/echo").await;
    let request = Request::get(format!("{}/big", server.addresses[0])).body(()).unwrap();
    let (response, _send) = client.begin(request).await.unwrap();
    let mut stream = response.into_body();
    let error = loop {
        let piece = timeout(PATIENCE, stream.data()).await.expect("a reset in time");
        // What is read is not released: the window stays shut.
        if let Err(error) = piece.expect("no end without all of the page") {
            break error;
        }
    };
    assert_eq!(error.reason(), Some(Reason::CANCEL));
    echoes(&mut line, "still here").await;
    assert_eq!(client.get("/nowhere").await.status, 404);
}

#[tokio::test]
async fn a_large_message_comes_back_whole() {
    let server = Server::start(&[]);
    let mut client = Client::to(&server).await;
    let message = "x".repeat(4 << 20);
    let (mut sender, mut receiver) = client.open("/echo").await.split();
    let send = async { sender.send(message.as_str()).await.unwrap() };
    let receive = async { timeout(PATIENCE, receiver.next()).await.unwrap().unwrap().unwrap() };
    let ((), back) = tokio::join!(send, receive);
    assert_eq!(back.text(), Some(message.as_str()));
}
