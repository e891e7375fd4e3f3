//! Signals, and the way out.

use std::io::Write;
use std::net::TcpStream;
use std::time::Instant;

use crate::server::{PATIENCE, Server, close_code, next, read_all};

#[tokio::test]
async fn sigterm_closes_every_line_with_1001_and_exits_0() {
    let mut server = Server::start(&["--workers", "2", "--drain", "10m"]);
    let mut sockets = Vec::new();
    for path in ["/echo", "/counter", "/chat", "/room", "/echo", "/echo"] {
        sockets.push(server.connect(path).await);
    }
    // A browser's connection that is kept alive must not hold the server up.
    let mut idle = server.open();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let began = Instant::now();
    server.signal("TERM");
    for socket in &mut sockets {
        assert_eq!(close_code(socket).await, 1001);
    }
    drop(sockets);
    assert_eq!(server.wait().code(), Some(0));
    assert!(began.elapsed() < PATIENCE);
    server.wait_for_log(&["stopped"]);
}

#[tokio::test]
async fn a_peer_that_does_not_answer_is_waited_for_no_longer_than_the_drain_time() {
    let mut server = Server::start(&["--drain", "300ms", "--workers", "1"]);
    let mut silent = server.open();
    silent
        .write_all(
            b"GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
              Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .unwrap();
    server.wait_for_log(&["\"connected\""]);
    server.signal("INT");
    assert_eq!(server.wait().code(), Some(0));
    server.wait_for_log(&["the time to drain is over"]);
}

#[test]
fn connections_that_have_said_nothing_do_not_hold_the_end() {
    let folder = crate::server::folder();
    let certificate = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    std::fs::write(folder.join("certificate.pem"), certificate.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), certificate.signing_key.serialize_pem()).unwrap();
    let file = folder.join("patient.toml");
    std::fs::write(
        &file,
        "workers = 1\ndrain = '10m'\n\
         [[listener]]\naddress = '127.0.0.1:0'\nlimits = { handshake_within = '10m' }\n\
         [[listener]]\naddress = '127.0.0.1:0'\nlimits = { handshake_within = '10m' }\n\
         tls = { certificate = 'certificate.pem', key = 'key.pem' }\n\
         [[route]]\npath = '/echo'\nservice = { kind = 'echo' }\n",
    )
    .unwrap();
    let server = Server::start_as_told(&["--config", file.to_str().unwrap()], 2);
    let _silent = server.open();
    let secure = server.addresses[1].trim_start_matches("https://");
    let _silent_tls = TcpStream::connect(secure).unwrap();
    let mut half = server.open();
    half.write_all(b"GET /echo HT").unwrap();
    // Accepted after the others, on the one worker there is.
    server.get("/healthz");
    server.signal("TERM");
    assert!(read_all(&mut half).starts_with("HTTP/1.1 503 "));
    drop(half);
    server.wait_for_log(&["stopped"]);
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let mut server = Server::start(&["--drain", "1h"]);
    let mut socket = server.connect("/chat").await;
    assert_eq!(next(&mut socket).await, "Welcome, 127.0.0.1 !");
    server.signal("TERM");
    server.wait_for_log(&["told to stop"]);
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(1));
}

#[tokio::test]
async fn coming_and_going_is_logged_with_code_reason_duration_and_bytes() {
    let server = Server::start(&["--log-format", "json"]);
    let mut socket = server.connect("/echo").await;
    socket.send("12345").await.unwrap();
    assert_eq!(next(&mut socket).await, "12345");
    let reason = "bye \u{1b}[31m\u{7}";
    socket.close(tieline::CloseCode::new(4001), reason).await.unwrap();
    let line = server.wait_for_log(&["\"disconnected\""]);
    for word in ["\"code\":4001", "bye ", "\"duration_ms\":", "\"bytes_in\":5", "\"bytes_out\":5"] {
        assert!(line.contains(word), "{word}: {line}");
    }
    assert!(!line.contains(['\u{1b}', '\u{7}']) && !line.contains("\\u0007"), "{line:?}");
    server.wait_for_log(&["\"connected\"", "\"name\":\"127.0.0.1\"", "\"path\":\"/echo\""]);
}

#[tokio::test]
async fn a_text_log_cannot_be_steered_by_a_peer() {
    let server = Server::start(&["--log-format", "text"]);
    let mut socket = server.connect("/echo").await;
    let reason = "bye \u{1b}]0;owned\u{7} duration_ms=1";
    socket.close(tieline::CloseCode::new(4001), reason).await.unwrap();
    let line = server.wait_for_log(&["disconnected", "bye "]);
    assert!(line.contains("owned"), "{line:?}");
    assert!(line.contains("how=\"closed with 4001"), "a field of the log is quoted: {line:?}");
    assert!(!server.log().contains(['\u{1b}', '\u{7}']), "{:?}", server.log());
}
