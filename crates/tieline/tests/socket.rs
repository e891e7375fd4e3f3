//! Messages, pings and the two halves of an open line.

mod line;

use futures_util::{SinkExt, StreamExt};
use line::*;
use tieline::{
    Agreement, Error, Limits, Lost, Message, ReadyState, Received, UsageError, WebSocket,
};
use tokio::io::{AsyncReadExt, DuplexStream};
use tokio::time::Instant;

#[tokio::test]
async fn messages_go_both_ways() {
    let (mut client, mut server) = pair();
    let big = vec![0xA5; 1 << 20];
    let messages =
        [Message::from(""), Message::from("adiós"), Message::from(vec![0, 1]), big.into()];
    let echo = async move {
        while let Some(message) = server.next().await {
            server.send(message.unwrap()).await.unwrap();
        }
    };
    let talk = async move {
        for message in messages {
            client.send(message.clone()).await.unwrap();
            assert_eq!(client.next().await.unwrap().unwrap(), message);
        }
        client.close(tieline::CloseCode::NORMAL, "").await.unwrap();
        assert_eq!(client.ready_state(), ReadyState::Closed);
    };
    tokio::join!(echo, talk);
}

#[tokio::test]
async fn a_line_says_what_was_agreed() {
    let agreement = Agreement { protocol: Some("chat".into()), ..Agreement::default() };
    let (client, server) = pair_with(&agreement, ROOM);
    let client = client.with_url("ws://example.com/chat");
    assert_eq!((client.url(), client.protocol()), ("ws://example.com/chat", "chat"));
    assert_eq!((server.url(), server.extensions()), ("", ""));
    assert_eq!((client.ready_state(), client.ready_state() as u8), (ReadyState::Open, 1));
    assert_eq!((client.buffered_amount(), client.closed()), (0, None));
}

#[tokio::test]
async fn bytes_that_came_with_the_handshake_are_read_first() {
    let (near, _far) = tokio::io::duplex(ROOM);
    let early = masked(0x81, b"early");
    let mut server = WebSocket::server(near, &Agreement::default(), quiet(), &early);
    assert_eq!(text(&mut server).await, "early");
}

#[tokio::test]
async fn every_ping_is_answered_in_order_without_being_asked() {
    let (mut server, mut peer) = server_and_bytes(quiet(), ROOM);
    say(&mut peer, [masked(0x89, b"one"), masked(0x89, b"two"), masked(0x81, b"!")].concat()).await;
    assert_eq!(text(&mut server).await, "!");
    assert!(once(server.next()).await.is_none(), "nothing more came");
    expect(&mut peer, b"\x8A\x03one\x8A\x03two").await;
}

#[tokio::test]
async fn what_is_fed_leaves_before_next_waits() {
    let (mut server, mut peer) = server_and_bytes(quiet(), ROOM);
    server.feed(Message::from("a")).await.unwrap();
    server.feed(Message::from("b")).await.unwrap();
    assert_eq!(server.buffered_amount(), 6);
    assert!(once(server.next()).await.is_none());
    assert_eq!(server.buffered_amount(), 0);
    expect(&mut peer, b"\x81\x01a\x81\x01b").await;
}

#[tokio::test]
async fn a_ping_can_be_sent() {
    let (mut server, mut peer) = server_and_bytes(quiet(), ROOM);
    server.ping(b"?").await.unwrap();
    expect(&mut peer, b"\x89\x01?").await;
    assert!(matches!(server.ping(&[0; 126]).await, Err(Error::Usage(_))));
}

#[tokio::test]
async fn receive_tells_pings_and_pongs_between_the_messages() {
    let (mut server, mut peer) = server_and_bytes(quiet(), ROOM);
    say(&mut peer, [masked(0x89, b"?"), masked(0x81, b"!"), masked(0x8A, b"here")].concat()).await;
    for expected in [
        Received::Ping("?".into()),
        Received::Message(Message::from("!")),
        Received::Pong("here".into()),
    ] {
        assert_eq!(server.receive().await.unwrap().unwrap(), expected);
    }
    assert!(once(server.receive()).await.is_none(), "nothing more came");
    expect(&mut peer, b"\x8A\x01?").await;

    let (_sender, mut receiver) = server.split();
    say(&mut peer, masked(0x8A, b"still here")).await;
    let received = receiver.receive().await.unwrap().unwrap();
    assert_eq!(received, Received::Pong("still here".into()));
    drop(peer);
    assert!(matches!(receiver.receive().await, Some(Err(Error::Lost { .. }))));
    assert!(receiver.receive().await.is_none());
}

#[tokio::test]
async fn a_ping_that_waits_is_replaced_and_leaves_with_the_next_message() {
    let (mut server, mut peer) = server_and_bytes(quiet(), ROOM);
    server.start_ping(b"1").unwrap();
    server.start_ping(b"2").unwrap();
    server.send("a").await.unwrap();
    expect(&mut peer, b"\x89\x012\x81\x01a").await;
    assert_eq!(server.start_ping(&[0; 126]), Err(UsageError::ControlTooLong(126)));
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_pinged_and_then_lost() {
    let (mut server, mut peer) = server_and_bytes(Limits::default(), ROOM);
    let start = Instant::now();
    let lost = server.next().await.unwrap().unwrap_err();
    assert!(matches!(lost, Error::Lost { why: Lost::PongTimeout, .. }), "{lost:?}");
    assert_eq!(start.elapsed().as_secs(), 35);
    assert!(server.next().await.is_none(), "it is told once");
    assert_eq!(server.closed().unwrap().code().get(), 1006);
    expect(&mut peer, b"\x89\x00").await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_pings_stays() {
    let (mut client, mut server) = pair();
    let reading = tokio::spawn(async move { client.next().await.map(|message| message.is_ok()) });
    let minutes = tokio::time::timeout(seconds(600), server.next()).await;
    assert!(minutes.is_err(), "neither end was lost");
    assert!(!reading.is_finished());
}

#[tokio::test(start_paused = true)]
async fn any_sign_of_life_puts_the_ping_off() {
    let (mut server, mut peer) = server_and_bytes(Limits::default(), ROOM);
    for _ in 0..3 {
        let twenty = tokio::time::timeout(seconds(20), server.next());
        assert!(twenty.await.is_err());
        say(&mut peer, masked(0x81, b"alive")).await;
        assert_eq!(text(&mut server).await, "alive");
    }
    assert!(once(peer.read_u8()).await.is_none(), "nothing was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_task_reads_while_another_sends() {
    let (client, mut server) = pair_with(&Agreement::default(), 100);
    let (mut sender, mut receiver) = client.split();
    let echo = tokio::spawn(async move {
        while let Some(Ok(message)) = server.next().await {
            server.send(message).await.unwrap();
        }
    });
    let sending = tokio::spawn(async move {
        for number in 0..1_000 {
            sender.send(format!("message {number}")).await.unwrap();
        }
        sender.close(tieline::CloseCode::NORMAL, "done").await.unwrap();
        sender
    });
    let mut received = 0;
    while let Some(message) = receiver.next().await {
        assert_eq!(message.unwrap().text(), Some(format!("message {received}").as_str()));
        received += 1;
    }
    assert_eq!(received, 1_000);
    let sender = sending.await.unwrap();
    assert_eq!(sender.reunite(receiver).unwrap().ready_state(), ReadyState::Closed);
    echo.await.unwrap();
}

#[tokio::test]
async fn a_sender_that_waits_is_woken_when_the_receiver_makes_room() {
    let (client, mut peer) = client_and_bytes(quiet(), 100);
    let (mut sender, mut receiver) = client.split();
    let sending = tokio::spawn(async move { sender.send("x".repeat(500)).await });
    let reading = tokio::spawn(async move { receiver.next().await });
    let mut all = vec![0; 508];
    peer.read_exact(&mut all).await.unwrap();
    sending.await.unwrap().unwrap();
    drop(peer);
    assert!(matches!(reading.await.unwrap(), Some(Err(Error::Lost { why: Lost::Eof, .. }))));
}

#[tokio::test]
async fn a_sender_learns_that_the_line_closed() {
    let (client, mut server) = pair();
    let (mut sender, mut receiver) = client.split();
    let closing =
        tokio::spawn(async move { server.close(tieline::CloseCode::new(4_000), "").await });
    assert!(receiver.next().await.is_none());
    closing.await.unwrap().unwrap();
    assert!(matches!(sender.send("late").await, Err(Error::Usage(_))));
    assert_eq!(sender.closed().unwrap().code().get(), 4_000);
}

#[tokio::test]
async fn a_sender_without_its_receiver_closes_alone() {
    let (client, mut server) = pair();
    let (mut sender, receiver) = client.split();
    drop(receiver);
    let serving = tokio::spawn(async move { server.next().await.is_none() });
    sender.close(tieline::CloseCode::NORMAL, "").await.unwrap();
    assert!(serving.await.unwrap());
    assert!(sender.closed().unwrap().was_clean());
}

#[tokio::test]
async fn halves_of_different_lines_are_given_back() {
    let ((one, _a), (two, _b)) = (pair(), pair());
    let ((sender, _), (_, receiver)) = (one.split(), two.split());
    let error = sender.reunite(receiver).unwrap_err();
    assert_eq!(error.0.ready_state(), ReadyState::Open);
}

#[tokio::test]
async fn a_line_is_a_stream_and_a_sink() {
    let (client, server) = pair();
    let (sink, stream) = StreamExt::split(server);
    let echo = tokio::spawn(stream.forward(sink));
    let (mut sender, receiver) = client.split();
    sender
        .send_all(&mut futures_util::stream::iter(["a", "b"].map(|text| Ok(text.into()))))
        .await
        .unwrap();
    let texts: Vec<_> = receiver.take(2).map(|message| message.unwrap()).collect().await;
    assert_eq!(texts, ["a".into(), "b".into()]);
    drop(sender);
    assert!(echo.await.unwrap().is_err(), "the client was dropped without a close");
}

#[tokio::test(flavor = "current_thread")]
async fn a_busy_peer_leaves_the_thread_to_others() {
    let mut socket =
        WebSocket::server(Busy(masked(0x81, b"me!")), &Agreement::default(), quiet(), &[]);
    let reading = tokio::spawn(async move { while socket.next().await.is_some() {} });
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    assert!(!reading.is_finished());
    reading.abort();
}

#[test]
fn sockets_and_halves_can_move_between_threads() {
    fn is_send<T: Send>() {}
    is_send::<Socket>();
    is_send::<tieline::Sender<DuplexStream>>();
    is_send::<tieline::Receiver<DuplexStream>>();
}
