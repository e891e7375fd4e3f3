//! Routes that are handed on: another server of ours behind them, in the clear and over TLS.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use tieline::{CloseCode, Connect, Deflate};

use crate::http2_client::Client;
use crate::server::{Server, close_code, folder, next, read_all, status};
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
