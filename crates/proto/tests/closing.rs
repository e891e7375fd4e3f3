//! RFC 6455 §5.5.1, §7.1 and §7.4: the closing handshake from both sides, and its codes.

mod script;

use std::time::Duration;

use script::{End, Pair, Seen, closed, frame, text};
use tieline_proto::connection::State;
use tieline_proto::handshake::Agreement;
use tieline_proto::{CloseCode, Closed, Lost, MessageKind, ProtocolError, UsageError};

fn pair() -> Pair {
    Pair::new(&Agreement::default(), &Agreement::default())
}

#[test]
fn the_code_and_the_reason_cross_from_either_side() {
    let mut line = pair();
    line.client.close(CloseCode::new(4001), "done");
    let (by_client, by_server) = line.run();
    assert_eq!(by_server, [closed(CloseCode::new(4001), "done")]);
    assert_eq!(by_client, [closed(CloseCode::new(4001), "")], "the answer echoes the code");

    let mut line = pair();
    line.server.close(CloseCode::GOING_AWAY, "");
    let (by_client, by_server) = line.run();
    assert_eq!(by_client, [closed(CloseCode::GOING_AWAY, "")]);
    assert_eq!(by_server, [closed(CloseCode::GOING_AWAY, "")]);
}

#[test]
fn a_close_without_a_code_is_answered_without_one() {
    let mut server = End::server();
    assert_eq!(server.receive(&frame(0x88, b"")), [closed(CloseCode::NO_STATUS, "")]);
    assert_eq!(server.take_output(), [0x88, 0x00]);
}

#[test]
fn closes_that_cross_on_the_way_are_both_clean() {
    let mut line = pair();
    line.client.close(CloseCode::NORMAL, "c");
    line.server.close(CloseCode::GOING_AWAY, "s");
    let (by_client, by_server) = line.run();
    assert_eq!(by_client, [closed(CloseCode::GOING_AWAY, "s")]);
    assert_eq!(by_server, [closed(CloseCode::NORMAL, "c")]);
}

#[test]
fn messages_still_arrive_until_the_peer_answers_the_close() {
    let mut line = pair();
    line.server.send(MessageKind::Text, "last words");
    line.client.close(CloseCode::NORMAL, "");
    let (by_client, _) = line.run();
    assert_eq!(by_client, [text("last words"), closed(CloseCode::NORMAL, "")]);
}

#[test]
fn nothing_is_sent_after_the_close_frame() {
    let mut server = End::server();
    server.close(CloseCode::NORMAL, "");
    server.take_output();
    let outgoing = server.connection.outgoing();
    let refused = outgoing.send(MessageKind::Text, b"late", &mut Vec::new());
    assert_eq!(refused, Err(UsageError::Closed));
    assert_eq!(outgoing.ping(b""), Err(UsageError::Closed));
    server.receive(&frame(0x89, b"late ping"));
    assert_eq!(server.take_output(), [], "a ping is not answered after the close frame");
}

#[test]
fn a_close_frame_with_a_bad_payload_fails_with_its_code() {
    let bad_code = |code: u16| frame(0x88, &code.to_be_bytes());
    for wire in [bad_code(0), bad_code(999), bad_code(1005), bad_code(5000), frame(0x88, b"x")] {
        End::server().expect_failed_with(&wire, ProtocolError::InvalidClosePayload, 1002);
    }
    let reason = frame(0x88, b"\x03\xE8\xFF");
    End::server().expect_failed_with(&reason, ProtocolError::InvalidUtf8, 1007);
}

#[test]
fn a_peer_that_never_answers_is_lost_within_the_limit() {
    let mut server = End::server();
    server.close(CloseCode::NORMAL, "");
    assert_eq!(server.wait(Duration::from_millis(4_999)), None);
    let lost = server.wait(Duration::from_millis(1)).unwrap();
    assert_eq!(lost, Closed::Lost(Lost::CloseTimeout));
    assert_eq!((lost.code(), lost.was_clean()), (CloseCode::ABNORMAL, false));
    assert_eq!(server.wait(Duration::from_secs(60)), None, "it is lost once");
}

#[test]
fn a_transport_that_ends_without_a_close_is_1006() {
    let mut server = End::server();
    let now = server.now;
    let lost = server.connection.receive_eof(now).unwrap();
    assert_eq!(lost, Closed::Lost(Lost::Eof));
    assert_eq!(server.connection.receive_eof(now), None);

    let mut server = End::server();
    server.receive(&frame(0x88, b""));
    assert_eq!(server.connection.receive_eof(now), None, "after a clean close it says nothing");
    assert!(matches!(server.connection.state(), State::Closed { .. }));
}

#[test]
fn what_follows_a_close_frame_is_not_read() {
    let wire = [frame(0x88, b""), frame(0x81, b"late"), vec![0xFF; 40]].concat();
    let seen: Vec<Seen> = End::server().receive(&wire);
    assert_eq!(seen, [closed(CloseCode::NO_STATUS, "")]);
}
