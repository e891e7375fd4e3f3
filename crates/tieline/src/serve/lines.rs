//! The lines of a worker: their slab, the cork, and who is to be written to.
//!
//! ```text
//! send ─┬─ to who is being read ─▶ cork ─▶ one write when all that was read is answered
//!       └─ to anybody else ──────▶ its queue ─▶ one write at the end of the turn
//!                                  ▲ what the system refuses of either waits here     line.rs
//! ```

use std::task::Waker;

use tieline_proto::CloseCode;

use super::durations::Durations;
use super::id::LinkId;
use super::line::{Cause, Line};
use super::message::Payload;
use super::slab::Slab;
use super::topics::Topics;
use super::traffic::Traffic;

/// The cork is written early when it has grown to this size.
const CORK_BYTES: usize = 128 << 10;

/// A message of this size is written from where it lies, and not copied into the cork.
pub(super) const DIRECT_BYTES: usize = 32 << 10;

/// The lines of one worker.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) slots: Slab<Slot>,
    free: Vec<u32>,
    /// What was said so far to who is being read.
    pub(super) cork: Vec<u8>,
    pub(super) corked: Option<LinkId>,
    /// Who was spoken to since the last write.
    pub(super) dirty: Vec<LinkId>,
    /// Whose peer has read what was too much.
    relieved: Vec<LinkId>,
    /// Who is to be read from again.
    resumed: Vec<LinkId>,
    pub(super) topics: Topics,
    /// How long it took to bring what was published to many.
    pub(super) fan_outs: Durations,
    /// From pings to their pongs.
    pub(super) round_trips: Durations,
    /// What went over those that are gone.
    gone: Traffic,
    /// Wakes the worker for what is said between its turns.
    pub(super) waker: Option<Waker>,
}

/// A place.
#[derive(Debug)]
pub(super) enum Slot {
    Line(Line),
    /// There is no line, or none yet: how often the place was given before.
    Vacant(u32),
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
        if let Some(line) = line(&mut self.slots, id) {
            self.gone.add(&line.traffic);
        }
        self.slots[id.index()] = Slot::Vacant(id.generation.wrapping_add(1));
        self.free.push(id.slot);
    }

    /// The link can be spoken to from now on.
    pub(super) fn open(&mut self, id: LinkId, mut line: Line) {
        line.generation = id.generation;
        self.slots[id.index()] = Slot::Line(line);
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
        if line.has_queue() {
            debug_assert!(cork.is_empty(), "the cork was written before anything waited");
            mark(&mut self.dirty, line, id, &self.waker);
        } else {
            if line.outgoing.has_output() {
                line.outgoing.take_output(cork);
            }
            if !cork.is_empty() {
                line.write(cork);
            }
        }
        cork.clear();
        if cork.capacity() > 4 * CORK_BYTES {
            cork.shrink_to(CORK_BYTES);
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

    /// Has a pong, a ping or a close frame go out.
    pub(super) fn say_control(&mut self, id: LinkId) {
        let Self { slots, cork, dirty, waker, .. } = self;
        let Some(line) = line(slots, id) else { return };
        if self.corked == Some(id) && !line.has_queue() {
            line.outgoing.take_output(cork);
        } else {
            mark(dirty, line, id, waker);
        }
    }

    /// Says something to a link.
    pub(super) fn send(&mut self, id: LinkId, payload: impl Payload) {
        let cause = self.cause(id);
        self.say(id, payload, cause);
    }

    /// Says something to a link that it asked for, now or earlier.
    pub(super) fn reply(&mut self, id: LinkId, payload: impl Payload) {
        self.say(id, payload, Cause::Reply);
    }

    fn say(&mut self, id: LinkId, payload: impl Payload, cause: Cause) {
        self.deliver_before(id);
        let is_corked = self.corked == Some(id);
        let Self { slots, cork, dirty, waker, .. } = self;
        let Some(line) = line(slots, id) else { return };
        if !line.is_open() {
            return;
        }
        let len = payload.bytes().len();
        line.traffic.sent(len);
        if is_corked && !line.has_queue() {
            if len >= DIRECT_BYTES && line.is_direct() {
                return line.write_directly(cork, payload);
            }
            // A binary message to a draft that has none is left out.
            let _ = line.outgoing.send(payload.kind(), payload.bytes(), cork);
            if cork.len() >= CORK_BYTES {
                line.write(cork);
                cork.clear();
            }
            return;
        }
        if line.make_room(len, cause) {
            line.enqueue(payload);
        }
        mark(dirty, line, id, waker);
    }

    /// Says something that replaces what waits under the same key.
    pub(super) fn send_latest(&mut self, id: LinkId, key: u64, payload: impl Payload) {
        self.deliver_before(id);
        let cause = self.cause(id);
        // What is in the cork was said before, and cannot be replaced any more.
        if cause == Cause::Reply {
            self.spill_cork();
        }
        let Self { slots, dirty, waker, .. } = self;
        let Some(line) = line(slots, id).filter(|line| line.is_open()) else { return };
        line.traffic.sent(payload.bytes().len());
        line.enqueue_latest(key, &payload, cause);
        mark(dirty, line, id, waker);
    }

    /// Why something is said to a link now.
    #[inline]
    fn cause(&self, id: LinkId) -> Cause {
        if self.corked == Some(id) { Cause::Reply } else { Cause::News }
    }

    /// Starts the end of a link, after what was said to it.
    pub(super) fn close(&mut self, id: LinkId, code: CloseCode, reason: &str) {
        self.deliver_before(id);
        let Self { slots, dirty, waker, .. } = self;
        let Some(line) = line(slots, id) else { return };
        line.close(code, reason);
        mark(dirty, line, id, waker);
    }

    /// What went over all of them, those that are gone included.
    pub(super) fn traffic(&self) -> Traffic {
        let mut traffic = self.gone;
        for slot in self.slots.iter() {
            if let Slot::Line(line) = slot {
                traffic.add(&line.traffic);
            }
        }
        traffic
    }

    /// What waits for all of them, as their backlogs count it.
    pub(super) fn waiting_bytes(&self) -> usize {
        let costs = self.slots.iter().map(|slot| match slot {
            Slot::Line(line) => line.cost(),
            Slot::Vacant(_) => 0,
        });
        costs.sum()
    }

    /// Writes whatever waits for whoever was spoken to. Those whose end has begun are answered: they
    /// have deadlines now.
    pub(super) fn flush(&mut self, ending: &mut Vec<LinkId>) {
        self.deliver(true);
        let mut dirty = std::mem::take(&mut self.dirty);
        for id in dirty.drain(..) {
            self.flush_line(id);
            if self.line(id).is_some_and(|line| !line.is_open() || line.is_broken()) {
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
        if line.relieve() {
            relieved.push(id);
        } else if line.is_broken() {
            resumed.push(id);
        }
    }

    /// The socket of a link can be written to: what waits is written.
    #[inline]
    pub(super) fn flush_waiting(&mut self, id: LinkId) {
        if self.line(id).is_some_and(|line| !line.is_written()) {
            self.flush_line(id);
        }
    }

    /// Reads nothing from a link until it is resumed.
    pub(super) fn pause(&mut self, id: LinkId) {
        if let Some(line) = self.line(id) {
            line.hold();
        }
    }

    /// Has a link read from again.
    pub(super) fn resume(&mut self, id: LinkId) {
        if self.line(id).is_some_and(Line::unhold) {
            self.resumed.push(id);
            self.wake();
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
}

#[inline]
pub(super) fn line(slots: &mut Slab<Slot>, id: LinkId) -> Option<&mut Line> {
    match slots.get_mut(id.index())? {
        Slot::Line(line) if line.generation == id.generation => Some(line),
        Slot::Line(_) | Slot::Vacant(_) => None,
    }
}

/// Has a line written at the end of the turn.
pub(super) fn mark(dirty: &mut Vec<LinkId>, line: &mut Line, id: LinkId, waker: &Option<Waker>) {
    if !std::mem::replace(&mut line.is_dirty, true) {
        dirty.push(id);
        if let Some(waker) = waker {
            waker.wake_by_ref();
        }
    }
}
