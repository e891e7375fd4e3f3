//! The frames of one direction, one after the other, each with what comes of it.

use std::time::Instant;

use tieline_proto::deflate::{Agreed, Window};
use tieline_proto::frame::Header;
use tieline_proto::handshake::Agreement;
use tieline_proto::{
    CloseCode, Closed, Connection, Event, Limits, MessageKind, ProtocolError, Role, mask,
};

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
    /// The end that hears them.
    connection: Connection,
    now: Instant,
    is_over: bool,
}

/// Who has sent the frames: a client masks, a server does not (RFC 6455 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a connection has two ends")]
pub enum Sender {
    /// The end that asked.
    Client,
    /// The end that answered.
    Server,
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

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "what is there to see of a frame")]
pub struct Frame<'a> {
    /// Where it begins.
    pub offset: usize,
    /// Its header as it lies there: all of it, or as much as there is.
    pub head: &'a [u8],
    /// What the header says; `None` where it is cut off or makes no sense.
    pub header: Option<Header>,
    /// Its payload as it lies there, or as much as there is.
    pub masked: &'a [u8],
    /// The same without its mask.
    pub payload: Vec<u8>,
    /// What comes of it.
    pub outcome: Outcome,
}

/// What comes of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The connection is closed, in this way.
    Close {
        /// Its code; 1005 where there is none.
        code: CloseCode,
        /// Its reason, often empty.
        reason: String,
    },
    /// It is cut off: so many bytes of its payload are missing, where its header is whole.
    CutOff(Option<u64>),
    /// More of the message is to come.
    Fragment,
    /// A message is whole.
    Message {
        /// Text or binary.
        kind: MessageKind,
        /// All of it, inflated where it was compressed.
        payload: Vec<u8>,
    },
    /// Whether the other end is there.
    Ping,
    /// It is.
    Pong,
    /// It breaks the protocol: the connection fails with the error's close code.
    Wrong(ProtocolError),
}

impl<'a> Frames<'a> {
    /// The frames in these bytes. Where nobody says who has sent them, the first says so by its mask.
    pub fn of(bytes: &'a [u8], sender: Option<Sender>, deflate: Deflate) -> Self {
        let is_masked = bytes.get(1).is_none_or(|second| second & 0x80 != 0);
        let sender = sender.unwrap_or(if is_masked { Sender::Client } else { Sender::Server });
        let role = match sender {
            Sender::Client => Role::Server,
            // Nothing is sent here but what answers a ping, and nobody sees that.
            Sender::Server => Role::Client(Box::new(|| [0; 4])),
        };
        let agreement = Agreement { deflate: deflate.agreed(), ..Agreement::default() };
        let limits = Limits {
            max_message_bytes: MAX_MESSAGE_BYTES,
            max_fragments: usize::MAX,
            ping_after: None,
            ..Limits::default()
        };
        let now = Instant::now();
        let connection = Connection::new(role, &agreement, limits, now);
        Self { bytes, at: 0, connection, now, is_over: false }
    }

    /// Bytes that no frame was made of, behind the last.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// Has the connection hear these bytes; what comes of them.
    fn hear(&mut self, wire: &[u8]) -> Outcome {
        let mut wire = wire.to_vec();
        let (mut events, outgoing) = self.connection.receive(&mut wire, self.now);
        let mut outcome = Outcome::Fragment;
        while let Some(event) = events.next(outgoing) {
            outcome = match event {
                Event::Message(message) => {
                    Outcome::Message { kind: message.kind(), payload: message.payload().to_vec() }
                }
                Event::Ping(_) => Outcome::Ping,
                Event::Pong(_) => Outcome::Pong,
                Event::Closed(Closed::Cleanly { code, reason }) => Outcome::Close { code, reason },
                Event::Closed(Closed::Failed(error)) => Outcome::Wrong(error),
                _ => continue,
            };
        }
        // What would be answered is nobody's.
        outgoing.take_output(&mut Vec::new());
        outcome
    }
}

/// Largest message that is put together.
const MAX_MESSAGE_BYTES: usize = 1 << 30;

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        let (offset, bytes) = (self.at, &self.bytes[self.at..]);
        if self.is_over || bytes.is_empty() {
            return None;
        }
        let (header, head_len) = match Header::decode(bytes) {
            Ok(Some((header, len))) => (Some(header), len),
            Ok(None) => (None, bytes.len()),
            // The two bytes that every header has show what is wrong, or where to look.
            Err(_) => (None, bytes.len().min(2)),
        };
        let (head, behind) = bytes.split_at(head_len);
        let announced = header.map_or(0, |header| header.len);
        let there = usize::try_from(announced).unwrap_or(usize::MAX).min(behind.len());
        let masked = &behind[..there];
        let mut payload = masked.to_vec();
        if let Some(key) = header.and_then(|header| header.mask) {
            mask::apply(&mut payload, key);
        }
        self.at += head_len + there;

        let missing = announced - there as u64;
        let is_whole = header.is_some() && missing == 0;
        let mut outcome = self.hear(&bytes[..head_len + there]);
        if !is_whole && !matches!(outcome, Outcome::Wrong(_)) {
            outcome = Outcome::CutOff(header.map(|_| missing));
        }
        self.is_over =
            matches!(outcome, Outcome::Close { .. } | Outcome::CutOff(_) | Outcome::Wrong(_));
        Some(Frame { offset, head, header, masked, payload, outcome })
    }
}

impl Deflate {
    const fn agreed(self) -> Option<Agreed> {
        let context_takeover = match self {
            Self::Off => return None,
            Self::WithoutContext => false,
            Self::WithContext => true,
        };
        let window = Window { bits: 15, context_takeover };
        Some(Agreed { ours: window, theirs: window, level: 1, min_bytes: 0 })
    }
}

#[cfg(test)]
mod tests {
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
        let wrong = Frames::of(endless, None, Deflate::Off).next().unwrap();
        assert!(matches!(wrong.outcome, Outcome::Wrong(ProtocolError::MessageTooBig { .. })));
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
