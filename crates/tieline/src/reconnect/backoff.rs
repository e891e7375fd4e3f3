//! Waits that double, each a random part of its longest: exponential backoff with full jitter.

use std::time::Duration;

use super::Reconnect;

/// How often in a row it went wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The next wait: `random` of the 2⁶⁴ parts of the longest.
    pub(super) fn next(&mut self, options: &Reconnect, random: u64) -> Duration {
        let doubled = 2_u32.saturating_pow(self.failures);
        let longest = options.base.saturating_mul(doubled).min(options.max);
        self.failures = self.failures.saturating_add(1);
        let nanos = (longest.as_nanos() * u128::from(random)) >> u64::BITS;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Takes note of how long a line was open.
    pub(super) fn was_open(&mut self, options: &Reconnect, how_long: Duration) {
        if how_long >= options.stable_after {
            self.failures = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: u64 = 1 << 63;

    fn waits(backoff: &mut Backoff, count: usize, random: u64) -> Vec<u128> {
        let options = Reconnect::default();
        (0..count).map(|_| backoff.next(&options, random).as_millis()).collect()
    }

    #[test]
    fn the_longest_wait_doubles_up_to_the_bound() {
        let halves = waits(&mut Backoff::default(), 9, HALF);
        assert_eq!(halves, [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
        let mut backoff = Backoff { failures: u32::MAX };
        assert_eq!(waits(&mut backoff, 2, HALF), [15_000, 15_000]);
    }

    #[test]
    fn a_wait_is_any_part_of_its_longest() {
        assert_eq!(waits(&mut Backoff::default(), 1, 0), [0]);
        assert_eq!(waits(&mut Backoff::default(), 1, u64::MAX), [499]);
    }

    #[test]
    fn only_a_stable_line_starts_anew() {
        let options = Reconnect::default();
        let mut backoff = Backoff::default();
        assert_eq!(waits(&mut backoff, 2, HALF), [250, 500]);
        backoff.was_open(&options, Duration::from_secs(9));
        assert_eq!(waits(&mut backoff, 1, HALF), [1_000]);
        backoff.was_open(&options, Duration::from_secs(10));
        assert_eq!(waits(&mut backoff, 1, HALF), [250]);
    }
}
