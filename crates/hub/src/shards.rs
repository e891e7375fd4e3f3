//! A map of channels that many threads share, in parts that are locked each on its own.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::channel::Channel;

/// Parts: so many channels are used at the same time without waiting for each other, with luck.
const SHARDS: usize = 64;

/// Something for each channel.
#[derive(Debug)]
pub(crate) struct Shards<V> {
    hasher: RandomState,
    shards: Box<[Mutex<Shard<V>>]>,
}

/// One part.
pub(crate) type Shard<V> = HashMap<Channel, V>;

impl<V> Shards<V> {
    /// The part that a channel is in.
    pub(crate) fn lock(&self, channel: &Channel) -> MutexGuard<'_, Shard<V>> {
        let at = self.hasher.hash_one(channel) as usize % SHARDS;
        lock(&self.shards[at])
    }

    /// All parts, one after the other.
    pub(crate) fn each(&self) -> impl Iterator<Item = MutexGuard<'_, Shard<V>>> {
        self.shards.iter().map(lock)
    }
}

impl<V> Default for Shards<V> {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::new(Shard::new())).collect();
        Self { hasher: RandomState::new(), shards }
    }
}

/// Whoever panicked in the middle has left a state that is still one.
fn lock<V>(shard: &Mutex<Shard<V>>) -> MutexGuard<'_, Shard<V>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
