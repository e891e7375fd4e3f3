//! What is unfinished: a header, a frame or a message that did not lie whole in one read.
//!
//! It exists only then. A line between two messages has none, and a whole message in one frame,
//! uncompressed, never comes here.

use std::ops::Range;

use super::MessageKind;
use super::assembly::Assembly;
use super::cut::Cut;
use super::step::{Place, Step};
use crate::deflate::{Inflater, MessageInflater, Window};
use crate::error::ProtocolError;
use crate::frame::{Header, MAX_HEADER_BYTES, Opcode};
use crate::handshake::Dialect;
use crate::limits::Limits;
use crate::utf8::{self, Validator};
use crate::{legacy, mask};

/// What was agreed on, and what outlives a message.
#[derive(Debug)]
pub(super) struct Terms<'a> {
    pub(super) dialect: Dialect,
    pub(super) from_client: bool,
    pub(super) limits: &'a Limits,
    /// How the peer compresses.
    pub(super) theirs: Option<Window>,
    /// The inflater of a peer that keeps its window.
    pub(super) kept: &'a mut Option<Box<Inflater>>,
}

/// The beginning of something whose end is still to come.
#[derive(Debug, Default)]
pub(super) struct Partial {
    /// The first bytes of a header that is not whole yet.
    head: [u8; MAX_HEADER_BYTES],
    head_len: u8,
    frame: Option<Frame>,
    message: Option<Unfinished>,
    /// The payload of a control frame that is not whole yet.
    control: Vec<u8>,
    /// The message so far.
    assembly: Assembly,
    /// Whether a text was found to be none where nobody could be told.
    pub(super) is_invalid: bool,
    /// The frames of the old drafts.
    hixie: legacy::Decoder,
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
    /// The inflater of a peer that keeps no window.
    inflater: MessageInflater,
}

impl Partial {
    /// Whether nothing is unfinished after all.
    pub(super) const fn is_idle(&self) -> bool {
        self.head_len == 0
            && self.frame.is_none()
            && self.message.is_none()
            && self.hixie.is_between_frames()
    }

    /// What is not whole.
    pub(super) fn cut(&self) -> Cut<'_> {
        // Of a frame that is whole its message is told when it is; of one that is not, it goes on.
        let goes_on = self.message.is_some();
        let (left, ends) = self
            .frame
            .as_ref()
            .map_or((0, false), |frame| (frame.left, frame.fin && !frame.opcode.is_control()));
        Cut { head: &self.head[..usize::from(self.head_len)], left, is_fragment: goes_on && !ends }
    }

    /// Takes bytes from `at` on until something is whole, and moves `at` behind them. What had to
    /// be put together goes to `held`.
    pub(super) fn step(
        &mut self,
        bytes: &mut [u8],
        at: &mut usize,
        held: &mut Vec<u8>,
        terms: &mut Terms<'_>,
    ) -> Result<Option<Step>, ProtocolError> {
        match terms.dialect {
            Dialect::Hybi => self.step_frames(bytes, at, held, terms),
            Dialect::Hixie75 | Dialect::Hixie76 => self.step_hixie(bytes, at, held, terms),
        }
    }

    fn step_hixie(
        &mut self,
        bytes: &[u8],
        at: &mut usize,
        held: &mut Vec<u8>,
        terms: &Terms<'_>,
    ) -> Result<Option<Step>, ProtocolError> {
        loop {
            let rest = &bytes[*at..];
            let (taken, decoded) =
                self.assembly.append(|text| self.hixie.decode(rest, text, terms.limits))?;
            *at += taken;
            match decoded {
                None => return Ok(None),
                Some(legacy::Decoded::Text) => {
                    *held = self.assembly.take();
                    return Ok(Some(Step::Message(MessageKind::Text, Place::Held)));
                }
                Some(legacy::Decoded::Close) if terms.dialect == Dialect::Hixie76 => {
                    return Ok(Some(Step::LegacyClose));
                }
                // Hixie-75 has no closing handshake: there it is one more frame to skip.
                Some(legacy::Decoded::Close) => {}
            }
        }
    }

    fn step_frames(
        &mut self,
        bytes: &mut [u8],
        at: &mut usize,
        held: &mut Vec<u8>,
        terms: &mut Terms<'_>,
    ) -> Result<Option<Step>, ProtocolError> {
        loop {
            let mut frame = match self.frame.take() {
                Some(frame) => frame,
                None => match self.header(bytes, at)? {
                    Some(header) => self.admit(header, terms)?,
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
                self.control(&frame, piece, range, held)
            } else {
                self.data(&frame, piece, range, held, terms)?
            };
            if step.is_some() {
                return Ok(step);
            }
            if frame.left > 0 {
                self.frame = Some(Frame { cut: true, ..frame });
            }
        }
    }

    /// Has the next payload bytes of a message put behind those it has, as
    /// [`Incoming::fill`](super::Incoming::fill) says.
    pub(super) fn fill(
        &mut self,
        more: impl FnOnce(usize) -> Vec<u8>,
        put: impl FnOnce(&mut [u8]) -> usize,
    ) -> Option<usize> {
        let (Some(frame), Some(message)) = (&mut self.frame, &mut self.message) else {
            return None;
        };
        if frame.opcode.is_control() || message.compressed {
            return None;
        }
        let left = usize::try_from(frame.left).unwrap_or(usize::MAX);
        let piece = self.assembly.fill(left, more, put)?;
        if let Some(key) = &mut frame.key {
            *key = mask::apply(piece, *key);
        }
        frame.left -= piece.len() as u64;
        frame.cut = true;
        if message.kind == MessageKind::Text {
            self.is_invalid = message.utf8.push(piece).is_err();
        }
        Some(piece.len())
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
    fn admit(&mut self, header: Header, terms: &Terms<'_>) -> Result<Frame, ProtocolError> {
        // §5.1: a client MUST mask, a server MUST NOT.
        if header.mask.is_some() != terms.from_client {
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
                let compressed = reserved == Header::COMPRESSED && terms.theirs.is_some();
                if reserved != 0 && !compressed {
                    return Err(ProtocolError::ReservedBit);
                }
                none.insert(Unfinished::new(opcode, compressed))
            }
        };
        message.count(left, self.assembly.len(), terms.limits)?;
        Ok(frame)
    }

    fn control(
        &mut self,
        frame: &Frame,
        piece: &[u8],
        range: Range<usize>,
        held: &mut Vec<u8>,
    ) -> Option<Step> {
        if frame.left == 0 && !frame.cut {
            return Some(Step::Control(frame.opcode, Place::Here(range)));
        }
        self.control.extend_from_slice(piece);
        if frame.left > 0 {
            return None;
        }
        *held = std::mem::take(&mut self.control);
        Some(Step::Control(frame.opcode, Place::Held))
    }

    fn data(
        &mut self,
        frame: &Frame,
        piece: &[u8],
        range: Range<usize>,
        held: &mut Vec<u8>,
        terms: &mut Terms<'_>,
    ) -> Result<Option<Step>, ProtocolError> {
        let message = self.message.as_mut().expect("a data frame has a message: checked by admit");
        let kind = message.kind;
        let last = frame.fin && frame.left == 0;

        // Whole and yet not usual: longer than the short forms of a length can say.
        if last && !frame.cut && !message.compressed && message.fragments == 1 {
            if kind == MessageKind::Text && !utf8::is_valid(piece) {
                return Err(ProtocolError::InvalidUtf8);
            }
            self.message = None;
            return Ok(Some(Step::Message(kind, Place::Here(range))));
        }

        let assembly = &mut self.assembly;
        let (checked, limit) = (assembly.len(), terms.limits.max_message_bytes);
        let mut inflated = Ok(());
        if message.compressed {
            inflated = assembly.append(|out| message.inflate(piece, last, out, terms));
        } else {
            assembly.push(piece, usize::try_from(frame.left).unwrap_or(usize::MAX));
        }
        if kind == MessageKind::Text {
            // §8.1: checked as it arrives, so that a bad byte fails at once; and before what came
            // of inflation, so that the verdict does not depend on the cuts between reads.
            let text = &mut message.utf8;
            text.push(&assembly.bytes()[checked..assembly.len().min(limit)])
                .map_err(|_| ProtocolError::InvalidUtf8)?;
            if last && inflated.is_ok() && !text.is_complete() {
                return Err(ProtocolError::InvalidUtf8);
            }
        }
        inflated?;
        if !last {
            return Ok(None);
        }
        self.message = None;
        *held = assembly.take();
        Ok(Some(Step::Message(kind, Place::Held)))
    }
}

impl Unfinished {
    fn new(opcode: Opcode, compressed: bool) -> Self {
        let kind = match opcode {
            Opcode::Text => MessageKind::Text,
            _ => MessageKind::Binary,
        };
        let utf8 = Validator::default();
        Self { kind, compressed, fragments: 0, wire: 0, utf8, inflater: MessageInflater::default() }
    }

    /// Checks one more frame of `announced` bytes, on top of the `held` bytes of the message,
    /// against the limits.
    fn count(&mut self, announced: u64, held: usize, limits: &Limits) -> Result<(), ProtocolError> {
        self.fragments += 1;
        if self.fragments > limits.max_fragments.max(1) {
            return Err(ProtocolError::TooManyFragments { limit: limits.max_fragments });
        }
        if !self.compressed {
            return limits.admit(held, announced).map(drop);
        }
        // What inflates to nothing is bounded too: no sound compressor doubles its input.
        self.wire = self.wire.saturating_add(announced);
        let limit = limits.max_message_bytes;
        if self.wire > (limit as u64).saturating_mul(2).saturating_add(1 << 10) {
            return Err(ProtocolError::MessageTooBig { bytes: self.wire, limit });
        }
        Ok(())
    }

    /// Inflates the next piece onto the end of `out`.
    fn inflate(
        &mut self,
        piece: &[u8],
        last: bool,
        out: &mut Vec<u8>,
        terms: &mut Terms<'_>,
    ) -> Result<(), ProtocolError> {
        let window = terms.theirs.expect("compressed only where agreed: checked by admit");
        let limit = terms.limits.max_message_bytes;
        if !window.context_takeover {
            return self.inflater.push(piece, last, out, limit);
        }
        let inflater = terms.kept.get_or_insert_with(|| Box::new(Inflater::new(window.bits)));
        inflater.push(piece, out, limit)?;
        if last { inflater.finish(out, limit) } else { Ok(()) }
    }
}
