//! Routes that are handed on: another server of ours behind them, in the clear and over TLS.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use tieline::{CloseCode, Connect, Deflate};

use crate::http2_client::Client;
use crate::server::{PATIENCE, Server, close_code, folder, next, read_all, status};
use crate::tls::{authority, write_certificate};

const ECHO: &str = "[[route]]\npath = '/app/echo'\nservice = { kind = 'echo' }\ncompression = {}\n\
                    subprotocols = ['second']\n\
                    [[route]]\npath = '/app'\npage = { kind = 'console' }\n";

/// A proxy whose route `/app` leads to these upstreams.
fn proxy(upstreams: &[&str], more: &str) -> Server {
    Server::with_routes(&format!(
        "[[route]]\npath = '/app'\nservice = {{ kind = 'proxy', upstreams = {upstreams:?}{more} }}\n"
    ))
}

/// An upstream that reads a head and answers these bytes, once; what it read.
fn scripted(answer: &'static str) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let seen = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        // Whatever else comes on this connection is part of what was seen.
        String::from_utf8(head).unwrap() + &read_all(&mut stream)
    });
    (address, seen)
}

#[tokio::test]
async fn a_line_and_what_was_agreed_on_pass_through() {
    let upstream = Server::with_routes(ECHO);
    let proxy = proxy(&[&upstream.addresses[0]], "");
    let request = Connect::to(proxy.url("/app/echo"))
        .subprotocol("first")
        .subprotocol("second")
        .deflate(Deflate::default());
    let mut socket = request.open().await.unwrap();
    assert_eq!(socket.protocol(), "second");
    assert!(socket.extensions().contains("permessage-deflate"), "{:?}", socket.extensions());
    let large = "line ".repeat(10_000);
    for message in ["hello", "", large.as_str()] {
        socket.send(message).await.unwrap();
        assert_eq!(next(&mut socket).await, message);
    }
    socket.close(CloseCode::new(4_321), "done").await.unwrap();
    assert_eq!(close_code(&mut socket).await, 4_321);
    upstream.wait_for_log(&["disconnected", "4321"]);
    proxy.wait_for_log(&["tunnel ended", "/app/echo"]);
}

#[tokio::test]
async fn a_page_passes_through_with_its_own_headers() {
    let upstream = Server::with_routes(ECHO);
    let proxy = proxy(&[&upstream.addresses[0]], "");
    let page = proxy.get("/app/");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    assert!(page.contains("x-frame-options: DENY"), "{page}");
    assert!(page.contains("<!doctype html>"), "{page}");
    let redirect = proxy.get("/app");
    assert!(redirect.starts_with("HTTP/1.1 308 "), "{redirect}");
    let mut client = Client::to(&proxy).await;
    assert_eq!(client.get("/app/").await.status, 200);
    let mut line = client.open("/app/echo").await;
    line.send("over HTTP/2").await.unwrap();
    assert_eq!(line.next().await.unwrap().unwrap().text(), Some("over HTTP/2"));
}

#[test]
fn what_the_server_says_of_itself_is_not_handed_on() {
    let server = Server::with_routes(
        "[[route]]\npath = '/'\n\
         service = { kind = 'proxy', upstreams = ['http://127.0.0.1:1'] }\n",
    );
    assert!(server.get("/healthz").ends_with("\r\n\r\nok\n"));
    assert!(server.get("/other").starts_with("HTTP/1.1 502 "));
}

#[tokio::test]
async fn tls_to_an_upstream_believes_its_own_roots_and_no_others() {
    let roots = authority();
    let inner = folder();
    write_certificate(&inner, &roots);
    let listener = "[[listener]]\naddress = '127.0.0.1:0'\n\
                    tls = { certificate = 'certificate.pem', key = 'key.pem' }\n";
    std::fs::write(inner.join("tieline.toml"), format!("{listener}{ECHO}")).unwrap();
    let file = inner.join("tieline.toml");
    let upstream = Server::start_as_told(&["--config", file.to_str().unwrap()], 1);
    assert!(upstream.addresses[0].starts_with("https://"));
    let ca = inner.join("roots.pem");
    std::fs::write(&ca, roots.pem()).unwrap();
    // The page's origin is not that of the upstream's listener, which speaks https.
    let trusting =
        proxy(&[&upstream.addresses[0]], &format!(", tls = {{ ca = '{}' }}", ca.display()));
    let mut socket = trusting.connect("/app/echo").await;
    socket.send("secret").await.unwrap();
    assert_eq!(next(&mut socket).await, "secret");
    let doubtful = proxy(&[&upstream.addresses[0]], "");
    assert_eq!(status(Connect::to(doubtful.url("/app/echo"))).await, 502);
    doubtful.wait_for_log(&["upstream failed", "certificate"]);
}

#[tokio::test]
async fn what_is_checked_of_a_route_is_checked_before_the_upstream_is_asked() {
    let upstream = Server::with_routes(ECHO);
    let proxy = proxy(&[&upstream.addresses[0]], "");
    assert_eq!(proxy.status_for_origin("/app/echo", "https://elsewhere.example").await, 403);
    let head = "GET /app/echo HTTP/1.1\r\nHost: attacker.test\r\nConnection: close\r\n\r\n";
    assert!(proxy.exchange(head).starts_with("HTTP/1.1 403 "));
    let climbing = proxy.get("/app/%2e%2e/secret");
    assert!(climbing.starts_with("HTTP/1.1 400 "), "{climbing}");
    assert!(!upstream.log().contains("elsewhere"), "{}", upstream.log());
}

#[tokio::test]
async fn a_refused_upgrade_ends_both_connections() {
    let (address, seen) = scripted(
        "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n\
                                    Connection: upgrade\r\nContent-Length: 6\r\n\r\nnot so",
    );
    let proxy = proxy(&[&address], "");
    let head = format!(
        "GET /app HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\
         GET /app/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n",
        proxy.host(),
    );
    let answer = proxy.exchange(head);
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    assert!(answer.ends_with("\r\n\r\nnot so"), "{answer}");
    assert!(answer.to_lowercase().contains("connection: close, upgrade"), "{answer}");
    let seen = seen.join().unwrap();
    assert!(!seen.contains("smuggled"), "{seen}");
    assert!(seen.starts_with("GET /app HTTP/1.1\r\n"), "{seen}");
    assert!(!seen.contains("dGhlIHNhbXBsZSBub25jZQ=="), "a key of the proxy's own: {seen}");
}

#[tokio::test]
async fn an_upload_above_its_limit_is_413_and_one_that_passes_is_whole() {
    let (address, seen) = scripted("HTTP/1.1 204 No Content\r\n\r\n");
    let proxy = proxy(&[&address], ", max_body_bytes = 10");
    let post = |len: usize| {
        let (host, body) = (proxy.host(), "x".repeat(len));
        proxy.exchange(format!(
            "POST /app HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {len}\r\n\r\n{body}"
        ))
    };
    assert!(post(11).starts_with("HTTP/1.1 413 "));
    assert!(post(10).starts_with("HTTP/1.1 204 "));
    drop(proxy);
    let seen = seen.join().unwrap();
    assert!(seen.ends_with("\r\n\r\nxxxxxxxxxx"), "{seen}");
}

#[tokio::test]
async fn an_answer_of_which_only_the_head_comes_late_is_504() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let proxy = proxy(&[&address], ", answer_within = '200ms'");
    let answer = proxy.get("/app");
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    assert_eq!(status(Connect::to(proxy.url("/app"))).await, 504);
}

#[tokio::test]
async fn lines_are_closed_with_1001_when_the_proxy_stops() {
    let upstream = Server::with_routes(ECHO);
    let mut proxy = proxy(&[&upstream.addresses[0]], "");
    let mut socket = proxy.connect("/app/echo").await;
    socket.send("still here").await.unwrap();
    assert_eq!(next(&mut socket).await, "still here");
    proxy.signal("TERM");
    assert_eq!(close_code(&mut socket).await, 1001);
    drop(socket);
    assert!(proxy.wait().success());
    upstream.wait_for_log(&["disconnected", "1001"]);
}

#[tokio::test]
async fn what_a_client_may_say_is_limited_on_its_way_to_an_upstream() {
    let upstream = Server::with_routes(ECHO);
    let proxy = Server::with_routes(&format!(
        "[[route]]\npath = '/app'\nlimits = {{ messages = '2/1m', excess = 'close' }}\n\
         service = {{ kind = 'proxy', upstreams = {:?} }}\n",
        [&upstream.addresses[0]]
    ));
    let mut socket = proxy.connect("/app/echo").await;
    for number in ["1", "2"] {
        socket.send(number).await.unwrap();
        assert_eq!(next(&mut socket).await, number);
    }
    socket.send("3").await.unwrap();
    assert_eq!(close_code(&mut socket).await, 1008);
    upstream.wait_for_log(&["disconnected", "1008"]);
    proxy.wait_for_log(&["tunnel ended", "limits.messages"]);
}

#[test]
fn a_request_with_two_lengths_has_one_to_the_upstream_and_none_behind_it() {
    let (address, seen) = scripted("HTTP/1.1 204 No Content\r\n\r\n");
    let proxy = proxy(&[&address], "");
    let host = proxy.host();
    let answer = proxy.exchange(format!(
        "POST /app HTTP/1.1\r\nHost: {host}\r\nContent-Length: 70\r\n\
         Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
         GET /app/smuggled HTTP/1.1\r\nHost: {host}\r\n\r\n"
    ));
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    drop(proxy);
    let seen = seen.join().unwrap().to_lowercase();
    assert!(seen.ends_with("\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), "{seen}");
    assert!(!seen.contains("content-length") && !seen.contains("smuggled"), "{seen}");
}

#[test]
fn a_request_whose_length_is_in_doubt_reaches_no_upstream() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = proxy(&[&format!("http://{}", listener.local_addr().unwrap())], "");
    for lengths in [
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding:\u{b}chunked",
        "Content-Length: 3\r\nContent-Length: 4",
        "Content-Length: +3",
        "Content-Length: 3, 4",
    ] {
        let host = proxy.host();
        let head = format!("POST /app HTTP/1.1\r\nHost: {host}\r\n{lengths}\r\n\r\nabc");
        let answer = proxy.exchange(head);
        assert!(answer.starts_with("HTTP/1.1 400 "), "{lengths}: {answer}");
    }
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nobody connected");
}

#[test]
fn a_switch_of_protocols_that_is_wrong_is_502_and_nothing_passes() {
    let switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n";
    for more in [
        "Connection: Upgrade\r\n",
        "Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
    ] {
        let (address, seen) = scripted(String::leak(format!("{switched}{more}\r\n\u{1}\u{2}ab")));
        let proxy = proxy(&[&address], "");
        let answer = proxy.exchange(format!(
            "GET /app HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\
             GET /app/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n",
            proxy.host(),
        ));
        assert!(answer.starts_with("HTTP/1.1 502 "), "{more}: {answer}");
        assert!(!answer.contains("\u{1}\u{2}ab"), "{more}: {answer}");
        let seen = seen.join().unwrap();
        assert!(!seen.contains("smuggled"), "{more}: {seen}");
    }
}

#[test]
fn a_switch_of_protocols_that_nobody_asked_for_is_502() {
    let (address, seen) = scripted(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nmore",
    );
    let proxy = proxy(&[&address], "");
    let host = proxy.host();
    let answer = proxy.exchange(format!(
        "GET /app HTTP/1.1\r\nHost: {host}\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\
         Connection: Upgrade, HTTP2-Settings, close\r\n\r\n"
    ));
    assert!(answer.starts_with("HTTP/1.1 502 ") && !answer.contains("more"), "{answer}");
    let seen = seen.join().unwrap().to_lowercase();
    assert!(!seen.contains("upgrade") && !seen.contains("http2-settings"), "{seen}");
}

#[test]
fn what_is_behind_an_answer_is_not_the_answer_to_somebody_else() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.read_exact(&mut [0; 16]).unwrap();
            let answer = |body| format!("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{body}");
            stream.write_all((answer("good") + &answer("evil")).as_bytes()).unwrap();
            read_all(&mut stream);
        }
    });
    let proxy = proxy(&[&address], "");
    for _ in 0..6 {
        let answer = proxy.get("/app");
        assert!(answer.ends_with("\r\n\r\ngood"), "{answer}");
    }
}

#[test]
fn a_head_of_an_upstream_has_its_bounds() {
    for header in [format!("X-Long: {}\r\n", "x".repeat(256 << 10)), "X-Many: 1\r\n".repeat(201)] {
        let answer = format!("HTTP/1.1 200 OK\r\n{header}Content-Length: 0\r\n\r\n");
        let (address, _seen) = scripted(answer.leak());
        let answer = proxy(&[&address], "").get("/app");
        assert!(answer.starts_with("HTTP/1.1 502 "), "{:.200}", answer);
    }
}

#[tokio::test]
async fn a_line_whose_upstream_never_reads_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let upstream = tokio::spawn(async move {
        let socket = tieline::accept(listener.accept().await.unwrap().0).await.unwrap();
        std::future::pending::<()>().await;
        drop(socket);
    });
    let proxy = Server::with_routes(&format!(
        "[[route]]\npath = '/app'\nlimits = {{ ping_after = '200ms', pong_within = '200ms' }}\n\
         service = {{ kind = 'proxy', upstreams = ['{address}'] }}\n"
    ));
    let mut socket = proxy.connect("/app").await;
    let large = "x".repeat(1 << 20);
    let speak = async { while socket.send(large.as_str()).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, speak).await.unwrap();
    proxy.wait_for_log(&["tunnel ended", "the upstream was lost"]);
    upstream.abort();
}

/// An answer before the whole request was read, and nothing is read from then on.
#[test]
fn an_upstream_that_answers_and_never_reads_the_rest_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let answering = thread::spawn(move || {
        let answer = |stream: &mut TcpStream| {
            let mut head = [0; 16];
            stream.read_exact(&mut head).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
        };
        let (mut first, _) = listener.accept().unwrap();
        answer(&mut first);
        let (mut second, _) = listener.accept().unwrap();
        answer(&mut second);
        // Open until here, and never read to its end.
        drop(first);
    });
    let proxy = proxy(&[&address], ", max_open = 1, answer_within = '300ms'");
    let mut uploading = proxy.open();
    let head = "Host: localhost\r\nTransfer-Encoding: chunked\r\n";
    write!(uploading, "POST /app HTTP/1.1\r\n{head}\r\n").unwrap();
    let mut upload = uploading.try_clone().unwrap();
    let sending = thread::spawn(move || {
        let chunk = [&b"10000\r\n"[..], &[b'x'; 1 << 16][..], b"\r\n"].concat();
        while upload.write_all(&chunk).is_ok() {}
    });
    let mut status = [0; 12];
    uploading.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    let began = Instant::now();
    let answer = loop {
        let answer = proxy.get("/app");
        if !answer.starts_with("HTTP/1.1 503 ") {
            break answer;
        }
        assert!(began.elapsed() < PATIENCE, "its place is never free again");
    };
    assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
    answering.join().unwrap();
    drop(proxy);
    sending.join().unwrap();
}

#[test]
fn health_checks_that_nobody_answers_do_not_pile_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let health = ", health = { path = '/', every = '20ms', within = '20ms', fall = 3 }";
    let proxy = proxy(&[&address], health);
    let mut asked: Vec<TcpStream> = Vec::new();
    for _ in 0..12 {
        let (stream, _) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        asked.retain_mut(is_open);
        asked.push(stream);
        assert!(asked.len() <= 2, "{asked:?}");
    }
    proxy.wait_for_log(&["fails its health checks", "no answer in time"]);
    assert!(proxy.get("/app").starts_with("HTTP/1.1 503 "));
}

/// Whether the other side has not ended a connection, whatever it has sent.
fn is_open(stream: &mut TcpStream) -> bool {
    loop {
        match stream.read(&mut [0; 1 << 10]) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::WouldBlock,
        }
    }
}
