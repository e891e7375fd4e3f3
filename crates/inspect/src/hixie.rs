//! The frames of one direction in the drafts hixie-75 and hixie-76.

use std::time::Instant;

use tieline_proto::handshake::{Agreement, Dialect};
use tieline_proto::{
    CloseCode, Closed, Connection, Event, Limits, MessageKind, ProtocolError, Role,
};

use crate::direction::{Bounds, Taken};
use crate::frame::{Frame, Outcome, Sender, Unread};

/// The byte that ends a text, and begins a close.
const END: u8 = 0xFF;

/// The texts that one end sends, and its close.
///
/// Frames of other types, which the drafts skip, are skipped here as well.
#[derive(Debug)]
pub(crate) struct Hixie {
    connection: Connection,
    max_message_bytes: usize,
    now: Instant,
    /// Of the next byte.
    offset: u64,
    /// Bytes since the last frame.
    open: u64,
    /// Nothing more is read.
    is_over: bool,
}

impl Hixie {
    /// The frames from the first on.
    pub(crate) fn new(sender: Sender, dialect: Dialect, bounds: Bounds) -> Self {
        let role = match sender {
            Sender::Client => Role::Server,
            Sender::Server => Role::Client(Box::new(|| [0; 4])),
        };
        let max_message_bytes = bounds.max_message_bytes;
        let limits = Limits { max_message_bytes, ping_after: None, ..Limits::default() };
        let agreement = Agreement { dialect, ..Agreement::default() };
        let now = Instant::now();
        let connection = Connection::new(role, &agreement, limits, now);
        Self { connection, max_message_bytes, now, offset: 0, open: 0, is_over: false }
    }

    /// How much memory it holds at most, about.
    pub(crate) fn held(&self) -> usize {
        usize::try_from(self.open).unwrap_or(usize::MAX).min(self.max_message_bytes)
    }

    /// Counts bytes that are no part of any frame.
    pub(crate) const fn pass(&mut self, bytes: u64) {
        self.offset = self.offset.saturating_add(bytes);
    }

    /// Takes bytes until a frame is whole.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Taken {
        let mut taken = Taken { bytes: 0, frame: None, is_lost: self.is_over };
        while taken.bytes < bytes.len() && taken.frame.is_none() && !taken.is_lost {
            let rest = &bytes[taken.bytes..];
            let end = rest.iter().position(|&byte| byte == END).map_or(rest.len(), |at| at + 1);
            let (len, frame) = self.hear(&rest[..end]);
            taken.bytes += len;
            self.offset += len as u64;
            self.open = if frame.is_some() { 0 } else { self.open + len as u64 };
            taken.is_lost = self.is_over;
            taken.frame = frame;
        }
        taken
    }

    /// Takes note that bytes are missing: nothing behind them makes sense.
    pub(crate) fn miss(&mut self, bytes: u64) -> Option<Frame> {
        let frame = self.finish();
        self.offset = self.offset.saturating_add(bytes);
        self.is_over = true;
        frame
    }

    /// Nothing more comes: the frame that is cut off.
    pub(crate) fn finish(&mut self) -> Option<Frame> {
        let open = std::mem::take(&mut self.open);
        (open > 0).then(|| frame(self.offset - open, Vec::new(), Outcome::CutOff(None)))
    }

    /// Has the connection hear a piece, in which a frame may end, or begin: how much of it was
    /// taken, and the frame.
    fn hear(&mut self, piece: &[u8]) -> (usize, Option<Frame>) {
        let mut wire = piece.to_vec();
        let (mut events, outgoing) = self.connection.receive(&mut wire, self.now);
        let Some(event) = events.next(outgoing) else { return (piece.len(), None) };
        match event {
            Event::Message(message) => {
                let payload = message.payload().to_vec();
                let end = self.offset + piece.len() as u64;
                let outcome =
                    Outcome::Message { kind: MessageKind::Text, payload: payload.clone() };
                // Its type stands before the text, and FF behind it.
                let offset = end.saturating_sub(payload.len() as u64 + 2);
                (piece.len(), Some(Frame { head: vec![0], ..frame(offset, payload, outcome) }))
            }
            Event::Closed(Closed::Failed(error)) => {
                self.is_over = true;
                let outcome = match error {
                    ProtocolError::MessageTooBig { .. } => {
                        Outcome::Unread(Unread::TooBig { limit: self.max_message_bytes })
                    }
                    error => Outcome::Wrong(error),
                };
                let offset = self.offset - self.open;
                (piece.len(), Some(frame(offset, Vec::new(), outcome)))
            }
            _ => {
                self.is_over = true;
                let outcome = Outcome::Close { code: CloseCode::NO_STATUS, reason: String::new() };
                let offset = (self.offset + 1).saturating_sub(2);
                (1, Some(Frame { head: vec![END, 0], ..frame(offset, Vec::new(), outcome) }))
            }
        }
    }
}

const fn frame(offset: u64, payload: Vec<u8>, outcome: Outcome) -> Frame {
    let len = payload.len() as u64;
    Frame { offset, head: Vec::new(), header: None, payload, len, outcome }
}
