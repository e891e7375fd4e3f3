//! The keys that a channel was published with lately.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::SystemTime;

use crate::keep::KEYS_KNOWN;

/// Most keys that are known of one channel; beyond it the oldest is forgotten before its time.
pub(crate) const MAX_KEYS: usize = 100_000;

/// Each key with its offset, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    offsets: HashMap<Arc<str>, u64>,
    order: VecDeque<(SystemTime, Arc<str>)>,
    bytes: usize,
}

/// What it costs to know a key beyond its letters: two places, of tables that grow by doubling.
const KNOWING_BYTES: usize = 128;

impl Keys {
    /// The offset of what was published with it.
    pub(crate) fn offset(&self, key: &str) -> Option<u64> {
        self.offsets.get(key).copied()
    }

    /// Adds one that is not there; answers those that are forgotten for it.
    pub(crate) fn add(&mut self, key: Arc<str>, offset: u64, now: SystemTime) -> Vec<Arc<str>> {
        self.bytes += KNOWING_BYTES + key.len();
        self.offsets.insert(Arc::clone(&key), offset);
        self.order.push_back((now, key));
        let mut forgotten = Vec::new();
        while self.order.len() > MAX_KEYS {
            forgotten.extend(self.forget());
        }
        forgotten
    }

    /// Forgets those that nobody will use any more; answers them.
    pub(crate) fn expire(&mut self, now: SystemTime) -> Vec<Arc<str>> {
        let mut forgotten = Vec::new();
        let is_old = |(at, _): &(SystemTime, Arc<str>)| {
            now.duration_since(*at).is_ok_and(|age| age >= KEYS_KNOWN)
        };
        while self.order.front().is_some_and(is_old) {
            forgotten.extend(self.forget());
        }
        forgotten
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// What it costs to know them.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets the oldest before its time; answers it.
    pub(crate) fn forget(&mut self) -> Option<Arc<str>> {
        let (_, key) = self.order.pop_front()?;
        self.offsets.remove(&key);
        self.bytes -= KNOWING_BYTES + key.len();
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_key_is_known_for_its_time_and_the_oldest_go_first() {
        let mut keys = Keys::default();
        let start = SystemTime::UNIX_EPOCH;
        keys.add("a".into(), 1, start);
        keys.add("b".into(), 2, start + Duration::from_secs(1));
        assert_eq!((keys.offset("a"), keys.offset("c")), (Some(1), None));
        assert_eq!(keys.expire(start + KEYS_KNOWN), ["a".into()]);
        assert_eq!((keys.offset("a"), keys.offset("b")), (None, Some(2)));
        for offset in 3..=MAX_KEYS as u64 + 1 {
            assert!(keys.add(offset.to_string().into(), offset, start).is_empty());
        }
        assert_eq!(keys.add("last".into(), 9, start), ["b".into()]);
    }
}
