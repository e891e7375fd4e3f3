//! How often each of many comes, in bounded memory.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::excess::Exceeded;
use super::key::Key;
use crate::config::Rate;

/// Most of whom something is remembered.
const MAX_KEYS: usize = 65_536;

/// How many come between two looks at whom to forget.
const LOOK_EVERY: u32 = 4_096;

type Limiter = RateLimiter<Key, DashMapStateStore<Key>, DefaultClock>;

/// One rate, for each key by itself.
///
/// Whoever has not come for so long that nothing is held against him is forgotten, at every 4,096th
/// that comes. Where more than 65,536 are left then, all are: a crowd of so many addresses is not
/// held off by counting each.
pub(crate) struct Keyed {
    quota: Quota,
    limiter: ArcSwap<Limiter>,
    taken: AtomicU32,
}

impl Keyed {
    pub(crate) fn new(rate: Rate) -> Self {
        let most = NonZeroU32::new(rate.most()).expect("a rate is at least one: parsed");
        let each = (rate.per() / rate.most()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(each).expect("longer than no time").allow_burst(most);
        let limiter = ArcSwap::from_pointee(Limiter::dashmap(quota));
        Self { quota, limiter, taken: AtomicU32::new(0) }
    }

    /// Counts one who came.
    pub(crate) fn take(&self, key: Key, setting: &'static str) -> Result<(), Exceeded> {
        let limiter = self.limiter.load();
        if self.taken.fetch_add(1, Ordering::Relaxed) % LOOK_EVERY == LOOK_EVERY - 1 {
            self.forget(&limiter);
        }
        limiter.check_key(&key).map_err(|not_until| Exceeded {
            setting,
            retry_after: not_until.wait_time_from(DefaultClock::default().now()),
        })
    }

    fn forget(&self, limiter: &Limiter) {
        limiter.retain_recent();
        if limiter.len() > MAX_KEYS {
            self.limiter.store(Arc::new(Limiter::dashmap(self.quota)));
        }
    }
}

impl fmt::Debug for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keyed").field(&self.quota).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_rate_and_is_told_when_to_come_back() {
        let keyed = Keyed::new("3/1h".parse().unwrap());
        let (a, b) = (Key::of_user("a"), Key::of_user("b"));
        for _ in 0..3 {
            assert_eq!(keyed.take(a, "x"), Ok(()));
        }
        let exceeded = keyed.take(a, "x").unwrap_err();
        let third = Duration::from_secs(1_200);
        assert!(exceeded.retry_after <= third && exceeded.retry_after > third / 2, "{exceeded:?}");
        assert_eq!(keyed.take(b, "x"), Ok(()));
    }

    #[test]
    fn a_flood_of_strangers_is_not_remembered_for_ever() {
        let keyed = Keyed::new("1/1h".parse().unwrap());
        for number in 0..200_000 {
            let address = std::net::Ipv4Addr::from_bits(number);
            assert_eq!(keyed.take(Key::of_address(address.into()), "x"), Ok(()));
            assert!(keyed.limiter.load().len() <= MAX_KEYS + LOOK_EVERY as usize);
        }
    }
}
