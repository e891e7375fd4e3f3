//! What the bytes of one read brought, one event at a time.

use std::time::Instant;

use super::Outgoing;
use super::incoming::Incoming;
use super::message::Message;
use super::step::{Place, Step};
use crate::close::{self, Closed};
use crate::close_code::CloseCode;
use crate::error::ProtocolError;
use crate::frame::Opcode;
use crate::utf8;

/// Something the peer did.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A whole message.
    Message(Message<'a>),
    /// A ping; the pong already waits in the output (RFC 6455 §5.5.2).
    Ping(&'a [u8]),
    /// A pong, asked for or not (§5.5.3).
    Pong(&'a [u8]),
    /// The connection is over. The last event.
    Closed(Closed),
}

/// The events of one [`Connection::receive`](super::Connection::receive) or [`Incoming::receive`].
///
/// Each borrows from the bytes received or from here, so it is used before the next is asked for.
#[must_use = "bytes whose events are not drained have to be presented again"]
#[derive(Debug)]
pub struct Events<'a> {
    incoming: &'a mut Incoming,
    bytes: &'a mut [u8],
    consumed: usize,
    now: Instant,
    /// The payload of the last event, where it had to be put together.
    held: Vec<u8>,
}

impl<'a> Events<'a> {
    pub(super) const fn new(incoming: &'a mut Incoming, bytes: &'a mut [u8], now: Instant) -> Self {
        Self { incoming, bytes, consumed: 0, now, held: Vec::new() }
    }

    /// The next event, or `None` when every byte has been taken.
    #[inline(always)] // Taken apart where it is made, an event need not lie in memory first.
    pub fn next<'e>(&'e mut self, outgoing: &mut Outgoing) -> Option<Event<'e>> {
        match self.incoming.whole(self.bytes, &mut self.consumed) {
            Some(Ok((kind, range))) => {
                Some(Event::Message(Message::borrowed(kind, &self.bytes[range])))
            }
            Some(Err(utf8::Invalid)) => Some(self.fail(ProtocolError::InvalidUtf8, outgoing)),
            None => self.unusual(outgoing),
        }
    }

    /// How many bytes were taken so far.
    pub const fn consumed(&self) -> usize {
        self.consumed
    }

    /// All but a whole message that lies in the buffer.
    fn unusual<'e>(&'e mut self, outgoing: &mut Outgoing) -> Option<Event<'e>> {
        match self.incoming.step(self.bytes, &mut self.consumed, &mut self.held) {
            Ok(None) => None,
            Ok(Some(Step::Message(kind, Place::Here(range)))) => {
                Some(Event::Message(Message::borrowed(kind, &self.bytes[range])))
            }
            Ok(Some(Step::Message(kind, Place::Held))) => {
                Some(Event::Message(Message::assembled(kind, &mut self.held)))
            }
            Ok(Some(Step::Control(opcode, place))) => Some(self.control(opcode, place, outgoing)),
            Ok(Some(Step::LegacyClose)) => {
                Some(self.closed(CloseCode::NO_STATUS, String::new(), outgoing))
            }
            Err(error) => Some(self.fail(error, outgoing)),
        }
    }

    fn control<'e>(
        &'e mut self,
        opcode: Opcode,
        place: Place,
        outgoing: &mut Outgoing,
    ) -> Event<'e> {
        if opcode == Opcode::Close {
            let said = close::decode(self.payload(place));
            return match said.map(|(code, reason)| (code, reason.to_owned())) {
                Ok((code, reason)) => self.closed(code, reason, outgoing),
                Err(error) => self.fail(error, outgoing),
            };
        }
        let payload = self.payload(place);
        if opcode == Opcode::Ping {
            outgoing.pong(payload);
            Event::Ping(payload)
        } else {
            Event::Pong(payload)
        }
    }

    fn payload(&self, place: Place) -> &[u8] {
        match place {
            Place::Here(range) => &self.bytes[range],
            Place::Held => &self.held,
        }
    }

    fn closed(
        &mut self,
        code: CloseCode,
        reason: String,
        outgoing: &mut Outgoing,
    ) -> Event<'static> {
        outgoing.answer_close(code, self.now);
        self.finish();
        Event::Closed(Closed::Cleanly { code, reason })
    }

    fn fail(&mut self, error: ProtocolError, outgoing: &mut Outgoing) -> Event<'static> {
        outgoing.fail(&error, self.now);
        self.finish();
        Event::Closed(Closed::Failed(error))
    }

    /// §7.1.7: what comes after the end is not looked at.
    fn finish(&mut self) {
        self.incoming.finish();
        self.consumed = self.bytes.len();
    }
}
