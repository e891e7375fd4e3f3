//! RFC 7692: messages compressed on the line, and what a peer may do wrong with it.

mod script;

use script::{End, Pair, Seen, binary, frame, text};
use tieline_proto::deflate::{Agreed, Window};
use tieline_proto::handshake::Agreement;
use tieline_proto::{Limits, MessageKind, ProtocolError, Role};

fn agreement(bits: u8, context_takeover: bool) -> Agreement {
    let window = Window { bits, context_takeover };
    let deflate = Some(Agreed { ours: window, theirs: window, level: 6, min_bytes: 1 });
    Agreement { deflate, ..Agreement::default() }
}

fn server() -> End {
    End::with(Role::Server, &agreement(15, true), Limits::default())
}

/// §7.2.3.1 and 7.2.3.2: the compressed "Hello", in one frame, in two, and from the kept window.
#[test]
fn the_hellos_of_the_rfc_are_read() {
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let wire = [
        frame(0xC1, &hello),
        frame(0x41, &hello[..3]),
        frame(0x80, &hello[3..]),
        frame(0xC1, &[0xf2, 0x00, 0x11, 0x00, 0x00]),
    ];
    assert_eq!(server().receive(&wire.concat()), [text("Hello"), text("Hello"), text("Hello")]);
}

#[test]
fn an_uncompressed_message_may_come_between_compressed_ones() {
    let wire = [frame(0x81, b"plain"), frame(0xC1, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00])];
    assert_eq!(server().receive(&wire.concat()), [text("plain"), text("Hello")]);
}

/// What waits for a slow peer may be left out, and must leave no hole in the window.
#[test]
fn a_message_that_is_sent_apart_may_be_left_out() {
    for takeover in [true, false] {
        let agreed = agreement(15, takeover);
        let mut line = Pair::new(&agreed, &agreed);
        let said = "much alike, from message to message";
        line.server.send(MessageKind::Text, said);
        let (mut apart, outgoing) = (Vec::new(), line.server.connection.outgoing());
        outgoing.send_apart(MessageKind::Text, said.as_bytes(), &mut apart).unwrap();
        assert_eq!(apart[0] == 0x81, takeover, "as it is only where the window is kept");
        line.server.send(MessageKind::Text, said);
        let wire = line.server.take_output();
        assert_eq!(line.client.receive(&wire), [text(said), text(said)]);
    }
}

#[test]
fn both_ends_understand_each_other_with_every_window() {
    for bits in 9..=15 {
        for takeover in [true, false] {
            let agreed = agreement(bits, takeover);
            let mut line = Pair::new(&agreed, &agreed);
            let long = "κόσμε, again ".repeat(5_000);
            for _ in 0..3 {
                line.client.send(MessageKind::Text, &long);
                line.server.send(MessageKind::Binary, [7; 100_000]);
                line.client.send(MessageKind::Text, "");
            }
            let (by_client, by_server) = line.run();
            let thrice = vec![[text(&long), text("")]; 3].concat();
            assert_eq!(by_server, thrice, "{bits}, {takeover}");
            assert_eq!(by_client, vec![binary(&[7; 100_000]); 3], "{bits}, {takeover}");
        }
    }
}

/// A first frame of no bytes, and one that inflates to nothing.
#[test]
fn empty_compressed_messages_are_empty() {
    assert_eq!(server().receive(&frame(0xC1, &[])), [text("")]);
    assert_eq!(server().receive(&frame(0xC1, &[0x00])), [text("")]);
    assert_eq!(server().receive(&[frame(0x41, &[]), frame(0x80, &[])].concat()), [text("")]);
}

#[test]
fn a_compressed_continuation_or_control_frame_fails_with_1002() {
    let wire = [frame(0x41, &[0xf2, 0x48]), frame(0xC0, &[0xcd])].concat();
    server().expect_failed_with(&wire, ProtocolError::ReservedBit, 1002);
    server().expect_failed_with(&frame(0xC9, b""), ProtocolError::ReservedBit, 1002);
}

#[test]
fn data_that_cannot_be_inflated_fails_with_1007() {
    let wire = frame(0xC2, &[0xFF; 20]);
    server().expect_failed_with(&wire, ProtocolError::InvalidDeflate, 1007);
}

#[test]
fn a_bomb_fails_with_1009_while_it_arrives_also_in_fragments() {
    let agreed = agreement(15, true);
    let mut sender = End::with(script::client_role(), &agreed, Limits::default());
    sender.send(MessageKind::Binary, vec![0; 256 << 20]);
    let wire = sender.take_output();
    assert!(wire.len() < 1 << 20);
    let limit = 1 << 20;
    let error = ProtocolError::MessageTooBig { bytes: limit as u64 + 1, limit };
    server().expect_failed_with(&wire, error, 1009);

    let limits = Limits { max_message_bytes: 300_000, ..Limits::default() };
    let mut server = End::with(Role::Server, &agreed, limits);
    let mut seen = Vec::new();
    for piece in wire.chunks(100) {
        seen.extend(server.receive(piece));
    }
    assert!(matches!(&seen[..], [Seen::Closed(_)]), "{seen:?}");
}

/// Blocks that hold nothing inflate to nothing, for ever: what comes in is bounded too.
#[test]
fn endless_empty_blocks_fail_with_1009() {
    let limits = Limits { max_message_bytes: 1_000, ..Limits::default() };
    let mut server = End::with(Role::Server, &agreement(15, true), limits);
    let wire = frame(0xC2, &[0x00, 0x00, 0x00, 0xFF, 0xFF].repeat(1_000));
    let error = ProtocolError::MessageTooBig { bytes: 5_000, limit: 1_000 };
    server.expect_failed_with(&wire, error, 1009);
}

#[test]
fn a_bad_byte_inside_a_compressed_text_fails_with_1007_as_it_arrives() {
    let agreed = agreement(15, false);
    let mut sender = End::with(script::client_role(), &agreed, Limits::default());
    // The sender's caller broke its word that a text is UTF-8.
    sender.send(MessageKind::Text, [&b"fine so far, "[..], &[0xFF], &[b'x'; 5_000]].concat());
    let wire = sender.take_output();
    server().expect_failed_with(&wire, ProtocolError::InvalidUtf8, 1007);
}
