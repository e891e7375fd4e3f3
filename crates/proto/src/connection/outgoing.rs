//! The half that sends: messages into the caller's buffer, control frames when they are asked for.

use std::time::Instant;

use super::{MaskKeys, MessageKind, Role};
use crate::close::{self, MAX_CONTROL_BYTES};
use crate::close_code::CloseCode;
use crate::deflate::Compressor;
use crate::error::{ProtocolError, UsageError};
use crate::frame::{Header, MAX_HEADER_BYTES, Opcode};
use crate::handshake::{Agreement, Dialect};
use crate::{legacy, mask};

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

/// Encodes what this end says.
///
/// Pongs, pings and close frames wait here for [`take_output`](Self::take_output), one of each: a
/// ping that arrives before the last pong was taken replaces it (RFC 6455 §5.5.3), so a peer that
/// pings and does not read costs nothing.
#[derive(Debug)]
pub struct Outgoing {
    dialect: Dialect,
    masks: Masks,
    compressor: Option<Box<Compressor>>,
    state: State,
    ping: Option<Box<[u8]>>,
    pong: Option<Box<[u8]>>,
    close: Option<Box<[u8]>>,
}

struct Masks(Option<MaskKeys>);

impl std::fmt::Debug for Masks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Masks(client)" } else { "Masks(server)" })
    }
}

impl Outgoing {
    pub(super) fn new(role: Role, agreement: &Agreement) -> Self {
        Self {
            dialect: agreement.dialect,
            masks: Masks(match role {
                Role::Client(keys) => Some(keys),
                Role::Server => None,
            }),
            compressor: agreement.deflate.map(|agreed| Box::new(Compressor::new(agreed))),
            state: State::Open,
            ping: None,
            pong: None,
            close: None,
        }
    }

    /// Appends one message to `out`, as one frame, compressed where that was agreed.
    ///
    /// # Errors
    ///
    /// [`Closed`](UsageError::Closed) once a close frame was asked for or received;
    /// [`NotInDialect`](UsageError::NotInDialect) for a binary message to a hixie peer, and
    /// [`InvalidUtf8`](UsageError::InvalidUtf8) for a text that would break its framing. To other
    /// peers the bytes of a text are sent as they are: that they are UTF-8 is the caller's part.
    pub fn send(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), UsageError> {
        if self.state != State::Open {
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
        match &mut self.compressor {
            Some(compressor) if compressor.wants(payload.len()) => {
                let compressed = compressor.compress(payload);
                self.frame(opcode, Header::COMPRESSED, &compressed, out);
            }
            _ => self.frame(opcode, 0, payload, out),
        }
        Ok(())
    }

    /// Asks for a ping; one that still waits is replaced.
    ///
    /// # Errors
    ///
    /// [`Closed`](UsageError::Closed), [`ControlTooLong`](UsageError::ControlTooLong) above 125
    /// bytes, and [`NotInDialect`](UsageError::NotInDialect) to a hixie peer.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), UsageError> {
        if self.state != State::Open {
            return Err(UsageError::Closed);
        }
        if !self.can_ping() {
            return Err(UsageError::NotInDialect);
        }
        if payload.len() > MAX_CONTROL_BYTES {
            return Err(UsageError::ControlTooLong(payload.len()));
        }
        self.ping = Some(payload.into());
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
        if self.state != State::Open {
            return Err(UsageError::Closed);
        }
        self.close = Some(close::encode(code, reason)?.into());
        self.state = match self.dialect {
            Dialect::Hixie75 => State::Closed { since: now },
            Dialect::Hixie76 | Dialect::Hybi => State::Closing { since: now },
        };
        Ok(())
    }

    /// Moves the control frames that wait to the end of `out`.
    pub fn take_output(&mut self, out: &mut Vec<u8>) {
        if let Some(payload) = self.pong.take() {
            self.frame(Opcode::Pong, 0, &payload, out);
        }
        if let Some(payload) = self.ping.take() {
            self.frame(Opcode::Ping, 0, &payload, out);
        }
        if let Some(payload) = self.close.take() {
            match self.dialect {
                Dialect::Hixie75 => {}
                Dialect::Hixie76 => out.extend_from_slice(&legacy::CLOSE),
                Dialect::Hybi => self.frame(Opcode::Close, 0, &payload, out),
            }
        }
    }

    /// Whether [`take_output`](Self::take_output) has anything to give.
    pub const fn has_output(&self) -> bool {
        self.pong.is_some() || self.ping.is_some() || self.close.is_some()
    }

    /// Where in its life the connection is.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Whether the dialect has pings.
    pub(super) fn can_ping(&self) -> bool {
        self.dialect == Dialect::Hybi
    }

    pub(super) fn pong(&mut self, payload: &[u8]) {
        // §5.5.1: nothing is sent after the close frame.
        if self.state == State::Open {
            self.pong = Some(payload.into());
        }
    }

    /// The peer's close frame arrived; it is answered with its own code (§5.5.1).
    pub(super) fn answer_close(&mut self, code: CloseCode, now: Instant) {
        if self.state == State::Open {
            let payload = close::encode(code, "").expect("a code that was decoded may be sent");
            self.close = Some(payload.into());
        }
        self.end(now);
    }

    /// The peer broke the protocol: it is told why, and that is the end (§7.1.7).
    pub(super) fn fail(&mut self, error: &ProtocolError, now: Instant) {
        if self.state == State::Open {
            let reason = error.to_string();
            let payload = close::encode(error.close_code(), &reason)
                .expect("every error has a code that may be sent and a short text");
            self.close = Some(payload.into());
        }
        self.end(now);
    }

    pub(super) fn end(&mut self, now: Instant) {
        self.state = State::Closed { since: now };
    }

    fn frame(&mut self, opcode: Opcode, reserved: u8, payload: &[u8], out: &mut Vec<u8>) {
        // §5.3: a fresh key for every frame. §5.1: a server MUST NOT mask.
        let mask = self.masks.0.as_mut().map(|next| next());
        let header = Header { fin: true, reserved, opcode, mask, len: payload.len() as u64 };
        out.reserve(MAX_HEADER_BYTES + payload.len());
        header.encode(out);
        let start = out.len();
        out.extend_from_slice(payload);
        if let Some(key) = mask {
            mask::apply(&mut out[start..], key);
        }
    }
}
