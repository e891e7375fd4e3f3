//! What a subscription tells its reader.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::position::Position;

/// What happened in a channel, in the order of the channel.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Something was published.
    Publication(Publication),
    /// Publications are missing here: load anew what is shown of the channel. It goes on behind it.
    Gap(Gap),
    /// Somebody has come, where the namespace tells.
    Joined(Member),
    /// Somebody has gone, where the namespace tells.
    Left(Member),
}

/// Something that was published.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Publication {
    /// The channel.
    pub channel: Arc<str>,
    /// Which life of the channel's log its offset belongs to; `None` where it was heard by a pattern.
    pub epoch: Option<Arc<str>>,
    /// Its place in the channel's log: counted from 1, without holes.
    pub offset: u64,
    /// What was said, as JSON.
    pub data: Box<RawValue>,
    /// The user who said it, where one is known.
    pub from: Option<Arc<str>>,
}

/// Publications that are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// Those before this place are missing; `None` of a pattern, which has no positions.
    pub position: Option<Position>,
    /// The offset of the oldest publication that is kept, where the server said so: the history has them
    /// from there on.
    pub oldest: Option<u64>,
    /// Why.
    pub reason: Reason,
}

/// Why publications are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The log began anew: what was in it before is gone.
    Epoch,
    /// Some of it is kept no more.
    Expired,
    /// The server lost some of it.
    Lost,
    /// The line was away, and a pattern has no position to go on from.
    Pattern,
    /// This subscription was read too slowly, or its line.
    Slow,
    /// It is more than is given at once.
    TooMany,
    /// The position was never told.
    Unknown,
}

/// Somebody who has subscribed to a channel.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Member {
    /// The client, one of its kind; a user may have several.
    pub client: Arc<str>,
    /// The user, where one is known.
    #[serde(default)]
    pub user: Option<Arc<str>>,
    /// What it calls itself.
    #[serde(default)]
    pub name: Option<Arc<str>>,
}

impl Publication {
    /// Its place; `None` where it was heard by a pattern.
    pub fn position(&self) -> Option<Position> {
        let epoch = self.epoch.clone()?;
        Some(Position { epoch, offset: self.offset })
    }

    /// What was said, as a value.
    ///
    /// # Errors
    ///
    /// Where it is no such value.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.data.get())
    }
}

impl Event {
    /// Where a reader stands who has dealt with it.
    pub(super) fn position(&self) -> Option<Position> {
        match self {
            Self::Publication(publication) => publication.position(),
            Self::Gap(gap) => gap.position.clone(),
            Self::Joined(_) | Self::Left(_) => None,
        }
    }

    /// What it costs to keep, in bytes.
    pub(super) fn cost(&self) -> usize {
        let more = match self {
            Self::Publication(publication) => publication.data.get().len(),
            Self::Gap(_) | Self::Joined(_) | Self::Left(_) => 0,
        };
        size_of::<Self>() + more
    }
}

impl Reason {
    /// The word of the wire, which may be newer than this client.
    pub(super) fn parse(word: &str) -> Self {
        match word {
            "epoch" => Self::Epoch,
            "expired" => Self::Expired,
            "slow" => Self::Slow,
            "too_many" => Self::TooMany,
            "unknown" => Self::Unknown,
            _ => Self::Lost,
        }
    }

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Epoch => "epoch",
            Self::Expired => "expired",
            Self::Lost => "lost",
            Self::Pattern => "pattern",
            Self::Slow => "slow",
            Self::TooMany => "too_many",
            Self::Unknown => "unknown",
        }
    }
}
