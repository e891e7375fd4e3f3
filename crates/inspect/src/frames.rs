//! The frames of one direction, one after the other, each with what comes of it.

use tieline_proto::deflate::Window;

use crate::direction::{Bounds, Direction};
use crate::frame::{Frame, Outcome, Sender};

/// The frames that lie in some bytes.
///
/// It ends behind the first frame that breaks the protocol, is cut off, or closes the connection:
/// [`rest`](Self::rest) is what lies behind.
///
/// # Example
///
/// ```
/// use tieline_inspect::{Deflate, Frames, Outcome};
///
/// let wire = [0x81, 0x86, 0xaf, 0x87, 0x53, 0xb4, 0x4b, 0x3a, 0xf3, 0x51, 0x0a, 0x3a];
/// let frame = Frames::of(&wire, None, Deflate::Off).next().unwrap();
/// assert_eq!(frame.payload, "你好".as_bytes());
/// assert!(matches!(frame.outcome, Outcome::Message { .. }));
/// ```
#[derive(Debug)]
pub struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
    direction: Direction,
    is_over: bool,
}

/// Whether messages may be compressed (RFC 7692): the handshake says, and frames alone do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "what the handshake can agree on")]
pub enum Deflate {
    /// They are not: RSV1 breaks the protocol.
    Off,
    /// They may be, each on its own.
    WithoutContext,
    /// They may be, and each goes on with the window of the one before.
    WithContext,
}

/// All of a frame is kept that lies in the bytes; larger messages are not put together.
const BOUNDS: Bounds = Bounds { max_payload_bytes: usize::MAX, max_message_bytes: 1 << 30 };

impl<'a> Frames<'a> {
    /// The frames in these bytes. Where nobody says who has sent them, the first says so by its mask.
    pub fn of(bytes: &'a [u8], sender: Option<Sender>, deflate: Deflate) -> Self {
        let is_masked = bytes.get(1).is_none_or(|second| second & 0x80 != 0);
        let sender = sender.unwrap_or(if is_masked { Sender::Client } else { Sender::Server });
        let direction = Direction::new(sender, deflate.window(), BOUNDS);
        Self { bytes, at: 0, direction, is_over: false }
    }

    /// Bytes that no frame was made of, behind the last.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }
}

impl Iterator for Frames<'_> {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        if self.is_over {
            return None;
        }
        let taken = self.direction.take(self.rest());
        self.at += taken.bytes;
        let frame = taken.frame.or_else(|| self.direction.finish());
        self.is_over = frame.as_ref().is_none_or(|frame| {
            matches!(frame.outcome, Outcome::Close { .. } | Outcome::CutOff(_) | Outcome::Wrong(_))
        });
        frame
    }
}

impl Deflate {
    const fn window(self) -> Option<Window> {
        match self {
            Self::Off => None,
            Self::WithoutContext => Some(Window { bits: 15, context_takeover: false }),
            Self::WithContext => Some(Window { bits: 15, context_takeover: true }),
        }
    }
}

#[cfg(test)]
mod tests {
    use tieline_proto::{CloseCode, MessageKind, ProtocolError};

    use super::*;

    fn outcomes(wire: &[u8]) -> Vec<Outcome> {
        Frames::of(wire, None, Deflate::Off).map(|frame| frame.outcome).collect()
    }

    fn text(payload: &str) -> Outcome {
        Outcome::Message { kind: MessageKind::Text, payload: payload.into() }
    }

    /// RFC 6455 §5.7, but for the ping and its pong one after the other.
    #[test]
    fn the_examples_of_the_rfc_are_what_it_says_they_are() {
        let fragmented = b"\x01\x03Hel\x89\x05Hello\x80\x02lo";
        assert_eq!(outcomes(fragmented), [Outcome::Fragment, Outcome::Ping, text("Hello")]);
        let masked = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
        assert_eq!(outcomes(masked), [text("Hello")]);
        assert_eq!(outcomes(b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), [Outcome::Pong]);
    }

    #[test]
    fn what_breaks_the_protocol_is_the_last() {
        for (wire, error) in [
            (&b"\x83\x00\x81\x00"[..], ProtocolError::UnknownOpcode(3)),
            (b"\xc1\x01a\x81\x00", ProtocolError::ReservedBit),
            (b"\x80\x00\x81\x00", ProtocolError::UnexpectedContinuation),
            (b"\x89\x7e\x00\x7e", ProtocolError::InvalidControlFrame),
            (b"\x82\x7e\x00\x05Hello", ProtocolError::InvalidLength),
            (b"\x81\x02\xc3\x28\x81\x00", ProtocolError::InvalidUtf8),
            (b"\x88\x01\x03", ProtocolError::InvalidClosePayload),
        ] {
            assert_eq!(outcomes(wire), [Outcome::Wrong(error)], "{wire:x?}");
        }
        let mixed = b"\x81\x01a\x81\x81\x00\x00\x00\x00b\x81\x01c";
        let mut frames = Frames::of(mixed, None, Deflate::Off);
        assert_eq!(frames.next().unwrap().outcome, text("a"));
        let wrong = frames.next().unwrap();
        assert_eq!(wrong.outcome, Outcome::Wrong(ProtocolError::InvalidMask));
        assert_eq!((wrong.offset, wrong.payload.as_slice()), (3, &b"b"[..]));
        assert_eq!(frames.next(), None);
        assert_eq!(frames.rest(), b"\x81\x01c");
    }

    #[test]
    fn a_close_is_read_and_nothing_behind_it() {
        let mut frames = Frames::of(b"\x88\x06\x03\xe8done!", None, Deflate::Off);
        let Outcome::Close { code, reason } = frames.next().unwrap().outcome else {
            panic!("a close")
        };
        assert_eq!((code, reason.as_str()), (CloseCode::NORMAL, "done"));
        assert_eq!((frames.next(), frames.rest()), (None, &b"!"[..]));
    }

    #[test]
    fn a_frame_that_is_cut_off_says_what_is_missing() {
        let whole = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
        for cut in 1..whole.len() {
            let missing = (cut >= 6).then(|| (whole.len() - cut) as u64);
            let mut frames = Frames::of(&whole[..cut], Some(Sender::Client), Deflate::Off);
            let frame = frames.next().unwrap();
            assert_eq!(frame.outcome, Outcome::CutOff(missing), "cut at {cut}");
            assert_eq!(frame.payload, &b"Hello"[..cut.saturating_sub(6)]);
            assert_eq!(frames.next(), None);
        }
        // It is not believed before it is there.
        let endless = b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff";
        let frame = Frames::of(endless, None, Deflate::Off).next().unwrap();
        assert_eq!(frame.outcome, Outcome::CutOff(Some(i64::MAX as u64)));
    }

    /// RFC 7692 §7.2.3.1 and §7.2.3.2.
    #[test]
    fn compressed_messages_are_inflated_each_alone_or_with_the_one_before() {
        let hello = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";
        let again = b"\xc1\x05\xf2\x00\x11\x00\x00";
        let both = [&hello[..], again].concat();
        let inflated = |deflate| {
            let frames = Frames::of(&both, None, deflate);
            frames.map(|frame| frame.outcome).collect::<Vec<_>>()
        };
        assert_eq!(inflated(Deflate::WithContext), [text("Hello"), text("Hello")]);
        let wrong = Outcome::Wrong(ProtocolError::InvalidDeflate);
        assert_eq!(inflated(Deflate::WithoutContext), [text("Hello"), wrong]);
    }
}
