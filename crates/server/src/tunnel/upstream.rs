//! One upstream: how much it has to do, and whether it is asked.
//!
//! ```text
//!          not reached, max_failures in a row      `fall` bad answers in a row
//!   asked ──────────────────────────▶ resting      asked ──────────▶ out
//!     ▲ ◀──── reached ──────  one request  │         ▲ ◀── `rise` good ──┘
//!     └─────── after down_for, tried ◀─────┘
//! ```
//!
//! The left side is learned from requests, the right one from health checks; it is asked where both
//! say so. What an upstream answers, or that it takes too long, does not count on the left: a client
//! that asks for what is slow or broken would take the upstream from all others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::fault::Fault;
use super::metrics::Counts;
use super::plan::{Plan, Target};
use crate::causes::Causes;

/// An upstream, shared by all workers.
#[derive(Debug)]
pub(super) struct Upstream {
    /// Another one for every upstream of the process: what the workers' pools know it by.
    pub(super) id: usize,
    pub(super) target: Target,
    pub(super) counts: Counts,
    max_open: usize,
    max_failures: Option<u32>,
    down_for: Duration,
    open: AtomicUsize,
    failures: AtomicU32,
    /// What `down_until_ms` counts from.
    since: Instant,
    /// Until when it rests, in milliseconds; 0 for one that does not.
    down_until_ms: AtomicU64,
    is_out: AtomicBool,
}

/// Counts a request or a line for as long as it is open.
#[derive(Debug)]
pub(super) struct Open(pub(super) Arc<Upstream>);

/// Whether an upstream may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Asked,
    Busy,
    Down,
}

impl Upstream {
    pub(super) fn new(target: Target, plan: &Plan, counts: Counts) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            target,
            counts,
            max_open: plan.max_open,
            max_failures: plan.max_failures,
            down_for: plan.down_for,
            open: AtomicUsize::new(0),
            failures: AtomicU32::new(0),
            since: Instant::now(),
            down_until_ms: AtomicU64::new(0),
            is_out: AtomicBool::new(false),
        }
    }

    /// How many requests and lines it has now.
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(super) fn standing(&self, now: Instant) -> Standing {
        if self.is_out.load(Ordering::Relaxed) || self.rests(now) {
            Standing::Down
        } else if self.open() >= self.max_open {
            Standing::Busy
        } else {
            Standing::Asked
        }
    }

    /// It was reached, and answered.
    pub(super) fn succeeded(&self) {
        self.failures.store(0, Ordering::Relaxed);
        if self.down_until_ms.swap(0, Ordering::Relaxed) > 0 {
            info!(upstream = self.target.name, "the upstream answers again");
        }
        self.show();
    }

    /// A request came to nothing, by its fault.
    pub(super) fn failed(&self, fault: &Fault, now: Instant) {
        self.counts.failed.inc();
        warn!(upstream = self.target.name, error = %Causes(fault), "upstream failed");
        if !fault.is_before_request() {
            return;
        }
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if self.max_failures.is_some_and(|most| failures >= most) {
            let until = now.duration_since(self.since) + self.down_for;
            self.down_until_ms.store(until.as_millis().max(1) as u64, Ordering::Relaxed);
            let down_for_ms = self.down_for.as_millis() as u64;
            warn!(
                upstream = self.target.name,
                down_for_ms, "the upstream is not asked for a while"
            );
        }
        self.show();
    }

    /// What the health checks found, where that is new.
    pub(super) fn set_out(&self, is_out: bool) {
        self.is_out.store(is_out, Ordering::Relaxed);
        self.show();
    }

    /// One that has rested is tried again; its count of failures still stands, so that one more
    /// sends it back.
    fn rests(&self, now: Instant) -> bool {
        let until = self.down_until_ms.load(Ordering::Relaxed);
        (now.duration_since(self.since).as_millis() as u64) < until
    }

    fn show(&self) {
        let is_up =
            !self.is_out.load(Ordering::Relaxed) && self.down_until_ms.load(Ordering::Relaxed) == 0;
        self.counts.up.set(is_up.into());
    }
}

impl Open {
    pub(super) fn new(upstream: &Arc<Upstream>) -> Self {
        upstream.open.fetch_add(1, Ordering::Relaxed);
        upstream.counts.open.inc();
        Self(Arc::clone(upstream))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
        self.0.counts.open.dec();
    }
}
