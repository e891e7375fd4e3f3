//! Leaves a backend alone for a while once it has failed so often in a row.
//!
//! ```text
//! closed ──so many failures in a row──▶ open ──the pause is over──▶ one call tries
//!    ▲                                   ▲                            │
//!    │                                   └────────it fails────────────┤
//!    └───────────────────────it succeeds──────────────────────────────┘
//! ```

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::counts::BackendCounts;

/// The breaker of one backend, which all its callers share.
pub(super) struct Breaker {
    /// Failures in a row that open it; 0 never does.
    failures: u32,
    pause: Duration,
    state: Mutex<State>,
    counts: BackendCounts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    Trying,
}

/// The right to ask once. Dropped untold, it says nothing of the backend.
#[must_use = "what came of the call is told to the pass"]
pub(super) struct Pass<'b> {
    breaker: &'b Breaker,
    is_trial: bool,
    is_told: bool,
}

impl Breaker {
    pub(super) const fn new(failures: u32, pause: Duration, counts: BackendCounts) -> Self {
        let state = Mutex::new(State::Closed { failures: 0 });
        Self { failures, pause, state, counts }
    }

    /// Lets a call through, or not.
    pub(super) fn admit(&self, now: Instant) -> Option<Pass<'_>> {
        let mut state = self.lock();
        let is_trial = match *state {
            State::Closed { .. } => false,
            State::Open { until } if until <= now => {
                *state = State::Trying;
                true
            }
            State::Open { .. } | State::Trying => return None,
        };
        Some(Pass { breaker: self, is_trial, is_told: false })
    }

    fn failed(&self, is_trial: bool, now: Instant) {
        let mut state = self.lock();
        let opens = match &mut *state {
            State::Closed { failures } => {
                *failures += 1;
                self.failures > 0 && *failures >= self.failures
            }
            State::Trying => is_trial,
            // A call from before, which the breaker did not wait for.
            State::Open { .. } => false,
        };
        if opens {
            *state = State::Open { until: now + self.pause };
            drop(state);
            self.counts.is_open(true);
        }
    }

    fn succeeded(&self, is_trial: bool) {
        let mut state = self.lock();
        if is_trial || matches!(*state, State::Closed { .. }) {
            *state = State::Closed { failures: 0 };
            drop(state);
            self.counts.is_open(false);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// The backend answered.
    pub(super) fn succeeded(mut self) {
        self.is_told = true;
        self.breaker.succeeded(self.is_trial);
    }

    /// It did not, or something in front of it did.
    pub(super) fn failed(mut self, now: Instant) {
        self.is_told = true;
        self.breaker.failed(self.is_trial, now);
    }
}

/// A trial that was given up leaves the next call to try.
impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.is_trial && !self.is_told {
            *self.breaker.lock() = State::Open { until: Instant::now() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(5);

    fn breaker() -> (Breaker, Instant) {
        (Breaker::new(3, PAUSE, BackendCounts::default()), Instant::now())
    }

    fn fail(breaker: &Breaker, now: Instant) {
        breaker.admit(now).unwrap().failed(now);
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_failures_in_a_row_open_it_and_a_success_in_between_does_not_count_them() {
        let (breaker, now) = breaker();
        fail(&breaker, now);
        fail(&breaker, now);
        breaker.admit(now).unwrap().succeeded();
        fail(&breaker, now);
        fail(&breaker, now);
        fail(&breaker, now);
        assert!(breaker.admit(now).is_none());
        assert!(breaker.admit(now + PAUSE - Duration::from_millis(1)).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_pause_one_call_tries_and_decides_for_all() {
        let (breaker, now) = breaker();
        (0..3).for_each(|_| fail(&breaker, now));
        let later = now + PAUSE;
        let trial = breaker.admit(later).unwrap();
        assert!(breaker.admit(later).is_none(), "one at a time");
        trial.failed(later);
        assert!(breaker.admit(later).is_none());
        let later = later + PAUSE;
        breaker.admit(later).unwrap().succeeded();
        let (_one, _other) = (breaker.admit(later).unwrap(), breaker.admit(later).unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_is_given_up_leaves_the_next_to_try() {
        let (breaker, now) = breaker();
        (0..3).for_each(|_| fail(&breaker, now));
        tokio::time::advance(PAUSE).await;
        drop(breaker.admit(Instant::now()).unwrap());
        breaker.admit(Instant::now()).unwrap().succeeded();
    }

    #[tokio::test(start_paused = true)]
    async fn calls_from_before_it_opened_change_nothing() {
        let (breaker, now) = breaker();
        let (good, bad) = (breaker.admit(now).unwrap(), breaker.admit(now).unwrap());
        (0..3).for_each(|_| fail(&breaker, now));
        good.succeeded();
        assert!(breaker.admit(now).is_none());
        bad.failed(now + PAUSE);
        assert!(breaker.admit(now + PAUSE).is_some(), "the pause is not longer for it");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_number_of_failures_it_never_opens() {
        let (breaker, now) = (Breaker::new(0, PAUSE, BackendCounts::default()), Instant::now());
        (0..1_000).for_each(|_| fail(&breaker, now));
        assert!(breaker.admit(now).is_some());
    }
}
