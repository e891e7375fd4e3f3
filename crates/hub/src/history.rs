//! What is read of a channel's log.

use std::sync::Arc;

use crate::position::Position;
use crate::publication::Publication;

/// Which publications are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Range {
    /// Those behind this offset, the oldest first.
    After(u64),
    /// Those before this offset, the newest first.
    Before(u64),
}

/// What was read, all at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "brokers make them")]
pub struct History {
    /// Where the log ends.
    pub position: Position,
    /// The offset of the oldest publication that is kept, or of the next to come.
    pub oldest: u64,
    /// What was asked for, as far as it is kept.
    pub publications: Vec<Arc<Publication>>,
}

/// The most that is given at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two bounds, written out")]
pub struct Most {
    /// Publications.
    pub publications: usize,
    /// Bytes of what was published in them. One of any size is given all the same.
    pub bytes: usize,
}

impl Most {
    /// How many of these are given, the first ones.
    pub(crate) fn of<'a>(self, all: impl Iterator<Item = &'a Arc<Publication>>) -> usize {
        let mut bytes = 0_usize;
        all.take(self.publications)
            .enumerate()
            .take_while(|(at, publication)| {
                bytes = bytes.saturating_add(publication.data.len());
                *at == 0 || bytes <= self.bytes
            })
            .count()
    }
}

impl Range {
    /// All that are kept.
    pub const ALL: Self = Self::After(0);

    /// The newest.
    pub const NEWEST: Self = Self::Before(u64::MAX);
}
