//! How often, how many and how much, of the running program.

use std::time::Instant;

use tieline::{Connect, ConnectError};

use crate::server::{Server, close_code, next, status};

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
