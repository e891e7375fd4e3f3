//! The devices of all routes, in either dialect: which are on line, which can be reached, and what waits for
//! them.
//!
//! | a device is   | when                                                    | a message for it is   |
//! |---------------|---------------------------------------------------------|-----------------------|
//! | unknown       | it never registered, or has unregistered                | refused               |
//! | away          | it has registered and has no line, or has not again     | stored in its inbox   |
//! | ready         | it has registered on the line it has                    | sent on its line      |
//!
//! The directory is shared by all workers, in shards with a lock each, which is held for a few lines.
//! What is said to a device goes through its worker's inbox while the lock is held: in one order,
//! whoever says it. A device's newest line is its line; one that has a user is that user's for as
//! long as it is on line or registered.

mod counts;
mod device;
mod inbox;
mod left;
mod record;
mod rules;
mod stored;
mod users;

#[cfg(test)]
mod killed;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};
use tieline::CloseCode;
use tokio::sync::oneshot;

use self::counts::Counts;
use self::device::{Device, Line, Sent};
use self::inbox::Kept;
use self::left::Left;
pub(crate) use self::rules::{Dialect, MAX_ID_BYTES, Rules, Said, is_id};
use self::stored::Stored;
use self::users::Users;
use crate::metrics::Metrics;
use crate::peer::Remote;
use crate::peer_id::PeerId;
use tieline_store::{Room, Store, StoreError};

/// Locks of the directory; devices are spread over them by their ids.
const SHARDS: usize = 64;

/// How often what is over is looked for.
const TIDY_EVERY: Duration = Duration::from_secs(30);

/// Devices that are forgotten each time at most; each is a write.
const MAX_FORGOTTEN: usize = 1_000;

/// The devices of all routes. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Devices(Arc<Directory>);

#[derive(Debug)]
struct Directory {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    counts: Counts,
    /// The number of the next message. No number comes twice, also after a restart: a device knows by it what
    /// it has seen.
    next: AtomicU64,
    stored: Stored,
    users: Users,
    /// What the last process has left and no route has taken over yet.
    left: Mutex<Left>,
}

type Shard = HashMap<Arc<str>, Device>;

/// A device, as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceInfo {
    pub(crate) id: String,
    pub(crate) route: String,
    pub(crate) is_online: bool,
    pub(crate) is_registered: bool,
    pub(crate) user: Option<String>,
    /// Since when it has been on line.
    pub(crate) since: Option<SystemTime>,
    pub(crate) waiting_messages: usize,
    pub(crate) waiting_bytes: usize,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notified {
    /// It was sent on the line there is.
    Delivered,
    /// The inbox cannot take it, or the store cannot.
    Full,
    /// It waits in the inbox.
    Stored,
    /// There is nobody of this id.
    Unknown,
}

/// How far a message has come.
enum Taken {
    /// It was sent before under its key, and is being written.
    Already,
    Done(Notified),
    /// There has to be room for it first, among what waits to be written.
    NoRoom,
    /// It is being written, and then it is known what became of it.
    Writing(oneshot::Receiver<Notified>),
}

/// Why a device is given no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unbound {
    /// It is another user's.
    OfAnother,
    /// There is no room for another device.
    TooMany,
}

impl Default for Devices {
    /// Nobody yet, and no store.
    fn default() -> Self {
        let (stored, left) = Stored::open(None).expect("where there is no store nothing is read");
        Self::new(stored, left)
    }
}

impl Devices {
    /// With what the last process has left in the store.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be read.
    pub(crate) fn open(store: Option<Store>, metrics: &Metrics) -> Result<Self, StoreError> {
        let (stored, left) = Stored::open(store)?;
        let devices = Self::new(stored, left);
        devices.0.counts.register(metrics);
        Ok(devices)
    }

    fn new(stored: Stored, left: Left) -> Self {
        // There are fewer than a million messages in a second.
        let next = AtomicU64::new(left.last_number().map_or(0, |last| last + 1).max(now_us()));
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        let (hasher, left) = (RandomState::new(), Mutex::new(left));
        let (counts, users) = (Counts::default(), Users::default());
        Self(Arc::new(Directory { shards, hasher, counts, next, stored, users, left }))
    }

    /// Takes over what the last process has left of a route's devices; before anything is served.
    pub(crate) fn adopt(&self, rules: &Arc<Rules>) {
        if !rules.is_durable {
            return;
        }
        let returned = lock(&self.0.left).claim(&rules.route);
        for (id, user, messages) in returned {
            let mut device = Device::new(rules);
            device.user = user;
            device.registration = Some(device.as_it_is());
            messages.into_iter().for_each(|waiting| device.inbox.push(waiting));
            self.insert(id, device);
        }
    }

    fn insert(&self, id: String, device: Device) {
        let id: Arc<str> = id.into();
        let user = device.user.clone();
        if let Some(before) = self.shard(&id).insert(Arc::clone(&id), device) {
            self.let_go(&id, &before);
        }
        self.0.counts.known.inc();
        if let Some(user) = user {
            self.0.users.add(&user, &id);
        }
    }

    /// A device is known no more.
    fn let_go(&self, id: &str, device: &Device) {
        self.0.counts.known.dec();
        if let Some(user) = &device.user {
            self.0.users.remove(user, id);
        }
    }

    /// Says what is left of routes that keep nothing any more, once all have begun. It stays in the store.
    pub(crate) fn warn_of_unclaimed(&self) {
        let left = std::mem::take(&mut *lock(&self.0.left));
        for (device, waiting) in left.finish() {
            self.0.stored.remove_message(&waiting.route, &device, waiting.number);
        }
    }

    /// Gives a device a line, and ends the one it had.
    ///
    /// # Errors
    ///
    /// [`Unbound::TooMany`] where it is not known and as many are as there may be;
    /// [`Unbound::OfAnother`] where it is known as another user's.
    pub(crate) fn bind(
        &self,
        id: &str,
        line: &Remote,
        user: Option<&str>,
        rules: &Arc<Rules>,
    ) -> Result<(), Unbound> {
        let older = {
            let mut shard = self.shard(id);
            let id = match shard.get_key_value(id) {
                Some((id, _)) => Arc::clone(id),
                None if self.0.counts.known.get() >= rules.max_devices as i64 => {
                    return Err(Unbound::TooMany);
                }
                None => {
                    self.0.counts.known.inc();
                    id.into()
                }
            };
            let device = shard.entry(Arc::clone(&id)).or_insert_with(|| Device::new(rules));
            if !device.may_be_of(user, rules) {
                return Err(Unbound::OfAnother);
            }
            let before = std::mem::replace(&mut device.rules, Arc::clone(rules));
            if let Some(user) = user.filter(|user| device.user.as_deref() != Some(*user)) {
                if let Some(before) = device.user.replace(user.to_owned()) {
                    self.0.users.remove(&before, &id);
                }
                self.0.users.add(user, &id);
            }
            device.inbox.rewind();
            match device.line.replace(Line::new(line.clone())) {
                // It is so already; what was not answered is sent once more.
                Some(same) if same.remote.id() == line.id() => None,
                older => {
                    self.0.counts.bound(older.is_some());
                    older.map(|older| (older, before))
                }
            }
        };
        if let Some((older, rules)) = older {
            (rules.dialect.let_go)(&older.remote, id);
        }
        Ok(())
    }

    /// Makes it known that a device has registered, before it is told so: from here on messages for
    /// it are kept.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where its registration is to outlive the server and cannot: it is as before.
    pub(crate) async fn register(&self, id: &str) -> Result<(), StoreError> {
        self.change(id, true).await.map(|_| ())
    }

    /// Takes back a device's registration and empties its inbox; whether it was known.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where that is not on disk: it is registered as before.
    pub(crate) async fn forget(&self, id: &str) -> Result<bool, StoreError> {
        self.change(id, false).await
    }

    /// Has a device registered, or not; whether it is known. Dropped before it is done, it happens
    /// all the same.
    async fn change(&self, id: &str, is_registered: bool) -> Result<bool, StoreError> {
        let written = loop {
            let is_durable = |device: &Device| self.0.stored.is_for(&device.rules);
            let room = if self.shard(id).get(id).is_some_and(is_durable) {
                self.0.stored.room(id, 0).await
            } else {
                None
            };
            let begun = {
                let (room, mut shard) = (room, self.shard(id));
                let Some(device) = shard.get_mut(id) else { return Ok(false) };
                if device.is_changing {
                    None
                } else if is_registered && device.registration == Some(device.as_it_is()) {
                    return Ok(true);
                } else {
                    let written = self.begin(id, device, is_registered, room);
                    self.remove_if_over(&mut shard, id);
                    Some(written)
                }
            };
            match begun {
                Some(written) => break written,
                None => self.0.stored.settled().await?,
            }
        };
        match written {
            None => Ok(true),
            Some(written) => match written.await {
                Ok(written) => written.map(|()| true),
                // The store is closed, and says so.
                Err(_) => self.0.stored.settled().await.map(|()| true),
            },
        }
    }

    /// Begins to change a registration: at once, where nothing is written, else with what says when
    /// it is. A device that registers is registered from here on, one that is forgotten is when that
    /// is on disk.
    fn begin(
        &self,
        id: &str,
        device: &mut Device,
        is_registered: bool,
        room: Option<Room>,
    ) -> Option<oneshot::Receiver<Result<(), StoreError>>> {
        let before = device.registration.clone();
        let batch = if is_registered {
            let now = device.as_it_is();
            let batch = Stored::registered(id, before.as_ref(), &now);
            device.registration = Some(now);
            batch
        } else {
            Stored::unregistered(id, before.as_ref(), &device.inbox)
        };
        if !self.0.stored.is_for(&device.rules) {
            if !is_registered {
                device.forget();
            }
            return None;
        }
        device.is_changing = true;
        // What comes until it is done is not in the batch.
        let behind = self.0.next.load(Ordering::Relaxed);
        let (devices, id) = (self.clone(), id.to_owned());
        let (tell, written) = oneshot::channel();
        self.0.stored.submit(room, batch, move |result| {
            let mut shard = devices.shard(&id);
            if let Some(device) = shard.get_mut(&*id) {
                device.is_changing = false;
                match (is_registered, result.is_ok()) {
                    (true, false) => device.registration = before,
                    (false, true) => {
                        for taken in device.forget().iter().filter(|it| it.number >= behind) {
                            devices.0.stored.taken(&id, taken);
                        }
                    }
                    _ => {}
                }
                devices.remove_if_over(&mut shard, &id);
            }
            drop(shard);
            // Whoever is told may let the store go, and open it again.
            drop(devices);
            // Nobody may want to know any more.
            let _ = tell.send(result);
        });
        Some(written)
    }

    fn remove_if_over(&self, shard: &mut Shard, id: &str) {
        if shard.get(id).is_some_and(Device::is_over)
            && let Some(device) = shard.remove(id)
        {
            self.let_go(id, &device);
        }
    }

    /// The device can be sent to on this line, and is sent what waits for it.
    pub(crate) fn ready(&self, id: &str, line: PeerId) {
        let mut shard = self.shard(id);
        let Some(device) = shard.get_mut(id) else { return };
        if let Some(line) = device.line.as_mut().filter(|own| own.remote.id() == line) {
            line.is_ready = true;
            self.send_waiting(id, device);
        }
    }

    /// The device has answered the oldest message that was sent on this line.
    pub(crate) fn acknowledged(&self, id: &str, line: PeerId) {
        let mut shard = self.shard(id);
        let Some(device) = shard.get_mut(id).filter(|device| device.is_on(line)) else { return };
        if let Some(taken) = device.inbox.answered() {
            self.0.stored.taken(id, &taken);
            self.send_waiting(id, device);
        }
    }

    /// The device has answered the messages of these numbers, as far as they were sent on this line.
    pub(crate) fn received(&self, id: &str, line: PeerId, numbers: &[u64]) {
        let mut shard = self.shard(id);
        let Some(device) = shard.get_mut(id).filter(|device| device.is_on(line)) else { return };
        for number in numbers {
            if let Some(taken) = device.inbox.answered_as(*number) {
                self.0.stored.taken(id, &taken);
            }
        }
        self.send_waiting(id, device);
    }

    /// Whether this is the device's line.
    pub(crate) fn is_on(&self, id: &str, line: PeerId) -> bool {
        self.shard(id).get(id).is_some_and(|device| device.is_on(line))
    }

    /// The line has ended.
    pub(crate) fn left(&self, id: &str, line: PeerId) {
        let mut shard = self.shard(id);
        let Some(device) = shard.get_mut(id).filter(|device| device.is_on(line)) else { return };
        device.leave();
        self.0.counts.online.dec();
        self.remove_if_over(&mut shard, id);
    }

    /// The device's turn: whoever holds its lock has it, in the order of asking, whichever its line.
    pub(crate) fn turn(&self, id: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut shard = self.shard(id);
        match shard.get_mut(id) {
            Some(device) => Arc::clone(device.turn.get_or_insert_default()),
            None => Arc::default(),
        }
    }

    /// Sends a device a message, or stores it until it returns. A message under a key that was given
    /// before, lately, is the same message: it is not sent again.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, the message may be on its way all the same.
    pub(crate) async fn notify(
        &self,
        id: &str,
        text: &str,
        idempotency_key: Option<&str>,
    ) -> Notified {
        let notified = self.take(id, text, idempotency_key).await;
        self.0.counts.notified(notified);
        notified
    }

    async fn take(&self, id: &str, text: &str, idempotency_key: Option<&str>) -> Notified {
        let key = idempotency_key.map(|key| digest(id, key));
        loop {
            let room = if self.is_kept_on_disk(id) {
                self.0.stored.room(id, text.len()).await
            } else {
                None
            };
            match self.try_to_take(id, text, key, room) {
                Taken::Already => {
                    if self.0.stored.settled().await.is_err() {
                        return Notified::Full;
                    }
                }
                Taken::Done(notified) => return notified,
                Taken::NoRoom => {}
                // Without a word the store is closed: nothing is promised.
                Taken::Writing(written) => return written.await.unwrap_or(Notified::Full),
            }
        }
    }

    fn try_to_take(&self, id: &str, text: &str, key: Option<u128>, room: Option<Room>) -> Taken {
        let mut shard = self.shard(id);
        let Some(device) = shard.get_mut(id) else { return Taken::Done(Notified::Unknown) };
        if room.is_none() && self.0.stored.keeps(device) {
            return Taken::NoRoom;
        }
        if let Some(key) = key
            && let Some(earlier) = device.earlier(key)
        {
            let is_writing = device.inbox.is_writing(key);
            return if is_writing { Taken::Already } else { Taken::Done(earlier) };
        }
        let now_ms = now_ms();
        for expired in device.inbox.expire(now_ms) {
            self.0.stored.taken(id, &expired);
        }
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        let sent = match device.take(&Said { device: id, number, text }, key, now_ms) {
            Sent::Now => Notified::Delivered,
            Sent::Refused(notified) => return Taken::Done(notified),
            Sent::Waits => {
                self.send_waiting(id, device);
                if device.inbox.is_sent(number) { Notified::Delivered } else { Notified::Stored }
            }
        };
        if let Some(key) = key {
            device.remember(key, sent);
        }
        match room.and_then(|room| self.write(id, device, number, room)) {
            Some(written) => Taken::Writing(written),
            None => Taken::Done(sent),
        }
    }

    /// Ends a device's line; whether it had one.
    pub(crate) fn disconnect(&self, id: &str, code: CloseCode, reason: &str) -> bool {
        let mut shard = self.shard(id);
        let Some(line) = shard.get_mut(id).and_then(|device| device.line.as_mut()) else {
            return false;
        };
        // What comes from here on waits for its next line.
        line.is_ready = false;
        line.remote.close(code, reason);
        true
    }

    /// A device.
    pub(crate) fn find(&self, id: &str) -> Option<DeviceInfo> {
        self.shard(id).get(id).map(|device| device.info(id))
    }

    /// The devices whose ids come after this one, in the order of their ids, so many at most.
    pub(crate) fn list(&self, after: Option<&str>, limit: usize) -> Vec<DeviceInfo> {
        let after = after.unwrap_or_default();
        let mut ids: Vec<Arc<str>> = Vec::new();
        for shard in &self.0.shards {
            let shard = lock(shard);
            ids.extend(shard.keys().filter(|id| &***id > after).cloned());
        }
        ids.sort_unstable();
        ids.truncate(limit);
        ids.iter().filter_map(|id| self.find(id)).collect()
    }

    /// The ids of a user's devices, in their order.
    pub(crate) fn of_user(&self, user: &str) -> Vec<String> {
        self.0.users.of(user)
    }

    /// Removes from the store what was delivered, and whatever is over; for ever.
    pub(crate) async fn tidy(&self) {
        let expire = async {
            let mut every = tokio::time::interval(TIDY_EVERY);
            loop {
                every.tick().await;
                self.expire();
            }
        };
        tokio::join!(self.0.stored.remove_taken(), expire);
    }

    /// Lets go of what nobody waits for any more.
    fn expire(&self) {
        let (now_ms, mut forgotten) = (now_ms(), 0);
        for shard in &self.0.shards {
            lock(shard).retain(|id, device| {
                for expired in device.inbox.expire(now_ms) {
                    self.0.stored.taken(id, &expired);
                }
                if forgotten < MAX_FORGOTTEN && device.is_forgotten() {
                    forgotten += 1;
                    self.begin(id, device, false, None);
                }
                let is_over = device.is_over();
                if is_over {
                    self.let_go(id, device);
                }
                !is_over
            });
        }
    }

    /// Whether a message for this device would be written to the store now.
    fn is_kept_on_disk(&self, id: &str) -> bool {
        self.shard(id).get(id).is_some_and(|device| self.0.stored.keeps(device))
    }

    /// Has the store write a message that was just put into the inbox; what became of it, once that
    /// is done. `None` where it was sent and is not kept.
    fn write(
        &self,
        id: &str,
        device: &mut Device,
        number: u64,
        room: Room,
    ) -> Option<oneshot::Receiver<Notified>> {
        let waiting = device.inbox.find(number)?;
        waiting.kept = Kept::Writing;
        let (devices, id, route) = (self.clone(), id.to_owned(), Arc::clone(&waiting.route));
        let batch = Stored::message(&id, waiting);
        let (tell, written) = oneshot::channel();
        self.0.stored.submit(Some(room), batch, move |result| {
            let notified = devices.settle(&id, &route, number, result.is_ok());
            // Whoever is told may let the store go, and open it again.
            drop(devices);
            // Nobody may want to know any more.
            let _ = tell.send(notified);
        });
        Some(written)
    }

    /// The store has written a message, or could not.
    fn settle(&self, id: &str, route: &str, number: u64, is_written: bool) -> Notified {
        let mut shard = self.shard(id);
        let device = shard.get_mut(id).filter(|device| device.inbox.has(number));
        match device {
            Some(device) if is_written => device.written(number),
            Some(device) => device.withdraw(number),
            None => {
                // It was delivered meanwhile.
                if is_written {
                    self.0.stored.remove_message(route, id, number);
                }
                Notified::Delivered
            }
        }
    }

    /// Sends what may be sent of what waits.
    fn send_waiting(&self, id: &str, device: &mut Device) {
        for taken in device.send_waiting(id, now_ms()) {
            self.0.stored.taken(id, &taken);
        }
    }

    fn shard(&self, id: &str) -> MutexGuard<'_, Shard> {
        let at = self.0.hasher.hash_one(id) as usize % SHARDS;
        lock(&self.0.shards[at])
    }
}

/// What was changed under the lock is whole: nothing between its lines can panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn digest(id: &str, key: &str) -> u128 {
    let digest = Sha256::new().chain_update(id).chain_update([0]).chain_update(key).finalize();
    let (half, _) = digest.split_first_chunk().expect("SHA-256 has 32 bytes");
    u128::from_be_bytes(*half)
}

fn now_ms() -> u64 {
    now_us() / 1_000
}

fn now_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64
}
