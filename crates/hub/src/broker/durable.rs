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
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tieline_store::{Batch, Room, Store, StoreError};
use tokio::sync::oneshot;

use super::{Broker, BrokerError, Later, Listener};
use crate::channel::Channel;
use crate::epochs::Epochs;
use crate::history::{History, Range};
use crate::keep::Keep;
use crate::kept::Kept;
use crate::local::Local;
use crate::member::Member;
use crate::position::{Epoch, Position};
use crate::publication::{New, Publication, Published};
use crate::stored::{self, Record};

/// Most publications in one batch of a channel.
const MAX_TOGETHER: usize = 256;

/// Keeps what was published in a [`Store`]: positions and epochs stay over restarts, also after a kill.
#[derive(Clone)]
pub struct Durable(Arc<Inner>);

struct Inner {
    store: Store,
    local: Local<State>,
    /// The number of the next channel, by which its entries are found.
    next_id: AtomicU64,
}

/// One channel.
#[derive(Debug)]
struct State {
    id: u64,
    kept: Kept,
    /// The offset of the oldest publication that is on disk.
    stored_from: u64,
    /// Keys that are on disk and that nobody needs any more.
    forgotten: Vec<Arc<str>>,
    waiting: Vec<Waiting>,
    is_writing: bool,
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
        let local = Local::new(epochs(&store)?);
        // As much as is there: the bounds are those of the first who uses it.
        let all = Arc::new(Keep {
            publications: usize::MAX,
            bytes: usize::MAX,
            total_bytes: usize::MAX,
            ..Keep::default()
        });
        let mut next_id = 0;
        for read in stored::channels(&store)? {
            let stored::Found { channel, record, publications, keys, stored_from } = read;
            next_id = next_id.max(record.id + 1);
            let share = local.usages.another(&channel);
            let mut kept = Kept::after(record.start(), Arc::clone(&all), share);
            for publication in publications {
                kept.push(Arc::new(publication), None, SystemTime::now());
            }
            let mut forgotten = Vec::new();
            for (key, offset, at) in keys {
                forgotten.extend(kept.know(key, offset, at));
            }
            let state = State { stored_from, forgotten, ..State::new(record.id, kept) };
            local.channels.lock(&channel).insert(channel.clone(), state);
        }
        Ok(Self(Arc::new(Inner { store, local, next_id: next_id.into() })))
    }
}

/// As the last process had them.
fn epochs(store: &Store) -> Result<Epochs, StoreError> {
    let Some(all) = stored::first_epoch(store)? else {
        let all = Epoch::random();
        let mut batch = Batch::default();
        stored::put_first_epoch(&mut batch, all);
        // Where it is not written, the next process begins with another.
        store.submit(None, batch, |_| {});
        return Ok(Epochs::new(all));
    };
    let epochs = Epochs::new(all);
    for (part, epoch) in stored::epochs(store)? {
        epochs.set(part, epoch);
    }
    Ok(epochs)
}

impl State {
    const fn new(id: u64, kept: Kept) -> Self {
        Self {
            id,
            stored_from: kept.position().offset + 1,
            kept,
            forgotten: Vec::new(),
            waiting: Vec::new(),
            is_writing: false,
        }
    }

    fn is_needed(&self) -> bool {
        self.is_writing || self.kept.is_needed()
    }

    /// Puts into the batch what nobody needs on disk any more.
    fn clear(&mut self, batch: &mut Batch) {
        let oldest = self.kept.oldest();
        for offset in self.stored_from..oldest {
            stored::remove_publication(batch, self.id, offset);
        }
        self.stored_from = oldest;
        for key in self.forgotten.drain(..) {
            stored::remove_key(batch, self.id, &key);
        }
    }

    /// What is said of it once the batch is written that ends there.
    const fn record(&self, latest: u64) -> Record {
        let Position { epoch, .. } = self.kept.position();
        Record { id: self.id, epoch, oldest: self.stored_from, latest }
    }
}

impl AsMut<Kept> for State {
    fn as_mut(&mut self) -> &mut Kept {
        &mut self.kept
    }
}

impl Inner {
    fn with<R>(
        &self,
        channel: &Channel,
        keep: &Arc<Keep>,
        act: impl FnOnce(&mut State) -> R,
    ) -> Result<R, BrokerError> {
        let make = |kept| State::new(self.next_id.fetch_add(1, Ordering::Relaxed), kept);
        self.local.with(channel, keep, make, act)
    }

    /// Writes what waits, where nothing is under way: called in the channel's turn.
    fn write(self: &Arc<Self>, channel: &Channel, state: &mut State) {
        if state.is_writing || state.waiting.is_empty() {
            return;
        }
        let now = SystemTime::now();
        let Position { epoch, offset: mut latest } = state.kept.position();
        let mut batch = Batch::default();
        let mut written = Vec::new();
        // Keys of this batch, for those that come twice in it.
        let mut fresh: HashMap<Arc<str>, u64> = HashMap::new();
        let many = state.waiting.len().min(MAX_TOGETHER);
        for Waiting { new, room, done } in state.waiting.drain(..many) {
            let known = new
                .key
                .as_ref()
                .and_then(|key| state.kept.offset_of(key).or_else(|| fresh.get(key).copied()));
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
        let mut shard = self.local.channels.lock(channel);
        let state = shard.get_mut(channel).expect("a channel that is written to is needed");
        state.is_writing = false;
        let now = SystemTime::now();
        for Written { publication, key, published, room, done } in written {
            drop(room);
            if let (Ok(()), Some(publication)) = (&result, publication) {
                let forgotten = state.kept.push(Arc::clone(&publication), key, now);
                state.forgotten.extend(forgotten);
                if let Some(listener) = self.local.listener() {
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
        for mut shard in self.local.channels.each() {
            shard.retain(|channel, state| {
                let forgotten = state.kept.expire(now);
                state.forgotten.extend(forgotten);
                if state.is_writing {
                    return true;
                }
                let latest = state.kept.position().offset;
                let mut batch = Batch::default();
                state.clear(&mut batch);
                if state.is_needed() {
                    if !batch.is_empty() {
                        stored::put_channel(&mut batch, channel, &state.record(latest));
                    }
                } else if latest > 0 {
                    stored::remove_channel(&mut batch, channel);
                    let (part, epoch) = self.local.epochs.renew(channel);
                    stored::put_epoch(&mut batch, part, epoch);
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
        self.0.local.start(listener);
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
            })?;
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
        Box::pin(ready(Ok(self.0.local.read(channel, keep, range, limit))))
    }

    fn listen<'a>(&'a self, channel: &'a Channel, keep: &'a Arc<Keep>) -> Later<'a, Position> {
        Box::pin(ready(self.0.with(channel, keep, |state| state.kept.listen())))
    }

    fn unlisten(&self, channel: &Channel) {
        self.0.local.unlisten(channel);
    }

    fn enter<'a>(&'a self, channel: &'a Channel, member: Member, lease: Duration) -> Later<'a, ()> {
        self.0.local.enter(channel, member, lease);
        Box::pin(ready(Ok(())))
    }

    fn leave<'a>(&'a self, channel: &'a Channel, id: &'a str) -> Later<'a, ()> {
        self.0.local.leave(channel, id);
        Box::pin(ready(Ok(())))
    }

    fn members<'a>(&'a self, channel: &'a Channel) -> Later<'a, Vec<Member>> {
        Box::pin(ready(Ok(self.0.local.members(channel))))
    }

    fn sweep(&self, now: SystemTime) {
        self.0.sweep(now);
        self.0.local.sweep_members(now);
    }
}

impl fmt::Debug for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Durable").field("store", &self.0.store).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use tieline_store::Scratch;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn it_keeps_the_contract() {
        let folders: Vec<_> = (0..16).map(|_| Scratch::new()).collect();
        let next = AtomicUsize::new(0);
        let make = || {
            let at = next.fetch_add(1, Ordering::Relaxed);
            Durable::open(Store::open(&folders[at], 0).unwrap()).unwrap()
        };
        super::super::conformance::check(make).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_channel_keeps_its_epoch_over_a_restart_until_it_is_forgotten() {
        let folder = Scratch::new();
        let keep = Arc::new(Keep { publications: 9, ..Keep::default() });
        let (empty, used) = (Channel::new("a:empty").unwrap(), Channel::new("a:used").unwrap());
        let broker = Durable::open(Store::open(&folder, 0).unwrap()).unwrap();
        let start = broker.listen(&empty, &keep).await.unwrap();
        let published = broker.publish(&used, &keep, New::default()).await.unwrap();
        assert_eq!(published.position.epoch, start.epoch);
        broker.sweep(SystemTime::now() + keep.age * 2);
        broker.0.store.settled().await.unwrap();
        drop(broker);

        let broker = Durable::open(Store::open(&folder, 0).unwrap()).unwrap();
        assert_eq!(broker.listen(&empty, &keep).await.unwrap(), start);
        let next = broker.listen(&used, &keep).await.unwrap();
        assert_eq!(next.offset, 0);
        assert_ne!(next.epoch, start.epoch);
    }
}
