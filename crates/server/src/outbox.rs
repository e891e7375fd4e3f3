//! What waits to be written to one peer: bounded in bytes, with a rule for when it is full.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Waker};

use tieline::serve::{Backlog, Overflow};
use tieline::{CloseCode, Message};

/// The end that was asked for: code and reason.
pub(crate) type End = (CloseCode, String);

/// What it costs to hold a message beyond its payload: its place in a queue that grows by doubling,
/// its allocation, and the header of its frame.
const HOLDING_BYTES: usize = 2 * size_of::<Message>() + 48;

/// What a peer that must read first may be told beside its answers, beyond the bound; the bound,
/// where that is more.
const WAITING_BYTES: usize = 1 << 20;

/// What a message that waits is charged with, so that empty ones are not free.
pub(crate) fn cost(message: &Message) -> usize {
    held_bytes(message.len())
}

/// The same for one of so many bytes.
pub(crate) const fn held_bytes(len: usize) -> usize {
    HOLDING_BYTES + len
}

/// Messages that wait for one peer, and the end that comes after them.
#[derive(Debug)]
pub(crate) struct Outbox {
    backlog: Backlog,
    queue: VecDeque<Message>,
    /// What `queue` [costs](cost).
    queued: usize,
    /// Bytes that the carrier has taken and the system has not.
    in_carrier: usize,
    end: Option<End>,
    is_draining: bool,
    is_over: bool,
    /// Whether the peer had to read first, since this was last asked.
    was_full: bool,
    /// Topics that the peer hears no more until it has read.
    skipped: Vec<Arc<str>>,
    /// Whether the service wants nothing more to be read.
    is_paused: bool,
    waker: Option<Waker>,
    /// Whether the carrier waits: a change while it works is seen without a call.
    is_listening: bool,
}

impl Outbox {
    pub(crate) fn new(backlog: Backlog) -> Self {
        Self {
            backlog,
            queue: VecDeque::new(),
            queued: 0,
            in_carrier: 0,
            end: None,
            is_draining: false,
            is_over: false,
            was_full: false,
            skipped: Vec::new(),
            is_paused: false,
            waker: None,
            is_listening: false,
        }
    }

    /// Adds a message. After the end was asked for, nothing is added any more.
    ///
    /// An empty outbox takes one message whatever its size.
    pub(crate) fn push(&mut self, message: Message) {
        if self.is_ending() {
            return;
        }
        let cost = cost(&message);
        let held = self.queued + self.in_carrier;
        if held > 0 && held + cost > self.backlog.max_bytes && !self.make_room(cost) {
            return;
        }
        self.append(message);
    }

    /// Adds an answer to what the peer asked: where the service waits for peers that do not read, it
    /// is never too much.
    pub(crate) fn push_reply(&mut self, message: Message) {
        match self.backlog.overflow {
            Overflow::Wait if !self.is_ending() => self.append(message),
            _ => self.push(message),
        }
    }

    fn append(&mut self, message: Message) {
        self.queued += cost(&message);
        self.queue.push_back(message);
        self.was_full |= self.must_wait();
        self.wake();
    }

    /// What is done when a message does not fit; whether it may come all the same.
    fn make_room(&mut self, cost: usize) -> bool {
        match self.backlog.overflow.clone() {
            Overflow::DropOldest(marker) => {
                let rest = self.backlog.max_bytes.saturating_sub(cost);
                let mut has_gap = false;
                while self.queued + self.in_carrier > rest && self.pop().is_some() {
                    has_gap = true;
                }
                if let Some(marker) = marker.filter(|_| has_gap) {
                    self.queued += self::cost(&marker);
                    self.queue.push_front(marker);
                }
                true
            }
            Overflow::Wait if self.queued + self.in_carrier + cost <= self.most() => true,
            _ => {
                // Nobody will read it: the memory is wanted back now.
                self.queue = VecDeque::new();
                self.queued = 0;
                self.end(CloseCode::TRY_AGAIN, "too slow (setting backlog_bytes)");
                false
            }
        }
    }

    /// What may wait where the service waits for peers that do not read.
    fn most(&self) -> usize {
        let max_bytes = self.backlog.max_bytes;
        max_bytes + max_bytes.max(WAITING_BYTES)
    }

    /// Asks for the end, after what waits. The first to ask says code and reason.
    pub(crate) fn end(&mut self, code: CloseCode, reason: &str) {
        if !self.is_ending() {
            self.end = Some((code, reason.to_owned()));
            self.wake();
        }
    }

    /// Asks the carrier to tell its service that the server stops.
    pub(crate) fn drain(&mut self) {
        self.is_draining = true;
        self.wake();
    }

    /// Whether [`drain`](Self::drain) was called since the last call of this.
    pub(crate) fn take_drain(&mut self) -> bool {
        std::mem::take(&mut self.is_draining)
    }

    /// The next message to write.
    pub(crate) fn pop(&mut self) -> Option<Message> {
        let message = self.queue.pop_front()?;
        self.queued -= cost(&message);
        Some(message)
    }

    /// The end, once nothing waits in front of it; given once, and nothing is added after it.
    pub(crate) fn take_end(&mut self) -> Option<End> {
        if !self.queue.is_empty() {
            return None;
        }
        let end = self.end.take()?;
        self.is_over = true;
        Some(end)
    }

    /// The line is gone: nothing is kept or added any more.
    pub(crate) fn finish(&mut self) {
        self.is_over = true;
        self.queue = VecDeque::new();
        self.queued = 0;
        self.skipped = Vec::new();
        self.waker = None;
    }

    /// Whether the end was asked for or has come.
    pub(crate) const fn is_ending(&self) -> bool {
        self.is_over || self.end.is_some()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// What waits, in the carrier too.
    pub(crate) const fn waiting_bytes(&self) -> usize {
        self.queued + self.in_carrier
    }

    /// Says what the carrier holds, so that the bound is one for both.
    pub(crate) const fn set_in_carrier(&mut self, bytes: usize) {
        self.in_carrier = bytes;
    }

    /// Whether the peer must read before it may speak.
    pub(crate) fn must_wait(&self) -> bool {
        self.backlog.overflow == Overflow::Wait
            && self.queued + self.in_carrier > self.backlog.max_bytes
    }

    /// Whether the peer had to read first and need not any more: told once. Or it has skipped topics and
    /// has read: told until it was asked which.
    pub(crate) fn take_relief(&mut self) -> bool {
        let must_wait = self.must_wait();
        let was_full = std::mem::replace(&mut self.was_full, must_wait);
        let has_read = self.waiting_bytes() <= self.backlog.max_bytes / 2;
        (was_full && !must_wait) || (self.is_behind() && has_read)
    }

    /// Whether a message of a topic that may be skipped is none too much. Room is left for what the peer
    /// is told beside its topics.
    pub(crate) fn keeps_up(&self, message: &Message) -> bool {
        let held = self.waiting_bytes();
        held == 0 || held + cost(message) <= self.backlog.max_bytes / 4 * 3
    }

    /// The peer hears a topic no more until it has read.
    pub(crate) fn skip(&mut self, topic: &Arc<str>) {
        if !self.is_ending() {
            self.skipped.push(Arc::clone(topic));
        }
    }

    /// A topic that the peer hears no more because it read too slowly; each is told once.
    pub(crate) fn next_skipped(&mut self) -> Option<Arc<str>> {
        self.skipped.pop()
    }

    /// The peer wants no more of a topic.
    pub(crate) fn forget_skipped(&mut self, topic: &str) {
        self.skipped.retain(|skipped| **skipped != *topic);
    }

    /// Whether there are topics that it has skipped, and nobody has asked which.
    pub(crate) fn is_behind(&self) -> bool {
        !self.skipped.is_empty() && !self.is_ending()
    }

    /// Says whether the service wants anything to be read.
    pub(crate) fn set_paused(&mut self, is_paused: bool) {
        self.is_paused = is_paused;
        self.wake();
    }

    /// Whether the service wants nothing more to be read. The end of a line is read all the same.
    pub(crate) const fn is_paused(&self) -> bool {
        self.is_paused && !self.is_ending()
    }

    /// Has the carrier's task woken by the next change.
    pub(crate) fn listen(&mut self, cx: &Context<'_>) {
        self.is_listening = true;
        match &mut self.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => self.waker = Some(cx.waker().clone()),
        }
    }

    /// The carrier looks for itself again.
    pub(crate) const fn stop_listening(&mut self) {
        self.is_listening = false;
    }

    fn wake(&mut self) {
        if std::mem::take(&mut self.is_listening)
            && let Some(waker) = &self.waker
        {
            waker.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounded(max_bytes: usize, overflow: Overflow) -> Outbox {
        Outbox::new(Backlog { max_bytes, overflow })
    }

    fn text(len: usize) -> Message {
        "x".repeat(len).into()
    }

    #[test]
    fn a_peer_that_does_not_read_is_closed_with_1013() {
        let mut outbox = bounded(100 + 2 * HOLDING_BYTES, Overflow::Close);
        outbox.push(text(60));
        outbox.push(text(40));
        assert!(!outbox.is_ending());
        outbox.push(text(1));
        assert!(outbox.is_empty());
        assert_eq!(outbox.take_end().unwrap().0, CloseCode::TRY_AGAIN);
        outbox.push(text(1));
        assert!(outbox.is_empty());
    }

    #[test]
    fn what_the_carrier_holds_counts() {
        let mut outbox = bounded(100, Overflow::Close);
        outbox.set_in_carrier(100);
        outbox.push(text(1));
        assert!(outbox.is_ending());
    }

    #[test]
    fn an_empty_outbox_takes_one_message_of_any_size() {
        let mut outbox = bounded(10, Overflow::Close);
        outbox.push(text(1_000));
        assert!(!outbox.is_ending());
    }

    #[test]
    fn a_service_that_only_answers_waits() {
        let mut outbox = bounded(10 + HOLDING_BYTES, Overflow::Wait);
        outbox.push(text(10));
        assert!(!outbox.must_wait());
        outbox.push(text(1));
        assert!(outbox.must_wait() && !outbox.is_ending());
        assert!(!outbox.take_relief());
        outbox.pop();
        assert!(!outbox.must_wait());
        assert!(outbox.take_relief() && !outbox.take_relief());
    }

    #[test]
    fn who_was_full_between_two_looks_is_told_of_the_room() {
        let mut outbox = bounded(10, Overflow::Wait);
        outbox.push_reply(text(100));
        outbox.pop();
        assert!(outbox.take_relief());
    }

    #[test]
    fn who_skips_does_so_beyond_three_quarters_and_is_relieved_at_half() {
        let mut outbox = bounded(8 * (HOLDING_BYTES + 1), Overflow::Close);
        for _ in 0..6 {
            assert!(outbox.keeps_up(&text(1)));
            outbox.push(text(1));
        }
        assert!(!outbox.keeps_up(&text(1)));
        outbox.skip(&"news".into());
        outbox.skip(&"sports".into());
        // What it is told beside its topics has its room.
        outbox.push(text(1));
        for _ in 0..3 {
            assert!(!outbox.take_relief());
            outbox.pop();
        }
        assert!(outbox.take_relief() && outbox.take_relief(), "until it was asked");
        outbox.forget_skipped("sports");
        assert_eq!(outbox.next_skipped().as_deref(), Some("news"));
        assert_eq!(outbox.next_skipped(), None);
        assert!(!outbox.take_relief() && !outbox.is_ending());
    }

    #[test]
    fn what_the_carrier_holds_is_waited_for_before_anything_is_heard_again() {
        let mut outbox = bounded(1_000, Overflow::Close);
        outbox.set_in_carrier(900);
        assert!(!outbox.keeps_up(&text(1)));
        outbox.skip(&"news".into());
        outbox.set_in_carrier(501);
        assert!(!outbox.take_relief());
        outbox.set_in_carrier(500);
        assert!(outbox.take_relief());
    }

    #[test]
    fn messages_of_a_byte_or_none_are_charged_for_being_held() {
        for len in [0, 1] {
            let mut outbox = bounded(10 * (HOLDING_BYTES + len), Overflow::Wait);
            let pushed = (0..1_000).take_while(|_| {
                outbox.push(text(len));
                !outbox.must_wait()
            });
            assert_eq!(pushed.count(), 10, "{len}");
            while outbox.pop().is_some() {}
            assert_eq!(outbox.queued, 0);

            let mut outbox = bounded(10 * (HOLDING_BYTES + len), Overflow::Close);
            let pushed = (0..1_000).take_while(|_| {
                outbox.push(text(len));
                !outbox.is_ending()
            });
            assert_eq!(pushed.count(), 10, "{len}");
        }
    }

    #[test]
    fn the_end_comes_after_what_waits_and_the_first_to_ask_decides() {
        let mut outbox = bounded(100, Overflow::Close);
        outbox.push(text(1));
        outbox.end(CloseCode::NORMAL, "first");
        outbox.end(CloseCode::POLICY, "second");
        outbox.push(text(2));
        assert_eq!(outbox.take_end(), None);
        assert_eq!(outbox.pop(), Some(text(1)));
        assert_eq!(outbox.take_end(), Some((CloseCode::NORMAL, "first".to_owned())));
        assert_eq!(outbox.take_end(), None);
        assert!(outbox.is_ending());
    }
}
