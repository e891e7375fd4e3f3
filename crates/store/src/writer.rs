//! The one thread that writes: what waits is committed together and waited for once.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use fjall::PersistMode;
use rustix::fs::statvfs;
use tracing::field::display;
use tracing::{error, info};

use super::batch::{Batch, Space};
use super::error::StoreError;
use super::tally::{self, Tally};
use super::{Counts, Room, Spaces};

/// Most bytes in one commit, the last batch on top of them.
const MAX_COMMIT_BYTES: usize = 1 << 20;

/// Called once a batch is on disk, or is not.
pub(super) type Done = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A batch that waits.
pub(super) struct Order {
    pub(super) batch: Batch,
    /// Held until it is written.
    pub(super) room: Option<Room>,
    pub(super) done: Done,
}

/// The thread, which ends when this is dropped and everything is written.
pub(super) struct Writer {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
    path: PathBuf,
}

/// What the thread has.
struct Work {
    path: PathBuf,
    spaces: Arc<Spaces>,
    tally: Tally,
    /// Bytes of the disk that are left free.
    kept: Arc<AtomicU64>,
    counts: Counts,
    /// Whether the last commit failed, so that a failure is told once.
    has_failed: bool,
}

impl Writer {
    pub(super) fn start(
        path: &Path,
        spaces: Arc<Spaces>,
        tally: Tally,
        kept: Arc<AtomicU64>,
        counts: Counts,
    ) -> Result<Self, StoreError> {
        let (orders, waiting) = channel();
        let path = path.to_owned();
        let mut work = Work { path: path.clone(), spaces, tally, kept, counts, has_failed: false };
        let thread = thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || work.run(&waiting))
            .map_err(|error| StoreError::io(path.clone(), error))?;
        Ok(Self { orders: Some(orders), thread: Some(thread), path })
    }

    /// Queues an order behind those that wait. Without the thread nobody is told any more.
    pub(super) fn order(&self, order: Order) {
        let orders = self.orders.as_ref().expect("it is there until this is dropped");
        if orders.send(order).is_err() {
            error!(path = %self.path.display(), "the store's writer has ended");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.orders = None;
        let Some(thread) = self.thread.take() else { return };
        // The last clone may go where a batch is told to be done: on the thread itself.
        if thread.thread().id() != thread::current().id() && thread.join().is_err() {
            error!(path = %self.path.display(), "the store's writer panicked");
        }
    }
}

impl Work {
    fn run(&mut self, waiting: &Receiver<Order>) {
        while let Ok(first) = waiting.recv() {
            let mut bytes = first.batch.bytes();
            let mut group = vec![first];
            while bytes < MAX_COMMIT_BYTES
                && let Ok(order) = waiting.try_recv()
            {
                bytes += order.batch.bytes();
                group.push(order);
            }
            self.write(group);
        }
    }

    fn write(&mut self, group: Vec<Order>) {
        let mut group = self.refuse_the_impossible(group);
        let changes: Vec<Batch> =
            group.iter_mut().map(|order| std::mem::take(&mut order.batch)).collect();
        let batches = changes.len() as u64;
        let bytes: usize = changes.iter().map(Batch::bytes).sum();
        let result = self.commit(changes);
        match &result {
            Ok(()) => {
                self.counts.batches.inc_by(batches);
                self.counts.bytes.inc_by(bytes as u64);
            }
            Err(_) => _ = self.counts.failures.inc_by(batches),
        }
        self.tell(&result);
        for Order { room, done, .. } in group {
            drop(room);
            done(result.clone());
        }
    }

    /// What the database cannot have fails alone, and not with what others write.
    fn refuse_the_impossible(&self, group: Vec<Order>) -> Vec<Order> {
        let possible = |order: Order| match order.batch.check() {
            Ok(()) => Some(order),
            Err(error) => {
                (order.done)(Err(error));
                None
            }
        };
        group.into_iter().filter_map(possible).collect()
    }

    fn commit(&mut self, batches: Vec<Batch>) -> Result<(), StoreError> {
        if batches.iter().all(Batch::is_empty) {
            return Ok(());
        }
        let mut commit = self.spaces.database.batch().durability(Some(PersistMode::SyncData));
        for change in batches.into_iter().flat_map(|batch| batch.changes) {
            let keyspace = self.spaces.keyspace(change.space);
            match change.value {
                Some(value) => commit.insert(keyspace, change.key, value),
                None => commit.remove(keyspace, change.key),
            }
        }
        self.check_free()?;
        let number = self.tally.next().to_be_bytes();
        commit.insert(self.spaces.keyspace(Space::Counters), tally::KEY, number);
        commit.commit().map_err(|error| StoreError::new(&self.path, error))?;
        self.tally.tell();
        self.counts.syncs.inc();
        Ok(())
    }

    /// Nothing is begun that might not fit: a write that fails half way costs the store its word.
    fn check_free(&self) -> Result<(), StoreError> {
        let system =
            statvfs(&self.path).map_err(|error| StoreError::io(self.path.clone(), error.into()))?;
        let free = system.f_bavail.saturating_mul(system.f_frsize);
        let kept = self.kept.load(Ordering::SeqCst);
        if free < kept {
            return Err(StoreError::Full { path: self.path.clone(), free, kept });
        }
        Ok(())
    }

    /// Logs the first failure, and the first success after it.
    fn tell(&mut self, result: &Result<(), StoreError>) {
        match result {
            Err(error) if !self.has_failed => {
                let cause = error.source().map(display);
                error!(%error, cause, "nothing is stored");
            }
            Ok(()) if self.has_failed => info!(path = %self.path.display(), "it is stored again"),
            _ => {}
        }
        self.has_failed = result.is_err();
    }
}
