//! A client that comes back, and one that stays away.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::time::Duration;

use futures_util::SinkExt;
use tieline::http::StatusCode;
use tieline::reconnect::{Event, Reconnect, Reconnecting, SendError, Why};
use tieline::{AcceptOptions, Answer, CloseCode, Connect, ConnectError, Error, Refusal};
use tokio::net::TcpListener;

use crate::server::{answering, echo_on, listen, text};

mod server;

/// So short that nobody has to wait.
fn soon() -> Reconnect {
    Reconnect { base: Duration::from_millis(1), ..Reconnect::default() }
}

/// Takes one connection, says something, and closes with this code.
async fn close_next(listener: &TcpListener, code: CloseCode) {
    let mut socket = tieline::accept(listener.accept().await.unwrap().0).await.unwrap();
    socket.send("hello").await.unwrap();
    socket.close(code, "bye").await.unwrap();
}

async fn expect_connected(client: &mut Reconnecting) {
    let event = client.next().await;
    assert!(matches!(event, Some(Event::Connected)), "{event:?}");
}

async fn expect_disconnected(client: &mut Reconnecting) -> (Why, Option<Duration>) {
    match client.next().await {
        Some(Event::Disconnected { why, retry_in }) => (why, retry_in),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn comes_back_until_the_server_is_done() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        close_next(&listener, CloseCode::RESTART).await;
        // A line that is lost, and one that does not open.
        drop(tieline::accept(listener.accept().await.unwrap().0).await.unwrap());
        drop(listener.accept().await.unwrap());
        close_next(&listener, CloseCode::NORMAL).await;
    });
    let mut client = Reconnecting::new(Connect::to(format!("ws://{address}")), soon());
    let sent = client.send("too early").await;
    assert!(matches!(sent, Err(SendError::NotConnected)));

    expect_connected(&mut client).await;
    assert!(
        matches!(client.next().await, Some(Event::Message(hello)) if hello.text() == Some("hello"))
    );
    let (why, retry_in) = expect_disconnected(&mut client).await;
    assert_eq!(why.to_string(), "closed with 1012 (service restart): bye");
    assert!(retry_in.unwrap() <= Duration::from_millis(1));
    assert!(matches!(client.send("too late").await, Err(SendError::NotConnected)));

    expect_connected(&mut client).await;
    let (why, _) = expect_disconnected(&mut client).await;
    assert!(matches!(why, Why::Line(Error::Lost { .. })), "{why:?}");
    let (why, _) = expect_disconnected(&mut client).await;
    assert!(matches!(why, Why::Connect(ConnectError::Io(_))), "{why:?}");

    expect_connected(&mut client).await;
    assert!(matches!(client.next().await, Some(Event::Message(_))));
    assert_eq!(expect_disconnected(&mut client).await.1, None);
    assert!(client.next().await.is_none());
}

#[tokio::test]
async fn the_request_is_made_anew_each_time() {
    let (listener, address) = listen().await;
    let server = tokio::spawn(async move {
        let (mut tokens, options) = (Vec::new(), AcceptOptions::default());
        for _ in 0..2 {
            let stream = listener.accept().await.unwrap().0;
            let accepted = tieline::accept_with(stream, &options, |request| {
                tokens.push(request.header("authorization").unwrap().to_owned());
                match tokens.len() {
                    1 => Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "")),
                    _ => Ok(Answer::default()),
                }
            });
            if let Ok(mut socket) = accepted.await {
                echo_on(&mut socket).await;
            }
        }
        tokens
    });
    let mut attempt = 0;
    let request = Connect::to(format!("ws://{address}"));
    let mut client = Reconnecting::new(request, soon()).before_each(move |request| {
        attempt += 1;
        async move {
            match attempt {
                1 => Err("no token yet".into()),
                _ => Ok(request.header("Authorization", attempt.to_string())),
            }
        }
    });
    let (why, _) = expect_disconnected(&mut client).await;
    assert!(matches!(why, Why::Connect(ConnectError::Prepare(_))), "{why:?}");
    let (why, _) = expect_disconnected(&mut client).await;
    assert!(matches!(why, Why::Connect(ConnectError::Refused(_))), "{why:?}");
    expect_connected(&mut client).await;
    client.send("hello").await.unwrap();
    assert!(matches!(client.next().await, Some(Event::Message(_))));
    client.close(CloseCode::NORMAL, "").await.unwrap();
    assert!(client.next().await.is_none());
    assert_eq!(server.await.unwrap(), ["2", "3"]);
}

#[tokio::test]
async fn a_refusal_that_will_not_change_ends_it() {
    let (address, _server) = answering("HTTP/1.1 401 \r\nContent-Length: 0\r\n\r\n").await;
    let mut client = Reconnecting::new(Connect::to(format!("ws://{address}")), soon());
    assert_eq!(expect_disconnected(&mut client).await.1, None);
    assert!(client.next().await.is_none());
}

/// Only as long as the options allow: a server cannot keep its clients away for a year.
#[tokio::test]
async fn a_busy_server_is_given_the_time_it_asks_for() {
    let answer = "HTTP/1.1 503 \r\nRetry-After: 31536000\r\nContent-Length: 0\r\n\r\n";
    let (address, _server) = answering(answer).await;
    let mut client = Reconnecting::new(Connect::to(format!("ws://{address}")), soon());
    assert_eq!(expect_disconnected(&mut client).await.1, Some(Duration::from_secs(30)));
}

#[tokio::test]
async fn a_dropped_next_loses_nothing() {
    let (listener, address) = listen().await;
    let server = tokio::spawn(async move {
        let mut socket = tieline::accept(listener.accept().await.unwrap().0).await.unwrap();
        let said = text(&mut socket).await;
        socket.close(CloseCode::NORMAL, "").await.unwrap();
        said
    });
    let mut client = Reconnecting::new(Connect::to(format!("ws://{address}")), soon());
    // Polled once and dropped, again and again: the attempt goes on where it was.
    let event = loop {
        tokio::select! {
            biased;
            event = client.next() => break event,
            () = tokio::task::yield_now() => {}
        }
    };
    assert!(matches!(event, Some(Event::Connected)), "{event:?}");
    client.send("still here").await.unwrap();
    assert_eq!(expect_disconnected(&mut client).await.1, None);
    assert_eq!(server.await.unwrap(), "still here");
}

/// The sink takes what the line takes; what it was given leaves while the next event is waited for.
#[tokio::test]
async fn what_is_fed_leaves_with_the_next_event_and_a_close_gives_the_last_messages() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let mut socket = tieline::accept(listener.accept().await.unwrap().0).await.unwrap();
        for _ in 0..2 {
            let said = text(&mut socket).await;
            socket.send(said).await.unwrap();
        }
        while socket.next().await.is_some() {}
    });
    let mut client = Reconnecting::new(Connect::to(format!("ws://{address}")), soon());
    assert!(matches!(client.feed("too early".into()).await, Err(SendError::NotConnected)));
    assert!(matches!(client.start_ping(b""), Err(SendError::NotConnected)));
    expect_connected(&mut client).await;
    client.start_ping(b"1").unwrap();
    client.feed("one".into()).await.unwrap();
    client.feed("two".into()).await.unwrap();
    assert!(matches!(client.next().await, Some(Event::Pong(payload)) if payload == "1"));
    assert!(matches!(client.next().await, Some(Event::Message(one)) if one.text() == Some("one")));
    assert!(client.start_close(CloseCode::new(1006), "").is_err(), "it is never sent");
    client.start_close(CloseCode::NORMAL, "").unwrap();
    assert!(matches!(client.next().await, Some(Event::Message(two)) if two.text() == Some("two")));
    let (why, retry_in) = expect_disconnected(&mut client).await;
    assert!(matches!(why, Why::Closed { code: CloseCode::NORMAL, .. }), "{why:?}");
    assert_eq!(retry_in, None);
    assert!(client.next().await.is_none());
}

#[tokio::test]
async fn who_closes_while_there_is_no_line_stays_away() {
    let mut client = Reconnecting::new(Connect::to("ws://127.0.0.1:1"), Reconnect::default());
    let (why, retry_in) = expect_disconnected(&mut client).await;
    assert!(matches!(why, Why::Connect(_)) && retry_in.is_some());
    client.start_close(CloseCode::NORMAL, "").unwrap();
    assert!(client.next().await.is_none());
}
