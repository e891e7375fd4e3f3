//! What of the devices is on disk, where there is a store.
//!
//! Messages are written before their sender is answered. They are removed behind the back of whoever
//! took them, many at a time: a server that is killed in that moment may send a message twice, and
//! loses none.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tracing::error;

use super::Rules;
use super::device::Device;
use super::inbox::Waiting;
use super::record;
use crate::causes::Causes;
use crate::store::{Batch, Room, Space, Store, StoreError};

/// What an entry costs beside its device and its text.
const ENTRY_BYTES: usize = 200;

/// Most entries that are removed at a time.
const MAX_REMOVED: usize = 4_096;

/// What the last process has left of a route.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Devices, each with its user.
    pub(super) registrations: Vec<(String, Option<String>)>,
    /// Messages in order, each with its device.
    pub(super) messages: Vec<(String, Waiting)>,
}

#[derive(Debug)]
pub(super) struct Stored {
    store: Option<Store>,
    removals: Mutex<Vec<(Space, Vec<u8>)>>,
    has_removals: Notify,
}

impl Stored {
    /// With what the last process has left, by its routes.
    pub(super) fn open(store: Option<Store>) -> Result<(Self, HashMap<String, Left>), StoreError> {
        let mut left: HashMap<String, Left> = HashMap::new();
        if let Some(store) = &store {
            for (key, value) in store.scan(Space::Registrations, b"")? {
                match record::decode_registration(&key, &value) {
                    None => not_understood(),
                    Some((route, device, user)) => {
                        left.entry(route).or_default().registrations.push((device, user));
                    }
                }
            }
            for (key, value) in store.scan(Space::Inboxes, b"")? {
                match record::decode_message(&key, &value) {
                    None => not_understood(),
                    Some((route, device, waiting)) => {
                        left.entry(route).or_default().messages.push((device, waiting));
                    }
                }
            }
        }
        let (removals, has_removals) = (Mutex::default(), Notify::new());
        Ok((Self { store, removals, has_removals }, left))
    }

    /// Writes that a device is registered.
    pub(super) async fn register(
        &self,
        route: &str,
        device: &str,
        user: Option<&str>,
    ) -> Result<(), StoreError> {
        let Some(store) = &self.store else { return Ok(()) };
        let key = record::registration(route, device);
        // It may have been taken back a moment ago.
        self.removals()
            .retain(|(space, removed)| *space != Space::Registrations || *removed != key);
        let mut batch = Batch::default();
        batch.put(Space::Registrations, &key, &record::encode_registration(user));
        store.write(batch).await
    }

    /// Writes that it is not.
    pub(super) async fn unregister(&self, route: &str, device: &str) {
        let Some(store) = &self.store else { return };
        let mut batch = Batch::default();
        batch.remove(Space::Registrations, &record::registration(route, device));
        if let Err(error) = store.write(batch).await {
            error!(error = %Causes(&error), "a registration is not removed from the store");
        }
    }

    /// As [`unregister`](Self::unregister), some time soon.
    pub(super) fn unregistered(&self, rules: &Rules, device: &str) {
        if rules.is_durable {
            self.remove(Space::Registrations, record::registration(&rules.route, device));
        }
    }

    /// Whether a message for this device would be written now.
    pub(super) fn keeps(&self, device: &Device) -> bool {
        self.store.is_some() && device.rules.is_durable && device.keeps()
    }

    /// Room for a message among what waits to be written.
    pub(super) async fn room(&self, device: &str, len: usize) -> Option<Room> {
        let store = self.store.as_ref()?;
        Some(store.room(ENTRY_BYTES + device.len() + len).await)
    }

    /// What is to be written of a message.
    pub(super) fn message(route: &str, device: &str, waiting: &Waiting) -> Batch {
        let mut batch = Batch::default();
        let key = record::message(route, device, waiting.number);
        batch.put(Space::Inboxes, &key, &record::encode_message(waiting));
        batch
    }

    /// Has it written; `done` is told whether it was, on the store's own thread.
    pub(super) fn submit(
        &self,
        room: Room,
        batch: Batch,
        done: impl FnOnce(bool) + Send + 'static,
    ) {
        let Some(store) = &self.store else { return };
        store.submit(Some(room), batch, move |written| {
            if let Err(error) = &written {
                error!(error = %Causes(error), "a message is not stored");
            }
            done(written.is_ok());
        });
    }

    /// A message does not wait any more.
    pub(super) fn taken(&self, rules: &Rules, device: &str, waiting: &Waiting) {
        if waiting.is_written {
            self.remove_message(&rules.route, device, waiting.number);
        }
    }

    /// Removes a message some time soon.
    pub(super) fn remove_message(&self, route: &str, device: &str, number: u64) {
        self.remove(Space::Inboxes, record::message(route, device, number));
    }

    fn remove(&self, space: Space, key: Vec<u8>) {
        self.removals().push((space, key));
        self.has_removals.notify_one();
    }

    /// Removes what is to be removed, as it comes; for ever.
    pub(super) async fn remove_taken(&self) {
        let Some(store) = &self.store else { return };
        loop {
            let removals: Vec<_> = {
                let mut removals = self.removals();
                let count = removals.len().min(MAX_REMOVED);
                removals.drain(..count).collect()
            };
            if removals.is_empty() {
                self.has_removals.notified().await;
                continue;
            }
            let mut batch = Batch::default();
            for (space, key) in &removals {
                batch.remove(*space, key);
            }
            if let Err(error) = store.write(batch).await {
                error!(error = %Causes(&error), "what was delivered is not removed from the store");
            }
        }
    }

    pub(super) fn removals(&self) -> MutexGuard<'_, Vec<(Space, Vec<u8>)>> {
        self.removals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_understood() {
    error!("an entry of the store is not understood: it is left out");
}
