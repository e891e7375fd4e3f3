//! Peers that take nothing, or only slowly.

mod line;

use futures_util::SinkExt;
use line::*;
use tieline::{Error, Limits, Lost, Message};
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, timeout};

const HIGH_WATER: usize = 64 << 10;

#[tokio::test(start_paused = true)]
async fn a_slow_peer_makes_send_wait_and_memory_stays_bounded() {
    let (mut server, mut peer) = server_and_bytes(quiet(), 1 << 10);
    let mut fed = 0_usize;
    while once(server.feed(Message::from(vec![0; 996]))).await.is_some() {
        fed += 1;
        assert!(server.buffered_amount() <= HIGH_WATER + 1_000);
        assert!(fed < 100, "feeding never waits");
    }
    assert!(fed >= 64);
    // What the peer takes makes room again.
    let mut taken = vec![0; 10_000];
    let waiting = server.send("more");
    let (_, read) = tokio::join!(timeout(seconds(1), waiting), peer.read_exact(&mut taken));
    read.unwrap();
    assert!(server.buffered_amount() < HIGH_WATER);
}

#[tokio::test]
async fn a_peer_that_pings_and_does_not_read_costs_one_pong() {
    let (mut server, mut peer) = server_and_bytes(quiet(), 1 << 10);
    for _ in 0..10_000 {
        say(&mut peer, masked(0x89, [b'.'; 100])).await;
        assert!(once(server.next()).await.is_none());
        assert!(server.buffered_amount() <= HIGH_WATER + 200);
    }
    say(&mut peer, masked(0x89, b"last")).await;
    say(&mut peer, masked(0x81, b"end of pings")).await;
    assert_eq!(text(&mut server).await, "end of pings");
    let reading = tokio::spawn(async move {
        let mut all = Vec::new();
        peer.read_to_end(&mut all).await.unwrap();
        all
    });
    server.send("bye").await.unwrap();
    drop(server);
    let all = reading.await.unwrap();
    assert!(all.ends_with(b"\x8A\x04last\x81\x03bye"), "the newest ping is answered");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_at_all_is_given_up() {
    let (mut server, mut peer) = server_and_bytes(Limits::default(), 1 << 10);
    let start = Instant::now();
    let error = server.send(vec![0; 10_000]).await.unwrap_err();
    assert!(matches!(error, Error::Lost { why: Lost::Transport, .. }), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 35);
    assert!(server.next().await.is_some_and(|end| end.is_err()));
    peer.read_u8().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_a_little_now_and_then_is_waited_for() {
    let (mut server, mut peer) = server_and_bytes(Limits::default(), 1 << 10);
    let slow = tokio::spawn(async move {
        let mut taken = vec![0; 1 << 10];
        for _ in 0..9 {
            tokio::time::advance(seconds(30)).await;
            peer.read_exact(&mut taken).await.unwrap();
        }
        peer
    });
    server.send(vec![0; 10_000]).await.unwrap();
    slow.await.unwrap();
}
