//! What becomes of peers that are slow or silent?

use std::time::{Duration, Instant};

use tieline::serve;
use tieline::{CloseCode, Closed, Limits};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::raw::*;
use crate::served::*;

const MOMENT: Duration = Duration::from_millis(300);

/// A server that tells how its links ended.
fn ending(limits: Limits) -> (Served, UnboundedReceiver<Closed>) {
    let (tell, told) = unbounded_channel();
    let server = served_with(within(limits), move || {
        let tell = tell.clone();
        serve::links(
            |_, _| (),
            |(), link, message| match message.text() {
                Some("close") => link.close(CloseCode::NORMAL, ""),
                Some("pongs") => {
                    let trips = link.worker().round_trips();
                    let is_short = trips.sum() < trips.count() as u32 * MOMENT;
                    link.send(format!("{} {is_short}", trips.count()));
                }
                _ => link.send(message),
            },
            move |(), _, how| tell.send(how.clone()).unwrap(),
        )
    });
    (server, told)
}

#[tokio::test]
async fn a_silent_peer_is_pinged_and_one_that_does_not_answer_is_lost() {
    let limits = Limits { ping_after: Some(MOMENT), pong_within: MOMENT, ..Limits::default() };
    let (server, mut told) = ending(limits);
    let began = Instant::now();
    let mut raw = Raw::open(server.address);
    for _ in 0..3 {
        let ping = raw.frame();
        assert_eq!(ping.first, PING);
        raw.say(masked(PONG, ping.payload));
    }
    assert!(began.elapsed() >= 3 * MOMENT);
    raw.say(masked(TEXT, "pongs"));
    raw.expect(TEXT, "3 true");
    assert_eq!(raw.frame().first, PING);
    assert_eq!(heard(&mut told).await, Closed::Lost(tieline::Lost::PongTimeout));
    raw.rest();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_client_of_ours_stays_however_silent() {
    let limits = Limits { ping_after: Some(MOMENT), pong_within: MOMENT, ..Limits::default() };
    let (server, mut told) = ending(limits);
    let mut socket = server.connect("/").await;
    let silence = tokio::time::timeout(5 * MOMENT, socket.next()).await;
    assert!(silence.is_err(), "{silence:?}");
    socket.send("still here").await.unwrap();
    expect(&mut socket, &["still here"]).await;
    told.try_recv().unwrap_err();
}

#[tokio::test]
async fn a_peer_that_does_not_answer_a_close_is_given_up() {
    let (server, mut told) = ending(Limits { close_within: MOMENT, ..Limits::default() });
    let mut raw = Raw::open(server.address);
    raw.say(masked(TEXT, "close"));
    assert_eq!(raw.frame().code(), Some(1000));
    assert_eq!(heard(&mut told).await, Closed::Lost(tieline::Lost::CloseTimeout));
    raw.rest();
}

#[tokio::test]
async fn a_peer_that_answers_a_close_and_stays_is_dropped() {
    let (server, mut told) = ending(Limits { close_within: MOMENT, ..Limits::default() });
    let mut raw = Raw::open(server.address);
    raw.say(masked(CLOSE, b"\x03\xE8"));
    assert_eq!(raw.frame().code(), Some(1000));
    assert!(matches!(heard(&mut told).await, Closed::Cleanly { .. }));
    // Nothing was said that the server would have to wait for.
    assert_eq!(raw.rest(), b"");
}

#[test]
fn a_slow_request_is_answered_408() {
    let (server, _told) = ending(Limits { handshake_within: MOMENT, ..Limits::default() });
    let (mut half, mut silent) = (Raw::connect(server.address), Raw::connect(server.address));
    half.say("GET / HTTP/1.1\r\nHost: lo");
    for raw in [&mut half, &mut silent] {
        let answer = String::from_utf8(raw.rest()).unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("handshake_within"), "{answer}");
    }
}

#[test]
fn a_refused_client_that_stays_is_dropped() {
    let (server, _told) = ending(Limits::default());
    let mut raw = Raw::connect(server.address);
    raw.say("nonsense\r\n\r\n");
    assert!(raw.rest().starts_with(b"HTTP/1.1 400 "));
    // Whatever it says then is thrown away; when it has said enough, nobody listens any more.
    let began = Instant::now();
    while std::io::Write::write_all(&mut raw.0, &[0; 10_000]).is_ok() {
        assert!(began.elapsed() < PATIENCE);
    }
}
