//! All outboxes of a server, and what the last process has left of them.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::de::DeserializeOwned;
use tracing::{info, warn};

use super::at::At;
use super::counts::{Counts, Gauges};
use super::event::{DeadEvent, Event};
use super::keys;
use super::{Events, OpenSession};
use crate::backend::Backend;
use crate::config::PlannedEvents;
use crate::metrics::Metrics;
use tieline_store::{Space, Store, StoreError};

/// Makes the outboxes of routes, and knows them all. Cloning it is cheap.
#[derive(Clone, Default)]
pub(crate) struct Outboxes(Arc<Inner>);

#[derive(Default)]
struct Inner {
    store: Option<Store>,
    counts: Counts,
    /// The numbers of what is durable, and of what is not.
    durable: Numbers,
    volatile: Numbers,
    left: Mutex<HashMap<String, Left>>,
    started: Mutex<BTreeMap<String, Events>>,
}

/// Numbers that rise: those of sessions and of places in an outbox.
pub(super) type Numbers = Arc<Mutex<u64>>;

/// What the last process has left of one outbox.
#[derive(Default)]
pub(super) struct Left {
    pub(super) events: Vec<(u64, Event)>,
    pub(super) dead: Vec<(u64, DeadEvent)>,
    pub(super) sessions: Vec<(u64, OpenSession)>,
}

/// The counter of the numbers of what is durable.
pub(super) const COUNTER: &[u8] = b"events";

impl Outboxes {
    /// Reads what is left in the store.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be read.
    pub(crate) fn open(store: Option<&Store>, metrics: &Metrics) -> Result<Self, StoreError> {
        // Numbers rise over restarts by the clock, where there is no store, or one that was begun anew
        // or is an old copy; and by the store, where the clock was set back.
        let clock = At::now().millis() * 1_000;
        let (durable, left) = match store {
            Some(store) => (counter(store)?.max(clock), read(store)?),
            None => (clock, HashMap::new()),
        };
        let inner = Arc::new(Inner {
            store: store.cloned(),
            counts: Counts::register(metrics),
            durable: Arc::new(Mutex::new(durable)),
            volatile: Arc::new(Mutex::new(clock)),
            left: Mutex::new(left),
            started: Mutex::default(),
        });
        let outboxes = Self(inner);
        let gauges = Gauges(outboxes.clone());
        metrics.register(|registry| registry.register_collector(Box::new(gauges)));
        Ok(outboxes)
    }

    /// Makes the outbox of a route, with what the last process has left of it. The sessions that
    /// were open then are over.
    pub(crate) fn start(&self, name: &str, plan: PlannedEvents, backend: Arc<Backend>) -> Events {
        let (store, numbers) = match &self.0.store {
            Some(store) if plan.is_durable => (Some(store.clone()), &self.0.durable),
            _ => {
                info!(
                    route = name,
                    "events are in memory alone: a restart forgets those that wait"
                );
                (None, &self.0.volatile)
            }
        };
        let left = match store {
            Some(_) => lock(&self.0.left).remove(name).unwrap_or_default(),
            None => Left::default(),
        };
        let counts = self.0.counts.of(name);
        let events = Events::new(name, plan, backend, store, Arc::clone(numbers), counts, left);
        lock(&self.0.started).insert(name.to_owned(), events.clone());
        events
    }

    /// The outbox of this route.
    pub(crate) fn find(&self, name: &str) -> Option<Events> {
        lock(&self.0.started).get(name).cloned()
    }

    /// All of them, by the names of their routes.
    pub(crate) fn list(&self) -> Vec<Events> {
        lock(&self.0.started).values().cloned().collect()
    }

    /// Says what is left of routes that keep nothing any more. It stays in the store.
    pub(crate) fn warn_of_unclaimed(&self) {
        for (route, left) in lock(&self.0.left).drain() {
            let (events, sessions) = (left.events.len(), left.sessions.len());
            warn!(route, events, sessions, "the store has events of a route that keeps none");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The last number that was used.
fn counter(store: &Store) -> Result<u64, StoreError> {
    let Some(bytes) = store.get(Space::Counters, COUNTER)? else { return Ok(0) };
    let bytes = bytes.try_into().map_err(|_| not_understood(store))?;
    Ok(u64::from_be_bytes(bytes))
}

fn read(store: &Store) -> Result<HashMap<String, Left>, StoreError> {
    let mut left: HashMap<String, Left> = HashMap::new();
    for (outbox, number, event) in entries(store, Space::Events)? {
        left.entry(outbox).or_default().events.push((number, event));
    }
    for (outbox, number, dead) in entries(store, Space::DeadEvents)? {
        left.entry(outbox).or_default().dead.push((number, dead));
    }
    for (outbox, number, session) in entries(store, Space::Sessions)? {
        left.entry(outbox).or_default().sessions.push((number, session));
    }
    Ok(left)
}

fn entries<T: DeserializeOwned>(
    store: &Store,
    space: Space,
) -> Result<Vec<(String, u64, T)>, StoreError> {
    let understood = |(key, value): (Vec<u8>, Vec<u8>)| {
        let (outbox, number) = keys::parse(&key)?;
        Some((outbox.to_owned(), number, serde_json::from_slice(&value).ok()?))
    };
    let entries = store.scan(space, b"")?.into_iter();
    entries.map(|entry| understood(entry).ok_or_else(|| not_understood(store))).collect()
}

fn not_understood(store: &Store) -> StoreError {
    store.corrupt("an entry of the events cannot be understood")
}

impl fmt::Debug for Outboxes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(lock(&self.0.started).keys()).finish()
    }
}
