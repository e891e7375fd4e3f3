//! What one peer does costs the others nothing.

use std::io::Write;
use std::time::Duration;

use crate::server::{Server, close_code, next, read_all};

const OPEN_CHAT: &str = "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
     Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[tokio::test]
async fn a_peer_that_never_reads_is_closed_with_1013_and_the_others_hear_everything() {
    let server = Server::start(&["--workers", "1"]);
    let mut stuck = server.open();
    stuck.write_all(OPEN_CHAT.as_bytes()).unwrap();
    server.wait_for_log(&["\"connected\""]);

    let mut speaker = server.connect("/chat").await;
    let mut hearer = server.connect("/chat").await;
    while next(&mut speaker).await != "Welcome, 127.0.0.1 !" {}
    let text = "x".repeat(60 << 10);
    let expected = format!("127.0.0.1:{text}");
    let before = server.resident_kib();
    // It may be gone before the last of them is heard.
    let gone = "127.0.0.1 Logout";
    let mut is_told = false;
    // Far more than the sockets' buffers and the backlog hold.
    for _ in 0..400 {
        speaker.send(text.as_str()).await.unwrap();
        while next(&mut speaker).await != expected {}
        let mut heard = String::new();
        while heard != expected {
            heard = next(&mut hearer).await;
            is_told |= heard == gone;
        }
    }
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < 16 << 10, "grew by {grown} KiB");
    // It was given up: told 1013, if it still reads, and counted out.
    server.wait_for_log(&["\"disconnected\"", "did not answer the close frame"]);
    while !is_told {
        is_told = next(&mut hearer).await == gone;
    }
}

#[tokio::test]
async fn a_peer_that_does_not_read_its_echoes_is_not_read_from() {
    let server = Server::start(&["--workers", "1"]);
    let mut stuck = server.open();
    stuck.write_all(OPEN_CHAT.replace("/chat", "/echo").as_bytes()).unwrap();
    server.wait_for_log(&["\"connected\""]);
    let before = server.resident_kib();
    stuck.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut frame = vec![0x82, 0xFE, 0xFF, 0xFF, 0, 0, 0, 0];
    frame.resize(8 + 0xFFFF, 0);
    // Until no more is taken: 64 MiB would be far beyond every bound.
    let taken = (0..1_000).take_while(|_| stuck.write_all(&frame).is_ok()).count();
    assert!(taken < 1_000, "everything was read");
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < 16 << 10, "grew by {grown} KiB");
    let mut other = server.connect("/echo").await;
    other.send("still here").await.unwrap();
    assert_eq!(next(&mut other).await, "still here");
}

#[tokio::test]
async fn empty_messages_that_are_not_read_are_bounded_too() {
    let server = Server::start(&["--workers", "1"]);
    // A small window, so that little hides in the system's own buffers.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let stuck = socket.connect(server.host().parse().unwrap()).await.unwrap();
    let mut stuck = stuck.into_std().unwrap();
    stuck.set_nonblocking(false).unwrap();
    stuck.write_all(OPEN_CHAT.replace("/chat", "/echo").as_bytes()).unwrap();
    server.wait_for_log(&["\"connected\""]);
    let before = server.resident_kib();
    stuck.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let frames = [0x82, 0x80, 0, 0, 0, 0].repeat(10_000);
    let taken = (0..600).take_while(|_| stuck.write_all(&frames).is_ok()).count();
    assert!(taken < 600, "everything was read");
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < 16 << 10, "grew by {grown} KiB");
}

#[tokio::test]
async fn a_peer_that_breaks_the_protocol_is_failed_alone() {
    let server = Server::start(&["--workers", "1"]);
    let mut good = server.connect("/echo").await;
    // An unmasked frame, a reserved opcode, bad UTF-8, a reserved bit, a close of one byte.
    for (frame, code) in [
        (&[0x81, 0x01, b'x'][..], 1002),
        (&[0x83, 0x80, 0, 0, 0, 0], 1002),
        (&[0x81, 0x81, 0, 0, 0, 0, 0xFF], 1007),
        (&[0xC1, 0x80, 0, 0, 0, 0], 1002),
        (&[0x88, 0x81, 0, 0, 0, 0, 3], 1002),
        (&[0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 1002),
        (&[0x82, 0xFF, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], 1009),
    ] {
        let mut stream = server.open();
        stream.write_all(OPEN_CHAT.replace("/chat", "/echo").as_bytes()).unwrap();
        stream.write_all(frame).unwrap();
        let mut answer = Vec::new();
        std::io::Read::read_to_end(&mut stream, &mut answer).unwrap();
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
        let [0x88, _, high, low, ..] = answer[end..] else { panic!("{:?}", &answer[end..]) };
        assert_eq!(u16::from_be_bytes([high, low]), code, "{frame:x?}");
        good.send("well").await.unwrap();
        assert_eq!(next(&mut good).await, "well");
    }
}

#[tokio::test]
async fn slow_and_silent_connections_are_ended_and_others_are_served_meanwhile() {
    let file = crate::server::folder().join("slow.toml");
    std::fs::write(
        &file,
        "workers = 1\n[[listener]]\naddress = '127.0.0.1:0'\n\
         limits = { handshake_within = '1s' }\n\
         [[route]]\npath = '/echo'\nservice = { kind = 'echo' }\n",
    )
    .unwrap();
    let server = Server::start_as_told(&["--config", file.to_str().unwrap()], 1);
    let mut slow: Vec<_> = (0..200).map(|_| server.open()).collect();
    for stream in &mut slow {
        stream.write_all(b"GET / HTTP").unwrap();
    }
    let mut socket = server.connect("/echo").await;
    socket.send("hi").await.unwrap();
    assert_eq!(next(&mut socket).await, "hi");
    for stream in &mut slow {
        assert!(read_all(stream).starts_with("HTTP/1.1 408 "));
    }
}

#[tokio::test]
async fn a_server_without_descriptors_serves_again_when_there_are_some() {
    let mut command = std::process::Command::new("sh");
    let program = env!("CARGO_BIN_EXE_tieline");
    command.args([
        "-c",
        "ulimit -n 40; exec \"$0\" serve --listen 127.0.0.1:0 --workers 1",
        program,
    ]);
    let server = Server::spawn(&mut command, 1);
    let crowd: Vec<_> = (0..60).map(|_| server.open()).collect();
    server.wait_for_log(&["cannot accept a connection"]);
    drop(crowd);
    let mut socket = server.connect("/counter").await;
    assert_eq!(next(&mut socket).await, r#"{"type":"users","count":1}"#);
    socket.start_close(tieline::CloseCode::NORMAL, "").unwrap();
    assert_eq!(close_code(&mut socket).await, 1000);
}
