//! The broker that keeps what was published on disk, and so over restarts.
//!
//! ```text
//! publish ─▶ waits for its channel's turn ─▶ one batch of all that waited ─▶ on disk
//!                                                                           ─▶ log ─▶ listener ─▶ told
//! ```
//!
//! One batch of a channel is under way at a time. What fails has taken no offset: so there are no holes,
//! and nothing is told before it is on disk. What is kept is in memory as well; the disk is for
//! the next start.

use std::collections::HashMap;
use std::fmt;
use std::future::ready;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use tieline_store::{Batch, Room, Store, StoreError};
use tokio::sync::oneshot;

use super::{Broker, BrokerError, Later, Listener};
use crate::channel::Channel;
use crate::history::{History, Range};
use crate::keep::Keep;
use crate::keys::Keys;
use crate::log::Log;
use crate::position::{Epoch, Position};
use crate::presence::{Member, Presence};
use crate::publication::{New, Publication, Published};
use crate::shards::Shards;
use crate::stored::{self, Record};

/// Most publications in one batch of a channel.
const MAX_TOGETHER: usize = 256;

/// Keeps what was published in a [`Store`]: positions and epochs stay over restarts, also after a kill.
#[derive(Clone)]
pub struct Durable(Arc<Inner>);

struct Inner {
    store: Store,
    channels: Shards<State>,
    presence: Presence,
    listener: OnceLock<Arc<dyn Listener>>,
    /// The number of the next channel, by which its entries are found.
    next_id: std::sync::atomic::AtomicU64,
}

/// One channel.
#[derive(Debug)]
struct State {
    id: u64,
    log: Log,
    keep: Arc<Keep>,
    keys: Keys,
    /// The offset of the oldest publication that is on disk.
    stored_from: u64,
    /// Keys that are on disk and that nobody needs any more.
    forgotten: Vec<Arc<str>>,
    waiting: Vec<Waiting>,
    is_writing: bool,
    /// How many have asked to be told of it.
    listeners: usize,
}

/// Something that is to be published.
#[derive(Debug)]
struct Waiting {
    new: New,
    room: Room,
    done: Done,
}

/// Something that is being written: what becomes of it, and who is told.
#[derive(Debug)]
struct Written {
    /// `None` for a repetition of one before it in the batch.
    publication: Option<Arc<Publication>>,
    key: Option<Arc<str>>,
    published: Published,
    room: Room,
    done: Done,
}

type Done = oneshot::Sender<Result<Published, StoreError>>;

impl Durable {
    /// Reads what the last process has left in the store.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be read, or makes no sense.
    pub fn open(store: Store) -> Result<Self, StoreError> {
        let channels = Shards::default();
        let mut next_id = 0;
        for read in stored::channels(&store)? {
            let stored::Found { channel, record, publications, keys, stored_from } = read;
            next_id = next_id.max(record.id + 1);
            let mut state = State::new(record.id, record.start());
            state.stored_from = stored_from;
            // As much as is there: the bounds are those of the first who uses it.
            let all = Keep { publications: usize::MAX, bytes: usize::MAX, ..Keep::default() };
            for publication in publications {
                state.log.push(Arc::new(publication), &all);
            }
            for (key, offset, at) in keys {
                state.forgotten.extend(state.keys.add(key, offset, at));
            }
            channels.lock(&channel).insert(channel.clone(), state);
        }
        let (presence, listener) = (Presence::default(), OnceLock::new());
        let next_id = next_id.into();
        Ok(Self(Arc::new(Inner { store, channels, presence, listener, next_id })))
    }
}

impl State {
    fn new(id: u64, position: Position) -> Self {
        Self {
            id,
            log: Log::after(position),
            keep: Arc::default(),
            keys: Keys::default(),
            stored_from: position.offset + 1,
            forgotten: Vec::new(),
            waiting: Vec::new(),
            is_writing: false,
            listeners: 0,
        }
    }

    fn is_needed(&self) -> bool {
        self.listeners > 0 || self.is_writing || !self.log.is_empty() || !self.keys.is_empty()
    }

    /// Puts into the batch what nobody needs on disk any more.
    fn clear(&mut self, batch: &mut Batch) {
        for offset in self.stored_from..self.log.oldest() {
            stored::remove_publication(batch, self.id, offset);
        }
        self.stored_from = self.log.oldest();
        for key in self.forgotten.drain(..) {
            stored::remove_key(batch, self.id, &key);
        }
    }

    /// What is said of it once the batch is written that ends there.
    const fn record(&self, latest: u64) -> Record {
        let Position { epoch, .. } = self.log.position();
        Record { id: self.id, epoch, oldest: self.stored_from, latest }
    }
}

impl Inner {
    fn listener(&self) -> Option<&dyn Listener> {
        self.listener.get().map(|listener| &**listener)
    }

    fn with<R>(&self, channel: &Channel, keep: &Arc<Keep>, act: impl FnOnce(&mut State) -> R) -> R {
        let mut shard = self.channels.lock(channel);
        let state = shard.entry(channel.clone()).or_insert_with(|| {
            let id = self.next_id.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            State::new(id, Position { epoch: Epoch::random(), offset: 0 })
        });
        if !Arc::ptr_eq(&state.keep, keep) {
            state.keep = Arc::clone(keep);
            state.log.trim(keep);
        }
        act(state)
    }

    /// Writes what waits, where nothing is under way: called in the channel's turn.
    fn write(self: &Arc<Self>, channel: &Channel, state: &mut State) {
        if state.is_writing || state.waiting.is_empty() {
            return;
        }
        let now = SystemTime::now();
        let Position { epoch, offset: mut latest } = state.log.position();
        let mut batch = Batch::default();
        let mut written = Vec::new();
        // Keys of this batch, for those that come twice in it.
        let mut fresh: HashMap<Arc<str>, u64> = HashMap::new();
        let many = state.waiting.len().min(MAX_TOGETHER);
        for Waiting { new, room, done } in state.waiting.drain(..many) {
            let known = new
                .key
                .as_ref()
                .and_then(|key| state.keys.offset(key).or_else(|| fresh.get(key).copied()));
            if let Some(offset) = known {
                let position = Position { epoch, offset };
                let published = Published { position, is_repeat: true };
                written.push(Written { publication: None, key: None, published, room, done });
                continue;
            }
            latest += 1;
            let key = new.key.clone();
            let publication = Arc::new(new.at(latest, now));
            stored::put_publication(&mut batch, state.id, &publication);
            if let Some(key) = &key {
                stored::put_key(&mut batch, state.id, key, latest, now);
                fresh.insert(Arc::clone(key), latest);
            }
            let published =
                Published { position: Position { epoch, offset: latest }, is_repeat: false };
            written.push(Written { publication: Some(publication), key, published, room, done });
        }
        state.clear(&mut batch);
        stored::put_channel(&mut batch, channel, &state.record(latest));
        state.is_writing = true;
        let (inner, channel) = (Arc::clone(self), channel.clone());
        self.store.submit(None, batch, move |result| inner.written(&channel, written, result));
    }

    /// A batch is on disk, or is not: on the thread of the store.
    fn written(
        self: &Arc<Self>,
        channel: &Channel,
        written: Vec<Written>,
        result: Result<(), StoreError>,
    ) {
        let mut shard = self.channels.lock(channel);
        let state = shard.get_mut(channel).expect("a channel that is written to is needed");
        state.is_writing = false;
        let now = SystemTime::now();
        for Written { publication, key, published, room, done } in written {
            drop(room);
            if let (Ok(()), Some(publication)) = (&result, publication) {
                if let Some(key) = key {
                    let forgotten = state.keys.add(key, publication.offset, now);
                    state.forgotten.extend(forgotten);
                }
                state.log.push(Arc::clone(&publication), &state.keep);
                if let Some(listener) = self.listener() {
                    listener.published(channel, published.position.epoch, &publication);
                }
            }
            // Whoever has stopped waiting does not want to know.
            let _ = done.send(result.clone().map(|()| published));
        }
        self.write(channel, state);
    }

    /// Lets go what is too old, on disk as well.
    fn sweep(&self, now: SystemTime) {
        for mut shard in self.channels.each() {
            shard.retain(|channel, state| {
                state.log.expire(&state.keep, now);
                let forgotten = state.keys.expire(now);
                state.forgotten.extend(forgotten);
                if state.is_writing {
                    return true;
                }
                let mut batch = Batch::default();
                state.clear(&mut batch);
                if !state.is_needed() {
                    stored::remove_channel(&mut batch, channel);
                } else if !batch.is_empty() {
                    let latest = state.log.position().offset;
                    stored::put_channel(&mut batch, channel, &state.record(latest));
                }
                if !batch.is_empty() {
                    // What could not be removed is read at the next start, and removed then.
                    self.store.submit(None, batch, |_| {});
                }
                state.is_needed()
            });
        }
    }
}

impl Broker for Durable {
    fn start(&self, listener: Arc<dyn Listener>) {
        // A second one would not be told what the first was.
        assert!(self.0.listener.set(listener).is_ok(), "a broker is started once");
    }

    fn publish<'a>(
        &'a self,
        channel: &'a Channel,
        keep: &'a Arc<Keep>,
        new: New,
    ) -> Later<'a, Published> {
        Box::pin(async move {
            let room = self.0.store.room(stored::cost(&new)).await;
            let (done, is_done) = oneshot::channel();
            self.0.with(channel, keep, |state| {
                state.waiting.push(Waiting { new, room, done });
                self.0.write(channel, state);
            });
            match is_done.await {
                Ok(result) => result.map_err(BrokerError::from),
                Err(_) => Err(StoreError::Closed { path: self.0.store.path().to_owned() }.into()),
            }
        })
    }

    fn read<'a>(
        &'a self,
        channel: &'a Channel,
        keep: &'a Arc<Keep>,
        range: Range,
        limit: usize,
    ) -> Later<'a, History> {
        let history = self.0.with(channel, keep, |state| {
            state.log.expire(&state.keep, SystemTime::now());
            state.log.read(range, limit)
        });
        Box::pin(ready(Ok(history)))
    }

    fn listen<'a>(&'a self, channel: &'a Channel, keep: &'a Arc<Keep>) -> Later<'a, Position> {
        let position = self.0.with(channel, keep, |state| {
            state.listeners += 1;
            state.log.position()
        });
        Box::pin(ready(Ok(position)))
    }

    fn unlisten(&self, channel: &Channel) {
        if let Some(state) = self.0.channels.lock(channel).get_mut(channel) {
            state.listeners -= 1;
        }
    }

    fn enter<'a>(&'a self, channel: &'a Channel, member: Member, lease: Duration) -> Later<'a, ()> {
        self.0.presence.enter(channel, member, lease, self.0.listener());
        Box::pin(ready(Ok(())))
    }

    fn leave<'a>(&'a self, channel: &'a Channel, id: &'a str) -> Later<'a, ()> {
        self.0.presence.leave(channel, id, self.0.listener());
        Box::pin(ready(Ok(())))
    }

    fn members<'a>(&'a self, channel: &'a Channel) -> Later<'a, Vec<Member>> {
        Box::pin(ready(Ok(self.0.presence.members(channel))))
    }

    fn sweep(&self, now: SystemTime) {
        self.0.sweep(now);
        self.0.presence.sweep(now, self.0.listener());
    }
}

impl fmt::Debug for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Durable").field("store", &self.0.store).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tieline_store::Scratch;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn it_keeps_the_contract() {
        let folders: Vec<_> = (0..16).map(|_| Scratch::new()).collect();
        let next = std::sync::atomic::AtomicUsize::new(0);
        let make = || {
            let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Durable::open(Store::open(&folders[at], 0).unwrap()).unwrap()
        };
        super::super::conformance::check(make).await;
    }
}
