//! What is answered of a channel: where a publication is, what was published, and how many are there.

use serde::Deserialize;

use super::event::Publication;
use super::position::Position;

/// Where a publication is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Published {
    /// Its place.
    pub position: Position,
    /// Whether its key was there already: nothing was published now.
    #[serde(default, rename = "repeat")]
    pub is_repeat: bool,
}

/// Which publications are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no other end to begin at")]
pub enum Range {
    /// Those behind this offset, the oldest first.
    After(u64),
    /// Those before this offset, the newest first.
    Before(u64),
    /// The newest, the newest first.
    Newest,
}

/// What is kept of a channel, all at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct History {
    /// Where the log ends.
    pub position: Position,
    /// The offset of the oldest publication that is kept, or of the next to come.
    pub oldest: u64,
    /// What was asked for, as far as it is kept.
    pub publications: Vec<Publication>,
}

/// How many have subscribed to a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Stats {
    /// Clients.
    pub clients: usize,
    /// Users whose they are, as far as they are known.
    pub users: usize,
}
