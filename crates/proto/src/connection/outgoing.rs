//! The half that sends: messages into the caller's buffer, control frames when they are asked for.

use std::time::Instant;

use super::{MaskKeys, MessageKind, Role};
use crate::close::{self, MAX_CONTROL_BYTES};
use crate::close_code::CloseCode;
use crate::deflate::{Compressor, Effort, Window};
use crate::error::{ProtocolError, UsageError};
use crate::frame::{Header, MAX_HEADER_BYTES, Opcode};
use crate::handshake::{Agreement, Dialect};
use crate::{legacy, mask};

/// What is left free in front of a payload while it is compressed: the header that most servers'
/// compressed messages get.
const PLACE_OF_HEADER: usize = 4;

/// Where in its life a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the browser's readyState has these, and one before")]
pub enum State {
    /// Messages go both ways.
    Open,
    /// Our close frame is on its way; the peer's messages may still arrive.
    Closing {
        /// When it was asked for.
        since: Instant,
    },
    /// It is over; what waits in the output is still to be sent, then the transport dropped.
    Closed {
        /// When it was over.
        since: Instant,
    },
}

/// How messages are written: two connections with the same format write the same message alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    dialect: Dialect,
    /// From what length on, and how, messages are compressed.
    deflate: Option<(u32, Effort)>,
}

/// Encodes what this end says.
///
/// Pongs, pings and close frames wait here for [`take_output`](Self::take_output), one of each: a
/// ping that arrives before the last pong was taken replaces it (RFC 6455 §5.5.3), so a peer that
/// pings and does not read costs nothing.
#[derive(Debug)]
pub struct Outgoing {
    dialect: Dialect,
    compressor: Option<Compressor>,
    masks: Masks,
    /// `None` while the connection is open and no control frame waits.
    control: Option<Box<Control>>,
}

/// The control frames that wait, and how far the closing handshake is.
#[derive(Debug)]
struct Control {
    state: State,
    ping: Option<Box<[u8]>>,
    pong: Option<Box<[u8]>>,
    close: Option<Box<[u8]>>,
}

/// Boxed once more: a server has none, and an idle line of a server counts every byte.
struct Masks(Option<Box<MaskKeys>>);

impl Masks {
    /// §5.3: a fresh key for every frame. §5.1: a server MUST NOT mask.
    fn next(&mut self) -> Option<[u8; 4]> {
        self.0.as_mut().map(|next| next())
    }
}

impl std::fmt::Debug for Masks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Masks(client)" } else { "Masks(server)" })
    }
}

impl Outgoing {
    pub(super) fn new(role: Role, agreement: &Agreement) -> Self {
        Self {
            dialect: agreement.dialect,
            compressor: agreement.deflate.map(Compressor::new),
            masks: Masks(match role {
                Role::Client(keys) => Some(Box::new(keys)),
                Role::Server => None,
            }),
            control: None,
        }
    }

    /// The window of our compressor, where that was agreed.
    pub fn window(&self) -> Option<Window> {
        self.compressor.as_ref().map(Compressor::window)
    }

    /// Appends one message to `out`, as one frame, compressed where that was agreed.
    ///
    /// # Errors
    ///
    /// [`Closed`](UsageError::Closed) once a close frame was asked for or received;
    /// [`NotInDialect`](UsageError::NotInDialect) for a binary message to a hixie peer, and
    /// [`InvalidUtf8`](UsageError::InvalidUtf8) for a text that would break its framing. To other
    /// peers the bytes of a text are sent as they are: that they are UTF-8 is the caller's part.
    #[inline]
    pub fn send(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), UsageError> {
        if !self.is_open() {
            return Err(UsageError::Closed);
        }
        if self.dialect != Dialect::Hybi {
            return match kind {
                MessageKind::Text => legacy::encode(payload, out),
                MessageKind::Binary => Err(UsageError::NotInDialect),
            };
        }
        let opcode = match kind {
            MessageKind::Text => Opcode::Text,
            MessageKind::Binary => Opcode::Binary,
        };
        match &self.compressor {
            Some(compressor) if compressor.wants(payload.len()) => {
                self.compressed(opcode, payload, out);
            }
            _ => self.frame(opcode, payload, out),
        }
        Ok(())
    }

    /// As [`send`](Self::send), for a message that may yet be left out: nothing that is sent later
    /// depends on it. Where the compressor keeps its window it is sent as it is.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_apart(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), UsageError> {
        if self.compressor.as_ref().is_none_or(|compressor| compressor.habit().is_some()) {
            return self.send(kind, payload, out);
        }
        let compressor = self.compressor.take();
        let result = self.send(kind, payload, out);
        self.compressor = compressor;
        result
    }

    /// Asks for a ping; one that still waits is replaced.
    ///
    /// # Errors
    ///
    /// [`Closed`](UsageError::Closed), [`ControlTooLong`](UsageError::ControlTooLong) above 125
    /// bytes, and [`NotInDialect`](UsageError::NotInDialect) to a hixie peer.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), UsageError> {
        if !self.is_open() {
            return Err(UsageError::Closed);
        }
        if !self.can_ping() {
            return Err(UsageError::NotInDialect);
        }
        if payload.len() > MAX_CONTROL_BYTES {
            return Err(UsageError::ControlTooLong(payload.len()));
        }
        self.control().ping = Some(payload.into());
        Ok(())
    }

    /// Starts the closing handshake.
    ///
    /// A hixie-76 peer is sent its own form of it, which carries no code; hixie-75 has none, and
    /// the connection is closed at once.
    ///
    /// # Errors
    ///
    /// [`Closed`](UsageError::Closed) where it was started before,
    /// [`InvalidCloseCode`](UsageError::InvalidCloseCode) and
    /// [`ControlTooLong`](UsageError::ControlTooLong) for a reason above 123 bytes.
    pub fn close(&mut self, code: CloseCode, reason: &str, now: Instant) -> Result<(), UsageError> {
        if !self.is_open() {
            return Err(UsageError::Closed);
        }
        let payload = close::encode(code, reason)?;
        let dialect = self.dialect;
        let control = self.control();
        control.close = Some(payload.into());
        control.state = match dialect {
            Dialect::Hixie75 => State::Closed { since: now },
            Dialect::Hixie76 | Dialect::Hybi => State::Closing { since: now },
        };
        Ok(())
    }

    /// Moves the control frames that wait to the end of `out`.
    pub fn take_output(&mut self, out: &mut Vec<u8>) {
        let Some(control) = &mut self.control else { return };
        let (pong, ping, close) = (control.pong.take(), control.ping.take(), control.close.take());
        if control.state == State::Open {
            self.control = None;
        }
        if let Some(payload) = pong {
            self.frame(Opcode::Pong, &payload, out);
        }
        if let Some(payload) = ping {
            self.frame(Opcode::Ping, &payload, out);
        }
        if let Some(payload) = close {
            match self.dialect {
                Dialect::Hixie75 => {}
                Dialect::Hixie76 => out.extend_from_slice(&legacy::CLOSE),
                Dialect::Hybi => self.frame(Opcode::Close, &payload, out),
            }
        }
    }

    /// Whether [`take_output`](Self::take_output) has anything to give.
    pub const fn has_output(&self) -> bool {
        match &self.control {
            Some(waiting) => {
                waiting.pong.is_some() || waiting.ping.is_some() || waiting.close.is_some()
            }
            None => false,
        }
    }

    /// Where in its life the connection is.
    #[inline]
    pub const fn state(&self) -> State {
        match &self.control {
            Some(control) => control.state,
            None => State::Open,
        }
    }

    /// How messages are written; `None` where that depends on what was sent before, or on a mask.
    pub fn format(&self) -> Option<Format> {
        if self.masks.0.is_some() {
            return None;
        }
        let deflate = match &self.compressor {
            Some(compressor) => Some(compressor.habit()?),
            None => None,
        };
        Some(Format { dialect: self.dialect, deflate })
    }

    /// Whether a message is written as it is, behind the header of RFC 6455.
    pub fn is_plain(&self) -> bool {
        self.dialect == Dialect::Hybi && self.masks.0.is_none() && self.compressor.is_none()
    }

    fn is_open(&self) -> bool {
        self.control.as_ref().is_none_or(|control| matches!(control.state, State::Open))
    }

    /// Whether the dialect has pings.
    pub(super) fn can_ping(&self) -> bool {
        self.dialect == Dialect::Hybi
    }

    pub(super) fn pong(&mut self, payload: &[u8]) {
        // §5.5.1: nothing is sent after the close frame.
        if self.is_open() {
            self.control().pong = Some(payload.into());
        }
    }

    /// The peer's close frame arrived; it is answered with its own code (§5.5.1).
    pub(super) fn answer_close(&mut self, code: CloseCode, now: Instant) {
        if self.is_open() {
            let payload = close::encode(code, "").expect("a code that was decoded may be sent");
            self.control().close = Some(payload.into());
        }
        self.end(now);
    }

    /// The peer broke the protocol: it is told why, and that is the end (§7.1.7).
    pub(super) fn fail(&mut self, error: &ProtocolError, now: Instant) {
        if self.is_open() {
            let reason = error.to_string();
            let payload = close::encode(error.close_code(), &reason)
                .expect("every error has a code that may be sent and a short text");
            self.control().close = Some(payload.into());
        }
        self.end(now);
    }

    pub(super) fn end(&mut self, now: Instant) {
        self.control().state = State::Closed { since: now };
    }

    fn control(&mut self) -> &mut Control {
        self.control.get_or_insert_with(|| {
            Box::new(Control { state: State::Open, ping: None, pong: None, close: None })
        })
    }

    /// Compresses a payload into `out`, behind the place of its header.
    fn compressed(&mut self, opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
        let Some(compressor) = &mut self.compressor else { return };
        let start = out.len();
        out.resize(start + PLACE_OF_HEADER, 0);
        compressor.compress(payload, out);
        let mask = self.masks.next();
        let payload = start + PLACE_OF_HEADER..out.len();
        if let Some(key) = mask {
            mask::apply(&mut out[payload.clone()], key);
        }
        let len = payload.len();
        let header =
            Header { fin: true, reserved: Header::COMPRESSED, opcode, mask, len: len as u64 };
        // Encoded behind the payload, which is then moved if it has to, and put in its place.
        header.encode(out);
        let mut head = [0; MAX_HEADER_BYTES];
        let head_len = out.len() - payload.end;
        head[..head_len].copy_from_slice(&out[payload.end..]);
        if head_len != PLACE_OF_HEADER {
            out.copy_within(payload, start + head_len);
        }
        out.truncate(start + head_len + len);
        out[start..start + head_len].copy_from_slice(&head[..head_len]);
    }

    #[inline]
    fn frame(&mut self, opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
        if self.masks.0.is_some() {
            return self.masked(opcode, payload, out);
        }
        out.reserve(MAX_HEADER_BYTES + payload.len());
        let len = payload.len() as u64;
        Header { fin: true, reserved: 0, opcode, mask: None, len }.encode(out);
        out.extend_from_slice(payload);
    }

    #[inline(never)] // What a server never needs takes no room where it writes.
    fn masked(&mut self, opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
        let Some(key) = self.masks.next() else { return };
        out.reserve(MAX_HEADER_BYTES + payload.len());
        let len = payload.len() as u64;
        Header { fin: true, reserved: 0, opcode, mask: Some(key), len }.encode(out);
        let start = out.len();
        out.extend_from_slice(payload);
        mask::apply(&mut out[start..], key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_is_held_no_longer() {
        let mut outgoing = Outgoing::new(Role::Server, &Agreement::default());
        outgoing.pong(b"1");
        outgoing.ping(b"2").unwrap();
        assert!(outgoing.has_output() && outgoing.control.is_some());
        let mut out = Vec::new();
        outgoing.take_output(&mut out);
        assert_eq!(out, b"\x8A\x011\x89\x012");
        assert!(!outgoing.has_output() && outgoing.control.is_none());
    }
}
