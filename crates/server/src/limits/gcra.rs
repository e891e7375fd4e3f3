//! One rate of one line in one number: the generic cell rate algorithm.

use std::time::Duration;

use crate::config::Rate;

/// When all that was taken is paid for, in nanoseconds since the worker began.
///
/// As much as the rate has may be taken at once; each of it is paid for by its share of the time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gcra(u64);

impl Gcra {
    /// Takes `cost`, and answers how long to wait until the rate is kept again.
    #[inline]
    pub(super) fn take(&mut self, cost: u64, rate: Rate, now: u64) -> Duration {
        let per = rate.per().as_nanos();
        let price = u128::from(cost) * per / u128::from(rate.most());
        let paid = u128::from(self.0.max(now)) + price;
        self.0 = u64::try_from(paid).unwrap_or(u64::MAX);
        let ahead = self.0 - now;
        let per = u64::try_from(per).unwrap_or(u64::MAX);
        Duration::from_nanos(ahead.saturating_sub(per))
    }

    /// Whether something is not paid for yet.
    pub(super) const fn owes(self, now: u64) -> bool {
        self.0 > now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_burst_is_free_and_what_comes_then_waits_its_share() {
        let rate: Rate = "10/1s".parse().unwrap();
        let mut gcra = Gcra::default();
        for _ in 0..10 {
            assert_eq!(gcra.take(1, rate, 5 * SECOND), Duration::ZERO);
        }
        assert_eq!(gcra.take(1, rate, 5 * SECOND), Duration::from_millis(100));
        assert_eq!(gcra.take(1, rate, 5 * SECOND + SECOND / 10), Duration::from_millis(100));
        // After a second of silence all of it is there again.
        assert_eq!(gcra.take(10, rate, 10 * SECOND), Duration::ZERO);
    }

    #[test]
    fn a_message_above_the_whole_rate_is_paid_for_afterwards() {
        let rate: Rate = "1000/1s".parse().unwrap();
        let mut gcra = Gcra::default();
        assert_eq!(gcra.take(4_000, rate, 0), Duration::from_secs(3));
        assert_eq!(gcra.take(0, rate, 3 * SECOND), Duration::ZERO);
    }

    #[test]
    fn numbers_at_their_ends_do_not_overflow() {
        for text in ["1/24h", "4294967295/1ms", "1/1ms"] {
            let rate: Rate = text.parse().unwrap();
            let mut gcra = Gcra(u64::MAX - 1);
            gcra.take(u64::MAX, rate, u64::MAX);
            gcra.take(u64::MAX, rate, 0);
        }
    }
}
