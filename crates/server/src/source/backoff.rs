//! How long to wait before something is begun again: twice as long each time, and a random part of
//! it, so that servers that lost the same thing do not come back together.

use std::time::Duration;

/// Longest wait after the first failure, and after many.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// How long it must have gone well for the doubling to start anew.
const STABLE: Duration = Duration::from_secs(30);

/// How often in a row it went wrong.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The next wait, after it went well for so long.
    pub(crate) fn next(&mut self, well: Duration) -> Duration {
        if well >= STABLE {
            self.failures = 0;
        }
        // Without randomness the wait is as long as it may be.
        self.next_with(getrandom::u64().unwrap_or(u64::MAX))
    }

    /// The next wait: half of the longest, and `random` of the 2⁶⁴ parts of the other half.
    fn next_with(&mut self, random: u64) -> Duration {
        let longest = FIRST.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let half = longest / 2;
        let nanos = (half.as_nanos() * u128::from(random)) >> u64::BITS;
        half + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute_until_it_went_well_for_as_long() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..7).map(|_| backoff.next_with(u64::MAX).as_millis()).collect();
        assert_eq!(waits, [999, 1_999, 3_999, 7_999, 15_999, 29_999, 29_999]);
        assert_eq!(backoff.next_with(0), Duration::from_secs(15));
        assert!(backoff.next(Duration::from_secs(29)) >= Duration::from_secs(15));
        assert!(backoff.next(Duration::from_secs(30)) <= Duration::from_secs(1));
    }
}
