//! The frames of one direction, from bytes that arrive in pieces.

use std::time::Instant;

use tieline_proto::deflate::{Agreed, Window};
use tieline_proto::frame::{Header, MAX_HEADER_BYTES, Opcode};
use tieline_proto::handshake::Agreement;
use tieline_proto::{Closed, Connection, Event, Limits, ProtocolError, Role, mask};

use crate::frame::{Frame, Outcome, Sender, Unread};

/// What is kept of what is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "options are plain structs: callers write `..default()`"
)]
pub struct Bounds {
    /// Most bytes of a frame's payload that are kept. Default 1 MiB.
    pub max_payload_bytes: usize,
    /// Largest message that is put together, after inflation, in bytes. Default 4 MiB.
    pub max_message_bytes: usize,
}

/// What a kept window costs, about.
const WINDOW_BYTES: usize = 48 << 10;

/// Most memory that is kept for the next piece.
const MAX_SCRATCH_BYTES: usize = 16 << 10;

impl Default for Bounds {
    fn default() -> Self {
        Self { max_payload_bytes: 1 << 20, max_message_bytes: 4 << 20 }
    }
}

/// The frames that one end sends, judged by a connection that hears them as the other end does.
///
/// It goes on behind a frame that breaks the protocol, with a connection that knows of nothing:
/// what belongs to what was before is then [`Outcome::Unread`].
#[derive(Debug)]
pub(crate) struct Direction {
    sender: Sender,
    theirs: Option<Window>,
    bounds: Bounds,
    connection: Connection,
    now: Instant,
    /// Of the next byte.
    offset: u64,
    open: Option<Open>,
    /// Whether the window of the sender's compressor is known.
    is_context_known: bool,
    message: Option<Progress>,
    /// Why the rest of a message is not put together.
    unread: Option<Unread>,
    /// Memory for what is heard, kept for the next.
    scratch: Vec<u8>,
}

/// A message of which more is to come.
#[derive(Debug)]
struct Progress {
    bytes: usize,
    is_compressed: bool,
}

/// A frame of which more is to come.
#[derive(Debug)]
struct Open {
    frame: Frame,
    /// Turned so that it fits the next byte.
    key: Option<[u8; 4]>,
    /// Payload bytes still to come.
    left: u64,
    /// Nobody needs to hear the rest: what comes of the frame is known.
    is_decided: bool,
    /// Some of its payload is missing.
    has_hole: bool,
}

/// What some bytes brought.
#[derive(Debug)]
pub(crate) struct Taken {
    /// How many of them were taken.
    pub(crate) bytes: usize,
    /// The frame that is whole with them.
    pub(crate) frame: Option<Frame>,
    /// Where the next frame begins is not known any more.
    pub(crate) is_lost: bool,
}

impl Direction {
    /// The frames from the first on; `theirs` is the window of the sender's compressor.
    pub(crate) fn new(sender: Sender, theirs: Option<Window>, bounds: Bounds) -> Self {
        let now = Instant::now();
        Self {
            sender,
            theirs,
            bounds,
            connection: connection(sender, theirs, bounds, now),
            now,
            offset: 0,
            open: None,
            is_context_known: true,
            message: None,
            unread: None,
            scratch: Vec::new(),
        }
    }

    /// As [`new`](Self::new), for frames of which the first are not there.
    pub(crate) fn in_the_middle(sender: Sender, theirs: Option<Window>, bounds: Bounds) -> Self {
        let unread = Some(Unread::Beginning);
        Self { is_context_known: false, unread, ..Self::new(sender, theirs, bounds) }
    }

    /// Counts bytes that are no part of any frame.
    pub(crate) const fn pass(&mut self, bytes: u64) {
        self.offset = self.offset.saturating_add(bytes);
    }

    /// How much memory it holds, about.
    pub(crate) fn held(&self) -> usize {
        let open = self.open.as_ref().map_or(0, |open| open.frame.payload.capacity());
        let message = self.message.as_ref().map_or(0, |message| match message.is_compressed {
            true => self.bounds.max_message_bytes,
            false => message.bytes,
        });
        open + message + if self.theirs.is_some() { WINDOW_BYTES } else { 0 }
    }

    /// Takes bytes until a frame is whole.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Taken {
        let mut taken = Taken { bytes: 0, frame: None, is_lost: false };
        if bytes.is_empty() {
            return taken;
        }
        let mut open = self.open.take().unwrap_or_else(|| Open::at(self.offset));
        // What of the frame has to be heard with this piece.
        let mut wire = std::mem::take(&mut self.scratch);
        wire.clear();
        if open.frame.header.is_none() {
            match open.head(bytes) {
                Ok((len, is_whole)) => {
                    taken.bytes = len;
                    if !is_whole {
                        self.offset += len as u64;
                        self.open = Some(open);
                        return taken;
                    }
                    wire.extend_from_slice(&open.frame.head);
                    self.begin(&mut open);
                }
                Err((len, error)) => {
                    taken.bytes = len;
                    taken.is_lost = true;
                    open.frame.outcome = Outcome::Wrong(error);
                    self.offset += len as u64;
                    self.forget();
                    taken.frame = Some(open.frame);
                    return taken;
                }
            }
        }
        let here = usize::try_from(open.left).unwrap_or(usize::MAX).min(bytes.len() - taken.bytes);
        let piece = &bytes[taken.bytes..taken.bytes + here];
        open.keep(piece, self.bounds.max_payload_bytes);
        taken.bytes += here;
        self.offset += taken.bytes as u64;
        if !open.is_decided {
            wire.extend_from_slice(piece);
            self.hear(&mut open, &mut wire);
        }
        if wire.capacity() <= MAX_SCRATCH_BYTES {
            self.scratch = wire;
        }
        if open.left == 0 {
            taken.frame = Some(self.end(open));
        } else {
            self.open = Some(open);
        }
        taken
    }

    /// Takes note that so many bytes are missing: the frame that ends with them, and whether it is
    /// still known where the next begins.
    pub(crate) fn miss(&mut self, bytes: u64) -> (Option<Frame>, bool) {
        self.offset = self.offset.saturating_add(bytes);
        let open = self.open.take();
        let fits = |open: &Open| open.frame.header.is_some() && bytes <= open.left;
        let fits = open.as_ref().is_some_and(fits);
        let is_inside = self.message.is_some() || self.unread.is_some();
        self.forget();
        self.unread = match fits {
            true => is_inside.then_some(Unread::Gap),
            false => Some(Unread::Beginning),
        };
        let Some(mut open) = open else { return (None, false) };
        (open.is_decided, open.has_hole) = (true, true);
        if !fits {
            open.frame.outcome = Outcome::CutOff(open.frame.header.map(|_| open.left));
            return (Some(open.frame), false);
        }
        open.frame.outcome = Outcome::Unread(Unread::Gap);
        open.left -= bytes;
        if open.left == 0 {
            return (Some(self.end(open)), true);
        }
        self.open = Some(open);
        (None, true)
    }

    /// Nothing more comes: the frame that is cut off.
    pub(crate) fn finish(&mut self) -> Option<Frame> {
        let mut open = self.open.take()?;
        if !matches!(open.frame.outcome, Outcome::Wrong(_)) {
            open.frame.outcome = Outcome::CutOff(open.frame.header.map(|_| open.left));
        }
        Some(open.frame)
    }

    /// Decides whether a frame whose header is whole has to be heard.
    fn begin(&mut self, open: &mut Open) {
        let Some(header) = open.frame.header else { return };
        match header.opcode {
            Opcode::Continuation => {
                if let Some(unread) = self.unread {
                    open.decide(Outcome::Unread(unread));
                }
            }
            Opcode::Binary | Opcode::Text => {
                self.unread = None;
                let is_compressed = header.reserved & Header::COMPRESSED != 0;
                // A message inside another breaks the protocol, which is heard.
                self.message.get_or_insert(Progress { bytes: 0, is_compressed });
            }
            Opcode::Close | Opcode::Ping | Opcode::Pong => return,
        }
        if let Some(message) = &mut self.message {
            let len = usize::try_from(header.len).unwrap_or(usize::MAX);
            message.bytes = message.bytes.saturating_add(len);
        }
    }

    /// Has the connection hear a piece of a frame.
    fn hear(&mut self, open: &mut Open, wire: &mut [u8]) {
        let (mut events, outgoing) = self.connection.receive(wire, self.now);
        let mut failed = None;
        while let Some(event) = events.next(outgoing) {
            open.frame.outcome = match event {
                Event::Message(message) => {
                    Outcome::Message { kind: message.kind(), payload: message.into_vec() }
                }
                Event::Ping(_) => Outcome::Ping,
                Event::Pong(_) => Outcome::Pong,
                Event::Closed(Closed::Cleanly { code, reason }) => Outcome::Close { code, reason },
                Event::Closed(Closed::Failed(error)) => {
                    failed = Some(error);
                    continue;
                }
                _ => continue,
            };
        }
        if outgoing.has_output() {
            // What would be answered is nobody's.
            outgoing.take_output(&mut Vec::new());
        }
        if let Some(error) = failed {
            let (outcome, why) = self.verdict(error);
            open.decide(outcome);
            let is_inside = self.message.is_some();
            self.forget();
            self.unread = is_inside.then_some(why);
        } else if matches!(open.frame.outcome, Outcome::Close { .. }) {
            self.forget();
        }
    }

    /// What an error says of the frame, and of the rest of its message.
    fn verdict(&self, error: ProtocolError) -> (Outcome, Unread) {
        let limit = self.bounds.max_message_bytes;
        let unread = match error {
            // The bound is not the peers'.
            ProtocolError::MessageTooBig { .. } => Unread::TooBig { limit },
            ProtocolError::InvalidDeflate if !self.is_context_known => Unread::Deflate,
            error => return (Outcome::Wrong(error), Unread::Wrong),
        };
        (Outcome::Unread(unread), unread)
    }

    /// The frame is whole.
    fn end(&mut self, open: Open) -> Frame {
        let is_last = |header: Header| header.fin && !header.opcode.is_control();
        if open.frame.header.is_some_and(is_last) {
            (self.message, self.unread) = (None, None);
        }
        open.frame
    }

    /// Goes on with a connection that knows of nothing.
    fn forget(&mut self) {
        self.connection = connection(self.sender, self.theirs, self.bounds, self.now);
        self.is_context_known &= self.theirs.is_none_or(|window| !window.context_takeover);
        (self.message, self.unread) = (None, None);
    }
}

impl Open {
    const fn at(offset: u64) -> Self {
        let frame = Frame {
            offset,
            head: Vec::new(),
            header: None,
            payload: Vec::new(),
            len: 0,
            outcome: Outcome::Fragment,
        };
        Self { frame, key: None, left: 0, is_decided: false, has_hole: false }
    }

    /// Takes what belongs to the header: how many bytes, and whether it is whole with them.
    fn head(&mut self, bytes: &[u8]) -> Result<(usize, bool), (usize, ProtocolError)> {
        let head = &mut self.frame.head;
        let before = head.len();
        head.extend_from_slice(&bytes[..bytes.len().min(MAX_HEADER_BYTES - before)]);
        match Header::decode(head) {
            Ok(None) => Ok((head.len() - before, false)),
            Ok(Some((header, len))) => {
                head.truncate(len);
                self.frame.header = Some(header);
                self.frame.len = header.len;
                (self.key, self.left) = (header.mask, header.len);
                Ok((len - before, true))
            }
            Err(error) => {
                // As much of it as shows what is wrong.
                let len = match (&error, head.get(1).map(|second| second & 0x7F)) {
                    (ProtocolError::InvalidLength, Some(126)) => 4,
                    (ProtocolError::InvalidLength, _) => 10,
                    _ => 2,
                };
                head.truncate(len);
                Err((head.len().saturating_sub(before), error))
            }
        }
    }

    /// Keeps a piece of the payload, within the bound.
    fn keep(&mut self, piece: &[u8], max: usize) {
        self.left -= piece.len() as u64;
        let payload = &mut self.frame.payload;
        // Behind a gap nothing is kept: it would look as if it came next.
        if self.has_hole {
            return;
        }
        let start = payload.len();
        payload.extend_from_slice(&piece[..piece.len().min(max - start.min(max))]);
        if let Some(key) = &mut self.key {
            *key = mask::apply(&mut payload[start..], *key);
        }
    }

    fn decide(&mut self, outcome: Outcome) {
        self.frame.outcome = outcome;
        self.is_decided = true;
    }
}

/// The end that hears what the sender says.
fn connection(sender: Sender, theirs: Option<Window>, bounds: Bounds, now: Instant) -> Connection {
    let role = match sender {
        Sender::Client => Role::Server,
        // Nothing is sent here but what answers a ping, which nobody sees.
        Sender::Server => Role::Client(Box::new(|| [0; 4])),
    };
    let ours = Window { bits: 9, context_takeover: false };
    let deflate = theirs.map(|theirs| Agreed { ours, theirs, level: 1, min_bytes: 0 });
    let agreement = Agreement { deflate, ..Agreement::default() };
    let limits = Limits {
        max_message_bytes: bounds.max_message_bytes,
        max_fragments: usize::MAX,
        ping_after: None,
        ..Limits::default()
    };
    Connection::new(role, &agreement, limits, now)
}
