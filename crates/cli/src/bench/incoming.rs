//! What a connection is told: answers counted by their headers, everything else by the book.
//!
//! ```text
//! bytes ─▶ a header cut off before? ─▶ joined with what comes
//!       ─▶ data frame               ─▶ its payload is passed over, or compared where it lies
//!       ─▶ control frame            ─▶ kept for the connection to answer
//! ```
//!
//! Compressed answers whose content counts go through [`Connection`] instead: it inflates.

use std::time::Instant;

use tieline::{Agreement, Closed, Limits, ProtocolError, Role, mask_keys};
use tieline_proto::frame::{Header, MAX_HEADER_BYTES, Opcode};
use tieline_proto::{Connection, Event, close};

use super::outgoing::opcode;
use super::payload::Payload;

/// A header and the payload of a control frame.
const MAX_CONTROL_FRAME_BYTES: usize = MAX_HEADER_BYTES + 125;

/// What counts as an answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expected<'p> {
    /// Any message.
    Anything,
    /// A message as long as what was sent, or longer: what a server passes on may say from whom.
    AtLeast(&'p Payload),
    /// What was sent: its kind and length.
    Like(&'p Payload),
    /// What was sent, byte for byte.
    Same(&'p Payload),
}

/// What one read brought.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Answers.
    pub(super) answers: u64,
    /// Messages that are none.
    pub(super) others: u64,
    /// Answers that hold something else than was sent.
    pub(super) altered: u64,
    /// Control frames, in order.
    pub(super) control: Vec<(Opcode, Vec<u8>)>,
}

/// The decoder of one connection.
#[derive(Debug)]
pub(super) enum Incoming {
    /// Counts.
    Counting(Counting),
    /// Inflates.
    Inflating(Box<Connection>),
}

impl Incoming {
    /// The decoder for what was agreed.
    pub(super) fn new(agreement: &Agreement, expected: Expected<'_>) -> Self {
        match expected {
            Expected::Same(payload) if agreement.deflate.is_some() => {
                let limits = Limits {
                    max_message_bytes: payload.bytes.len().max(1 << 20),
                    max_fragments: 1 << 20,
                    ping_after: None,
                    ..Limits::default()
                };
                let role = Role::Client(mask_keys());
                Self::Inflating(Box::new(Connection::new(role, agreement, limits, Instant::now())))
            }
            _ => {
                let may_be_compressed = agreement.deflate.is_some();
                Self::Counting(Counting { may_be_compressed, ..Counting::default() })
            }
        }
    }

    /// Takes what a read brought.
    pub(super) fn receive(
        &mut self,
        bytes: &mut [u8],
        expected: Expected<'_>,
        found: &mut Found,
    ) -> Result<(), ProtocolError> {
        match self {
            Self::Counting(counting) => counting.receive(bytes, expected, found),
            Self::Inflating(connection) => inflate(connection, bytes, expected, found),
        }
    }
}

fn inflate(
    connection: &mut Connection,
    bytes: &mut [u8],
    expected: Expected<'_>,
    found: &mut Found,
) -> Result<(), ProtocolError> {
    let (mut events, outgoing) = connection.receive(bytes, Instant::now());
    while let Some(event) = events.next(outgoing) {
        match event {
            Event::Message(message) => {
                let Expected::Same(payload) = expected else { continue };
                if (message.kind(), message.payload().len()) != (payload.kind, payload.bytes.len())
                {
                    found.others += 1;
                } else {
                    found.answers += 1;
                    found.altered += u64::from(message.payload() != payload.bytes);
                }
            }
            Event::Ping(payload) => found.control.push((Opcode::Ping, payload.to_vec())),
            Event::Closed(Closed::Failed(error)) => return Err(error),
            Event::Closed(closed) => {
                let said = close::encode(closed.code(), closed.reason());
                found.control.push((Opcode::Close, said.unwrap_or_default()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Counts messages by their headers.
#[derive(Debug, Default)]
pub(super) struct Counting {
    may_be_compressed: bool,
    /// Payload bytes of the current data frame that are still to come.
    left: u64,
    /// Whether that frame ends its message.
    fin: bool,
    /// The message whose frames arrive, once it has begun.
    message: Option<Message>,
    /// A header or a control frame whose end was not there yet.
    cut: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Message {
    opcode: Opcode,
    compressed: bool,
    /// Bytes so far, those of the current frame that are still to come included.
    bytes: u64,
    altered: bool,
}

impl Counting {
    fn receive(
        &mut self,
        mut bytes: &[u8],
        expected: Expected<'_>,
        found: &mut Found,
    ) -> Result<(), ProtocolError> {
        if !self.cut.is_empty() {
            bytes = self.join(bytes, expected, found)?;
        }
        while !bytes.is_empty() {
            if self.left > 0 {
                bytes = self.pass(bytes, expected, found);
                continue;
            }
            let taken = self.frame(bytes, expected, found)?;
            if taken == 0 {
                self.cut.extend_from_slice(bytes);
                return Ok(());
            }
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    /// Goes on with what was cut off; answers the bytes after it.
    #[cold]
    fn join<'b>(
        &mut self,
        bytes: &'b [u8],
        expected: Expected<'_>,
        found: &mut Found,
    ) -> Result<&'b [u8], ProtocolError> {
        let mut joined = std::mem::take(&mut self.cut);
        let had = joined.len();
        joined.extend_from_slice(&bytes[..bytes.len().min(MAX_CONTROL_FRAME_BYTES)]);
        match self.frame(&joined, expected, found)? {
            0 => {
                self.cut = joined;
                Ok(&[])
            }
            taken => Ok(&bytes[taken - had..]),
        }
    }

    /// Begins the frame in front: a data frame's header, or a whole control frame. Answers the
    /// bytes of it, 0 where too few are there.
    fn frame(
        &mut self,
        bytes: &[u8],
        expected: Expected<'_>,
        found: &mut Found,
    ) -> Result<usize, ProtocolError> {
        let Some((header, taken)) = Header::decode(bytes)? else { return Ok(0) };
        if header.mask.is_some() {
            return Err(ProtocolError::InvalidMask);
        }
        if header.opcode.is_control() {
            return control(&header, &bytes[taken..], taken, found);
        }
        self.begin(&header)?;
        if self.left == 0 && self.fin {
            self.end(expected, found);
        }
        Ok(taken)
    }

    fn begin(&mut self, header: &Header) -> Result<(), ProtocolError> {
        let compressed = header.reserved == Header::COMPRESSED;
        let is_first = header.opcode != Opcode::Continuation;
        if header.reserved != 0 && !(compressed && self.may_be_compressed && is_first) {
            return Err(ProtocolError::ReservedBit);
        }
        match (&mut self.message, is_first) {
            (None, false) => return Err(ProtocolError::UnexpectedContinuation),
            (Some(_), true) => return Err(ProtocolError::MessageUnfinished),
            (Some(message), false) => message.bytes = message.bytes.saturating_add(header.len),
            (message @ None, true) => {
                let opcode = header.opcode;
                *message = Some(Message { opcode, compressed, bytes: header.len, altered: false });
            }
        }
        self.left = header.len;
        self.fin = header.fin;
        Ok(())
    }

    /// Passes over payload, and compares it where that is asked for.
    #[inline]
    fn pass<'b>(&mut self, bytes: &'b [u8], expected: Expected<'_>, found: &mut Found) -> &'b [u8] {
        let here = usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
        if let (Expected::Same(payload), Some(message)) = (expected, &mut self.message) {
            let from = usize::try_from(message.bytes - self.left).unwrap_or(usize::MAX);
            let same = payload.bytes.get(from..).and_then(|rest| rest.get(..here));
            message.altered |= same != Some(&bytes[..here]);
        }
        self.left -= here as u64;
        if self.left == 0 && self.fin {
            self.end(expected, found);
        }
        &bytes[here..]
    }

    fn end(&mut self, expected: Expected<'_>, found: &mut Found) {
        let Some(message) = self.message.take() else { return };
        let is_answer = match expected {
            Expected::Anything => true,
            Expected::AtLeast(payload) => {
                message.compressed || message.bytes >= payload.bytes.len() as u64
            }
            Expected::Like(payload) | Expected::Same(payload) => {
                message.opcode == opcode(payload.kind)
                    && (message.compressed || message.bytes == payload.bytes.len() as u64)
            }
        };
        if is_answer {
            found.answers += 1;
            found.altered += u64::from(message.altered);
        } else {
            found.others += 1;
        }
    }
}

/// Takes a control frame, if all of it is there.
#[cold]
fn control(
    header: &Header,
    rest: &[u8],
    header_bytes: usize,
    found: &mut Found,
) -> Result<usize, ProtocolError> {
    if header.reserved != 0 {
        return Err(ProtocolError::ReservedBit);
    }
    let bytes = header.len as usize;
    let Some(payload) = rest.get(..bytes) else { return Ok(0) };
    found.control.push((header.opcode, payload.to_vec()));
    Ok(header_bytes + bytes)
}

#[cfg(test)]
mod tests {
    use tieline::MessageKind;

    use super::*;

    fn payload() -> Payload {
        Payload { kind: MessageKind::Binary, bytes: (0..200).map(|at| at as u8).collect() }
    }

    fn frame(fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
        let mut wire = Vec::new();
        let len = payload.len() as u64;
        Header { fin, reserved: 0, opcode, mask: None, len }.encode(&mut wire);
        wire.extend_from_slice(payload);
        wire
    }

    fn found(pieces: &[&[u8]], expected: Expected<'_>) -> Result<Found, ProtocolError> {
        let mut incoming = Incoming::new(&Agreement::default(), expected);
        let mut found = Found::default();
        for piece in pieces {
            incoming.receive(&mut piece.to_vec(), expected, &mut found)?;
        }
        Ok(found)
    }

    #[test]
    fn how_the_network_cuts_the_bytes_changes_nothing() {
        let payload = payload();
        let (head, tail) = payload.bytes.split_at(77);
        let wire = [
            frame(true, Opcode::Binary, &payload.bytes),
            frame(false, Opcode::Binary, head),
            frame(true, Opcode::Ping, b"between fragments"),
            frame(false, Opcode::Continuation, &[]),
            frame(true, Opcode::Continuation, tail),
            frame(true, Opcode::Text, b"a greeting"),
            frame(true, Opcode::Binary, &[0; 200]),
            frame(true, Opcode::Binary, &[]),
        ]
        .concat();
        for cut in 0..=wire.len() {
            let found = found(&[&wire[..cut], &wire[cut..]], Expected::Same(&payload)).unwrap();
            let counts = (found.answers, found.altered, found.others);
            assert_eq!(counts, (3, 1, 2), "cut at {cut}");
            assert_eq!(found.control, [(Opcode::Ping, b"between fragments".to_vec())]);
        }
        let single: Vec<_> = wire.chunks(1).collect();
        assert_eq!(found(&single, Expected::Anything).unwrap().answers, 5);
    }

    #[test]
    fn what_a_server_must_not_send_is_a_violation() {
        let masked = [0x82, 0x80, 1, 2, 3, 4];
        let of = |wire: &[u8]| found(&[wire], Expected::Anything).unwrap_err();
        assert_eq!(of(&masked), ProtocolError::InvalidMask);
        assert_eq!(of(&[0xC2, 0]), ProtocolError::ReservedBit);
        assert_eq!(of(&[0x80, 0]), ProtocolError::UnexpectedContinuation);
        assert_eq!(of(&[0x02, 0, 0x82, 0]), ProtocolError::MessageUnfinished);
        assert_eq!(of(&[0x83, 0]), ProtocolError::UnknownOpcode(3));
    }
}
