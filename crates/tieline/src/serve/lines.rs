//! The sending side of every link of a worker: the slab, the cork, and what waits behind a peer
//! that does not read.
//!
//! ```text
//! send ─┬─ to who is being read ─▶ cork ─▶ one write when all that was read is answered
//!       └─ to anybody else ──────▶ its queue ─▶ one write at the end of the turn
//!                                  ▲ what the system refuses of either waits here
//! ```

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use tieline_proto::connection::State;
use tieline_proto::frame::{Header, Opcode};
use tieline_proto::{CloseCode, MessageKind, Outgoing};

use super::backlog::{Backlog, Overflow, Queue};
use super::id::LinkId;
use super::message::Payload;
use super::slab::Slab;
use super::topics::{Subscription, Topics};
use super::traffic::Traffic;
use super::transport::Transport;
use crate::Message;

/// The cork is written early when it has grown to this size.
const CORK_BYTES: usize = 128 << 10;

/// A message of this size is written from where it lies, and not copied into the cork.
pub(super) const DIRECT_BYTES: usize = 32 << 10;

/// A message of this size waits in an allocation of its own.
const SHARED_BYTES: usize = 4 << 10;

/// The lines of one worker.
#[derive(Debug, Default)]
pub(super) struct Lines {
    slots: Slab<Slot>,
    free: Vec<u32>,
    /// What was said so far to who is being read.
    cork: Vec<u8>,
    corked: Option<LinkId>,
    /// Who was spoken to since the last write.
    dirty: Vec<LinkId>,
    /// Whose peer has read what was too much.
    relieved: Vec<LinkId>,
    /// Who is to be read from again.
    resumed: Vec<LinkId>,
    pub(super) topics: Topics,
    /// Wakes the worker for what is said between its turns.
    waker: Option<Waker>,
}

/// A place.
#[derive(Debug)]
enum Slot {
    Line(Line),
    /// There is no line, or none yet: how often the place was given before.
    Vacant(u32),
}

/// How one link is spoken to.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) outgoing: Outgoing,
    pub(super) transport: Transport,
    queue: Option<Box<Queue>>,
    backlog: Arc<Backlog>,
    /// The topics it hears, each with its place among their subscribers.
    #[expect(clippy::box_collection, reason = "an idle link counts every byte")]
    pub(super) subscriptions: Option<Box<Vec<Subscription>>>,
    pub(super) traffic: Traffic,
    generation: u32,
    is_dirty: bool,
    reading: Reading,
    /// The system took some of what waited since the last look.
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
            reading: Reading::Goes,
            has_moved: false,
            is_broken: false,
        }
    }

    /// Whether nothing is read from its peer.
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
    pub(super) fn is_open(&self) -> bool {
        self.outgoing.state() == State::Open
    }

    /// Whether the peer took something since this was last asked.
    pub(super) const fn take_moved(&mut self) -> bool {
        std::mem::replace(&mut self.has_moved, false)
    }

    /// Bytes that wait.
    pub(super) fn buffered(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.len())
    }

    fn cost(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.cost())
    }

    pub(super) fn queue(&mut self) -> &mut Queue {
        self.queue.get_or_insert_default()
    }

    /// Whether messages wait apart from each other, so that some may be left out.
    pub(super) fn may_drop(&self) -> bool {
        matches!(self.backlog.overflow, Overflow::DropOldest(_))
    }

    /// Sees to it that what waits keeps its bound when `cost` comes to it; whether it may come.
    pub(super) fn make_room(&mut self, cost: usize) -> bool {
        if self.queue.is_none() || self.cost() + cost <= self.backlog.max_bytes {
            return true;
        }
        match &self.backlog.overflow {
            Overflow::Close => {
                self.queue().clear();
                // Nobody will read it: the memory is wanted back now.
                self.close(CloseCode::TRY_AGAIN, "too slow (setting backlog_bytes)");
                false
            }
            Overflow::DropOldest(marker) => {
                let marker = marker.clone();
                let rest = self.backlog.max_bytes.saturating_sub(cost);
                let gap = self.queue().drop_oldest(rest);
                if let (Some(at), Some(marker)) = (gap, marker) {
                    let mut bytes = Vec::new();
                    // A message of the wrong kind for this peer's draft is left out.
                    let _ = self.outgoing.send_apart(marker.kind(), marker.as_bytes(), &mut bytes);
                    self.queue().insert(at, bytes);
                }
                true
            }
            Overflow::Wait => true,
        }
    }

    /// Starts the end; after the first call nothing changes any more.
    fn close(&mut self, code: CloseCode, reason: &str) {
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
    pub(super) fn abandon(&mut self) {
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
            if let Some(queue) = &mut self.queue {
                let (slices, used) = queue.slices();
                match self.transport.write_vectored(&slices[..used]) {
                    Ok(written) => {
                        self.has_moved = true;
                        queue.advance(written);
                        if queue.is_empty() {
                            self.queue = None;
                        }
                        continue;
                    }
                    Err(error) if is_full(&error) => return Ok(false),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(error),
                }
            }
            if self.outgoing.has_output() {
                let Self { outgoing, queue, .. } = self;
                queue.get_or_insert_default().append(|out| outgoing.take_output(out));
                continue;
            }
            return self.transport.flush();
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
            Ok(written) => written,
            Err(error) if is_full(&error) || error.kind() == io::ErrorKind::Interrupted => 0,
            Err(_) => {
                self.abandon();
                0
            }
        }
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
}

impl Lines {
    /// A place for a new link.
    pub(super) fn reserve(&mut self) -> LinkId {
        let Some(slot) = self.free.pop() else {
            let slot = u32::try_from(self.slots.len());
            self.slots.push(Slot::Vacant(0));
            let slot = slot.expect("fewer links than there are descriptors");
            return LinkId { generation: 0, slot };
        };
        let Slot::Vacant(generation) = self.slots[slot as usize] else {
            unreachable!("a free place is vacant: it was released");
        };
        LinkId { generation, slot }
    }

    /// Gives a place back; its id names nothing any more.
    pub(super) fn release(&mut self, id: LinkId) {
        self.unsubscribe_from_all(id);
        self.slots[id.index()] = Slot::Vacant(id.generation.wrapping_add(1));
        self.free.push(id.slot);
    }

    /// The link can be spoken to from now on.
    pub(super) fn open(&mut self, id: LinkId, line: Line) {
        self.slots[id.index()] = Slot::Line(Line { generation: id.generation, ..line });
    }

    #[inline]
    pub(super) fn line(&mut self, id: LinkId) -> Option<&mut Line> {
        line(&mut self.slots, id)
    }

    /// From here on what is said to this link waits in the cork.
    pub(super) const fn cork(&mut self, id: LinkId) {
        self.corked = Some(id);
    }

    /// Says bytes that are no message to who is being read: the answer of the handshake.
    pub(super) fn say_raw(&mut self, bytes: &[u8]) {
        self.cork.extend_from_slice(bytes);
    }

    /// Writes the cork, behind it the control frames.
    pub(super) fn uncork(&mut self) {
        let Some(id) = self.corked.take() else { return };
        let Self { slots, cork, .. } = self;
        let Some(line) = line(slots, id) else { return cork.clear() };
        if line.queue.is_none() {
            if line.outgoing.has_output() {
                line.outgoing.take_output(cork);
            }
            if !cork.is_empty() {
                line.write(cork);
            }
        } else {
            debug_assert!(cork.is_empty(), "the cork was written before anything waited");
            mark(&mut self.dirty, line, id, &self.waker);
        }
        cork.clear();
        if cork.capacity() > 4 * CORK_BYTES {
            cork.shrink_to(CORK_BYTES);
        }
    }

    /// Has a pong, a ping or a close frame go out.
    pub(super) fn say_control(&mut self, id: LinkId) {
        let Self { slots, cork, dirty, waker, .. } = self;
        let Some(line) = line(slots, id) else { return };
        if self.corked == Some(id) && line.queue.is_none() {
            line.outgoing.take_output(cork);
        } else {
            mark(dirty, line, id, waker);
        }
    }

    /// Says something to a link.
    pub(super) fn send(&mut self, id: LinkId, payload: impl Payload) {
        self.settle(id);
        let Self { slots, cork, dirty, waker, .. } = self;
        let Some(line) = line(slots, id) else { return };
        if !line.is_open() {
            return;
        }
        let len = payload.bytes().len();
        line.traffic.sent(len);
        if self.corked == Some(id) && line.queue.is_none() {
            if len >= DIRECT_BYTES && line.transport.is_plain() && line.outgoing.is_plain() {
                send_directly(line, cork, payload);
                return;
            }
            // A binary message to a draft that has none is left out.
            let _ = line.outgoing.send(payload.kind(), payload.bytes(), cork);
            if cork.len() >= CORK_BYTES {
                line.write(cork);
                cork.clear();
            }
            return;
        }
        if !line.make_room(len) {
            return mark(dirty, line, id, waker);
        }
        enqueue(line, payload);
        line.pause_if_full();
        mark(dirty, line, id, waker);
    }

    /// Says something that replaces what waits under the same key.
    pub(super) fn send_latest(&mut self, id: LinkId, key: u64, payload: impl Payload) {
        self.settle(id);
        // What is in the cork was said before, and cannot be replaced any more.
        if self.corked == Some(id) {
            self.spill_cork();
        }
        let Self { slots, dirty, waker, .. } = self;
        let Some(line) = line(slots, id).filter(|line| line.is_open()) else { return };
        line.traffic.sent(payload.bytes().len());
        let mut bytes = Vec::new();
        // A binary message to a draft that has none is left out.
        let _ = line.outgoing.send_apart(payload.kind(), payload.bytes(), &mut bytes);
        let replaced = match &mut line.queue {
            Some(queue) => queue.replace(key, bytes),
            None => Err(bytes),
        };
        match replaced {
            // It may be longer than what it replaces.
            Ok(()) => drop(line.make_room(0)),
            Err(bytes) if line.make_room(bytes.len()) => {
                line.queue().append_apart(bytes, Some(key));
                line.pause_if_full();
            }
            Err(_) => {}
        }
        mark(dirty, line, id, waker);
    }

    /// Starts the end of a link, after what was said to it.
    pub(super) fn close(&mut self, id: LinkId, code: CloseCode, reason: &str) {
        self.settle(id);
        let Self { slots, dirty, waker, .. } = self;
        let Some(line) = line(slots, id) else { return };
        line.close(code, reason);
        mark(dirty, line, id, waker);
    }

    /// Puts what was published and not yet delivered in front of what is said next.
    fn settle(&mut self, id: LinkId) {
        if self.topics.is_settled() {
            return;
        }
        if line(&mut self.slots, id).is_some_and(|line| line.subscriptions.is_some()) {
            self.deliver(false);
        }
    }

    /// Brings what was published to its subscribers: into their queues, or out at once.
    pub(super) fn deliver(&mut self, at_once: bool) {
        let Some((batch, subscribers)) = self.topics.take_batch() else { return };
        let mut frames = batch.frames();
        for &id in &subscribers {
            let corked = self.corked == Some(id);
            let Self { slots, cork, dirty, waker, .. } = self;
            let Some(line) = line(slots, id).filter(|line| line.is_open()) else { continue };
            frames.lengths(id).for_each(|len| line.traffic.sent(len));
            let apart = line.may_drop();
            let Some(bytes) = frames.of(id, &mut line.outgoing, apart) else { continue };
            if corked && line.queue.is_none() {
                cork.extend_from_slice(&bytes);
            } else if at_once && line.queue.is_none() {
                let written = line.write_some(&bytes, &[]);
                if written < bytes.len() && !line.is_broken {
                    let may_go = line.may_drop();
                    match written {
                        0 => line.queue().append_shared(bytes, may_go),
                        _ => line.queue().append_rest(bytes.slice(written..)),
                    }
                    line.pause_if_full();
                }
            } else {
                if line.make_room(bytes.len()) {
                    let may_go = line.may_drop();
                    line.queue().append_shared(bytes, may_go);
                    line.pause_if_full();
                }
                mark(dirty, line, id, waker);
            }
        }
        self.topics.give_back(subscribers);
    }

    /// Writes whatever waits for whoever was spoken to. Those whose end has begun are answered: they
    /// have deadlines now.
    pub(super) fn flush(&mut self, ending: &mut Vec<LinkId>) {
        self.deliver(true);
        let mut dirty = std::mem::take(&mut self.dirty);
        for id in dirty.drain(..) {
            self.flush_line(id);
            if self.line(id).is_some_and(|line| !line.is_open() || line.is_broken) {
                ending.push(id);
            }
        }
        // What was said meanwhile comes behind it; nothing is said in between.
        debug_assert!(self.dirty.is_empty(), "writing says nothing");
        self.dirty = dirty;
    }

    /// Writes what waits for one link, and takes note when its peer may speak again.
    pub(super) fn flush_line(&mut self, id: LinkId) {
        let Self { slots, relieved, resumed, .. } = self;
        let Some(line) = line(slots, id) else { return };
        line.is_dirty = false;
        line.flush();
        if line.is_full() && line.cost() <= line.backlog.max_bytes / 2 {
            line.reading = match line.reading {
                Reading::FullAndHeld => Reading::Held,
                _ => Reading::Goes,
            };
            relieved.push(id);
        } else if line.is_broken {
            resumed.push(id);
        }
    }

    /// Reads nothing from a link until it is resumed.
    pub(super) fn pause(&mut self, id: LinkId) {
        if let Some(line) = self.line(id).filter(|line| line.is_open()) {
            line.reading = match line.reading {
                Reading::Full | Reading::FullAndHeld => Reading::FullAndHeld,
                Reading::Goes | Reading::Held => Reading::Held,
            };
        }
    }

    /// Has a link read from again.
    pub(super) fn resume(&mut self, id: LinkId) {
        let Some(line) = self.line(id) else { return };
        match line.reading {
            Reading::Held => {
                line.reading = Reading::Goes;
                self.resumed.push(id);
                self.wake();
            }
            Reading::FullAndHeld => line.reading = Reading::Full,
            Reading::Goes | Reading::Full => {}
        }
    }

    /// Whose peers have read, and who is to be read from again, since the last call.
    pub(super) fn take_resumed(&mut self) -> (Vec<LinkId>, Vec<LinkId>) {
        (std::mem::take(&mut self.relieved), std::mem::take(&mut self.resumed))
    }

    /// Whether there is nothing to do.
    pub(super) fn is_quiet(&self) -> bool {
        self.dirty.is_empty()
            && self.topics.is_settled()
            && self.relieved.is_empty()
            && self.resumed.is_empty()
    }

    /// Who is woken for what is said between turns; `None` while a turn goes on.
    pub(super) fn set_waker(&mut self, waker: Option<Waker>) {
        self.waker = waker;
    }

    /// Wakes the worker, if it is not at work anyway.
    pub(super) fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Writes the cork now: what comes next has to wait behind it.
    fn spill_cork(&mut self) {
        let Self { slots, cork, corked, .. } = self;
        if let Some(line) = corked.and_then(|id| line(slots, id))
            && !cork.is_empty()
        {
            line.write(cork);
        }
        cork.clear();
    }

    /// Has a link hear a topic from here on. Twice is once.
    pub(super) fn subscribe(&mut self, id: LinkId, name: &str) {
        self.deliver(false);
        let Self { slots, topics, .. } = self;
        let Some(line) = line(slots, id) else { return };
        let subscriptions = line.subscriptions.get_or_insert_default();
        let topic = topics.find_or_add(name);
        if subscriptions.iter().all(|heard| heard.topic != topic) {
            let place = topics.add_subscriber(topic, id);
            subscriptions.push(Subscription { topic, place });
        }
    }

    /// Has a link hear a topic no more.
    pub(super) fn unsubscribe(&mut self, id: LinkId, name: &str) {
        self.deliver(false);
        let Self { slots, topics, .. } = self;
        let Some(subscriptions) = line(slots, id).and_then(|line| line.subscriptions.as_mut())
        else {
            return;
        };
        let topic = topics.find(name);
        let Some(at) = subscriptions.iter().position(|heard| Some(heard.topic) == topic) else {
            return;
        };
        let subscription = subscriptions.swap_remove(at);
        self.remove_subscription(subscription);
    }

    fn unsubscribe_from_all(&mut self, id: LinkId) {
        let Some(line) = line(&mut self.slots, id) else { return };
        if let Some(subscriptions) = line.subscriptions.take() {
            self.deliver(false);
            for subscription in *subscriptions {
                self.remove_subscription(subscription);
            }
        }
    }

    /// Whoever was last among the subscribers takes the free place.
    fn remove_subscription(&mut self, Subscription { topic, place }: Subscription) {
        let Self { slots, topics, .. } = self;
        let Some(moved) = topics.remove_subscriber(topic, place) else { return };
        let theirs = line(slots, moved).and_then(|line| line.subscriptions.as_mut());
        let heard = theirs.and_then(|theirs| theirs.iter_mut().find(|heard| heard.topic == topic));
        heard.expect("who is among the subscribers has the subscription").place = place;
    }

    /// Has all subscribers of a topic on this worker told, but one; in the order of the calls.
    pub(super) fn publish(&mut self, name: &str, message: Message, except: Option<LinkId>) {
        let Some(topic) = self.topics.find(name) else { return };
        if !self.topics.takes(topic) {
            self.deliver(false);
        }
        self.topics.add_to_batch(topic, message, except);
        self.wake();
    }
}

/// The longest reason of a close frame.
const MAX_REASON_BYTES: usize = 123;

#[inline]
fn line(slots: &mut Slab<Slot>, id: LinkId) -> Option<&mut Line> {
    match slots.get_mut(id.index())? {
        Slot::Line(line) if line.generation == id.generation => Some(line),
        Slot::Line(_) | Slot::Vacant(_) => None,
    }
}

/// Has a line written at the end of the turn.
fn mark(dirty: &mut Vec<LinkId>, line: &mut Line, id: LinkId, waker: &Option<Waker>) {
    if !std::mem::replace(&mut line.is_dirty, true) {
        dirty.push(id);
        if let Some(waker) = waker {
            waker.wake_by_ref();
        }
    }
}

/// Puts a message behind what waits.
fn enqueue(line: &mut Line, payload: impl Payload) {
    let kind = payload.kind();
    let len = payload.bytes().len();
    if line.may_drop() {
        let mut bytes = Vec::new();
        // A binary message to a draft that has none is left out.
        let _ = line.outgoing.send_apart(kind, payload.bytes(), &mut bytes);
        line.queue().append_apart(bytes, None);
    } else if len >= SHARED_BYTES && line.outgoing.is_plain() {
        let header = header(kind, len);
        line.queue().append(|out| header.encode(out));
        line.queue().append_rest(payload.into_bytes());
    } else {
        let Line { outgoing, queue, .. } = line;
        let queue = queue.get_or_insert_default();
        // As above.
        let _ = queue.append(|out| outgoing.send(kind, payload.bytes(), out));
    }
}

/// Writes the cork and a message behind it from where it lies. What the system refuses is copied,
/// unless it can be shared.
fn send_directly(line: &mut Line, cork: &mut Vec<u8>, payload: impl Payload) {
    let bytes = payload.bytes();
    header(payload.kind(), bytes.len()).encode(cork);
    let written = line.write_some(cork, bytes);
    if written < cork.len() + bytes.len() && !line.is_broken {
        let of_cork = written.min(cork.len());
        match written {
            0 => line.queue().append(|out| out.extend_from_slice(cork)),
            _ => line.queue().append_rest(cork[of_cork..].to_vec().into()),
        }
        line.queue().append_rest(payload.into_bytes().slice(written - of_cork..));
        line.pause_if_full();
    }
    cork.clear();
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
