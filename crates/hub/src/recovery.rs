//! What somebody who comes back has missed.

use std::sync::Arc;

use crate::history::{History, Most};
use crate::position::Position;
use crate::publication::Publication;

/// How a subscription begins.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovered {
    /// From here on everything is told; `None` for a pattern, which has no position.
    pub position: Option<Position>,
    /// Whether nothing was missed, or why it cannot be said; `None` where no position was named.
    pub outcome: Option<Outcome>,
    /// What was missed, in order, and whole.
    pub publications: Vec<Arc<Publication>>,
}

/// Whether what was missed is all there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// All of it.
    Complete,
    /// It is not, and nothing is given.
    Gap {
        /// Why.
        reason: Missing,
        /// The offset of the oldest publication that is kept, or of the next to come.
        oldest: u64,
    },
}

/// Why what was missed is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// The log began anew: what was in it before is gone.
    Epoch,
    /// Some of it is kept no more.
    Expired,
    /// It is more than is given at once.
    TooMany,
    /// The position is behind the end of the log: nobody was ever told of it.
    Unknown,
}

impl Recovered {
    /// A pattern has neither.
    pub(crate) const NONE: Self = Self { position: None, outcome: None, publications: Vec::new() };

    /// From now on.
    pub(crate) const fn fresh(position: Position) -> Self {
        Self { position: Some(position), outcome: None, publications: Vec::new() }
    }
}

/// What lies behind `since`, up to `position`: of what was read, and what was told meanwhile.
pub(crate) fn recover(
    since: Position,
    position: Position,
    most: Most,
    read: History,
    meanwhile: &[Arc<Publication>],
) -> Recovered {
    let outcome = |outcome| Recovered {
        position: Some(position),
        outcome: Some(outcome),
        publications: Vec::new(),
    };
    let gap = |reason| outcome(Outcome::Gap { reason, oldest: read.oldest });
    if since.epoch != position.epoch || read.position.epoch != position.epoch {
        return gap(Missing::Epoch);
    }
    let Some(missed) = position.offset.checked_sub(since.offset) else {
        return gap(Missing::Unknown);
    };
    if missed > 0 && since.offset + 1 < read.oldest {
        return gap(Missing::Expired);
    }
    if missed > most.publications as u64 {
        return gap(Missing::TooMany);
    }
    let end = read.position.offset;
    let read = read.publications.iter().filter(|it| it.offset <= position.offset);
    let told = meanwhile.iter().filter(|it| it.offset > end && it.offset <= position.offset);
    let publications: Vec<_> = read.chain(told).cloned().collect();
    let offsets = publications.iter().map(|publication| publication.offset);
    let is_whole = offsets.eq(since.offset + 1..=position.offset);
    if !is_whole || most.of(publications.iter()) < publications.len() {
        return gap(Missing::TooMany);
    }
    Recovered { publications, ..outcome(Outcome::Complete) }
}
