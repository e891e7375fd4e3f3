//! What several lines may say together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::gcra::Gcra;
use super::key::Key;
use crate::config::Rate;

/// Most of whom something is remembered that have no line.
const MAX_KEYS: usize = 65_536;

/// How many lines come between two looks at whom to forget.
const LOOK_EVERY: usize = 4_096;

/// What a rate is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Bytes,
    Messages,
}

/// One rate, for all lines of each key together.
///
/// A key is remembered while it has a line, and until all that it said is paid for, so that nothing
/// is won by another line. At every 4,096th line the others are forgotten; where more than 65,536
/// without a line are left then, all of those are.
#[derive(Debug)]
pub(super) struct Together {
    setting: &'static str,
    unit: Unit,
    rate: Rate,
    began: Instant,
    keys: Mutex<Keys>,
}

#[derive(Debug, Default)]
struct Keys {
    said: HashMap<Key, Arc<Mutex<Gcra>>>,
    /// Lines since the last look.
    lines: usize,
}

/// What one line has in common with the others of its key.
#[derive(Clone, Debug)]
pub(super) struct Share {
    together: Arc<Together>,
    said: Arc<Mutex<Gcra>>,
}

impl Together {
    pub(super) fn new(setting: &'static str, unit: Unit, rate: Rate) -> Arc<Self> {
        let (began, keys) = (Instant::now(), Mutex::default());
        Arc::new(Self { setting, unit, rate, began, keys })
    }

    /// A line more of this key.
    pub(super) fn share(self: &Arc<Self>, key: Key) -> Share {
        let now = self.now();
        let mut keys = lock(&self.keys);
        keys.lines += 1;
        if keys.lines == LOOK_EVERY {
            keys.forget(now);
        }
        let said = Arc::clone(keys.said.entry(key).or_default());
        Share { together: Arc::clone(self), said }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Keys {
    fn forget(&mut self, now: u64) {
        self.lines = 0;
        let has_line = |said: &Arc<Mutex<Gcra>>| Arc::strong_count(said) > 1;
        self.said.retain(|_, said| has_line(said) || lock(said).owes(now));
        if self.said.values().filter(|said| !has_line(said)).count() > MAX_KEYS {
            self.said.retain(|_, said| has_line(said));
        }
    }
}

impl Share {
    /// Counts a message of so many bytes, or a part of one; how long to wait until the rate is kept.
    pub(super) fn take(&self, messages: u64, bytes: u64) -> Duration {
        let cost = match self.together.unit {
            Unit::Bytes => bytes,
            Unit::Messages => messages,
        };
        lock(&self.said).take(cost, self.together.rate, self.together.now())
    }

    pub(super) fn setting(&self) -> &'static str {
        self.together.setting
    }

    pub(super) fn rate(&self) -> Rate {
        self.together.rate
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(user: &str) -> Key {
        Key::of_user(user)
    }

    #[tokio::test(start_paused = true)]
    async fn lines_of_one_key_say_so_much_together_and_another_line_wins_nothing() {
        let together = Together::new("messages_per_user", Unit::Messages, "2/1s".parse().unwrap());
        let (first, second) = (together.share(key("a")), together.share(key("a")));
        assert_eq!((first.take(1, 9), second.take(1, 9)), (Duration::ZERO, Duration::ZERO));
        assert_eq!(first.take(1, 9), Duration::from_millis(500));
        assert_eq!(together.share(key("b")).take(1, 9), Duration::ZERO, "another is not held off");
        drop((first, second));
        (0..LOOK_EVERY).for_each(|_| drop(together.share(key("c"))));
        assert_eq!(together.share(key("a")).take(0, 0), Duration::from_millis(500));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(together.share(key("a")).take(2, 0), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_remembered_for_ever() {
        let together = Together::new("bytes_per_user", Unit::Bytes, "1/1h".parse().unwrap());
        let held = together.share(key("held"));
        for number in 0..(MAX_KEYS + 2 * LOOK_EVERY) {
            together.share(key(&number.to_string())).take(1, 2);
        }
        assert!(lock(&together.keys).said.len() <= MAX_KEYS + LOOK_EVERY);
        assert!(lock(&together.keys).said.contains_key(&key("held")), "it has a line");
        drop(held);
        tokio::time::advance(Duration::from_secs(3 * 3_600)).await;
        (0..LOOK_EVERY).for_each(|_| drop(together.share(key("last"))));
        assert!(lock(&together.keys).said.len() <= 1);
    }
}
