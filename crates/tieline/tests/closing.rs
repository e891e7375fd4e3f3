//! How lines end (RFC 6455 §7), and that everything about it is bounded.

mod line;

use line::*;
use tieline::{
    Agreement, CloseCode, Closed, Dialect, Error, Limits, Lost, Message, ProtocolError, ReadyState,
    UsageError,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

#[tokio::test]
async fn either_end_can_close() {
    for from_client in [true, false] {
        let (client, server) = pair();
        let (mut one, mut other) = if from_client { (client, server) } else { (server, client) };
        let listening = tokio::spawn(async move {
            assert!(other.next().await.is_none());
            assert_eq!(other.ready_state(), ReadyState::Closed);
            other.closed().cloned()
        });
        one.close(CloseCode::new(4_242), "because").await.unwrap();
        let closed = listening.await.unwrap().unwrap();
        assert_eq!(closed, cleanly(CloseCode::new(4_242), "because"));
        assert_eq!(one.closed(), Some(&cleanly(CloseCode::new(4_242), "")));
    }
}

#[tokio::test]
async fn both_ends_may_close_at_once() {
    let (mut client, mut server) = pair();
    let (one, other) =
        tokio::join!(client.close(CloseCode::NORMAL, ""), server.close(CloseCode::GOING_AWAY, ""));
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(client.closed().unwrap().code(), CloseCode::GOING_AWAY);
    assert_eq!(server.closed().unwrap().code(), CloseCode::NORMAL);
}

#[tokio::test]
async fn messages_on_their_way_are_still_given_after_a_close_was_started() {
    let (mut server, mut peer) = server_and_bytes(quiet(), ROOM);
    server.start_close(CloseCode::NORMAL, "").unwrap();
    assert_eq!(server.ready_state(), ReadyState::Closing);
    assert!(matches!(server.send("no more").await, Err(Error::Usage(UsageError::Closed))));
    say(&mut peer, masked(0x81, b"last words")).await;
    say(&mut peer, masked(0x88, close_payload(1000, ""))).await;
    drop(peer);
    assert_eq!(text(&mut server).await, "last words");
    assert!(server.next().await.is_none());
}

#[tokio::test]
async fn a_code_that_must_not_be_sent_leaves_the_line_open() {
    let (mut client, _server) = pair();
    for code in [999, 1004, 1006, 1015, 5000] {
        let error = client.close(CloseCode::new(code), "").await.unwrap_err();
        let Error::Usage(error) = error else { panic!("{error:?}") };
        assert_eq!(error, UsageError::InvalidCloseCode(code));
        assert_eq!(client.ready_state(), ReadyState::Open);
    }
    let long = "x".repeat(124);
    assert!(client.close(CloseCode::NORMAL, &long).await.is_err());
    client.send("still open").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_the_close_ends_as_1006_within_the_limit() {
    let (mut client, _peer) = client_and_bytes(quiet(), ROOM);
    let start = Instant::now();
    let error = client.close(CloseCode::NORMAL, "").await.unwrap_err();
    assert!(matches!(error, Error::Lost { why: Lost::CloseTimeout, .. }), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 5);
    let closed = client.closed().unwrap();
    assert_eq!((closed.code(), closed.was_clean()), (CloseCode::ABNORMAL, false));
    assert!(client.next().await.is_none(), "close has told it");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_ends_within_the_limit_too() {
    let (mut server, _peer) = server_and_bytes(quiet(), 16);
    let start = Instant::now();
    assert!(once(server.send("x".repeat(1_000))).await.is_none());
    assert!(server.close(CloseCode::NORMAL, "").await.is_err());
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn a_peer_that_drops_the_line_ends_as_1006() {
    let (mut server, mut peer) = server_and_bytes(quiet(), ROOM);
    say(&mut peer, [masked(0x81, b"half a mess"), masked(0x01, b"age")].concat()).await;
    drop(peer);
    assert_eq!(text(&mut server).await, "half a mess");
    let error = server.next().await.unwrap().unwrap_err();
    assert_eq!(error.closed(), Some(Closed::Lost(Lost::Eof)));
    assert!(server.next().await.is_none());
    assert_eq!(server.closed().unwrap().code(), CloseCode::ABNORMAL);
    let late = server.send("late").await.unwrap_err();
    assert_eq!(late.closed(), Some(Closed::Lost(Lost::Eof)));
}

#[tokio::test]
async fn a_peer_that_closes_its_half_after_its_close_frame_is_answered() {
    let (mut server, mut peer) = server_and_bytes(quiet(), ROOM);
    say(&mut peer, masked(0x88, close_payload(1001, "bye"))).await;
    peer.shutdown().await.unwrap();
    assert!(server.next().await.is_none());
    assert_eq!(server.closed(), Some(&cleanly(CloseCode::GOING_AWAY, "bye")));
    assert_eq!(expect_close_frame(&mut peer).await, 1001);
    expect_eof(&mut peer).await;
}

#[tokio::test]
async fn what_the_peer_sent_is_read_although_writing_fails() {
    let (near, far) = tokio::io::duplex(ROOM);
    let (mut far_read, far_write) = tokio::io::split(far);
    let (reader, writer) = tokio::io::split(near);
    let broken = tokio::io::join(reader, Broken(writer));
    let mut server = tieline::WebSocket::server(broken, &Agreement::default(), quiet(), &[]);
    let mut far = far_write;
    far.write_all(&masked(0x81, b"last words")).await.unwrap();
    far.write_all(&masked(0x88, close_payload(1000, "done"))).await.unwrap();

    let error = server.send("anybody there?").await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap();
    let source = source.downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(source.kind(), std::io::ErrorKind::BrokenPipe);
    assert_eq!(server.next().await.unwrap().unwrap(), Message::from("last words"));
    assert!(server.next().await.is_none());
    assert_eq!(server.closed(), Some(&cleanly(CloseCode::NORMAL, "done")));
    drop(server);
    assert_eq!(far_read.read(&mut [0; 1]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_peer_that_breaks_the_protocol_is_told_why_and_others_are_untouched() {
    let big = masked(0x82, [0; 2_000]);
    let cases: [(&[u8], u16); 5] = [
        (&[0x83, 0x80, 0, 0, 0, 0], 1002),
        (&[0x81, 0x01, b'x'], 1002),
        (&[0x81, 0x82, 0, 0, 0, 0, 0xC3, 0x28], 1007),
        (&[0x88, 0x81, 0, 0, 0, 0, 0], 1002),
        (&big, 1009),
    ];
    let (mut other, mut other_peer) = server_and_bytes(quiet(), ROOM);
    for (wire, code) in cases {
        let limits = Limits { max_message_bytes: 1_000, ..quiet() };
        let (mut server, mut peer) = server_and_bytes(limits, ROOM);
        say(&mut peer, masked(0x81, b"before")).await;
        say(&mut peer, wire).await;
        say(&mut peer, masked(0x81, b"after")).await;
        assert_eq!(text(&mut server).await, "before");
        let serving = tokio::spawn(async move {
            let error = server.next().await.unwrap().unwrap_err();
            assert!(server.next().await.is_none());
            error
        });
        assert_eq!(expect_close_frame(&mut peer).await, code);
        expect_eof(&mut peer).await;
        drop(peer);
        let Error::Failed(error) = serving.await.unwrap() else { panic!("it failed") };
        assert_eq!(error.close_code().get(), code);
    }
    say(&mut other_peer, masked(0x81, b"untouched")).await;
    assert_eq!(text(&mut other).await, "untouched");
}

#[tokio::test(start_paused = true)]
async fn a_server_reads_on_for_a_while_so_that_its_close_frame_arrives() {
    let (mut server, mut peer) = server_and_bytes(quiet(), ROOM);
    let start = Instant::now();
    say(&mut peer, b"\x83\x80\0\0\0\0").await;
    let serving = tokio::spawn(async move { (server.next().await, start.elapsed(), server) });
    assert_eq!(expect_close_frame(&mut peer).await, 1002);
    expect_eof(&mut peer).await;
    for _ in 0..10 {
        say(&mut peer, [0; 10_000]).await;
    }
    let (end, took, server) = serving.await.unwrap();
    assert!(matches!(end, Some(Err(Error::Failed(ProtocolError::UnknownOpcode(3))))));
    assert_eq!(took.as_secs(), 5, "the peer never left");
    assert_eq!(server.ready_state(), ReadyState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_talks_on_and_on_cannot_put_the_end_off() {
    for wire in [masked(0x81, b"and another thing"), masked(0x83, b"nonsense")] {
        let agreement = Agreement::default();
        let mut server = tieline::WebSocket::server(Busy(wire), &agreement, quiet(), &[]);
        let closing = tokio::spawn(async move {
            server.start_close(CloseCode::NORMAL, "").unwrap();
            loop {
                match server.next().await {
                    Some(Ok(_)) => {}
                    end => return (end, server.ready_state()),
                }
            }
        });
        tokio::task::yield_now().await;
        tokio::time::advance(seconds(6)).await;
        let (end, state) = closing.await.unwrap();
        assert!(matches!(
            end,
            Some(Err(Error::Lost { why: Lost::CloseTimeout, .. } | Error::Failed(_)))
        ));
        assert_eq!(state, ReadyState::Closed);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_there_in_time_counts_though_it_is_looked_at_late() {
    let (mut server, mut peer) = server_and_bytes(quiet(), ROOM);
    server.start_close(CloseCode::NORMAL, "").unwrap();
    say(&mut peer, masked(0x81, b"one more")).await;
    say(&mut peer, masked(0x88, close_payload(1000, "fine"))).await;
    tokio::time::advance(seconds(60)).await;
    assert_eq!(text(&mut server).await, "one more");
    assert!(server.next().await.is_none());
    assert_eq!(server.closed(), Some(&cleanly(CloseCode::NORMAL, "fine")));
}

#[tokio::test(start_paused = true)]
async fn a_client_waits_for_the_server_to_end_the_transport() {
    for leaves in [true, false] {
        let (mut client, mut peer) = client_and_bytes(quiet(), ROOM);
        let start = Instant::now();
        say(&mut peer, b"\x88\x02\x03\xE8").await;
        let closing = tokio::spawn(async move { (client.next().await, start.elapsed()) });
        let mut answer = [0; 8];
        peer.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer[..2], [0x88, 0x82]);
        assert!(once(peer.read_u8()).await.is_none(), "the client has not ended it");
        if leaves {
            peer.shutdown().await.unwrap();
        }
        let (end, took) = closing.await.unwrap();
        assert!(end.is_none(), "a clean close, whoever ends the transport");
        assert_eq!(took.as_secs(), if leaves { 0 } else { 5 });
    }
}

#[tokio::test]
async fn hixie_76_closes_with_its_own_frame() {
    let agreement = Agreement { dialect: Dialect::Hixie76, ..Agreement::default() };
    let (near, mut peer) = tokio::io::duplex(ROOM);
    let mut server = tieline::WebSocket::server(near, &agreement, quiet(), &[]);
    say(&mut peer, b"\x00hi\xFF").await;
    assert_eq!(text(&mut server).await, "hi");
    assert!(matches!(server.send(vec![1]).await, Err(Error::Usage(UsageError::NotInDialect))));
    let closing = tokio::spawn(async move { server.close(CloseCode::NORMAL, "").await });
    expect(&mut peer, b"\xFF\x00").await;
    say(&mut peer, b"\xFF\x00").await;
    expect_eof(&mut peer).await;
    drop(peer);
    closing.await.unwrap().unwrap();
}

#[tokio::test]
async fn hixie_75_has_no_closing_handshake_and_is_over_at_once() {
    let agreement = Agreement { dialect: Dialect::Hixie75, ..Agreement::default() };
    let (near, mut peer) = tokio::io::duplex(ROOM);
    let mut server = tieline::WebSocket::server(near, &agreement, quiet(), &[]);
    server.start_close(CloseCode::NORMAL, "").unwrap();
    assert_eq!(server.closed(), Some(&cleanly(CloseCode::NO_STATUS, "")));
    let closing = tokio::spawn(async move { server.next().await.is_none() });
    expect_eof(&mut peer).await;
    drop(peer);
    assert!(closing.await.unwrap());
}

/// A transport whose peer is gone for writing.
struct Broken<W>(W);

impl<W: Unpin> tokio::io::AsyncWrite for Broken<W> {
    fn poll_write(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::task::Poll::Ready(Err(std::io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}
