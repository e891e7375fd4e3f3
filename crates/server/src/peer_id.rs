//! What tells peers apart.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells peers apart; never given twice while the process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerId(u64);

impl PeerId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The one that is written as this number.
    pub(crate) const fn of(number: u64) -> Self {
        Self(number)
    }

    /// How it is written.
    pub(crate) const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
