//! The one timer of a worker: coarse, and lazy about deadlines that move away.
//!
//! A place waits in the bucket of its tick. When the bucket's time has come its owner looks at the
//! deadline as it is by then, and enters the place anew where that has moved: a link that speaks
//! all the time is looked at once in its time of silence, and never in between.

use std::time::{Duration, Instant};

/// How exact a deadline is kept.
const TICK: Duration = Duration::from_millis(100);

/// Buckets, one a tick: deadlines beyond them are looked at once a round.
const BUCKETS: u64 = 256;

/// Places that wait for their time.
#[derive(Debug)]
pub(super) struct Wheel {
    began: Instant,
    /// The next tick that was not looked at.
    tick: u64,
    buckets: Vec<Vec<u32>>,
    waiting: usize,
}

impl Wheel {
    pub(super) fn new(now: Instant) -> Self {
        let buckets = (0..BUCKETS).map(|_| Vec::new()).collect();
        Self { began: now, tick: 0, buckets, waiting: 0 }
    }

    /// Enters a place, to be given back at `at` or as soon after it as the ticks allow; answers the
    /// tick. A place may be entered more than once.
    pub(super) fn insert(&mut self, place: u32, at: Instant) -> u64 {
        let due = self.tick_of(at).clamp(self.tick, self.tick + BUCKETS - 1);
        self.buckets[(due % BUCKETS) as usize].push(place);
        self.waiting += 1;
        due
    }

    /// The tick in which `at` is over.
    pub(super) fn tick_of(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.began).as_nanos().div_ceil(TICK.as_nanos()) as u64
    }

    /// When to come again; `None` while nothing waits.
    pub(super) fn next(&self) -> Option<Instant> {
        if self.waiting == 0 {
            return None;
        }
        let mut ticks = self.tick..self.tick + BUCKETS;
        let due = ticks.find(|tick| !self.buckets[(tick % BUCKETS) as usize].is_empty())?;
        Some(self.began + TICK * u32::try_from(due).unwrap_or(u32::MAX))
    }

    /// The places of the next tick whose time has come, and that tick; `None` when none is left.
    pub(super) fn take(&mut self, now: Instant) -> Option<(u64, Vec<u32>)> {
        let now = (now.saturating_duration_since(self.began).as_nanos() / TICK.as_nanos()) as u64;
        while self.tick <= now {
            if self.waiting == 0 {
                self.tick = now + 1;
                return None;
            }
            let tick = self.tick;
            self.tick += 1;
            let places = std::mem::take(&mut self.buckets[(tick % BUCKETS) as usize]);
            if !places.is_empty() {
                self.waiting -= places.len();
                return Some((tick, places));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes by `seconds`, and when.
    fn taken(wheel: &mut Wheel, at: Instant) -> Vec<u32> {
        std::iter::from_fn(|| wheel.take(at)).flat_map(|(_, places)| places).collect()
    }

    #[test]
    fn a_place_comes_back_when_its_time_is_over_and_never_before() {
        let now = Instant::now();
        let mut wheel = Wheel::new(now);
        wheel.insert(7, now + Duration::from_millis(1_050));
        assert!(taken(&mut wheel, now + Duration::from_millis(1_049)).is_empty());
        assert_eq!(wheel.next(), Some(now + Duration::from_millis(1_100)));
        assert_eq!(taken(&mut wheel, now + Duration::from_millis(1_100)), [7]);
        assert_eq!(wheel.next(), None);
    }

    #[test]
    fn what_lies_beyond_the_round_comes_once_a_round() {
        let now = Instant::now();
        let mut wheel = Wheel::new(now);
        wheel.insert(1, now + Duration::from_secs(3_600));
        assert_eq!(taken(&mut wheel, now + TICK * BUCKETS as u32), [1]);
    }

    #[test]
    fn what_was_due_long_ago_comes_at_once() {
        let now = Instant::now();
        let mut wheel = Wheel::new(now);
        assert!(taken(&mut wheel, now + Duration::from_secs(1_000)).is_empty());
        wheel.insert(3, now);
        wheel.insert(4, now);
        assert_eq!(taken(&mut wheel, now + Duration::from_secs(1_001)), [3, 4]);
    }
}
