//! What every broker has that is in one process: its channels, who is there, and whom it tells.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use crate::broker::{BrokerError, Listener};
use crate::channel::Channel;
use crate::epochs::Epochs;
use crate::history::{History, Range};
use crate::keep::Keep;
use crate::kept::Kept;
use crate::member::Member;
use crate::position::Position;
use crate::presence::Presence;
use crate::shards::Shards;
use crate::usage::Usages;

/// The channels of a broker, each a `V` with what is [`Kept`] of it.
pub(crate) struct Local<V> {
    pub(crate) channels: Shards<V>,
    pub(crate) epochs: Epochs,
    pub(crate) usages: Usages,
    presence: Presence,
    listener: OnceLock<Arc<dyn Listener>>,
}

impl<V: AsMut<Kept>> Local<V> {
    /// None yet, and the epochs with which they begin.
    pub(crate) fn new(epochs: Epochs) -> Self {
        Self {
            channels: Shards::default(),
            epochs,
            usages: Usages::default(),
            presence: Presence::default(),
            listener: OnceLock::new(),
        }
    }

    pub(crate) fn start(&self, listener: Arc<dyn Listener>) {
        // A second one would not be told what the first was.
        assert!(self.listener.set(listener).is_ok(), "a broker is started once");
    }

    pub(crate) fn listener(&self) -> Option<&dyn Listener> {
        self.listener.get().map(|listener| &**listener)
    }

    /// Acts on a channel, in its turn; one that is not there begins, where its namespace may have
    /// another.
    pub(crate) fn with<R>(
        &self,
        channel: &Channel,
        keep: &Arc<Keep>,
        make: impl FnOnce(Kept) -> V,
        act: impl FnOnce(&mut V) -> R,
    ) -> Result<R, BrokerError> {
        let mut shard = self.channels.lock(channel);
        if let Some(state) = shard.get_mut(channel) {
            state.as_mut().bound(keep);
            return Ok(act(state));
        }
        let share = self.usages.share(channel, keep).ok_or(BrokerError::Overloaded)?;
        let kept = Kept::after(self.start_of(channel), Arc::clone(keep), share);
        Ok(act(shard.entry(channel.clone()).or_insert_with(|| make(kept))))
    }

    pub(crate) fn read(
        &self,
        channel: &Channel,
        keep: &Arc<Keep>,
        range: Range,
        limit: usize,
    ) -> History {
        let mut shard = self.channels.lock(channel);
        let Some(state) = shard.get_mut(channel) else {
            let position = self.start_of(channel);
            return History { position, oldest: 1, publications: Vec::new() };
        };
        state.as_mut().bound(keep);
        state.as_mut().read(range, limit)
    }

    pub(crate) fn unlisten(&self, channel: &Channel) {
        if let Some(state) = self.channels.lock(channel).get_mut(channel) {
            state.as_mut().unlisten();
        }
    }

    pub(crate) fn enter(&self, channel: &Channel, member: Member, lease: Duration) {
        self.presence.enter(channel, member, lease, self.listener());
    }

    pub(crate) fn leave(&self, channel: &Channel, id: &str) {
        self.presence.leave(channel, id, self.listener());
    }

    pub(crate) fn members(&self, channel: &Channel) -> Vec<Member> {
        self.presence.members(channel)
    }

    /// Lets members go whose lease is over.
    pub(crate) fn sweep_members(&self, now: SystemTime) {
        self.presence.sweep(now, self.listener());
    }

    /// Where a channel begins that nobody has kept.
    fn start_of(&self, channel: &Channel) -> Position {
        Position { epoch: self.epochs.fresh(channel), offset: 0 }
    }
}
