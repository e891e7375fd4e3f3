//! How long something took, as often as it happened.

use std::time::Duration;

/// Buckets with a bound: up to 8.4 s.
const BOUNDED: usize = 20;

/// The bound of the first, in microseconds; each other's is twice the one before.
const FIRST_MICROS: u64 = 16;

/// How long something took, as often as it happened: counted in buckets, to be shown as a histogram.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use tieline::serve::Durations;
///
/// let mut durations = Durations::default();
/// durations.note(Duration::from_micros(20));
/// let bucket = durations.buckets().find(|(_, count)| *count > 0);
/// assert_eq!(bucket, Some((Some(Duration::from_micros(32)), 1)));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    counts: [u64; BOUNDED + 1],
    sum: Duration,
}

impl Durations {
    /// It has happened once more, and took so long.
    pub fn note(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX);
        // How often the first bound is to be doubled.
        let doubled = u64::BITS - (micros.saturating_sub(1) / FIRST_MICROS).leading_zeros();
        self.counts[BOUNDED.min(doubled as usize)] += 1;
        self.sum = self.sum.saturating_add(took);
    }

    /// Adds what happened elsewhere.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// How often it happened.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How long all of it took.
    pub const fn sum(&self) -> Duration {
        self.sum
    }

    /// The buckets, the shortest first: the longest that is in each, nothing for the last, which has
    /// no bound; and how much is in it and in none before.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<Duration>, u64)> + '_ {
        let bounds = (0..BOUNDED).map(|at| Some(Duration::from_micros(FIRST_MICROS << at)));
        bounds.chain([None]).zip(self.counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_in_the_first_bucket_that_it_fits() {
        for (nanos, bound) in [
            (0, Some(16)),
            (16_000, Some(16)),
            (16_001, Some(32)),
            (32_000, Some(32)),
            (33_000, Some(64)),
            (8_388_608_000, Some(8_388_608)),
            (8_388_608_001, None),
            (u64::MAX, None),
        ] {
            let mut durations = Durations::default();
            durations.note(Duration::from_nanos(nanos));
            let full: Vec<_> = durations.buckets().filter(|(_, count)| *count > 0).collect();
            assert_eq!(full, [(bound.map(Duration::from_micros), 1)], "{nanos} ns");
        }
    }

    #[test]
    fn what_happened_elsewhere_is_added_bucket_by_bucket() {
        let (mut here, mut there) = (Durations::default(), Durations::default());
        here.note(Duration::from_micros(10));
        there.note(Duration::from_micros(12));
        there.note(Duration::from_secs(60));
        here.add(&there);
        assert_eq!((here.count(), here.sum()), (3, Duration::from_micros(60_000_022)));
        let buckets: Vec<_> = here.buckets().map(|(_, count)| count).collect();
        assert_eq!((buckets[0], buckets[BOUNDED]), (2, 1));
    }
}
