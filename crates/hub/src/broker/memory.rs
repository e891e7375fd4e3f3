//! The broker that keeps everything in memory, of one process.

use std::fmt;
use std::future::ready;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use super::{Broker, Later, Listener};
use crate::channel::Channel;
use crate::history::{History, Range};
use crate::keep::Keep;
use crate::keys::Keys;
use crate::log::Log;
use crate::position::{Epoch, Position};
use crate::presence::{Member, Presence};
use crate::publication::{New, Published};
use crate::shards::Shards;

/// Keeps everything in memory: what was published is gone with the process, and every channel then
/// has another epoch.
///
/// It answers at once: each of its futures is ready when it is first polled.
#[derive(Default)]
pub struct Memory {
    channels: Shards<State>,
    presence: Presence,
    listener: OnceLock<Arc<dyn Listener>>,
}

/// One channel.
#[derive(Debug)]
struct State {
    log: Log,
    keep: Arc<Keep>,
    /// Nothing for most channels.
    keys: Option<Box<Keys>>,
    /// How many have asked to be told of it.
    listeners: usize,
}

impl State {
    fn new(keep: &Arc<Keep>) -> Self {
        let log = Log::after(Position { epoch: Epoch::random(), offset: 0 });
        Self { log, keep: Arc::clone(keep), keys: None, listeners: 0 }
    }

    fn forget_keys(&mut self, now: SystemTime) {
        if let Some(keys) = &mut self.keys {
            keys.expire(now);
            if keys.is_empty() {
                self.keys = None;
            }
        }
    }

    /// Whether somebody may miss it.
    fn is_needed(&self) -> bool {
        self.listeners > 0 || !self.log.is_empty() || self.keys.is_some()
    }

    /// The bounds are those of the last who used it.
    fn bounded(&mut self, keep: &Arc<Keep>) -> &mut Self {
        if !Arc::ptr_eq(&self.keep, keep) {
            self.keep = Arc::clone(keep);
            self.log.trim(keep);
        }
        self
    }
}

impl Memory {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<R>(&self, channel: &Channel, keep: &Arc<Keep>, act: impl FnOnce(&mut State) -> R) -> R {
        let mut shard = self.channels.lock(channel);
        match shard.get_mut(channel) {
            Some(state) => act(state.bounded(keep)),
            None => act(shard.entry(channel.clone()).or_insert_with(|| State::new(keep))),
        }
    }

    fn listener(&self) -> Option<&dyn Listener> {
        self.listener.get().map(|listener| &**listener)
    }

    fn publish_now(&self, channel: &Channel, keep: &Arc<Keep>, new: New) -> Published {
        let now = SystemTime::now();
        self.with(channel, keep, |state| {
            let Position { epoch, offset } = state.log.position();
            if let Some(offset) =
                new.key.as_deref().and_then(|key| state.keys.as_ref()?.offset(key))
            {
                return Published { position: Position { epoch, offset }, is_repeat: true };
            }
            let position = Position { epoch, offset: offset + 1 };
            if let Some(key) = &new.key {
                state.keys.get_or_insert_default().add(Arc::clone(key), position.offset, now);
            }
            let publication = Arc::new(new.at(position.offset, now));
            state.log.push(Arc::clone(&publication), &state.keep);
            if let Some(listener) = self.listener() {
                listener.published(channel, epoch, &publication);
            }
            Published { position, is_repeat: false }
        })
    }
}

impl Broker for Memory {
    fn start(&self, listener: Arc<dyn Listener>) {
        // A second one would not be told what the first was.
        assert!(self.listener.set(listener).is_ok(), "a broker is started once");
    }

    fn publish<'a>(
        &'a self,
        channel: &'a Channel,
        keep: &'a Arc<Keep>,
        new: New,
    ) -> Later<'a, Published> {
        Box::pin(ready(Ok(self.publish_now(channel, keep, new))))
    }

    fn read<'a>(
        &'a self,
        channel: &'a Channel,
        keep: &'a Arc<Keep>,
        range: Range,
        limit: usize,
    ) -> Later<'a, History> {
        let history = self.with(channel, keep, |state| {
            state.log.expire(&state.keep, SystemTime::now());
            state.log.read(range, limit)
        });
        Box::pin(ready(Ok(history)))
    }

    fn listen<'a>(&'a self, channel: &'a Channel, keep: &'a Arc<Keep>) -> Later<'a, Position> {
        let position = self.with(channel, keep, |state| {
            state.listeners += 1;
            state.log.position()
        });
        Box::pin(ready(Ok(position)))
    }

    fn unlisten(&self, channel: &Channel) {
        if let Some(state) = self.channels.lock(channel).get_mut(channel) {
            state.listeners -= 1;
        }
    }

    fn enter<'a>(&'a self, channel: &'a Channel, member: Member, lease: Duration) -> Later<'a, ()> {
        self.presence.enter(channel, member, lease, self.listener());
        Box::pin(ready(Ok(())))
    }

    fn leave<'a>(&'a self, channel: &'a Channel, id: &'a str) -> Later<'a, ()> {
        self.presence.leave(channel, id, self.listener());
        Box::pin(ready(Ok(())))
    }

    fn members<'a>(&'a self, channel: &'a Channel) -> Later<'a, Vec<Member>> {
        Box::pin(ready(Ok(self.presence.members(channel))))
    }

    fn sweep(&self, now: SystemTime) {
        for mut shard in self.channels.each() {
            shard.retain(|_, state| {
                state.log.expire(&state.keep, now);
                state.forget_keys(now);
                state.is_needed()
            });
        }
        self.presence.sweep(now, self.listener());
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn it_keeps_the_contract() {
        super::super::conformance::check(Memory::new).await;
    }
}
