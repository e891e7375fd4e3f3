//! The nonces that were used, for as long as their timestamps are good: a bounded memory.
//!
//! Where it is full the oldest timestamp is forgotten, and nothing as old is taken any more: a full
//! memory refuses too much and never too little.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use super::error::GatewayError;

/// What is good once: a nonce of an application, and when it says it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Nonce {
    /// Milliseconds since 1970, by the caller's clock.
    pub(super) millis: u64,
    /// Of the nonce and its application's key.
    pub(super) digest: u128,
}

#[derive(Debug)]
pub(super) struct Nonces {
    /// The oldest first.
    used: BTreeSet<Nonce>,
    /// The digests of `used`.
    digests: HashSet<u128>,
    most: usize,
    window: Duration,
    /// Nothing up to this timestamp is known any more.
    forgotten: u64,
}

impl Nonces {
    /// At most `most` of them, each for `window`.
    pub(super) fn new(most: usize, window: Duration) -> Self {
        Self { used: BTreeSet::new(), digests: HashSet::new(), most, window, forgotten: 0 }
    }

    /// Uses a nonce, at a time in milliseconds since 1970.
    pub(super) fn take(&mut self, nonce: Nonce, now: u64) -> Result<(), GatewayError> {
        let window = self.window.as_millis() as u64;
        let oldest = now.saturating_sub(window);
        if nonce.millis < oldest || nonce.millis > now + window || nonce.millis <= self.forgotten {
            return Err(GatewayError::TimestampExpired(self.window));
        }
        while self.used.first().is_some_and(|used| used.millis < oldest) {
            self.forget_oldest();
        }
        if !self.digests.insert(nonce.digest) {
            return Err(GatewayError::NonceUsed);
        }
        self.used.insert(nonce);
        if self.used.len() > self.most
            && let Some(oldest) = self.forget_oldest()
        {
            self.forgotten = oldest.millis;
        }
        Ok(())
    }

    fn forget_oldest(&mut self) -> Option<Nonce> {
        let oldest = self.used.pop_first()?;
        self.digests.remove(&oldest.digest);
        Some(oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_millis(100);

    fn code(nonces: &mut Nonces, millis: u64, digest: u128, now: u64) -> Option<&'static str> {
        nonces.take(Nonce { millis, digest }, now).err().map(|error| error.code())
    }

    #[test]
    fn a_nonce_is_forgotten_only_when_its_timestamp_is_refused() {
        let mut nonces = Nonces::new(10, WINDOW);
        assert_eq!(code(&mut nonces, 1_000, 1, 1_000), None);
        assert_eq!(code(&mut nonces, 1_000, 1, 1_100), Some("A403NU"));
        assert_eq!(code(&mut nonces, 1_101, 2, 1_101), None);
        assert_eq!(code(&mut nonces, 1_000, 1, 1_101), Some("A403TS"));
        assert_eq!(nonces.used.len(), 1);
    }

    #[test]
    fn a_full_memory_refuses_what_it_cannot_know() {
        let mut nonces = Nonces::new(2, WINDOW);
        for (millis, digest) in [(10, 1), (20, 2), (30, 3)] {
            assert_eq!(code(&mut nonces, millis, digest, 30), None);
        }
        assert_eq!((nonces.used.len(), nonces.digests.len()), (2, 2));
        assert_eq!(code(&mut nonces, 10, 1, 30), Some("A403TS"));
        assert_eq!(code(&mut nonces, 20, 2, 30), Some("A403NU"));
        assert_eq!(code(&mut nonces, 25, 2, 30), Some("A403NU"), "whatever its timestamp");
        assert_eq!(code(&mut nonces, 15, 8, 30), None, "newer than what was forgotten");
    }
}
