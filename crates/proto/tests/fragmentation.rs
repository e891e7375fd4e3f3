//! RFC 6455 §5.4 and §8.1: messages in pieces, control frames between them, UTF-8 across them.

mod script;

use script::{End, Seen, frame, text};
use tieline_proto::{Limits, ProtocolError, Role};

/// §5.7: a fragmented unmasked text message.
#[test]
fn the_fragmented_hello_of_the_rfc_is_one_message() {
    assert_eq!(End::client().receive(b"\x01\x03Hel\x80\x02lo"), [text("Hello")]);
}

#[test]
fn control_frames_may_stand_between_fragments() {
    let wire = [
        frame(0x01, b"a"),
        frame(0x89, b"?"),
        frame(0x00, b"b"),
        frame(0x8A, b"!"),
        frame(0x80, b"c"),
    ];
    let seen = End::server().receive(&wire.concat());
    assert_eq!(seen, [Seen::Ping(b"?".into()), Seen::Pong(b"!".into()), text("abc")]);
}

#[test]
fn a_continuation_without_a_message_fails_with_1002() {
    for first in [0x00, 0x80] {
        let wire = frame(first, b"x");
        End::server().expect_failed_with(&wire, ProtocolError::UnexpectedContinuation, 1002);
    }
}

#[test]
fn a_new_message_inside_an_unfinished_one_fails_with_1002() {
    let wire = [frame(0x01, b"a"), frame(0x81, b"b")].concat();
    End::server().expect_failed_with(&wire, ProtocolError::MessageUnfinished, 1002);
}

#[test]
fn a_fragmented_control_frame_fails_with_1002() {
    let wire = frame(0x09, b"x");
    End::server().expect_failed_with(&wire, ProtocolError::InvalidControlFrame, 1002);
}

#[test]
fn fragments_are_counted_the_empty_ones_too() {
    let limits = Limits { max_fragments: 3, ..Limits::default() };
    let empty = frame(0x00, b"");
    let mut server = End::with(Role::Server, &Default::default(), limits.clone());
    let three = [frame(0x01, b"a"), empty.clone(), frame(0x80, b"b")].concat();
    assert_eq!(server.receive(&three), [text("ab")]);
    let four = [frame(0x01, b"a"), empty.clone(), empty.clone(), empty].concat();
    let error = ProtocolError::TooManyFragments { limit: 3 };
    End::with(Role::Server, &Default::default(), limits).expect_failed_with(&four, error, 1009);
}

#[test]
fn the_limit_holds_for_all_fragments_together() {
    let limits = Limits { max_message_bytes: 10, ..Limits::default() };
    let wire = [frame(0x02, &[0; 6]), frame(0x80, &[0; 5])].concat();
    let error = ProtocolError::MessageTooBig { bytes: 11, limit: 10 };
    End::with(Role::Server, &Default::default(), limits).expect_failed_with(&wire, error, 1009);
}

#[test]
fn a_character_may_be_cut_between_fragments() {
    let euro = "€".as_bytes();
    let wire = [frame(0x01, &euro[..1]), frame(0x00, &euro[1..2]), frame(0x80, &euro[2..])];
    assert_eq!(End::server().receive(&wire.concat()), [text("€")]);
}

#[test]
fn a_text_that_ends_inside_a_character_fails_with_1007() {
    let whole = frame(0x81, &[0xE2, 0x82]);
    End::server().expect_failed_with(&whole, ProtocolError::InvalidUtf8, 1007);
    let cut = [frame(0x01, &[0xE2]), frame(0x80, &[0x82])].concat();
    End::server().expect_failed_with(&cut, ProtocolError::InvalidUtf8, 1007);
}

/// Autobahn 6.4.3 and 6.4.4: the bad byte is in a frame that is still arriving.
#[test]
fn a_bad_byte_fails_while_its_frame_is_still_arriving() {
    let wire = frame(0x81, b"\xCE\xBA\xE1\xBD\xB9\xF4\x90\x80\x80edited");
    let bad = wire.len() - 8;
    let mut server = End::server();
    assert_eq!(server.receive(&wire[..bad - 1]), []);
    server.expect_failed_with(&wire[bad - 1..bad], ProtocolError::InvalidUtf8, 1007);
}
