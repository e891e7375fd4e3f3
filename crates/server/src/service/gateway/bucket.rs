//! How much may come in a time: so much in the long run, and twice a second's worth at once.

use tokio::time::Instant;

/// Tokens that come back with time.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: f32,
    tokens: f32,
    filled: Instant,
}

impl Bucket {
    pub(super) fn new(per_second: u32, now: Instant) -> Self {
        let per_second = per_second as f32;
        Self { per_second, tokens: 2.0 * per_second, filled: now }
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.filled).as_secs_f32();
        self.filled = now;
        self.tokens = (self.tokens + since * self.per_second).min(2.0 * self.per_second);
        let has_one = self.tokens >= 1.0;
        if has_one {
            self.tokens -= 1.0;
        }
        has_one
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn twice_a_seconds_worth_at_once_and_then_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, start);
        let count = |bucket: &mut Bucket, now| (0..100).filter(|_| bucket.take(now)).count();
        assert_eq!(count(&mut bucket, start), 20);
        assert_eq!(count(&mut bucket, start + Duration::from_millis(550)), 5);
        assert_eq!(count(&mut bucket, start + Duration::from_secs(60)), 20);
    }
}
