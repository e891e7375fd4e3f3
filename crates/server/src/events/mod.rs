//! What happens to devices is recorded once and told to a backend at least once, in order for each
//! device, whatever is killed meanwhile.
//!
//! ```text
//! open ─────┐                                        ┌─▶ told: removed
//! record ───┼─▶ store: event and session in one ─▶ queue ─▶ POST ─┤
//! close ────┘          batch (memory without one)    ▲   └─▶ paused, then dead: list and again
//!                                                    │
//! restart ─▶ what waits, and `disconnected` for each session that was open
//! ```
//!
//! An event has one idempotency key, `device.generation.event.seq`, over all tries and restarts.

mod at;
mod counts;
mod deliver;
mod event;
mod keys;
mod outboxes;
mod queue;

#[cfg(test)]
mod killed;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use tracing::warn;

pub(crate) use at::At;
pub(crate) use event::{DeadEvent, Event, EventKind};
pub(crate) use outboxes::Outboxes;

use self::counts::OutboxCounts;
use self::outboxes::{COUNTER, Left, Numbers};
use self::queue::{Queue, Saved, Waiting};
use crate::backend::Backend;
use crate::config::PlannedEvents;
use tieline_store::{Batch, Room, Space, Store, StoreError};

/// Why a session is over that was open when the process ended.
const RESTARTED: &str = "server restarted";

/// Longest reason that is told, in bytes.
const MAX_REASON_BYTES: usize = 256;

/// The outbox of a route. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Events(Arc<Inner>);

struct Inner {
    name: String,
    plan: PlannedEvents,
    backend: Arc<Backend>,
    store: Option<Store>,
    /// What its keys in the store begin with.
    prefix: Vec<u8>,
    numbers: Numbers,
    counts: OutboxCounts,
    state: Mutex<State>,
    /// There may be something to send.
    wake: Notify,
}

#[derive(Default)]
struct State {
    queue: Queue,
    sessions: HashMap<u64, OpenSession>,
    dead: BTreeMap<u64, DeadEvent>,
    /// Since when an event waits that was dead.
    revived: HashMap<u64, At>,
    /// Whether it was said that too many wait, and they still do.
    is_crowded: bool,
}

/// A session that is open, as it is kept: what its last event was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OpenSession {
    device: String,
    seq: u64,
}

/// A device's session, from one connect to its end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionId {
    pub(crate) device: String,
    /// Rises with each connect of a device.
    pub(crate) generation: u64,
}

/// How far behind an outbox is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lag {
    /// Events that wait.
    pub(crate) waiting: usize,
    /// The age of the one that waits longest.
    pub(crate) oldest: Duration,
    /// Events on the list of the dead.
    pub(crate) dead: usize,
}

/// What a batch changes, and what has to be done when it cannot be written.
enum Change {
    /// Neither the session nor its first event is there.
    Opened { generation: u64, position: u64 },
    /// The session is over all the same, as it was.
    Reopened { generation: u64 },
    /// The event is not there.
    Recorded { position: u64 },
    /// It is over, whatever the disk says: that is written later.
    Closed { position: u64 },
    /// Nothing but what was taken away.
    Tidied,
}

/// What a batch takes away; it is there again where that cannot be written.
#[derive(Default)]
struct Taken {
    waiting: Vec<(u64, Waiting)>,
    dead: Vec<(u64, DeadEvent)>,
}

/// A session on its way to whoever opens it.
struct Opening<'e> {
    events: &'e Events,
    generation: Option<u64>,
}

/// A batch in the making, while nobody else makes one.
struct Draft<'a> {
    inner: &'a Inner,
    last: MutexGuard<'a, u64>,
    batch: Batch,
    taken: Taken,
    given_up: u64,
}

impl Events {
    fn new(
        name: &str,
        plan: PlannedEvents,
        backend: Arc<Backend>,
        store: Option<Store>,
        numbers: Numbers,
        counts: OutboxCounts,
        left: Left,
    ) -> Self {
        let prefix = keys::prefix(name);
        let (name, state, wake) = (name.to_owned(), Mutex::default(), Notify::new());
        let inner = Inner { name, plan, backend, store, prefix, numbers, counts, state, wake };
        let events = Self(Arc::new(inner));
        events.take_over(left);
        events
    }

    /// Goes on where the last process ended.
    fn take_over(&self, left: Left) {
        let now = Instant::now();
        let mut state = self.0.lock();
        for (position, event) in left.events {
            // Whether the backend has heard it, nobody knows any more.
            let waiting = Waiting::new(event, now, Saved::Yes, false);
            state.queue.push(position, waiting);
        }
        state.dead.extend(left.dead);
        drop(state);
        for (generation, session) in left.sessions {
            self.0.lock().sessions.insert(generation, session);
            // Where the disk refuses, it is written later, before it is told.
            self.submit(None, |state, draft| draft.close(state, generation, RESTARTED), |_| {});
        }
    }

    /// The route whose it is.
    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    /// How far behind it is.
    pub(crate) fn lag(&self) -> Lag {
        let state = self.0.lock();
        let oldest = state.queue.oldest().map(|waiting| waiting.event.at.age());
        Lag {
            waiting: state.queue.len(),
            oldest: oldest.unwrap_or_default(),
            dead: state.dead.len(),
        }
    }

    /// Records `connected` and opens the session: after a restart without [`close`](Self::close),
    /// `disconnected` is told all the same. A device that is back within the grace goes on with the
    /// session that it had, and nothing is told.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it is not on disk: then there is no session.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, a session that was opened is closed again.
    pub(crate) async fn open(&self, device: &str) -> Result<SessionId, StoreError> {
        let mut opening = Opening { events: self, generation: None };
        let opened = &mut opening.generation;
        let result = self
            .commit(|state, draft| {
                let (generation, change) =
                    draft.reopen(state, device).unwrap_or_else(|| draft.open(state, device));
                *opened = Some(generation);
                (change, generation)
            })
            .await;
        opening.generation = None;
        Ok(SessionId { device: device.to_owned(), generation: result? })
    }

    /// Records `registered` or `unregistered`. Of a session that is over nothing more is recorded.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it is not on disk: then it is not told.
    pub(crate) async fn record(
        &self,
        session: &SessionId,
        kind: EventKind,
    ) -> Result<(), StoreError> {
        let generation = session.generation;
        self.commit(|state, draft| (draft.record(state, generation, kind), ())).await
    }

    /// Records `disconnected`, once for each session.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it is not on disk yet. It is written when there is room again, and then
    /// told; after a restart at the latest.
    pub(crate) async fn close(&self, session: SessionId, reason: &str) -> Result<(), StoreError> {
        self.commit(|state, draft| (draft.close(state, session.generation, reason), ())).await
    }

    /// Events that were given up, oldest first, from behind the number `after`.
    pub(crate) fn dead(&self, after: Option<u64>, limit: usize) -> Vec<(u64, DeadEvent)> {
        let from = after.map_or(0, |after| after.saturating_add(1));
        let state = self.0.lock();
        let dead = state.dead.range(from..).take(limit);
        dead.map(|(number, dead)| (*number, dead.clone())).collect()
    }

    /// Has a dead event sent again, behind what waits of its device. Whether there was one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where that is not on disk: it stays on the list.
    pub(crate) async fn redeliver(&self, number: u64) -> Result<bool, StoreError> {
        self.commit(|state, draft| match draft.revive(state, number) {
            Some(change) => (change, true),
            None => (Change::Tidied, false),
        })
        .await
    }

    /// Takes a dead event off the list. Whether there was one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it is still on disk.
    pub(crate) async fn forget(&self, number: u64) -> Result<bool, StoreError> {
        self.commit(|state, draft| (Change::Tidied, draft.forget(state, number).is_some())).await
    }

    /// Makes a batch, and waits until it is on disk.
    async fn commit<T>(
        &self,
        make: impl FnOnce(&mut State, &mut Draft<'_>) -> (Change, T),
    ) -> Result<T, StoreError> {
        let room = match &self.0.store {
            Some(store) => Some(store.room(TYPICAL_BYTES).await),
            None => None,
        };
        let (done, is_done) = oneshot::channel();
        let mut made = None;
        let make = |state: &mut State, draft: &mut Draft<'_>| {
            let (change, value) = make(state, draft);
            made = Some(value);
            change
        };
        // Whoever has stopped waiting does not want to know.
        self.submit(room, make, |result| _ = done.send(result));
        let closed = || StoreError::Closed { path: self.0.store_path() };
        is_done.await.unwrap_or_else(|_| Err(closed()))?;
        Ok(made.expect("what is submitted is made"))
    }

    /// Makes a batch and hands it over. What it changes is there at once, and taken back where it
    /// cannot be written.
    fn submit(
        &self,
        room: Option<Room>,
        make: impl FnOnce(&mut State, &mut Draft<'_>) -> Change,
        done: impl FnOnce(Result<(), StoreError>) + Send + 'static,
    ) {
        let mut state = self.0.lock();
        // Held until the batch is handed over: on disk, too, the numbers only rise.
        let mut draft = Draft::new(&self.0);
        let change = make(&mut state, &mut draft);
        let is_numbered = !matches!(change, Change::Tidied);
        let Draft { last, mut batch, taken, given_up, .. } = draft;
        let settle = move |state: &mut State, inner: &Inner, is_saved: bool| {
            state.settle(change, is_saved);
            if is_saved {
                inner.counts.given_up.inc_by(given_up);
            } else {
                state.put_back(taken);
            }
        };
        let Some(store) = &self.0.store else {
            settle(&mut state, &self.0, true);
            drop((last, state));
            self.0.wake.notify_one();
            return done(Ok(()));
        };
        if is_numbered {
            batch.put(Space::Counters, COUNTER, &last.to_be_bytes());
        }
        let inner = Arc::clone(&self.0);
        store.submit(room, batch, move |result| {
            settle(&mut inner.lock(), &inner, result.is_ok());
            inner.wake.notify_one();
            // Whoever is told may let the store go, and open it again.
            drop(inner);
            done(result);
        });
    }
}

/// What a batch of an event usually is; it is only told how much may wait.
const TYPICAL_BYTES: usize = 1_024;

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, number: u64) -> Vec<u8> {
        keys::key(&self.prefix, number)
    }

    fn store_path(&self) -> std::path::PathBuf {
        self.store.as_ref().map(|store| store.path().to_owned()).unwrap_or_default()
    }

    /// How an event is before it is on disk.
    const fn unsaved(&self) -> Saved {
        if self.store.is_some() { Saved::Soon } else { Saved::Yes }
    }
}

impl<'a> Draft<'a> {
    fn new(inner: &'a Inner) -> Self {
        let last = inner.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        Self { inner, last, batch: Batch::default(), taken: Taken::default(), given_up: 0 }
    }

    fn number(&mut self) -> u64 {
        *self.last += 1;
        *self.last
    }

    /// A new session.
    fn open(&mut self, state: &mut State, device: &str) -> (u64, Change) {
        let generation = self.number();
        state.sessions.insert(generation, OpenSession { device: device.to_owned(), seq: 0 });
        let position = self.event(state, generation, EventKind::Connected, None);
        (generation, Change::Opened { generation, position })
    }

    /// The session that the device had a moment ago, where nobody knows yet that it was over.
    fn reopen(&mut self, state: &mut State, device: &str) -> Option<(u64, Change)> {
        let (position, last) = state.queue.last_of(device)?;
        let is_over = last.event.event == EventKind::Disconnected && last.is_new;
        if !is_over || last.is_sending || last.not_before <= Instant::now() {
            return None;
        }
        let disconnected = state.queue.remove(position)?;
        let Event { generation, seq, .. } = disconnected.event;
        self.taken.waiting.push((position, disconnected));
        let session = OpenSession { device: device.to_owned(), seq: seq - 1 };
        self.batch.remove(Space::Events, &self.inner.key(position));
        self.put_session(generation, &session);
        state.sessions.insert(generation, session);
        self.inner.counts.suppressed.inc();
        Some((generation, Change::Reopened { generation }))
    }

    fn record(&mut self, state: &mut State, generation: u64, kind: EventKind) -> Change {
        if !state.sessions.contains_key(&generation) {
            return Change::Tidied;
        }
        Change::Recorded { position: self.event(state, generation, kind, None) }
    }

    fn close(&mut self, state: &mut State, generation: u64, reason: &str) -> Change {
        if !state.sessions.contains_key(&generation) {
            return Change::Tidied;
        }
        let reason = reason[..reason.floor_char_boundary(MAX_REASON_BYTES)].to_owned();
        let position = self.event(state, generation, EventKind::Disconnected, Some(reason));
        state.sessions.remove(&generation);
        self.batch.remove(Space::Sessions, &self.inner.key(generation));
        Change::Closed { position }
    }

    fn revive(&mut self, state: &mut State, number: u64) -> Option<Change> {
        let event = self.forget(state, number)?.event.clone();
        let position = self.number();
        self.batch.put(Space::Events, &self.inner.key(position), &event.body());
        let waiting = Waiting::new(event, Instant::now(), self.inner.unsaved(), false);
        state.queue.push(position, waiting);
        state.revived.insert(position, At::now());
        Some(Change::Recorded { position })
    }

    /// Takes an event off the list of the dead.
    fn forget(&mut self, state: &mut State, number: u64) -> Option<&DeadEvent> {
        let dead = state.dead.remove(&number)?;
        self.batch.remove(Space::DeadEvents, &self.inner.key(number));
        self.taken.dead.push((number, dead));
        self.taken.dead.last().map(|(_, dead)| dead)
    }

    /// Writes an event once more that could not be written.
    fn save(&mut self, position: u64, event: &Event) -> Change {
        self.batch.put(Space::Events, &self.inner.key(position), &event.body());
        if event.event == EventKind::Disconnected {
            self.batch.remove(Space::Sessions, &self.inner.key(event.generation));
        }
        Change::Closed { position }
    }

    /// The next event of a session that is open.
    fn event(
        &mut self,
        state: &mut State,
        generation: u64,
        kind: EventKind,
        reason: Option<String>,
    ) -> u64 {
        let position = self.number();
        let session = state.sessions.get_mut(&generation).expect("it is looked for by the callers");
        session.seq += 1;
        let OpenSession { device, seq } = session.clone();
        self.put_session(generation, session);
        let event = Event { event: kind, device, generation, seq, at: At::now(), reason };
        self.batch.put(Space::Events, &self.inner.key(position), &event.body());
        let grace =
            if kind == EventKind::Disconnected { self.inner.plan.grace } else { Duration::ZERO };
        let not_before = Instant::now() + grace;
        self.make_room(state);
        state.queue.push(position, Waiting::new(event, not_before, self.inner.unsaved(), true));
        self.inner.counts.recorded.inc();
        position
    }

    /// Gives up the oldest of what waits where one more would be too much.
    fn make_room(&mut self, state: &mut State) {
        let max_waiting = self.inner.plan.max_waiting;
        if state.queue.len() >= max_waiting && !state.is_crowded {
            let route = self.inner.name.as_str();
            warn!(route, max_waiting, "too many events wait: the oldest are given up");
        }
        state.is_crowded =
            state.queue.len() >= if state.is_crowded { max_waiting / 2 } else { max_waiting };
        while state.queue.len() >= max_waiting
            && let Some(position) = state.queue.oldest_at_rest()
        {
            self.give_up(state, position, "too many events wait (max_waiting)".to_owned());
        }
    }

    /// Puts an event on the list of the dead, of which it may be the last.
    fn give_up(&mut self, state: &mut State, position: u64, error: String) {
        let Some(waiting) = state.queue.remove(position) else { return };
        state.revived.remove(&position);
        self.given_up += 1;
        self.remove(position, &waiting.event);
        let (event, tries) = (waiting.event.clone(), waiting.tries);
        self.taken.waiting.push((position, waiting));
        let dead = DeadEvent { event, tries, error, died_at: At::now() };
        let value = serde_json::to_vec(&dead).expect("an event is texts and numbers");
        self.batch.put(Space::DeadEvents, &self.inner.key(position), &value);
        state.dead.insert(position, dead);
        while state.dead.len() > self.inner.plan.max_dead
            && let Some((&oldest, _)) = state.dead.first_key_value()
        {
            self.forget(state, oldest);
        }
    }

    /// Takes an event off the disk, and the session that it ends, if that could not be taken before.
    fn remove(&mut self, position: u64, event: &Event) {
        self.batch.remove(Space::Events, &self.inner.key(position));
        if event.event == EventKind::Disconnected {
            self.batch.remove(Space::Sessions, &self.inner.key(event.generation));
        }
    }

    fn put_session(&mut self, generation: u64, session: &OpenSession) {
        let value = serde_json::to_vec(session).expect("a session is a text and a number");
        self.batch.put(Space::Sessions, &self.inner.key(generation), &value);
    }
}

impl State {
    /// What was changed is on disk now, or cannot be.
    fn settle(&mut self, change: Change, is_saved: bool) {
        match change {
            Change::Opened { position, .. }
            | Change::Recorded { position }
            | Change::Closed { position }
                if is_saved =>
            {
                self.queue.settle(position, Saved::Yes);
            }
            Change::Reopened { .. } if is_saved => {}
            Change::Opened { generation, position } => {
                self.sessions.remove(&generation);
                self.queue.remove(position);
            }
            Change::Reopened { generation } => _ = self.sessions.remove(&generation),
            Change::Recorded { position } => {
                self.revived.remove(&position);
                self.queue.remove(position);
            }
            Change::Closed { position } => self.queue.settle(position, Saved::No),
            Change::Tidied => {}
        }
    }

    /// What was to be taken away is there again.
    fn put_back(&mut self, taken: Taken) {
        self.dead.extend(taken.dead);
        for (position, waiting) in taken.waiting {
            self.dead.remove(&position);
            self.queue.push(position, waiting);
        }
    }
}

/// Nobody is there any more who could close it.
impl Drop for Opening<'_> {
    fn drop(&mut self) {
        if let Some(generation) = self.generation {
            let close = |state: &mut State, draft: &mut Draft<'_>| {
                draft.close(state, generation, "given up while it opened")
            };
            self.events.submit(None, close, |_| {});
        }
    }
}

impl Waiting {
    const fn new(event: Event, not_before: Instant, saved: Saved, is_new: bool) -> Self {
        Self { event, saved, not_before, tries: 0, is_new, is_sending: false }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("name", &self.0.name).finish_non_exhaustive()
    }
}
