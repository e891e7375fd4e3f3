//! Lines that an axum server opens, over TCP.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use axum::Router;
use axum::response::Response;
use axum::routing::{any, get};
use tieline::axum::Upgrade;
use tieline::http::StatusCode;
use tieline::{CloseCode, Connect, ConnectError, Deflate, Error, Limits, Message, Origins};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Serves the routes of these tests, and answers the address.
async fn serve() -> String {
    let app = Router::new()
        .route("/", get(|| async { "a page" }))
        .route("/echo", any(|upgrade: Upgrade| async { echo(upgrade) }))
        .route("/chat", any(|upgrade: Upgrade| async { echo(upgrade.protocols(["v2", "v1"])) }))
        .route("/small", any(small))
        .route("/anybody", any(anybody));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address.to_string()
}

fn echo(upgrade: Upgrade) -> Response {
    upgrade.on_upgrade(|mut socket| async move {
        while let Some(Ok(message)) = socket.next().await {
            socket.send(message).await.unwrap();
        }
    })
}

async fn small(upgrade: Upgrade) -> Response {
    let limits = Limits { max_message_bytes: 10, ..Limits::default() };
    echo(upgrade.limits(limits).deflate(Deflate::default()))
}

async fn anybody(upgrade: Upgrade) -> Response {
    assert!(upgrade.asked().origin().is_some());
    let mut response = echo(upgrade.origins(Origins::DangerAny));
    response.headers_mut().insert("x-more", "yes".parse().unwrap());
    response
}

/// Asks for this over a bare line, and answers the head.
async fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_handler_opens_a_line_beside_ordinary_pages() {
    let address = serve().await;
    let mut socket = tieline::connect(&format!("ws://{address}/echo")).await.unwrap();
    for message in [Message::from("hello"), Message::from(vec![7; 100_000])] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    socket.close(CloseCode::NORMAL, "").await.unwrap();
    assert!(socket.closed().unwrap().was_clean());
    assert!(ask(&address, "GET /").await.ends_with("a page"));
}

#[tokio::test]
async fn the_preferred_subprotocol_is_chosen() {
    let address = serve().await;
    let ask = Connect::to(format!("ws://{address}/chat")).subprotocol("v1").subprotocol("v2");
    assert_eq!(ask.open().await.unwrap().protocol(), "v2");
}

#[tokio::test]
async fn limits_and_compression_are_the_handlers() {
    let address = serve().await;
    let ask = Connect::to(format!("ws://{address}/small")).deflate(Deflate::default());
    let mut socket = ask.open().await.unwrap();
    assert_eq!(socket.extensions(), "permessage-deflate");
    socket.send("x".repeat(11)).await.unwrap();
    assert!(socket.next().await.is_none());
    assert_eq!(socket.closed().unwrap().code(), CloseCode::TOO_BIG);
    assert!(matches!(socket.send("late").await, Err(Error::Usage(_))));
}

#[tokio::test]
async fn a_foreign_page_gets_403_unless_the_handler_lets_it_in() {
    let address = serve().await;
    let foreign = |path| Connect::to(format!("ws://{address}{path}")).origin("https://a.test");
    let ConnectError::Refused(refused) = foreign("/echo").open().await.unwrap_err() else {
        panic!("an answer other than 101")
    };
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    foreign("/anybody").open().await.unwrap();
    let same = Connect::to(format!("ws://{address}/echo")).origin(format!("http://{address}"));
    same.open().await.unwrap();
}

#[tokio::test]
async fn what_is_no_upgrade_is_rejected_with_its_status() {
    let address = serve().await;
    let answer = ask(&address, "GET /echo").await;
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    assert!(answer.to_lowercase().contains("upgrade: websocket"), "{answer}");
    let half = "GET /echo HTTP/1.1\r\nUpgrade: websocket\r\nX: ";
    assert!(ask(&address, half).await.starts_with("HTTP/1.1 400 "));
}
