//! The half that receives: frames are unmasked where they lie and put together where they must be.

use std::ops::Range;
use std::sync::Arc;

use super::MessageKind;
use crate::close::{Closed, Lost};
use crate::close_code::CloseCode;
use crate::deflate::Inflater;
use crate::error::ProtocolError;
use crate::frame::{Header, MAX_HEADER_BYTES, Opcode};
use crate::handshake::{Agreement, Dialect};
use crate::limits::Limits;
use crate::utf8::{self, Validator};
use crate::{legacy, mask};

/// Decodes what the peer says. An idle one owns no memory but its own.
#[derive(Debug)]
pub(crate) struct Incoming {
    limits: Arc<Limits>,
    decoder: Decoder,
    /// A message that did not lie whole in one read, so far.
    assembly: Vec<u8>,
}

#[derive(Debug)]
enum Decoder {
    Hybi(Frames),
    Hixie {
        frames: legacy::Decoder,
        dialect: Dialect,
    },
    /// Nothing is read any more.
    Finished,
}

/// What the next bytes brought.
#[derive(Debug)]
pub(super) enum Step {
    Message(MessageKind, Place),
    Control(Opcode, Place),
    LegacyClose,
}

/// Where a payload is.
#[derive(Debug)]
pub(super) enum Place {
    /// In the bytes just received.
    Here(Range<usize>),
    /// Put together here.
    Held(Vec<u8>),
}

impl Incoming {
    pub(super) fn new(from_client: bool, agreement: &Agreement, limits: Arc<Limits>) -> Self {
        let decoder = match agreement.dialect {
            Dialect::Hybi => Decoder::Hybi(Frames::new(from_client, agreement)),
            dialect => Decoder::Hixie { frames: legacy::Decoder::default(), dialect },
        };
        Self { limits, decoder, assembly: Vec::new() }
    }

    /// Takes bytes from `at` on until something is whole, and moves `at` behind them.
    pub(super) fn step(
        &mut self,
        bytes: &mut [u8],
        at: &mut usize,
    ) -> Result<Option<Step>, ProtocolError> {
        match &mut self.decoder {
            Decoder::Hybi(frames) => frames.step(bytes, at, &mut self.assembly, &self.limits),
            Decoder::Hixie { frames, dialect } => loop {
                let (taken, decoded) =
                    frames.decode(&bytes[*at..], &mut self.assembly, &self.limits)?;
                *at += taken;
                match decoded {
                    None => return Ok(None),
                    Some(legacy::Decoded::Text) => {
                        let text = Place::Held(std::mem::take(&mut self.assembly));
                        return Ok(Some(Step::Message(MessageKind::Text, text)));
                    }
                    Some(legacy::Decoded::Close) if *dialect == Dialect::Hixie76 => {
                        return Ok(Some(Step::LegacyClose));
                    }
                    // Hixie-75 has no closing handshake: there it is one more frame to skip.
                    Some(legacy::Decoded::Close) => {}
                }
            },
            Decoder::Finished => {
                *at = bytes.len();
                Ok(None)
            }
        }
    }

    /// Reads nothing any more, and frees what was held.
    pub(super) fn finish(&mut self) {
        self.decoder = Decoder::Finished;
        self.assembly = Vec::new();
    }

    /// The transport is gone: what that makes of the connection.
    pub(super) fn end(&mut self, why: Lost) -> Closed {
        // Hixie-75 knows no other end than the end of the transport.
        let orderly = matches!(self.decoder, Decoder::Hixie { dialect: Dialect::Hixie75, .. });
        self.finish();
        match why {
            Lost::Eof if orderly => {
                Closed::Cleanly { code: CloseCode::NO_STATUS, reason: String::new() }
            }
            why => Closed::Lost(why),
        }
    }
}

/// The frames of RFC 6455, in whatever pieces they come.
#[derive(Debug)]
struct Frames {
    from_client: bool,
    /// The first bytes of a header that is not whole yet.
    head: [u8; MAX_HEADER_BYTES],
    head_len: u8,
    frame: Option<Frame>,
    message: Option<Unfinished>,
    /// The payload of a control frame that is not whole yet.
    control: Vec<u8>,
    inflater: Option<Box<Inflater>>,
}

/// A frame whose header is known.
#[derive(Debug)]
struct Frame {
    opcode: Opcode,
    fin: bool,
    /// Turned so that it fits the next byte.
    key: Option<[u8; 4]>,
    /// Payload bytes still to come.
    left: u64,
    /// Whether some of the payload came with an earlier read.
    cut: bool,
}

/// A message that has begun.
#[derive(Debug)]
struct Unfinished {
    kind: MessageKind,
    compressed: bool,
    fragments: usize,
    /// Bytes announced so far, before inflation.
    wire: u64,
    utf8: Validator,
}

impl Frames {
    fn new(from_client: bool, agreement: &Agreement) -> Self {
        Self {
            from_client,
            head: [0; MAX_HEADER_BYTES],
            head_len: 0,
            frame: None,
            message: None,
            control: Vec::new(),
            inflater: agreement.deflate.map(|agreed| Box::new(Inflater::new(agreed.theirs))),
        }
    }

    fn step(
        &mut self,
        bytes: &mut [u8],
        at: &mut usize,
        assembly: &mut Vec<u8>,
        limits: &Limits,
    ) -> Result<Option<Step>, ProtocolError> {
        loop {
            let mut frame = match self.frame.take() {
                Some(frame) => frame,
                None => match self.header(bytes, at)? {
                    Some(header) => self.admit(header, assembly.len(), limits)?,
                    None => return Ok(None),
                },
            };
            let here = usize::try_from(frame.left).unwrap_or(usize::MAX).min(bytes.len() - *at);
            if here == 0 && frame.left > 0 {
                self.frame = Some(frame);
                return Ok(None);
            }
            let range = *at..*at + here;
            *at = range.end;
            let piece = &mut bytes[range.clone()];
            if let Some(key) = &mut frame.key {
                *key = mask::apply(piece, *key);
            }
            frame.left -= here as u64;

            let step = if frame.opcode.is_control() {
                self.control(&frame, piece, range)
            } else {
                self.data(&frame, piece, range, assembly, limits)?
            };
            if step.is_some() {
                return Ok(step);
            }
            if frame.left > 0 {
                self.frame = Some(Frame { cut: true, ..frame });
            }
        }
    }

    /// The next header, put together where a read cut it off.
    fn header(&mut self, bytes: &[u8], at: &mut usize) -> Result<Option<Header>, ProtocolError> {
        let rest = &bytes[*at..];
        if self.head_len == 0 {
            if let Some((header, len)) = Header::decode(rest)? {
                *at += len;
                return Ok(Some(header));
            }
            self.head[..rest.len()].copy_from_slice(rest);
            self.head_len = rest.len() as u8;
            *at = bytes.len();
            return Ok(None);
        }
        for &byte in rest {
            self.head[usize::from(self.head_len)] = byte;
            self.head_len += 1;
            *at += 1;
            if let Some((header, _)) = Header::decode(&self.head[..usize::from(self.head_len)])? {
                self.head_len = 0;
                return Ok(Some(header));
            }
        }
        Ok(None)
    }

    /// Checks a header against the role, the message in progress and the limits.
    fn admit(
        &mut self,
        header: Header,
        held: usize,
        limits: &Limits,
    ) -> Result<Frame, ProtocolError> {
        // §5.1: a client MUST mask, a server MUST NOT.
        if header.mask.is_some() != self.from_client {
            return Err(ProtocolError::InvalidMask);
        }
        let Header { fin, reserved, opcode, mask: key, len: left } = header;
        let frame = Frame { opcode, fin, key, left, cut: false };
        if opcode.is_control() {
            return if reserved == 0 { Ok(frame) } else { Err(ProtocolError::ReservedBit) };
        }

        let message = match (opcode, &mut self.message) {
            (Opcode::Continuation, None) => return Err(ProtocolError::UnexpectedContinuation),
            (Opcode::Continuation, Some(_)) if reserved != 0 => {
                return Err(ProtocolError::ReservedBit);
            }
            (Opcode::Continuation, Some(message)) => message,
            (_, Some(_)) => return Err(ProtocolError::MessageUnfinished),
            (_, none) => {
                let compressed = reserved == Header::COMPRESSED && self.inflater.is_some();
                if reserved != 0 && !compressed {
                    return Err(ProtocolError::ReservedBit);
                }
                let kind = match opcode {
                    Opcode::Text => MessageKind::Text,
                    _ => MessageKind::Binary,
                };
                let utf8 = Validator::default();
                none.insert(Unfinished { kind, compressed, fragments: 0, wire: 0, utf8 })
            }
        };
        message.fragments += 1;
        if message.fragments > limits.max_fragments {
            return Err(ProtocolError::TooManyFragments { limit: limits.max_fragments });
        }
        if message.compressed {
            // What inflates to nothing is bounded too: no sound compressor doubles its input.
            message.wire = message.wire.saturating_add(left);
            let limit = limits.max_message_bytes;
            if message.wire > (limit as u64).saturating_mul(2).saturating_add(1 << 10) {
                return Err(ProtocolError::MessageTooBig { bytes: message.wire, limit });
            }
        } else {
            limits.admit(held, left)?;
        }
        Ok(frame)
    }

    fn control(&mut self, frame: &Frame, piece: &[u8], range: Range<usize>) -> Option<Step> {
        if frame.left == 0 && !frame.cut {
            return Some(Step::Control(frame.opcode, Place::Here(range)));
        }
        self.control.extend_from_slice(piece);
        let whole = frame.left == 0;
        whole.then(|| Step::Control(frame.opcode, Place::Held(std::mem::take(&mut self.control))))
    }

    fn data(
        &mut self,
        frame: &Frame,
        piece: &[u8],
        range: Range<usize>,
        assembly: &mut Vec<u8>,
        limits: &Limits,
    ) -> Result<Option<Step>, ProtocolError> {
        let message = self.message.as_mut().expect("a data frame has a message: checked by admit");
        let kind = message.kind;
        let last = frame.fin && frame.left == 0;

        // The usual case: a whole message lies in the buffer.
        if last && !frame.cut && !message.compressed && message.fragments == 1 {
            if kind == MessageKind::Text && !utf8::is_valid(piece) {
                return Err(ProtocolError::InvalidUtf8);
            }
            self.message = None;
            return Ok(Some(Step::Message(kind, Place::Here(range))));
        }

        let checked = assembly.len();
        let mut inflated = Ok(());
        if message.compressed {
            let inflater = self.inflater.as_mut().expect("compressed only where agreed");
            inflated = inflater.push(piece, assembly, limits.max_message_bytes);
            if last && inflated.is_ok() {
                inflated = inflater.finish(assembly, limits.max_message_bytes);
            }
        } else {
            assembly.extend_from_slice(piece);
        }
        if kind == MessageKind::Text {
            // §8.1: checked as it arrives, so that a bad byte fails at once; and before what came
            // of inflation, so that the verdict does not depend on the cuts between reads.
            let fitting = assembly.len().min(limits.max_message_bytes);
            let text = &mut message.utf8;
            text.push(&assembly[checked..fitting]).map_err(|_| ProtocolError::InvalidUtf8)?;
            if last && inflated.is_ok() && !text.is_complete() {
                return Err(ProtocolError::InvalidUtf8);
            }
        }
        inflated?;
        if !last {
            return Ok(None);
        }
        self.message = None;
        Ok(Some(Step::Message(kind, Place::Held(std::mem::take(assembly)))))
    }
}
