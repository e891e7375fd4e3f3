//! What a connection still has to send: the same prepared frame, so many bytes of it.
//!
//! All messages of a run are one frame, masked once. What is owed is therefore a number of bytes, and
//! where the next begins is a place in that frame: no connection holds a copy.

use std::io;
use std::time::Instant;

use tieline::{Agreement, Limits, MessageKind, Role, mask_keys};
use tieline_proto::deflate::{Agreed, Window};
use tieline_proto::frame::{Header, Opcode};
use tieline_proto::{Connection, mask};

use super::payload::Payload;

/// Frames are repeated in memory up to this size, so that one write takes many.
const MAX_REPEATED_BYTES: usize = 256 << 10;

/// The frame of every message, several times in a row.
#[derive(Debug)]
pub(super) struct Prepared {
    wire: Vec<u8>,
    frame_bytes: usize,
}

impl Prepared {
    /// Encodes the message as a connection with this agreement does, and repeats it for a batch.
    pub(super) fn new(payload: &Payload, agreed: Option<Agreed>, batch: usize) -> Self {
        // A frame that is sent again must not refer to what was sent before it.
        let deflate = agreed.map(|agreed| Agreed {
            ours: Window { context_takeover: false, ..agreed.ours },
            ..agreed
        });
        let agreement = Agreement { deflate, ..Agreement::default() };
        let role = Role::Client(mask_keys());
        let mut connection = Connection::new(role, &agreement, Limits::default(), Instant::now());
        let mut frame = Vec::new();
        let sent = connection.outgoing().send(payload.kind, &payload.bytes, &mut frame);
        sent.expect("a new connection of version 13 is open and takes both kinds");
        let times = (MAX_REPEATED_BYTES / frame.len()).clamp(1, batch);
        Self { frame_bytes: frame.len(), wire: frame.repeat(times) }
    }
}

/// A frame as a client sends it: a control frame, or a whole text.
pub(super) fn frame(opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
    let key = mask_keys()();
    let len = payload.len() as u64;
    Header { fin: true, reserved: 0, opcode, mask: Some(key), len }.encode(out);
    let start = out.len();
    out.extend_from_slice(payload);
    mask::apply(&mut out[start..], key);
}

/// What one connection has to send.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// Bytes of messages that are due.
    owed: u64,
    /// Where in the frame the next byte is.
    at: usize,
    /// Control frames, sent between two messages.
    control: Vec<u8>,
}

impl Outgoing {
    /// Has so many messages more to send.
    pub(super) const fn owe(&mut self, messages: u64, prepared: &Prepared) {
        self.owed += messages * prepared.frame_bytes as u64;
    }

    /// Forgets the messages that were not begun.
    pub(super) const fn abandon(&mut self) {
        if self.at == 0 {
            self.owed = 0;
        }
    }

    /// Where control frames are to be appended.
    pub(super) const fn control(&mut self) -> &mut Vec<u8> {
        &mut self.control
    }

    /// Whether nothing waits.
    pub(super) const fn is_empty(&self) -> bool {
        self.owed == 0 && self.control.is_empty()
    }

    /// Hands bytes to `write` until nothing waits or it would block; answers how many messages
    /// were finished.
    pub(super) fn flush(
        &mut self,
        prepared: &Prepared,
        mut write: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<u64> {
        let mut finished = 0;
        while !self.is_empty() {
            if self.at == 0 && !self.control.is_empty() {
                match some(write(&self.control))? {
                    0 => break,
                    taken => drop(self.control.drain(..taken)),
                }
                continue;
            }
            let end = if self.control.is_empty() {
                let owed = usize::try_from(self.owed).unwrap_or(usize::MAX);
                prepared.wire.len().min(self.at.saturating_add(owed))
            } else {
                prepared.frame_bytes
            };
            let taken = some(write(&prepared.wire[self.at..end]))?;
            if taken == 0 {
                break;
            }
            self.owed -= taken as u64;
            let at = self.at + taken;
            finished += (at / prepared.frame_bytes) as u64;
            self.at = at % prepared.frame_bytes;
        }
        Ok(finished)
    }
}

/// What was written; a socket that would block has taken nothing.
fn some(written: io::Result<usize>) -> io::Result<usize> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        other => other,
    }
}

/// The opcode that a message of this kind begins with.
pub(super) const fn opcode(kind: MessageKind) -> Opcode {
    match kind {
        MessageKind::Binary => Opcode::Binary,
        MessageKind::Text => Opcode::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared() -> Prepared {
        let payload = Payload { kind: MessageKind::Binary, bytes: vec![7; 1_000] };
        Prepared::new(&payload, None, 4)
    }

    #[test]
    fn how_the_socket_takes_the_bytes_changes_nothing() {
        let prepared = prepared();
        let frame = &prepared.wire[..prepared.frame_bytes];
        for step in [1, 7, 1_007, 1_008, 1_009, 2_500, 100_000] {
            let (mut outgoing, mut wire, mut finished) = (Outgoing::default(), Vec::new(), 0);
            outgoing.owe(9, &prepared);
            let mut is_full = false;
            while !outgoing.is_empty() {
                let write = |bytes: &[u8]| {
                    let taken = bytes.len().min(step);
                    is_full = !is_full;
                    if is_full {
                        return Err(io::ErrorKind::WouldBlock.into());
                    }
                    wire.extend_from_slice(&bytes[..taken]);
                    Ok(taken)
                };
                finished += outgoing.flush(&prepared, write).unwrap();
            }
            assert_eq!((finished, wire == frame.repeat(9)), (9, true), "steps of {step}");
        }
    }

    #[test]
    fn a_control_frame_goes_between_two_messages() {
        let prepared = prepared();
        let (mut outgoing, mut wire) = (Outgoing::default(), Vec::new());
        outgoing.owe(2, &prepared);
        let write = |bytes: &[u8]| {
            if !wire.is_empty() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            wire.extend_from_slice(&bytes[..3]);
            Ok(3)
        };
        outgoing.flush(&prepared, write).unwrap();
        frame(Opcode::Pong, b"hi", outgoing.control());
        let write = |bytes: &[u8]| {
            wire.extend_from_slice(bytes);
            Ok(bytes.len())
        };
        assert_eq!(outgoing.flush(&prepared, write).unwrap(), 2);
        assert_eq!(wire[prepared.frame_bytes..][..2], [0x8A, 0x82]);
        assert_eq!(wire.len(), 2 * prepared.frame_bytes + 8);
    }
}
