//! What is published.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use crate::position::Position;

/// Something that was published, at its place in the channel's log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "brokers make them")]
pub struct Publication {
    /// Counted from 1, without holes.
    pub offset: u64,
    /// What was said.
    pub data: Bytes,
    /// The user who said it, where one is known.
    pub from: Option<Arc<str>>,
    /// When it was taken, by the broker's clock. It decides how long it is kept, never an order.
    pub at: SystemTime,
}

/// Something to be published.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "options are plain structs: write `..default()`")]
pub struct New {
    /// What is said.
    pub data: Bytes,
    /// The user who says it. Default nobody.
    pub from: Option<Arc<str>>,
    /// What names this publication among those of the channel, so that whoever does not know whether
    /// it arrived may publish it again: the second time says where the first is. Up to
    /// [`MAX_KEY_BYTES`](Self::MAX_KEY_BYTES). Default none.
    pub key: Option<Arc<str>>,
}

/// Where a publication is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "brokers make them")]
pub struct Published {
    /// Its place.
    pub position: Position,
    /// Whether its key was there already: nothing was published now.
    pub is_repeat: bool,
}

impl New {
    /// Longest key, in bytes.
    pub const MAX_KEY_BYTES: usize = 128;

    /// It, published at its place.
    pub fn at(self, offset: u64, at: SystemTime) -> Publication {
        Publication { offset, data: self.data, from: self.from, at }
    }
}

impl Publication {
    /// What it costs to keep, in bytes.
    pub fn cost(&self) -> usize {
        size_of::<Self>() + self.data.len() + self.from.as_ref().map_or(0, |from| from.len())
    }
}
