//! How long to wait before a node is tried again: twice as long each time, and a random part of it,
//! so that servers that lost a node together do not come back together.

use std::time::Duration;

/// Longest wait after the first failure.
const BASE: Duration = Duration::from_millis(250);

/// How long a line must have been open for the doubling to start anew.
const STABLE: Duration = Duration::from_secs(5);

/// How often in a row it went wrong.
#[derive(Debug)]
pub(super) struct Backoff {
    failures: u32,
    longest: Duration,
}

impl Backoff {
    /// Nothing went wrong yet; no wait is longer than this.
    pub(super) const fn new(longest: Duration) -> Self {
        Self { failures: 0, longest }
    }

    /// The next wait.
    pub(super) fn next(&mut self) -> Duration {
        // Without randomness the wait is as long as it may be.
        self.next_with(getrandom::u64().unwrap_or(u64::MAX))
    }

    /// The next wait: `random` of the 2⁶⁴ parts of the longest.
    fn next_with(&mut self, random: u64) -> Duration {
        let longest = BASE.saturating_mul(2_u32.saturating_pow(self.failures)).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        let nanos = (longest.as_nanos() * u128::from(random)) >> u64::BITS;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Takes note of how long a line was open.
    pub(super) fn was_open(&mut self, how_long: Duration) {
        if how_long >= STABLE {
            self.failures = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_until_a_line_was_stable() {
        let mut backoff = Backoff::new(Duration::from_secs(1));
        let mut halves = |count| -> Vec<_> {
            (0..count).map(|_| backoff.next_with(1 << 63).as_millis()).collect()
        };
        assert_eq!(halves(5), [125, 250, 500, 500, 500]);
        backoff.was_open(Duration::from_secs(4));
        assert_eq!(backoff.next_with(1 << 63).as_millis(), 500);
        backoff.was_open(Duration::from_secs(5));
        assert_eq!(backoff.next_with(1 << 63).as_millis(), 125);
        assert_eq!(backoff.next_with(0), Duration::ZERO);
    }
}
