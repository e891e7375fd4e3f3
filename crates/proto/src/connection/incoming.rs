//! The half that receives: frames are unmasked where they lie and put together where they must be.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use super::cut::Cut;
use super::partial::{Partial, Terms};
use super::step::Step;
use super::{Events, MessageKind, Outgoing, State};
use crate::close::{Closed, Lost};
use crate::close_code::CloseCode;
use crate::deflate::{Inflater, Window};
use crate::error::ProtocolError;
use crate::handshake::{Agreement, Dialect};
use crate::limits::Limits;
use crate::{mask, utf8};

/// Decodes what the peer says, and knows how long it has been silent.
///
/// One half of a [`Connection`](super::Connection), from
/// [`into_halves`](super::Connection::into_halves): each call that asks for the other half means
/// the one it was made with. An idle one owns no memory but its own.
///
/// # Example
///
/// ```
/// use std::time::Instant;
/// use tieline_proto::handshake::Agreement;
/// use tieline_proto::{Connection, Event, Limits, Role};
///
/// let now = Instant::now();
/// let server = Connection::new(Role::Server, &Agreement::default(), Limits::default(), now);
/// let (mut incoming, mut outgoing) = server.into_halves();
///
/// let mut ping = [0x89, 0x80, 0, 0, 0, 0];
/// let mut events = incoming.receive(&mut ping, now);
/// assert!(matches!(events.next(&mut outgoing), Some(Event::Ping(b""))));
/// assert!(outgoing.has_output());
/// ```
#[derive(Debug)]
pub struct Incoming {
    limits: Arc<Limits>,
    /// When the peer was last heard of; where it was pinged since, when that was.
    contact: Instant,
    /// Whether a ping of ours is still unanswered.
    pinged: bool,
    from_client: bool,
    /// `None` once nothing is read any more.
    dialect: Option<Dialect>,
    /// How the peer compresses, where that was agreed.
    theirs: Option<Window>,
    /// The inflater of a peer that keeps its window, made with its first compressed message.
    kept: Option<Box<Inflater>>,
    /// `None` between two messages.
    partial: Option<Box<Partial>>,
}

impl Incoming {
    pub(super) fn new(
        from_client: bool,
        agreement: &Agreement,
        limits: Arc<Limits>,
        now: Instant,
    ) -> Self {
        Self {
            limits,
            contact: now,
            pinged: false,
            from_client,
            dialect: Some(agreement.dialect),
            theirs: agreement.deflate.map(|agreed| agreed.theirs),
            kept: None,
            partial: None,
        }
    }

    /// Takes bytes that the peer sent, as [`Connection::receive`](super::Connection::receive) does.
    pub fn receive<'a>(&'a mut self, bytes: &'a mut [u8], now: Instant) -> Events<'a> {
        if !bytes.is_empty() {
            self.hear(now);
        }
        Events::new(self, bytes, now)
    }

    /// Has bytes of a large message put straight into its own memory: `put` is given room for the
    /// next bytes of the transport, and answers how many it put there.
    ///
    /// `more` is asked where the message's memory does not suffice: for a vector of so many bytes,
    /// whatever they are, as one that had another message before; what a shorter one lacks is added
    /// as zeros. The message's old memory is dropped.
    ///
    /// Whether `put` was called: only in the middle of a long frame that is not compressed is there
    /// room, for 1 MiB at most, and never for the frame's last byte. What comes behind the room
    /// goes to [`receive`](Self::receive), as everything else does. A text that is none is told of
    /// there as well; call it, if with nothing, after this.
    pub fn fill(
        &mut self,
        now: Instant,
        more: impl FnOnce(usize) -> Vec<u8>,
        put: impl FnOnce(&mut [u8]) -> usize,
    ) -> bool {
        if self.dialect != Some(Dialect::Hybi) {
            return false;
        }
        let filled = self.partial.as_mut().and_then(|partial| partial.fill(more, put));
        if filled.is_some_and(|bytes| bytes > 0) {
            self.hear(now);
        }
        filled.is_some()
    }

    /// When the peer was pinged, where it was not heard of since.
    pub fn pinged(&self) -> Option<Instant> {
        self.pinged.then_some(self.contact)
    }

    /// Takes note that the peer is there, though nothing of what it says is read.
    pub const fn hear(&mut self, now: Instant) {
        self.contact = now;
        self.pinged = false;
    }

    /// Takes note that the transport ended; answers how the connection closed, once.
    pub fn receive_eof(&mut self, outgoing: &mut Outgoing, now: Instant) -> Option<Closed> {
        self.lose(Lost::Eof, outgoing, now)
    }

    /// Takes note that the transport failed; answers how the connection closed, once.
    pub fn receive_error(&mut self, outgoing: &mut Outgoing, now: Instant) -> Option<Closed> {
        self.lose(Lost::Transport, outgoing, now)
    }

    /// Does what is due: pings a silent peer, or gives up one that did not answer.
    ///
    /// Before its deadline, or after the connection closed, it does nothing.
    pub fn handle_timeout(&mut self, outgoing: &mut Outgoing, now: Instant) -> Option<Closed> {
        if self.deadline(outgoing).is_none_or(|deadline| now < deadline) {
            return None;
        }
        match outgoing.state() {
            State::Open if self.pinged => self.lose(Lost::PongTimeout, outgoing, now),
            State::Open => {
                self.contact = now;
                self.pinged = true;
                outgoing.ping(&[]).expect("an open connection whose dialect has a deadline pings");
                None
            }
            State::Closing { .. } => self.lose(Lost::CloseTimeout, outgoing, now),
            State::Closed { .. } => None,
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due. Once closed: when the transport is to
    /// be dropped even if the peer has not ended it.
    pub fn deadline(&self, outgoing: &Outgoing) -> Option<Instant> {
        match outgoing.state() {
            State::Open if !outgoing.can_ping() => None,
            State::Open if self.pinged => Some(self.contact + self.limits.pong_within),
            State::Open => self.limits.ping_after.map(|silence| self.contact + silence),
            State::Closing { since } | State::Closed { since } => {
                Some(since + self.limits.close_within)
            }
        }
    }

    /// What is not whole of what was received; of the hixie drafts nothing is told.
    pub fn cut(&self) -> Cut<'_> {
        self.partial.as_ref().map_or_else(Cut::default, |partial| partial.cut())
    }

    /// What is spoken; `None` once nothing is read any more.
    pub const fn dialect(&self) -> Option<Dialect> {
        self.dialect
    }

    /// The window of the peer's compressor, where that was agreed.
    pub const fn window(&self) -> Option<Window> {
        self.theirs
    }

    /// What this end is willing to bear.
    pub const fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }

    /// The usual case: a whole message in one frame, uncompressed, that lies in `bytes` from `at`
    /// on. Answers where its payload is, unmasked and checked, and moves `at` behind it.
    ///
    /// Whatever is not usual is `None` and untouched: [`step`](Self::step) takes it from there.
    /// `benches/message.rs` says what this way is worth.
    #[inline]
    pub(super) fn whole(
        &mut self,
        bytes: &mut [u8],
        at: &mut usize,
    ) -> Option<Result<(MessageKind, Range<usize>), utf8::Invalid>> {
        if self.partial.is_some() || self.dialect != Some(Dialect::Hybi) {
            return None;
        }
        let rest = bytes.get_mut(*at..)?;
        let &[first, second, high, low] = rest.first_chunk()?;
        let kind = match first {
            0x81 => MessageKind::Text,
            0x82 => MessageKind::Binary,
            _ => return None,
        };
        // §5.1: a client MUST mask, a server MUST NOT.
        if (second & 0x80 != 0) != self.from_client {
            return None;
        }
        let (len, mut start) = match second & 0x7F {
            127 => return None,
            126 => match u16::from_be_bytes([high, low]) {
                ..126 => return None,
                len => (usize::from(len), 4),
            },
            len => (usize::from(len), 2),
        };
        if len > self.limits.max_message_bytes {
            return None;
        }
        let payload = if self.from_client {
            let (key, payload) = rest.get_mut(start..)?.split_first_chunk_mut()?;
            let (key, payload) = (*key, payload.get_mut(..len)?);
            mask::apply(payload, key);
            start += 4;
            payload
        } else {
            rest.get_mut(start..start + len)?
        };
        if kind == MessageKind::Text && !utf8::is_valid(payload) {
            return Some(Err(utf8::Invalid));
        }
        let start = *at + start;
        *at = start + len;
        Some(Ok((kind, start..*at)))
    }

    /// Takes bytes from `at` on until something is whole, and moves `at` behind them. What had to
    /// be put together goes to `held`.
    pub(super) fn step(
        &mut self,
        bytes: &mut [u8],
        at: &mut usize,
        held: &mut Vec<u8>,
    ) -> Result<Option<Step>, ProtocolError> {
        let Some(dialect) = self.dialect else {
            *at = bytes.len();
            return Ok(None);
        };
        if *at == bytes.len() {
            let is_invalid = self.partial.as_ref().is_some_and(|partial| partial.is_invalid);
            return if is_invalid { Err(ProtocolError::InvalidUtf8) } else { Ok(None) };
        }
        let mut terms = Terms {
            dialect,
            from_client: self.from_client,
            limits: &self.limits,
            theirs: self.theirs,
            kept: &mut self.kept,
        };
        // Control frames and compressed messages often begin and end here: they need no box.
        let (mut boxed, mut here) = (self.partial.take(), Partial::default());
        let partial = boxed.as_deref_mut().unwrap_or(&mut here);
        if partial.is_invalid {
            return Err(ProtocolError::InvalidUtf8);
        }
        let step = partial.step(bytes, at, held, &mut terms)?;
        if !partial.is_idle() {
            self.partial = Some(boxed.unwrap_or_else(|| Box::new(here)));
        }
        Ok(step)
    }

    /// Reads nothing any more, and frees what was held.
    pub(super) fn finish(&mut self) {
        (self.dialect, self.kept, self.partial) = (None, None, None);
    }

    fn lose(&mut self, why: Lost, outgoing: &mut Outgoing, now: Instant) -> Option<Closed> {
        if let State::Closed { .. } = outgoing.state() {
            return None;
        }
        let closed = self.end(why);
        outgoing.end(now);
        Some(closed)
    }

    /// The transport is gone: what that makes of the connection.
    fn end(&mut self, why: Lost) -> Closed {
        // Hixie-75 knows no other end than the end of the transport.
        let orderly = self.dialect == Some(Dialect::Hixie75);
        self.finish();
        match why {
            Lost::Eof if orderly => {
                Closed::Cleanly { code: CloseCode::NO_STATUS, reason: String::new() }
            }
            why => Closed::Lost(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{Connection, Event, Role};
    use crate::deflate::Agreed;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an Instant has no other origin")]
    fn what_is_not_whole_says_where_the_next_frame_begins() {
        let role = Role::Client(Box::new(|| [0; 4]));
        let now = Instant::now();
        let client = Connection::new(role, &Agreement::default(), Limits::default(), now);
        let (mut incoming, mut outgoing) = client.into_halves();
        // A text in two fragments with a ping between, and the header of another.
        let mut wire = *b"\x01\x02ab\x89\x01p\x80\x01c\x82\x7e\x01";
        let is_fragment = true;
        let none = Cut::default();
        let expected = [
            Cut { head: b"\x01", ..none },
            Cut { left: 2, is_fragment, ..none },
            Cut { left: 1, is_fragment, ..none },
            Cut { is_fragment, ..none },
            Cut { head: b"\x89", is_fragment, ..none },
            Cut { left: 1, is_fragment, ..none },
            Cut { is_fragment, ..none },
            Cut { head: b"\x80", is_fragment, ..none },
            Cut { left: 1, ..none },
            none,
            Cut { head: b"\x82", ..none },
            Cut { head: b"\x82\x7e", ..none },
            Cut { head: b"\x82\x7e\x01", ..none },
        ];
        for (byte, expected) in wire.iter_mut().zip(expected) {
            let mut events = incoming.receive(std::slice::from_mut(byte), now);
            while events.next(&mut outgoing).is_some() {}
            assert_eq!(incoming.cut(), expected);
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an Instant has no other origin")]
    fn between_two_messages_nothing_is_held() {
        let window = Window { bits: 15, context_takeover: false };
        let deflate = Some(Agreed { ours: window, theirs: window, level: 6, min_bytes: 1 });
        let agreement = Agreement { deflate, ..Agreement::default() };
        let role = Role::Client(Box::new(|| [0; 4]));
        let now = Instant::now();
        let client = Connection::new(role, &agreement, Limits::default(), now);
        let (mut incoming, mut outgoing) = client.into_halves();

        // A text in two fragments with a ping between, then a compressed message.
        let mut wire = *b"\x01\x01a\x89\x01p\x80\x01b\xC1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";
        let mut messages = 0;
        for (at, byte) in wire.iter_mut().enumerate() {
            let mut events = incoming.receive(std::slice::from_mut(byte), now);
            while let Some(event) = events.next(&mut outgoing) {
                messages += usize::from(matches!(event, Event::Message(_)));
            }
            // Inside the fragmented message and inside a frame there is something to keep.
            let is_idle = [9, 18].contains(&(at + 1));
            assert_eq!(incoming.partial.is_none(), is_idle, "after byte {at}");
        }
        assert_eq!(messages, 2);
        assert!(incoming.kept.is_none());
    }
}
