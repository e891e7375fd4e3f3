//! How many lines of each are open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::excess::Exceeded;
use super::key::Key;

/// When it is worth another try: nobody knows when a line ends.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// The open lines of each, at most so many. Who has none is not remembered.
#[derive(Debug)]
pub(super) struct Lines {
    most: u32,
    open: Mutex<HashMap<Key, u32>>,
}

/// What a line is counted in, until this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Held(Vec<(Arc<Lines>, Key)>);

impl Lines {
    pub(super) fn new(most: u32) -> Arc<Self> {
        Arc::new(Self { most, open: Mutex::default() })
    }

    fn take(&self, key: Key) -> bool {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(key).or_default();
        // Whoever is over it has some already: nothing is remembered of who has none.
        let is_free = *count < self.most;
        *count += u32::from(is_free);
        is_free
    }

    fn give_back(&self, key: Key) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                open.remove(&key);
            }
        }
    }
}

impl Held {
    pub(super) fn add(
        &mut self,
        lines: &Arc<Lines>,
        key: Key,
        setting: &'static str,
    ) -> Result<(), Exceeded> {
        if !lines.take(key) {
            return Err(Exceeded { setting, retry_after: RETRY_AFTER });
        }
        self.0.push((Arc::clone(lines), key));
        Ok(())
    }

    /// Whether it is counted in nothing.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        for (lines, key) in self.0.drain(..) {
            lines.give_back(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_until_it_is_gone_and_then_nothing_is_remembered() {
        let lines = Lines::new(2);
        let (a, b) = (Key::of_user("a"), Key::of_user("b"));
        let hold = |key| {
            let mut held = Held::default();
            held.add(&lines, key, "lines_per_user").map(|()| held)
        };
        let (first, second) = (hold(a).unwrap(), hold(a).unwrap());
        assert_eq!(hold(a).unwrap_err().setting, "lines_per_user");
        let other = hold(b).unwrap();
        drop(first);
        let third = hold(a).unwrap();
        assert!(hold(a).is_err());
        drop((second, third, other));
        assert!(lines.open.lock().unwrap().is_empty());
    }
}
