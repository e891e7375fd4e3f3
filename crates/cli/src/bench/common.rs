//! What the threads of a run share: its phase, its clock, and the round of a fan-out.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::time::Instant;

use mio::Waker;

use super::tally::{Counts, Shown};

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Phase {
    /// Connections are opened; nobody sends.
    Connecting,
    /// The load is on.
    Running,
    /// What happens counts.
    Measuring,
    /// The threads end.
    Done,
}

/// Shared by the threads of one run.
#[derive(Debug)]
pub(super) struct Common {
    epoch: Instant,
    phase: AtomicU8,
    /// When the load began.
    started: AtomicU64,
    wakers: Vec<Waker>,
    /// What each thread shows.
    pub(super) shown: Vec<Shown>,
    /// Why the run cannot go on.
    fatal: Mutex<Option<String>>,
    /// What is measured cannot go on.
    is_cut_short: AtomicBool,
    pub(super) round: Round,
}

/// The round of a fan-out: what was said, and how many have not heard it.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// Connections that are waited for.
    pub(super) listeners: AtomicI64,
    /// Deliveries that are still to come.
    pub(super) left: AtomicI64,
    /// Messages said so far.
    pub(super) said: AtomicU64,
    /// When the last were said.
    pub(super) said_at: AtomicU64,
}

impl Common {
    /// For threads that are woken by these.
    pub(super) fn new(wakers: Vec<Waker>) -> Self {
        Self {
            epoch: Instant::now(),
            phase: AtomicU8::new(Phase::Connecting as u8),
            started: AtomicU64::new(0),
            shown: wakers.iter().map(|_| Shown::default()).collect(),
            wakers,
            fatal: Mutex::default(),
            is_cut_short: AtomicBool::new(false),
            round: Round::default(),
        }
    }

    /// Nanoseconds since the run began.
    pub(super) fn now(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }

    /// Where the run is.
    pub(super) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Connecting,
            1 => Phase::Running,
            2 => Phase::Measuring,
            _ => Phase::Done,
        }
    }

    /// Tells all threads where the run is now.
    pub(super) fn enter(&self, phase: Phase) {
        if phase == Phase::Running {
            self.started.store(self.now(), Ordering::Relaxed);
        }
        self.phase.store(phase as u8, Ordering::Release);
        for at in 0..self.wakers.len() {
            self.wake(at);
        }
    }

    /// When the load began.
    pub(super) fn started(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }

    /// Wakes the thread with this number.
    pub(super) fn wake(&self, thread: usize) {
        // A thread that cannot be woken looks by itself a little later.
        let _ = self.wakers[thread].wake();
    }

    /// Gives the run up; the first reason is kept.
    pub(super) fn give_up(&self, why: String) {
        self.fatal.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get_or_insert(why);
    }

    /// Why the run cannot go on, if it cannot.
    pub(super) fn fatal(&self) -> Option<String> {
        self.fatal.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Ends the time measured: there is nothing left to measure.
    pub(super) fn cut_short(&self) {
        self.is_cut_short.store(true, Ordering::Relaxed);
    }

    /// Whether it was.
    pub(super) fn is_cut_short(&self) -> bool {
        self.is_cut_short.load(Ordering::Relaxed)
    }

    /// The numbers of all threads, now.
    pub(super) fn counts(&self) -> Counts {
        Counts::of(&self.shown)
    }
}
