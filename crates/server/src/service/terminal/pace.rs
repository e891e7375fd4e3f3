//! How fast a session is read from: so many bytes in so much time.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::Rate;

/// The part of the rate's time over which it is kept, so that a flood leaves its worker time for
/// others.
const BURST: Duration = Duration::from_millis(20);

/// When the next bytes may be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    rate: Rate,
    /// When all that was read is paid for.
    paid: Instant,
}

impl Pace {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, paid: Instant::now() }
    }

    /// Bytes were read.
    pub(super) fn take(&mut self, bytes: usize) {
        let price = self.rate.per().as_secs_f64() * bytes as f64 / f64::from(self.rate.most());
        self.paid = self.paid.max(Instant::now()) + Duration::from_secs_f64(price);
    }

    /// When more may be read.
    pub(super) fn free(&self) -> Instant {
        self.paid.checked_sub(BURST).unwrap_or(self.paid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{advance, pause};

    #[tokio::test]
    async fn a_flood_is_read_at_its_rate_and_a_little_at_once() {
        pause();
        let mut pace = Pace::new("1000000/1s".parse().unwrap());
        pace.take(10_000);
        assert!(pace.free() <= Instant::now(), "a little comes at once");
        pace.take(1_000_000);
        advance(Duration::from_millis(980)).await;
        assert!(pace.free() > Instant::now());
        advance(Duration::from_millis(20)).await;
        assert!(pace.free() <= Instant::now());
    }
}
