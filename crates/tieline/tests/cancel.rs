//! Futures that are dropped half-way.

mod line;

use line::*;
use tieline::Agreement;
use tokio::io::AsyncReadExt;

#[tokio::test]
async fn a_dropped_next_loses_nothing_wherever_the_bytes_are_cut() {
    let wire = [
        masked(0x81, b"whole"),
        masked(0x01, b"in "),
        masked(0x89, b"ping"),
        masked(0x80, b"pieces"),
    ]
    .concat();
    for cut in 0..=wire.len() {
        let (mut server, mut peer) = server_and_bytes(quiet(), ROOM);
        let mut texts = Vec::new();
        for piece in [&wire[..cut], &wire[cut..]] {
            say(&mut peer, piece).await;
            while let Some(message) = once(server.next()).await {
                texts.push(message.unwrap().unwrap().text().unwrap().to_owned());
            }
        }
        assert_eq!(texts, ["whole", "in pieces"], "cut at {cut}");
        expect(&mut peer, b"\x8A\x04ping").await;
    }
}

#[tokio::test]
async fn a_dropped_send_has_sent_the_whole_message() {
    let (mut server, mut peer) = server_and_bytes(quiet(), 16);
    assert!(once(server.send("x".repeat(100))).await.is_none(), "the transport is full");
    let reading = tokio::spawn(async move {
        expect(&mut peer, &[&[0x81, 100][..], &[b'x'; 100], b"\x81\x05after"].concat()).await;
    });
    server.send("after").await.unwrap();
    reading.await.unwrap();
}

#[tokio::test]
async fn a_send_dropped_before_there_is_room_has_sent_nothing() {
    let (mut server, mut peer) = server_and_bytes(quiet(), 16);
    let first = vec![7; 100_000];
    assert!(once(server.send(first.clone())).await.is_none());
    let waits = server.buffered_amount();
    assert!(once(server.send("never")).await.is_none(), "the buffer is full");
    assert_eq!(server.buffered_amount(), waits);
    let reading = tokio::spawn(async move {
        let head = [0x82, 127, 0, 0, 0, 0, 0, 1, 0x86, 0xA0];
        expect(&mut peer, &[&head[..], &first, b"\x81\x04then"].concat()).await;
    });
    server.send("then").await.unwrap();
    reading.await.unwrap();
}

#[tokio::test]
async fn a_dropped_close_goes_on_with_the_next_call() {
    let (mut client, mut server) = pair();
    assert!(once(client.close(tieline::CloseCode::NORMAL, "enough")).await.is_none());
    let serving = tokio::spawn(async move {
        assert!(server.next().await.is_none());
        server.closed().cloned()
    });
    assert!(client.next().await.is_none());
    let closed = cleanly(tieline::CloseCode::NORMAL, "enough");
    assert_eq!(serving.await.unwrap(), Some(closed));
}

#[tokio::test]
async fn a_dropped_send_of_a_half_leaves_both_usable() {
    let (client, mut server) = pair_with(&Agreement::default(), 16);
    let (mut sender, mut receiver) = client.split();
    assert!(once(sender.send("x".repeat(100))).await.is_none());
    let serving = tokio::spawn(async move {
        assert_eq!(text(&mut server).await.len(), 100);
        server.send("got it").await.unwrap();
    });
    let answer = receiver.next().await.unwrap().unwrap();
    assert_eq!(answer.text(), Some("got it"));
    serving.await.unwrap();
}

#[tokio::test]
async fn a_dropped_accept_drops_the_line() {
    let (near, mut far) = tokio::io::duplex(ROOM);
    assert!(once(tieline::accept(near)).await.is_none());
    assert_eq!(far.read(&mut [0; 1]).await.unwrap(), 0);
}
