//! Tokens: wrong ones, and fresh ones for every line.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tieline::ConnectError;
use tieline::client::{Advice, Error, State};
use tieline::http::StatusCode;
use tieline::reconnect::Why;

use super::server::{Server, folder, to};
use super::wire::Wire;

const TOKEN: &str = "alice-0123456789";

/// Of the same user, with no rights.
const LESS: &str = "alice-9876543210";

async fn guarded() -> Server {
    let tokens = folder().join("tokens");
    std::fs::write(&tokens, format!("alice {TOKEN} publish:chat:*\nalice {LESS}\n")).unwrap();
    let config = format!(
        "[namespace.chat]\n[[route]]\npath = '/tieline'\nservice = {{ kind = 'channels' }}\n\
         access = {{ kind = 'token', file = '{}' }}\n",
        tokens.display()
    );
    Server::with(&config, "127.0.0.1:0").await
}

#[tokio::test]
async fn a_wrong_token_is_refused_at_once_and_for_good() {
    let server = guarded().await;
    for client in [to(server.address), to(server.address).token("bob-bob-0123456789")] {
        let error = client.connect().await.unwrap_err();
        assert_eq!(error.advice(), Advice::GiveUp);
        let Error::Line(why) = &error else { panic!("{error:?}") };
        let Why::Connect(ConnectError::Refused(refused)) = &**why else { panic!("{why:?}") };
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    }
    // In the background it ends as well, and says so to whoever waits.
    let client = to(server.address).token("bob-bob-0123456789").start();
    let error = client.publish("chat:lobby", &1).await.unwrap_err();
    assert!(matches!(error, Error::Line(_)), "{error:?}");
    assert!(matches!(client.state(), State::Ended(_)));
}

#[tokio::test]
async fn a_fresh_token_is_asked_for_with_every_line() {
    let server = guarded().await;
    let wire = Wire::to(server.address).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let client = to(wire.address).token_from(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        async { Ok(TOKEN.to_owned()) }
    });
    let mut client = client.connect().await.unwrap();
    let State::Connected { user, .. } = client.state() else { panic!("it is connected") };
    assert_eq!(user.as_deref(), Some("alice"));
    client.publish("chat:lobby", &1).await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    wire.cut();
    while !matches!(client.state_changed().await, State::Away { .. }) {}
    wire.mend();
    client.publish("chat:lobby", &2).await.unwrap();
    assert!(asked.load(Ordering::Relaxed) >= 2);
}

#[tokio::test]
async fn a_newer_token_is_shown_on_the_line_there_is() {
    let server = guarded().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let client = to(server.address).token_from(move || {
        let token = [LESS, TOKEN][counted.fetch_add(1, Ordering::Relaxed)];
        async { Ok(token.to_owned()) }
    });
    let client = client.connect().await.unwrap();
    let refused = client.publish("chat:lobby", &1).await.unwrap_err();
    assert!(matches!(&refused, Error::Fault(fault) if fault.code == 4004), "{refused:?}");
    assert_eq!(client.refresh().await.unwrap(), None, "tokens in a file do not end");
    client.publish("chat:lobby", &1).await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 2);

    let other = to(server.address).token(LESS).connect().await.unwrap();
    other.refresh().await.unwrap();
    assert!(other.publish("chat:lobby", &1).await.is_err(), "the same token gives no more");
}
