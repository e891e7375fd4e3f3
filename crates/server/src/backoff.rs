//! How long to wait before something is tried again: twice as long each time, and a random part of
//! it, so that servers that lost the same thing together do not come back together.

use std::time::Duration;

/// How waits grow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waits {
    /// Longest wait after the first failure.
    pub(crate) first: Duration,
    /// Longest wait after many.
    pub(crate) longest: Duration,
    /// How long it must have gone well for the doubling to start anew.
    pub(crate) stable: Duration,
    /// How much of a wait is random.
    pub(crate) random: Random,
}

/// How much of a wait is random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Random {
    /// No wait is shorter than half of what it may be.
    Half,
    /// The first to come back may come at once.
    Whole,
}

/// How often in a row it went wrong.
#[derive(Debug)]
pub(crate) struct Backoff {
    waits: Waits,
    failures: u32,
}

impl Backoff {
    /// Nothing went wrong yet.
    pub(crate) const fn new(waits: Waits) -> Self {
        Self { waits, failures: 0 }
    }

    /// Takes note of how long it went well.
    pub(crate) fn went_well(&mut self, how_long: Duration) {
        if how_long >= self.waits.stable {
            self.failures = 0;
        }
    }

    /// The next wait.
    pub(crate) fn next(&mut self) -> Duration {
        // Without randomness the wait is as long as it may be.
        self.next_with(getrandom::u64().unwrap_or(u64::MAX))
    }

    /// The next wait: `random` of the 2⁶⁴ parts of what is random of it.
    fn next_with(&mut self, random: u64) -> Duration {
        let Waits { first, longest, .. } = self.waits;
        let longest = first.saturating_mul(2_u32.saturating_pow(self.failures)).min(longest);
        self.failures = self.failures.saturating_add(1);
        let kept = match self.waits.random {
            Random::Half => longest / 2,
            Random::Whole => Duration::ZERO,
        };
        let nanos = ((longest - kept).as_nanos() * u128::from(random)) >> u64::BITS;
        kept + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: u64 = 1 << 63;

    fn backoff(random: Random) -> Backoff {
        Backoff::new(Waits {
            first: Duration::from_millis(250),
            longest: Duration::from_secs(1),
            stable: Duration::from_secs(5),
            random,
        })
    }

    #[test]
    fn waits_double_up_to_the_longest_until_it_went_well_for_long() {
        let mut backoff = backoff(Random::Whole);
        let waits: Vec<_> = (0..5).map(|_| backoff.next_with(HALF).as_millis()).collect();
        assert_eq!(waits, [125, 250, 500, 500, 500]);
        backoff.went_well(Duration::from_secs(4));
        assert_eq!(backoff.next_with(HALF).as_millis(), 500);
        backoff.went_well(Duration::from_secs(5));
        assert_eq!(backoff.next_with(HALF).as_millis(), 125);
        let mut many = Backoff { failures: u32::MAX, ..backoff };
        assert_eq!(many.next_with(HALF).as_millis(), 500);
    }

    #[test]
    fn a_wait_is_any_part_of_its_longest_or_at_least_half_of_it() {
        for (random, least) in [(Random::Half, 125), (Random::Whole, 0)] {
            assert_eq!(backoff(random).next_with(0).as_millis(), least);
            assert_eq!(backoff(random).next_with(u64::MAX).as_millis(), 249);
        }
    }
}
