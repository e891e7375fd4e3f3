//! The broker that keeps everything in memory, of one process.

use std::fmt;
use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Broker, BrokerError, Later, Listener};
use crate::channel::Channel;
use crate::epochs::Epochs;
use crate::history::{History, Range};
use crate::keep::Keep;
use crate::kept::Kept;
use crate::local::Local;
use crate::member::Member;
use crate::position::Position;
use crate::publication::{New, Published};

/// Keeps everything in memory: what was published is gone with the process, and every channel then
/// has another epoch.
///
/// It answers at once: each of its futures is ready when it is first polled.
pub struct Memory(Local<Kept>);

impl Memory {
    /// An empty one.
    pub fn new() -> Self {
        Self(Local::new(Epochs::default()))
    }

    fn publish_now(
        &self,
        channel: &Channel,
        keep: &Arc<Keep>,
        new: New,
    ) -> Result<Published, BrokerError> {
        let now = SystemTime::now();
        self.with(channel, keep, |kept| {
            let Position { epoch, offset } = kept.position();
            if let Some(offset) = new.key.as_deref().and_then(|key| kept.offset_of(key)) {
                return Published { position: Position { epoch, offset }, is_repeat: true };
            }
            let position = Position { epoch, offset: offset + 1 };
            let key = new.key.clone();
            let publication = Arc::new(new.at(position.offset, now));
            // What is forgotten of a channel in memory is gone with that.
            kept.push(Arc::clone(&publication), key, now);
            if let Some(listener) = self.0.listener() {
                listener.published(channel, epoch, &publication);
            }
            Published { position, is_repeat: false }
        })
    }

    fn with<R>(
        &self,
        channel: &Channel,
        keep: &Arc<Keep>,
        act: impl FnOnce(&mut Kept) -> R,
    ) -> Result<R, BrokerError> {
        self.0.with(channel, keep, |kept| kept, act)
    }
}

impl Broker for Memory {
    fn start(&self, listener: Arc<dyn Listener>) {
        self.0.start(listener);
    }

    fn publish<'a>(
        &'a self,
        channel: &'a Channel,
        keep: &'a Arc<Keep>,
        new: New,
    ) -> Later<'a, Published> {
        Box::pin(ready(self.publish_now(channel, keep, new)))
    }

    fn read<'a>(
        &'a self,
        channel: &'a Channel,
        keep: &'a Arc<Keep>,
        range: Range,
        limit: usize,
    ) -> Later<'a, History> {
        Box::pin(ready(Ok(self.0.read(channel, keep, range, limit))))
    }

    fn listen<'a>(&'a self, channel: &'a Channel, keep: &'a Arc<Keep>) -> Later<'a, Position> {
        Box::pin(ready(self.with(channel, keep, Kept::listen)))
    }

    fn unlisten(&self, channel: &Channel) {
        self.0.unlisten(channel);
    }

    fn enter<'a>(&'a self, channel: &'a Channel, member: Member, lease: Duration) -> Later<'a, ()> {
        self.0.enter(channel, member, lease);
        Box::pin(ready(Ok(())))
    }

    fn leave<'a>(&'a self, channel: &'a Channel, id: &'a str) -> Later<'a, ()> {
        self.0.leave(channel, id);
        Box::pin(ready(Ok(())))
    }

    fn members<'a>(&'a self, channel: &'a Channel) -> Later<'a, Vec<Member>> {
        Box::pin(ready(Ok(self.0.members(channel))))
    }

    fn sweep(&self, now: SystemTime) {
        for mut shard in self.0.channels.each() {
            shard.retain(|channel, kept| {
                kept.expire(now);
                let is_needed = kept.is_needed();
                if !is_needed && kept.position().offset > 0 {
                    self.0.epochs.renew(channel);
                }
                is_needed
            });
        }
        self.0.sweep_members(now);
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
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
