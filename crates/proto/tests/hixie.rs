//! The drafts hixie-75 and hixie-76: text, skipped frames, and their own way to close.

mod script;

use std::time::Duration;

use script::{End, Pair, closed, text};
use tieline_proto::connection::State;
use tieline_proto::handshake::{Agreement, Dialect};
use tieline_proto::{CloseCode, Limits, MessageKind, ProtocolError, Role, UsageError};

fn server(dialect: Dialect) -> End {
    End::with(Role::Server, &agreement(dialect), Limits::default())
}

fn agreement(dialect: Dialect) -> Agreement {
    Agreement { dialect, ..Agreement::default() }
}

#[test]
fn texts_cross_unmasked_between_00_and_ff() {
    for dialect in [Dialect::Hixie75, Dialect::Hixie76] {
        let mut server = server(dialect);
        assert_eq!(server.receive(b"\x00H\xC3\xA9\xFF\x00\xFF"), [text("Hé"), text("")]);
        server.send(MessageKind::Text, "Hé");
        assert_eq!(server.take_output(), b"\x00H\xC3\xA9\xFF");
    }
}

#[test]
fn hixie_76_closes_with_ff_00_from_either_side() {
    let agreed = agreement(Dialect::Hixie76);
    let mut line = Pair::new(&agreed, &agreed);
    line.client.close(CloseCode::NORMAL, "not on this wire");
    let (by_client, by_server) = line.run();
    assert_eq!(by_client, [closed(CloseCode::NO_STATUS, "")]);
    assert_eq!(by_server, [closed(CloseCode::NO_STATUS, "")]);

    let mut server = server(Dialect::Hixie76);
    server.close(CloseCode::GOING_AWAY, "");
    assert_eq!(server.take_output(), [0xFF, 0x00]);
}

#[test]
fn hixie_75_ignores_ff_00_and_ends_with_the_transport() {
    let mut server = server(Dialect::Hixie75);
    assert_eq!(server.receive(b"\xFF\x00\x00still here\xFF"), [text("still here")]);
    let now = server.now;
    let end = server.connection.receive_eof(now).unwrap();
    assert!(end.was_clean());

    let mut server = self::server(Dialect::Hixie75);
    server.close(CloseCode::NORMAL, "");
    assert_eq!(server.take_output(), []);
    assert!(matches!(server.connection.state(), State::Closed { .. }));
}

#[test]
fn there_are_no_pings_and_no_binary_messages() {
    let mut server = server(Dialect::Hixie76);
    assert_eq!(server.connection.deadline(), None);
    assert_eq!(server.wait(Duration::from_secs(1_000)), None);
    let outgoing = server.connection.outgoing();
    assert_eq!(outgoing.ping(b""), Err(UsageError::NotInDialect));
    let refused = outgoing.send(MessageKind::Binary, b"x", &mut Vec::new());
    assert_eq!(refused, Err(UsageError::NotInDialect));
    let refused = outgoing.send(MessageKind::Text, b"\xFF\x00", &mut Vec::new());
    assert_eq!(refused, Err(UsageError::InvalidUtf8), "no byte can break the framing");
}

#[test]
fn a_text_above_the_limit_ends_the_connection() {
    let limits = Limits { max_message_bytes: 10, ..Limits::default() };
    let mut server = End::with(Role::Server, &agreement(Dialect::Hixie76), limits);
    let seen = server.receive(b"\x00eleven byte\xFF");
    let error = ProtocolError::MessageTooBig { bytes: 11, limit: 10 };
    assert_eq!(seen, [script::Seen::Closed(tieline_proto::Closed::Failed(error))]);
}
