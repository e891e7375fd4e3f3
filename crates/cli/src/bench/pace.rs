//! The schedule of an open loop: which message is due when, on which connection.
//!
//! Messages take turns over the connections, so that the moment at which the n-th message of a
//! connection is due follows from two numbers, and nothing is stored for those under way.

use std::time::Duration;

use super::plan::Plan;

/// How often slow readers read, in nanoseconds.
pub(super) const SLOW_EVERY: u64 = 20_000_000;

/// Below this the thread looks again and again instead of sleeping: a sleep is a millisecond late.
const SPIN: Duration = Duration::from_millis(2);

/// The part of the schedule that one thread keeps.
#[derive(Debug)]
pub(super) struct Pace {
    start: u64,
    /// Nanoseconds between two messages, over all connections.
    every: f64,
    /// Connections that take part, over all threads, and in this one.
    all: u64,
    own: u64,
    threads: u64,
    thread: u64,
    /// The thread's next message.
    next: u64,
}

impl Pace {
    pub(super) fn new(plan: &Plan, thread: usize, rate: f64, start: u64) -> Self {
        let quick = plan.connections - plan.slow.readers;
        Self {
            start,
            every: 1e9 / rate,
            all: quick as u64,
            own: (thread..quick).step_by(plan.threads).len() as u64,
            threads: plan.threads as u64,
            thread: thread as u64,
            next: 0,
        }
    }

    /// When the message of this turn is due on the connection at this place of the thread.
    pub(super) fn due(&self, at: u64, turn: u64) -> u64 {
        let number = self.thread + at * self.threads;
        self.start + ((number + turn * self.all) as f64 * self.every) as u64
    }

    /// The place of the connection whose turn it is, if it is now.
    pub(super) fn take(&mut self, now: u64) -> Option<usize> {
        if self.own == 0 || self.due(self.next % self.own, self.next / self.own) > now {
            return None;
        }
        let at = self.next % self.own;
        self.next += 1;
        Some(at as usize)
    }

    /// How long to sleep before the next.
    pub(super) fn rest(&self, now: u64) -> Duration {
        if self.own == 0 {
            return Duration::MAX;
        }
        let due = self.due(self.next % self.own, self.next / self.own);
        let left = Duration::from_nanos(due.saturating_sub(now));
        if left < SPIN { Duration::ZERO } else { left - SPIN / 2 }
    }
}
