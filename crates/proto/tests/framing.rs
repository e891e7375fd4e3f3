//! RFC 6455 §5.1, 5.2 and 5.7: frames, masks, lengths and reserved bits.

mod script;

use script::{End, Seen, binary, frame, text};
use tieline_proto::{Limits, MessageKind, ProtocolError, Role};

/// §5.7: a single-frame unmasked text message, from a server.
#[test]
fn a_client_reads_the_unmasked_hello_of_the_rfc() {
    assert_eq!(End::client().receive(b"\x81\x05Hello"), [text("Hello")]);
}

/// §5.7: a single-frame masked text message, from a client.
#[test]
fn a_server_reads_the_masked_hello_of_the_rfc() {
    let wire = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(End::server().receive(&wire), [text("Hello")]);
}

/// §5.7: 256 bytes and 64 KiB of binary data in one frame.
#[test]
fn lengths_of_16_and_64_bits_are_read_and_written() {
    for (len, head) in
        [(256, &[0x82, 0x7E, 0x01, 0x00][..]), (65_536, &[0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0])]
    {
        let payload = vec![0x2A; len];
        let mut server = End::server();
        server.send(MessageKind::Binary, &payload);
        let wire = server.take_output();
        assert_eq!(wire, [head, &payload].concat());
        assert_eq!(End::client().receive(&wire), [binary(&payload)]);
    }
}

#[test]
fn an_unmasked_frame_from_a_client_fails_with_1002() {
    let wire = b"\x81\x05Hello";
    End::server().expect_failed_with(wire, ProtocolError::InvalidMask, 1002);
}

#[test]
fn a_masked_frame_from_a_server_fails_the_connection() {
    let seen = End::client().receive(&frame(0x81, b"Hello"));
    assert!(matches!(&seen[..], [Seen::Closed(closed)] if closed.code().get() == 1006));
}

#[test]
fn a_client_masks_every_frame_with_a_key_of_its_own() {
    let mut client = End::client();
    client.send(MessageKind::Text, "same");
    client.send(MessageKind::Text, "same");
    let wire = client.take_output();
    let (first, second) = wire.split_at(10);
    assert_eq!((first[1], second[1]), (0x84, 0x84));
    assert_ne!(first[2..6], second[2..6]);
    assert_eq!(End::server().receive(&wire), [text("same"), text("same")]);
}

#[test]
fn a_reserved_opcode_fails_the_connection_with_1002() {
    for opcode in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
        let wire = frame(0x80 | opcode, b"");
        End::server().expect_failed_with(&wire, ProtocolError::UnknownOpcode(opcode), 1002);
    }
}

#[test]
fn a_reserved_bit_without_an_extension_fails_with_1002() {
    for first in [0xC1, 0xA1, 0x91, 0xC9, 0xC8] {
        End::server().expect_failed_with(&frame(first, b""), ProtocolError::ReservedBit, 1002);
    }
}

#[test]
fn a_control_frame_of_126_bytes_fails_with_1002() {
    let wire = frame(0x89, &[0; 126]);
    End::server().expect_failed_with(&wire, ProtocolError::InvalidControlFrame, 1002);
}

#[test]
fn a_message_above_the_limit_fails_with_1009_before_its_payload_arrives() {
    let limits = Limits { max_message_bytes: 1_000, ..Limits::default() };
    for (announced, head) in [
        (1_001, &[0x82, 0xFE, 0x03, 0xE9, 0, 0, 0, 0][..]),
        (i64::MAX as u64, &[0x82, 0xFF, 0x7F, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0]),
    ] {
        let mut server = End::with(Role::Server, &Default::default(), limits.clone());
        let error = ProtocolError::MessageTooBig { bytes: announced, limit: 1_000 };
        server.expect_failed_with(head, error, 1009);
    }
    let mut server = End::with(Role::Server, &Default::default(), limits);
    let payload = vec![7; 1_000];
    assert_eq!(server.receive(&frame(0x82, &payload)), [binary(&payload)]);
}

#[test]
fn a_length_with_its_top_bit_set_fails_with_1002() {
    let head = [0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0];
    End::server().expect_failed_with(&head, ProtocolError::InvalidLength, 1002);
}

#[test]
fn how_the_network_cuts_the_bytes_changes_nothing() {
    let mut wire = frame(0x82, b"abc");
    wire.extend(frame(0x82, b""));
    wire.extend(frame(0x89, b"ping"));
    wire.extend(frame(0x81, "κόσμε".as_bytes()));
    wire.extend(frame(0x82, &[9; 300]));
    let whole = End::server().receive(&wire);
    assert_eq!(whole.len(), 5);
    for cut in 0..=wire.len() {
        let mut server = End::server();
        let mut seen = server.receive(&wire[..cut]);
        seen.extend(server.receive(&wire[cut..]));
        assert_eq!(seen, whole, "cut at {cut}");
    }
    let mut server = End::server();
    let seen: Vec<Seen> = wire.iter().flat_map(|byte| server.receive(&[*byte])).collect();
    assert_eq!(seen, whole, "byte by byte");
}

#[test]
fn events_that_were_not_drained_come_when_the_rest_is_presented_again() {
    let mut wire = [frame(0x82, b"one"), frame(0x82, b"two")].concat();
    let mut server = End::server();
    let (mut events, outgoing) = server.connection.receive(&mut wire, server.now);
    assert!(events.next(outgoing).is_some());
    let consumed = events.consumed();
    assert!(consumed < wire.len());
    assert_eq!(server.receive(&wire[consumed..]), [binary(b"two")]);
}
