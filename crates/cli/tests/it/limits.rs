//! How often, how many and how much, of the running program.

use std::io::{ErrorKind, Read, Write};
use std::time::Instant;

use tieline::{Connect, ConnectError};

use crate::server::{Server, close_code, folder, next, read_all, status};

fn route(limits: &str) -> Server {
    Server::with_routes(&format!(
        "[[route]]\npath = '/'\nservice = {{ kind = 'echo' }}\nlimits = {{ {limits} }}\n"
    ))
}

#[tokio::test]
async fn who_comes_too_often_is_told_when_to_come_back() {
    let server = route("connects_per_address = '3/1h'");
    for _ in 0..3 {
        assert_eq!(status(Connect::to(server.url("/"))).await, 101);
    }
    let Err(ConnectError::Refused(refused)) = Connect::to(server.url("/")).open().await else {
        panic!("it was let in");
    };
    assert_eq!(refused.status.as_u16(), 429);
    let seconds: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=1_200).contains(&seconds), "{seconds}");
    assert!(String::from_utf8_lossy(&refused.body).contains("limits.connects_per_address"));
}

#[test]
fn a_device_that_comes_too_often_is_reset_and_a_backend_is_told() {
    let folder = folder();
    std::fs::write(folder.join("secret"), "backend-secret").unwrap();
    let server = Server::with_routes(&format!(
        "[[route]]\npath = '/'\nlimits = {{ connects_per_address = '2/1h' }}\n[route.service]\n\
         kind = 'gateway'\n[[route.service.app]]\nkey = 'back'\nsecret_file = '{}'\n\
         [[route.service.api]]\ntype = 'notify'\npath = '/notify'\napps = ['back']\n",
        folder.join("secret").display()
    ));
    let upgrade = b"GET /websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let ask = |said: &[u8]| {
        let mut stream = server.open();
        stream.write_all(said).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).map(|()| String::from_utf8_lossy(&answer[9..]).into_owned())
    };
    for _ in 0..2 {
        assert_eq!(ask(upgrade).unwrap(), "101");
    }
    assert_eq!(ask(upgrade).unwrap_err().kind(), ErrorKind::ConnectionReset);
    let notify = b"POST /notify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(ask(notify).unwrap(), "429");
    // On a connection that was handed over there is no answer either.
    let twice = [&b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"[..], upgrade].concat();
    let mut stream = server.open();
    stream.write_all(&twice).unwrap();
    let answer = read_all(&mut stream);
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

#[tokio::test]
async fn a_place_is_free_again_when_its_line_is_gone() {
    let server = route("lines_per_address = 2");
    let first = server.connect("/").await;
    let mut second = server.connect("/").await;
    assert_eq!(status(Connect::to(server.url("/"))).await, 429);
    second.close(tieline::CloseCode::NORMAL, "").await.unwrap();
    server.wait_for_log(&["disconnected"]);
    assert_eq!(status(Connect::to(server.url("/"))).await, 101);
    drop(first);
}

#[tokio::test]
async fn who_says_too_much_is_heard_later_and_nothing_is_lost() {
    let server = route("messages = '20/1s'");
    let mut socket = server.connect("/").await;
    let began = Instant::now();
    for number in 0..30 {
        socket.send(number.to_string()).await.unwrap();
    }
    for number in 0..30 {
        assert_eq!(next(&mut socket).await, number.to_string());
    }
    // The first twenty at once, the ten that come then in half a second, less one step of it.
    assert!(began.elapsed().as_millis() >= 450, "{:?}", began.elapsed());
}

#[tokio::test]
async fn who_says_too_much_is_closed_with_1008_where_that_is_wanted() {
    let server = route("bytes = '100/1h', excess = 'close'");
    let mut socket = server.connect("/").await;
    socket.send("x".repeat(60)).await.unwrap();
    assert_eq!(next(&mut socket).await.len(), 60);
    socket.send("x".repeat(60)).await.unwrap();
    assert_eq!(close_code(&mut socket).await, 1008);
    let reason = socket.closed().unwrap().reason().to_owned();
    assert_eq!(reason, "more than 100/3600s (setting limits.bytes)");
}

#[tokio::test]
async fn what_lines_of_one_address_say_counts_together_and_another_line_wins_nothing() {
    let server = route("messages_per_address = '3/1h', excess = 'close'");
    let mut lines = [server.connect("/").await, server.connect("/").await];
    for line in [0, 1, 0] {
        lines[line].send("hello").await.unwrap();
        assert_eq!(next(&mut lines[line]).await, "hello");
    }
    lines[1].send("too much").await.unwrap();
    assert_eq!(close_code(&mut lines[1]).await, 1008);
    let mut third = server.connect("/").await;
    third.send("still too much").await.unwrap();
    assert_eq!(close_code(&mut third).await, 1008);
}
