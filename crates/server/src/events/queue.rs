//! What waits to be told, in order for each device: without a clock, a disk or a backend.
//!
//! ```text
//! push ─▶ saving ──on disk──▶ waits for the device's earlier ones ─▶ ready ─next─▶ sending
//!                                                     ▲                             │
//!                                                     └──paused─◀──it did not work──┤
//!                                                                remove ◀──told─────┘
//! ```
//!
//! Of each device only the first event is ready, paused or being sent; devices do not wait for each
//! other.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use tokio::time::Instant;

use super::event::Event;

/// The events of an outbox that wait.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: BTreeMap<u64, Waiting>,
    devices: HashMap<String, VecDeque<u64>>,
    /// The first of their devices, which may be sent.
    ready: BTreeSet<u64>,
    /// The first of their devices, which may be sent later.
    paused: BTreeSet<(Instant, u64)>,
}

/// An event that waits.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) event: Event,
    pub(super) saved: Saved,
    /// When it may be sent at the earliest.
    pub(super) not_before: Instant,
    pub(super) tries: u32,
    /// Whether the backend cannot have heard of it.
    pub(super) is_new: bool,
    pub(super) is_sending: bool,
}

/// Whether an event is where it outlives the process, if it shall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Saved {
    /// It could not be written, and is written once more before it is sent.
    No,
    /// It is being written: nobody is told before.
    Soon,
    /// It is, or need not be.
    Yes,
}

impl Queue {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The one at this position.
    #[cfg(test)]
    fn get(&self, position: u64) -> Option<&Waiting> {
        self.waiting.get(&position)
    }

    /// The last of a device.
    pub(super) fn last_of(&self, device: &str) -> Option<(u64, &Waiting)> {
        let position = *self.devices.get(device)?.back()?;
        Some((position, self.waiting.get(&position)?))
    }

    /// The one that waits longest.
    pub(super) fn oldest(&self) -> Option<&Waiting> {
        self.waiting.values().next()
    }

    /// The one that waits longest of those that nobody is at.
    pub(super) fn oldest_at_rest(&self) -> Option<u64> {
        let is_at_rest = |waiting: &Waiting| !waiting.is_sending && waiting.saved != Saved::Soon;
        self.waiting.iter().find(|(_, waiting)| is_at_rest(waiting)).map(|(position, _)| *position)
    }

    /// Puts an event at its position, which is behind those of its device that are there, unless it
    /// was there before.
    pub(super) fn push(&mut self, position: u64, waiting: Waiting) {
        let queue = self.devices.entry(waiting.event.device.clone()).or_default();
        let at = queue.partition_point(|other| *other < position);
        let displaced = if at == 0 { queue.front().copied() } else { None };
        queue.insert(at, position);
        self.waiting.insert(position, waiting);
        if let Some(displaced) = displaced {
            self.unschedule(displaced);
        }
        if at == 0 {
            self.schedule(position);
        }
    }

    /// Says whether it is on disk now.
    pub(super) fn settle(&mut self, position: u64, saved: Saved) {
        if let Some(waiting) = self.waiting.get_mut(&position) {
            waiting.saved = saved;
            self.schedule(position);
        }
    }

    /// The next to be sent, if any may be now.
    pub(super) fn next(&mut self, now: Instant) -> Option<(u64, Waiting)> {
        while let Some(&(at, position)) = self.paused.first()
            && at <= now
        {
            self.paused.pop_first();
            self.ready.insert(position);
        }
        let position = self.ready.pop_first()?;
        let waiting = self.waiting.get_mut(&position)?;
        waiting.is_sending = true;
        Some((position, waiting.clone()))
    }

    /// When the next of those that are paused may be sent.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.paused.first().map(|(at, _)| *at)
    }

    /// It was not told: another time, with so many tries behind it.
    pub(super) fn pause(&mut self, position: u64, until: Instant, tries: u32) {
        if let Some(waiting) = self.waiting.get_mut(&position) {
            waiting.is_sending = false;
            waiting.is_new = false;
            waiting.not_before = until;
            waiting.tries = tries;
            self.schedule(position);
        }
    }

    /// Nobody is sending any more: what was is ready again.
    pub(super) fn recover(&mut self) {
        let sending: Vec<u64> = self
            .waiting
            .iter_mut()
            .filter(|(_, waiting)| waiting.is_sending)
            .map(|(position, waiting)| {
                waiting.is_sending = false;
                waiting.is_new = false;
                *position
            })
            .collect();
        sending.into_iter().for_each(|position| self.schedule(position));
    }

    /// Takes one out, wherever it is.
    pub(super) fn remove(&mut self, position: u64) -> Option<Waiting> {
        self.unschedule(position);
        let waiting = self.waiting.remove(&position)?;
        let device = &waiting.event.device;
        let queue = self.devices.get_mut(device).expect("each that waits is in its device's");
        queue.retain(|other| *other != position);
        match queue.front().copied() {
            Some(first) => self.schedule(first),
            None => _ = self.devices.remove(device),
        }
        Some(waiting)
    }

    /// Puts it where it belongs, if it is its device's turn.
    fn schedule(&mut self, position: u64) {
        self.unschedule(position);
        let Some(waiting) = self.waiting.get(&position) else { return };
        let is_first =
            self.devices.get(&waiting.event.device).and_then(VecDeque::front) == Some(&position);
        if is_first && !waiting.is_sending && waiting.saved != Saved::Soon {
            self.paused.insert((waiting.not_before, position));
        }
    }

    fn unschedule(&mut self, position: u64) {
        if let Some(waiting) = self.waiting.get(&position) {
            self.ready.remove(&position);
            self.paused.remove(&(waiting.not_before, position));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::events::{At, EventKind};

    fn waiting(device: &str, not_before: Instant) -> Waiting {
        let event = Event {
            event: EventKind::Connected,
            device: device.to_owned(),
            generation: 1,
            seq: 1,
            at: At::now(),
            reason: None,
        };
        Waiting::new(event, not_before, Saved::Yes, true)
    }

    fn next(queue: &mut Queue, now: Instant) -> Option<u64> {
        queue.next(now).map(|(position, _)| position)
    }

    #[test]
    fn devices_take_turns_and_each_has_one_at_a_time() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        for (position, device) in [(1, "a"), (2, "a"), (3, "b")] {
            queue.push(position, waiting(device, now));
        }
        assert_eq!([next(&mut queue, now), next(&mut queue, now)], [Some(1), Some(3)]);
        assert_eq!(next(&mut queue, now), None, "the second of a waits for the first");
        queue.remove(1);
        assert_eq!(next(&mut queue, now), Some(2));
    }

    #[test]
    fn one_that_is_paused_holds_up_its_device_and_no_other() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        for (position, device) in [(1, "a"), (2, "a"), (3, "b")] {
            queue.push(position, waiting(device, now));
        }
        assert_eq!(next(&mut queue, now), Some(1));
        let later = now + Duration::from_secs(5);
        queue.pause(1, later, 1);
        assert_eq!([next(&mut queue, now), next(&mut queue, now)], [Some(3), None]);
        assert_eq!(queue.deadline(), Some(later));
        assert_eq!(next(&mut queue, later), Some(1));
        assert!(!queue.get(1).unwrap().is_new && queue.get(1).unwrap().tries == 1);
    }

    #[test]
    fn nothing_is_told_before_it_is_on_disk() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.push(1, Waiting { saved: Saved::Soon, ..waiting("a", now) });
        queue.push(2, waiting("a", now));
        assert_eq!((next(&mut queue, now), queue.deadline()), (None, None));
        queue.settle(1, Saved::Yes);
        assert_eq!(next(&mut queue, now), Some(1));
    }

    #[test]
    fn what_was_being_sent_when_the_sender_went_is_sent_again() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.push(1, waiting("a", now));
        assert_eq!(next(&mut queue, now), Some(1));
        queue.recover();
        assert_eq!(next(&mut queue, now), Some(1));
    }

    #[test]
    fn one_that_is_taken_out_leaves_its_place_to_the_next() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        for position in 1..=3 {
            queue.push(position, waiting("a", now));
        }
        queue.remove(1);
        queue.remove(2);
        assert_eq!(next(&mut queue, now), Some(3));
        queue.remove(3);
        assert_eq!((queue.len(), queue.deadline(), queue.oldest_at_rest()), (0, None, None));
    }
}
