//! What of the devices is on disk, where there is a store.
//!
//! Whoever sends a message, registers or takes that back is answered once it is written. Messages
//! are removed behind the back of whoever took them, many at a time: a server that is killed in that
//! moment may send a message twice, and loses none.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;
use tracing::error;

use super::device::{Device, Registration};
use super::inbox::{Inbox, Kept, Waiting};
use super::left::Left;
use super::{Rules, lock, record};
use crate::causes::Causes;
use tieline_store::{Batch, Room, Space, Store, StoreError};

/// What an entry costs beside its device and its text.
const ENTRY_BYTES: usize = 200;

/// Most entries that are removed at a time.
const MAX_REMOVED: usize = 4_096;

/// The pause after entries could not be removed.
const REMOVED_AGAIN_AFTER: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Stored {
    store: Option<Store>,
    /// The keys of messages that do not wait any more: no more than there are on disk.
    removals: Mutex<Vec<Vec<u8>>>,
    has_removals: Notify,
}

impl Stored {
    /// With what the last process has left.
    pub(super) fn open(store: Option<Store>) -> Result<(Self, Left), StoreError> {
        let mut left = Left::default();
        if let Some(store) = &store {
            let not_understood = || store.corrupt("an entry of the devices cannot be understood");
            for (key, value) in store.scan(Space::Registrations, b"")? {
                let (route, device, user) =
                    record::decode_registration(&key, &value).ok_or_else(not_understood)?;
                left.add_device(route, device, user);
            }
            for (key, value) in store.scan(Space::Inboxes, b"")? {
                let (device, waiting) =
                    record::decode_message(&key, &value).ok_or_else(not_understood)?;
                left.add_message(device, waiting);
            }
        }
        let (removals, has_removals) = (Mutex::default(), Notify::new());
        Ok((Self { store, removals, has_removals }, left))
    }

    /// Whether what happens to the devices of these rules is written.
    pub(super) fn is_for(&self, rules: &Rules) -> bool {
        self.store.is_some() && rules.is_durable
    }

    /// Whether a message for this device would be written now.
    pub(super) fn keeps(&self, device: &Device) -> bool {
        self.is_for(&device.rules) && device.keeps()
    }

    /// Room for an entry among what waits to be written.
    pub(super) async fn room(&self, device: &str, len: usize) -> Option<Room> {
        let store = self.store.as_ref()?;
        Some(store.room(ENTRY_BYTES + device.len() + len).await)
    }

    /// Waits until whatever was handed over before is written, or could not be.
    pub(super) async fn settled(&self) -> Result<(), StoreError> {
        match &self.store {
            Some(store) => store.settled().await,
            None => Ok(()),
        }
    }

    /// What is to be written of a message.
    pub(super) fn message(device: &str, waiting: &Waiting) -> Batch {
        let mut batch = Batch::default();
        let key = record::message(&waiting.route, device, waiting.number);
        batch.put(Space::Inboxes, &key, &record::encode_message(waiting));
        batch
    }

    /// What is to be written where a device registers that may have been registered otherwise.
    pub(super) fn registered(
        device: &str,
        before: Option<&Registration>,
        now: &Registration,
    ) -> Batch {
        let mut batch = Batch::default();
        if let Some(before) = before {
            batch.remove(Space::Registrations, &record::registration(&before.route, device));
        }
        let key = record::registration(&now.route, device);
        batch.put(Space::Registrations, &key, &record::encode_registration(now.user.as_deref()));
        batch
    }

    /// What is to be removed where a device takes its registration back: that, and what waits.
    pub(super) fn unregistered(
        device: &str,
        before: Option<&Registration>,
        inbox: &Inbox,
    ) -> Batch {
        let mut batch = Batch::default();
        if let Some(before) = before {
            batch.remove(Space::Registrations, &record::registration(&before.route, device));
        }
        for waiting in inbox.iter().filter(|waiting| waiting.kept != Kept::InMemory) {
            let key = record::message(&waiting.route, device, waiting.number);
            batch.remove(Space::Inboxes, &key);
        }
        batch
    }

    /// Has it written; `done` is told what came of it, on the store's own thread.
    pub(super) fn submit(
        &self,
        room: Option<Room>,
        batch: Batch,
        done: impl FnOnce(Result<(), StoreError>) + Send + 'static,
    ) {
        if let Some(store) = &self.store {
            store.submit(room, batch, done);
        }
    }

    /// A message does not wait any more.
    pub(super) fn taken(&self, device: &str, waiting: &Waiting) {
        if waiting.kept == Kept::OnDisk {
            self.remove_message(&waiting.route, device, waiting.number);
        }
    }

    /// Removes a message some time soon.
    pub(super) fn remove_message(&self, route: &str, device: &str, number: u64) {
        self.removals().push(record::message(route, device, number));
        self.has_removals.notify_one();
    }

    /// Removes what is to be removed, as it comes; for ever.
    pub(super) async fn remove_taken(&self) {
        let Some(store) = &self.store else { return };
        loop {
            let bytes: usize = self.removals().iter().take(MAX_REMOVED).map(Vec::len).sum();
            if bytes == 0 {
                self.has_removals.notified().await;
                continue;
            }
            // Nothing is in nobody's hands: what is taken out below is handed over at once.
            let room = store.room(bytes).await;
            let removed: Vec<_> = {
                let mut removals = self.removals();
                let count = removals.len().min(MAX_REMOVED);
                removals.drain(..count).collect()
            };
            if let Err(error) = store.hand_over(room, without(&removed)).await {
                error!(error = %Causes(&error), "what was delivered is not removed from the store yet");
                self.removals().extend(removed);
                sleep(REMOVED_AGAIN_AFTER).await;
            }
        }
    }

    pub(super) fn removals(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        lock(&self.removals)
    }
}

/// After an orderly end nothing is delivered again.
impl Drop for Stored {
    fn drop(&mut self) {
        let removals = std::mem::take(&mut *self.removals());
        if let Some(store) = &self.store
            && !removals.is_empty()
        {
            store.submit(None, without(&removals), |written| {
                if let Err(error) = written {
                    error!(error = %Causes(&error), "what was delivered may be delivered again");
                }
            });
        }
    }
}

/// Removes these messages.
fn without(keys: &[Vec<u8>]) -> Batch {
    let mut batch = Batch::default();
    for key in keys {
        batch.remove(Space::Inboxes, key);
    }
    batch
}
