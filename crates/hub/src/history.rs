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

impl Range {
    /// All that are kept.
    pub const ALL: Self = Self::After(0);

    /// The newest.
    pub const NEWEST: Self = Self::Before(u64::MAX);
}
