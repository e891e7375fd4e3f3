//! What is written together, and where.

use super::error::StoreError;

/// A part of the store with keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Space {
    /// Keys that channels were published with.
    ChannelKeys,
    /// Channels that are kept.
    Channels,
    /// Numbers that outlive the process.
    Counters,
    /// Events that could not be delivered.
    DeadEvents,
    /// Events that wait for their backend.
    Events,
    /// Messages that wait for their device.
    Inboxes,
    /// What was published on channels.
    Publications,
    /// Devices that are registered.
    Registrations,
    /// Users and tokens that are wanted no more.
    Revocations,
    /// Sessions that are open.
    Sessions,
}

/// Changes that are written together: all of them are there afterwards, or none. Of two changes of
/// one key the later one stays.
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) changes: Vec<Change>,
    bytes: usize,
}

/// One of them; without a value the entry is removed.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) space: Space,
    pub(super) key: Vec<u8>,
    pub(super) value: Option<Vec<u8>>,
}

/// Longest key, as the database has it.
const MAX_KEY_BYTES: usize = u16::MAX as usize;

/// What a change costs beside its key and value.
const CHANGE_BYTES: usize = 32;

impl Space {
    /// All, each at its own place.
    pub(super) const ALL: [Self; 10] = [
        Self::ChannelKeys,
        Self::Channels,
        Self::Counters,
        Self::DeadEvents,
        Self::Events,
        Self::Inboxes,
        Self::Publications,
        Self::Registrations,
        Self::Revocations,
        Self::Sessions,
    ];

    /// Its name on disk, which must not change.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ChannelKeys => "channel_keys",
            Self::Channels => "channels",
            Self::Counters => "counters",
            Self::DeadEvents => "dead_events",
            Self::Events => "events",
            Self::Inboxes => "inboxes",
            Self::Publications => "publications",
            Self::Registrations => "registrations",
            Self::Revocations => "revocations",
            Self::Sessions => "sessions",
        }
    }
}

impl Batch {
    /// Puts an entry in the place of what is there.
    pub fn put(&mut self, space: Space, key: &[u8], value: &[u8]) {
        self.change(space, key, Some(value.to_vec()));
    }

    /// Removes an entry, where there is one.
    pub fn remove(&mut self, space: Space, key: &[u8]) {
        self.change(space, key, None);
    }

    /// Whether nothing would change.
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How much it is.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Refuses what the database cannot have, before it is among what others write.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let mut lengths = self.changes.iter().map(|change| change.key.len());
        match lengths.find(|len| !(1..=MAX_KEY_BYTES).contains(len)) {
            Some(len) => Err(StoreError::Key(len)),
            None => Ok(()),
        }
    }

    fn change(&mut self, space: Space, key: &[u8], value: Option<Vec<u8>>) {
        self.bytes += CHANGE_BYTES + key.len() + value.as_ref().map_or(0, Vec::len);
        self.changes.push(Change { space, key: key.to_vec(), value });
    }
}
