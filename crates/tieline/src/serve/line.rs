//! The sending side of one link: what it writes at once, and what waits behind a peer that does not
//! read.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Instant;

use tieline_proto::connection::State;
use tieline_proto::frame::{Header, Opcode};
use tieline_proto::{CloseCode, MessageKind, Outgoing};

use super::backlog::{Backlog, Overflow, Queue};
use super::message::Payload;
use super::subscriptions::Subscriptions;
use super::topics::Slow;
use super::traffic::Traffic;
use super::transport::Transport;

/// A message of this size waits in an allocation of its own.
const SHARED_BYTES: usize = 4 << 10;

/// What others may say, beyond its bound, to a link that waits for its peer; its bound, where that
/// is more.
const WAITING_BYTES: usize = 1 << 20;

/// The longest reason of a close frame.
const MAX_REASON_BYTES: usize = 123;

/// How one link is spoken to.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) outgoing: Outgoing,
    pub(super) transport: Transport,
    queue: Option<Box<Queue>>,
    backlog: Arc<Backlog>,
    /// The topics it hears.
    pub(super) subscriptions: Option<Box<Subscriptions>>,
    pub(super) traffic: Traffic,
    pub(super) generation: u32,
    /// Whether it is written at the end of the turn.
    pub(super) is_dirty: bool,
    /// Its peer's last message was a large one, and the next may be, too.
    pub(super) was_large: bool,
    reading: Reading,
    /// The system took nothing more when it was last written to.
    is_refused: bool,
    /// The system took more after it had refused, since the last look: the peer has read.
    has_moved: bool,
    is_broken: bool,
}

/// Whether a peer is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// It is.
    Goes,
    /// It has to read first.
    Full,
    /// It has to read first, and the handler asked for nothing to be read.
    FullAndHeld,
    /// The handler asked for nothing to be read.
    Held,
}

/// Why something is said to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// It spoke, and is not read from while it does not read.
    Reply,
    /// Somebody else did, or the handler of itself.
    News,
}

impl Line {
    pub(super) fn new(outgoing: Outgoing, transport: Transport, backlog: Arc<Backlog>) -> Self {
        Self {
            outgoing,
            transport,
            queue: None,
            backlog,
            subscriptions: None,
            traffic: Traffic::default(),
            generation: 0,
            is_dirty: false,
            was_large: false,
            reading: Reading::Goes,
            is_refused: false,
            has_moved: false,
            is_broken: false,
        }
    }

    /// Whether nothing is read from its peer.
    #[inline]
    pub(super) const fn is_paused(&self) -> bool {
        !matches!(self.reading, Reading::Goes)
    }

    /// Whether its peer has to read before it may speak.
    pub(super) const fn is_full(&self) -> bool {
        matches!(self.reading, Reading::Full | Reading::FullAndHeld)
    }

    /// Whether nothing can be written any more.
    pub(super) const fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Whether messages may still be sent.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.outgoing.state() == State::Open
    }

    /// Whether messages wait.
    #[inline]
    pub(super) const fn has_queue(&self) -> bool {
        self.queue.is_some()
    }

    /// Whether there is nothing to do where its socket can be written to.
    #[inline]
    pub(super) const fn is_written(&self) -> bool {
        self.queue.is_none() && self.transport.is_plain() && !self.outgoing.has_output()
    }

    /// Whether the peer took something, after it had refused, since this was last asked.
    pub(super) const fn take_moved(&mut self) -> bool {
        std::mem::replace(&mut self.has_moved, false)
    }

    /// Bytes that wait.
    pub(super) fn buffered(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.len())
    }

    /// Bytes that wait of a message of which some was sent.
    pub(super) fn begun(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.begun_bytes())
    }

    /// What the bytes that wait cost.
    pub(super) fn cost(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.cost())
    }

    pub(super) fn queue(&mut self) -> &mut Queue {
        self.queue.get_or_insert_default()
    }

    /// Whether messages wait apart from each other, so that some may be left out.
    pub(super) fn may_drop(&self) -> bool {
        matches!(self.backlog.overflow, Overflow::DropOldest(_))
    }

    /// Whether a message may be written from where it lies.
    pub(super) fn is_direct(&self) -> bool {
        self.transport.is_plain() && self.outgoing.is_plain()
    }

    /// Sees to it that what waits keeps its bound when `cost` comes to it; whether it may come.
    pub(super) fn make_room(&mut self, cost: usize, cause: Cause) -> bool {
        if self.is_broken {
            return false;
        }
        if self.has_room(cost) {
            return true;
        }
        // The peer is slow only where the system says so.
        if !self.is_refused {
            self.flush();
            if self.is_broken || self.has_room(cost) {
                return !self.is_broken;
            }
        }
        let max_bytes = self.backlog.max_bytes;
        match &self.backlog.overflow {
            Overflow::Wait => {
                let most = max_bytes + max_bytes.max(WAITING_BYTES);
                cause == Cause::Reply || self.cost() + cost <= most || self.give_up()
            }
            Overflow::Close => self.give_up(),
            Overflow::DropOldest(marker) => {
                let marker = marker.clone();
                let gap = self.queue().drop_oldest(max_bytes.saturating_sub(cost));
                if let (Some(at), Some(marker)) = (gap, marker) {
                    let mut bytes = Vec::new();
                    // A message of the wrong kind for this peer's draft is left out.
                    let _ = self.outgoing.send_apart(marker.kind(), marker.as_bytes(), &mut bytes);
                    self.queue().insert_gap(at, bytes);
                }
                true
            }
        }
    }

    /// Whether it is too slow for so many bytes of a topic, and would rather skip them. Room is left for
    /// what it is told beside its topics.
    pub(super) fn falls_behind(&mut self, topic: u32, bytes: u64) -> bool {
        let most = self.backlog.max_bytes / 4 * 3;
        let is_too_much = |it: &Self| it.has_queue() && it.cost() as u64 + bytes > most as u64;
        if !is_too_much(self) {
            return false;
        }
        let subscription = self.subscriptions.as_ref().and_then(|it| it.find(topic));
        if subscription.is_none_or(|it| it.slow != Slow::Skips) {
            return false;
        }
        // The peer is slow only where the system says so.
        if !self.is_refused {
            self.flush();
        }
        !self.is_broken && is_too_much(self)
    }

    /// Whether it has skipped something, and was not asked what.
    fn is_behind(&self) -> bool {
        self.subscriptions.as_ref().is_some_and(|it| !it.skipped.is_empty())
    }

    /// Whether nothing waits, or no more than may.
    fn has_room(&self, cost: usize) -> bool {
        self.queue.is_none() || self.cost() + cost <= self.backlog.max_bytes
    }

    /// Closes a line whose peer is too slow; nothing more may come.
    #[cold]
    fn give_up(&mut self) -> bool {
        // Nobody will read it: the memory is wanted back now.
        self.queue().clear();
        self.close(CloseCode::TRY_AGAIN, "too slow (setting backlog_bytes)");
        false
    }

    /// Starts the end; after the first call nothing changes any more.
    pub(super) fn close(&mut self, code: CloseCode, reason: &str) {
        let mut end = reason.len().min(MAX_REASON_BYTES);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        let reason = &reason[..end];
        let code = if code.may_be_sent() { code } else { CloseCode::INTERNAL };
        // Where the end has begun already there is nothing left to start.
        let _ = self.outgoing.close(code, reason, Instant::now());
        // Its peer's answer has to be read.
        self.reading = Reading::Goes;
    }

    /// Says nothing more: what waits is dropped.
    fn abandon(&mut self) {
        self.is_broken = true;
        self.queue = None;
        self.reading = Reading::Goes;
    }

    /// Writes what waits while the system takes it; whether nothing waits any more.
    pub(super) fn flush(&mut self) -> bool {
        if self.is_broken {
            return true;
        }
        match self.try_flush() {
            Ok(done) => done,
            Err(_) => {
                // What is left to read says why.
                self.abandon();
                true
            }
        }
    }

    fn try_flush(&mut self) -> io::Result<bool> {
        loop {
            if self.outgoing.has_output() {
                self.queue_control();
            }
            let Some(queue) = &mut self.queue else { return self.transport.flush() };
            let (slices, used) = queue.slices();
            match self.transport.write_vectored(&slices[..used]) {
                Ok(written) => {
                    self.has_moved |= std::mem::replace(&mut self.is_refused, false);
                    queue.advance(written);
                    if queue.is_empty() {
                        self.queue = None;
                    }
                }
                Err(error) if is_full(&error) => {
                    self.is_refused = true;
                    return Ok(false);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Has control frames wait: a pong or a ping behind what was begun, for a peer that takes long
    /// to read what it was sent is there all the same; a close frame behind everything.
    fn queue_control(&mut self) {
        let is_open = self.is_open();
        let Self { outgoing, queue, .. } = self;
        match queue {
            None => queue.get_or_insert_default().append(|out| outgoing.take_output(out)),
            Some(queue) if is_open && !queue.has_control() => {
                let mut bytes = Vec::new();
                outgoing.take_output(&mut bytes);
                queue.insert_control(bytes);
            }
            Some(_) => {}
        }
    }

    /// Writes bytes, and has the rest wait.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let written = self.write_some(bytes, &[]);
        if written < bytes.len() && !self.is_broken {
            match written {
                0 => self.queue().append(|out| out.extend_from_slice(bytes)),
                _ => self.queue().append_rest(bytes[written..].to_vec().into()),
            }
            self.pause_if_full();
        }
    }

    /// Writes what the system takes at once of two pieces, and says how much that was.
    #[inline]
    pub(super) fn write_some(&mut self, first: &[u8], second: &[u8]) -> usize {
        if self.is_broken {
            return 0;
        }
        let written = if second.is_empty() {
            self.transport.write(first)
        } else {
            self.transport.write_vectored(&[IoSlice::new(first), IoSlice::new(second)])
        };
        match written {
            Ok(written) => {
                self.is_refused = written < first.len() + second.len();
                written
            }
            Err(error) => {
                match error.kind() {
                    io::ErrorKind::WouldBlock => self.is_refused = true,
                    io::ErrorKind::Interrupted => {}
                    _ => self.abandon(),
                }
                0
            }
        }
    }

    /// Writes what was corked and a message behind it from where it lies. What the system refuses
    /// is copied, unless it can be shared.
    pub(super) fn write_directly(&mut self, cork: &mut Vec<u8>, payload: impl Payload) {
        let bytes = payload.bytes();
        header(payload.kind(), bytes.len()).encode(cork);
        let written = self.write_some(cork, bytes);
        if written < cork.len() + bytes.len() && !self.is_broken {
            let of_cork = written.min(cork.len());
            match written {
                0 => self.queue().append(|out| out.extend_from_slice(cork)),
                _ => self.queue().append_rest(cork[of_cork..].to_vec().into()),
            }
            self.queue().append_rest(payload.into_bytes().slice(written - of_cork..));
            self.pause_if_full();
        }
        cork.clear();
    }

    /// Puts a message behind what waits.
    pub(super) fn enqueue(&mut self, payload: impl Payload) {
        let kind = payload.kind();
        let len = payload.bytes().len();
        if self.may_drop() {
            let bytes = self.encode_apart(&payload);
            self.queue().append_apart(bytes, None);
        } else if len >= SHARED_BYTES && self.outgoing.is_plain() {
            let header = header(kind, len);
            self.queue().append(|out| header.encode(out));
            self.queue().append_rest(payload.into_bytes());
        } else {
            let Self { outgoing, queue, .. } = self;
            let queue = queue.get_or_insert_default();
            // A binary message to a draft that has none is left out.
            let _ = queue.append(|out| outgoing.send(kind, payload.bytes(), out));
        }
        self.pause_if_full();
    }

    /// Puts a message behind what waits, or in the place of one that waits under the same key.
    pub(super) fn enqueue_latest(&mut self, key: u64, payload: &impl Payload, cause: Cause) {
        let bytes = self.encode_apart(payload);
        let replaced = match &mut self.queue {
            Some(queue) => queue.replace(key, bytes),
            None => Err(bytes),
        };
        match replaced {
            // It may be longer than what it replaces.
            Ok(()) => drop(self.make_room(0, cause)),
            Err(bytes) if self.make_room(bytes.len(), cause) => {
                self.queue().append_apart(bytes, Some(key));
                self.pause_if_full();
            }
            Err(_) => {}
        }
    }

    /// A message that may yet be left out.
    fn encode_apart(&mut self, payload: &impl Payload) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A binary message to a draft that has none is left out.
        let _ = self.outgoing.send_apart(payload.kind(), payload.bytes(), &mut bytes);
        bytes
    }

    pub(super) fn pause_if_full(&mut self) {
        let waits = self.backlog.overflow == Overflow::Wait && self.is_open();
        if waits && self.cost() > self.backlog.max_bytes {
            self.reading = match self.reading {
                Reading::Goes | Reading::Full => Reading::Full,
                Reading::FullAndHeld | Reading::Held => Reading::FullAndHeld,
            };
        }
    }

    /// Lets a peer speak again that has read enough; whether it had to wait for that, or has skipped
    /// something until then.
    pub(super) fn relieve(&mut self) -> bool {
        let is_due = self.is_full() || (self.is_behind() && self.is_open());
        if !is_due || self.is_broken || self.cost() > self.backlog.max_bytes / 2 {
            return false;
        }
        self.reading = match self.reading {
            Reading::FullAndHeld | Reading::Held => Reading::Held,
            Reading::Full | Reading::Goes => Reading::Goes,
        };
        true
    }

    /// Reads nothing from the peer until it is resumed.
    pub(super) fn hold(&mut self) {
        if self.is_open() {
            self.reading = match self.reading {
                Reading::Full | Reading::FullAndHeld => Reading::FullAndHeld,
                Reading::Goes | Reading::Held => Reading::Held,
            };
        }
    }

    /// Takes the hold off; whether the peer is to be read from again.
    pub(super) const fn unhold(&mut self) -> bool {
        let was_held = matches!(self.reading, Reading::Held);
        self.reading = match self.reading {
            Reading::Held | Reading::Goes => Reading::Goes,
            Reading::FullAndHeld | Reading::Full => Reading::Full,
        };
        was_held
    }
}

const fn header(kind: MessageKind, len: usize) -> Header {
    let opcode = match kind {
        MessageKind::Text => Opcode::Text,
        MessageKind::Binary => Opcode::Binary,
    };
    Header { fin: true, reserved: 0, opcode, mask: None, len: len as u64 }
}

fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}
