//! Redirects: only where they are allowed, and never with what is secret to somebody else.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::net::SocketAddr;

use tieline::{Connect, ConnectError, RedirectError};

use crate::server::{answering, echo, text};

mod server;

async fn redirecting_to(location: &str) -> SocketAddr {
    let answer = format!("HTTP/1.1 307 \r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
    answering(answer).await.0
}

#[tokio::test]
async fn a_redirect_is_a_refusal_unless_it_is_allowed() {
    let address = redirecting_to("/about").await;
    match Connect::to(format!("ws://{address}")).open().await {
        Err(ConnectError::Refused(refused)) => assert_eq!(refused.headers["location"], "/about"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_secret_does_not_follow_to_another_origin() {
    let there = echo().await;
    let here = redirecting_to(&format!("http://{there}/about")).await;
    let request = Connect::to(format!("ws://me:secret@{here}")).header("Cookie", "a=b");
    let request = request.header("Authorization", "Bearer secret").redirects(1);
    let mut socket = request.open().await.unwrap();
    assert_eq!(text(&mut socket).await, format!("/about {there} - -"));
    assert_eq!(socket.url(), format!("ws://{there}/about"));
}

#[tokio::test]
async fn there_is_an_end_to_them() {
    let second = redirecting_to("ws://127.0.0.1:1/").await;
    let first = redirecting_to(&format!("ws://{second}/")).await;
    let error = Connect::to(format!("ws://{first}")).redirects(1).open().await.unwrap_err();
    let ConnectError::Redirect(RedirectError::TooMany { limit: 1 }) = error else {
        panic!("{error:?}")
    };
}

#[tokio::test]
async fn a_redirect_to_nowhere_is_told() {
    for (answer, expected) in [
        ("HTTP/1.1 302 \r\nContent-Length: 0\r\n\r\n", RedirectError::Missing.to_string()),
        (
            "HTTP/1.1 302 \r\nLocation: mailto:a@b\r\nContent-Length: 0\r\n\r\n",
            "its location is wrong: scheme `mailto` is neither `ws` nor `wss`: write `ws://…`"
                .into(),
        ),
    ] {
        let (address, _server) = answering(answer).await;
        match Connect::to(format!("ws://{address}")).redirects(3).open().await {
            Err(ConnectError::Redirect(error)) => assert_eq!(error.to_string(), expected),
            other => panic!("{other:?}"),
        }
    }
}
