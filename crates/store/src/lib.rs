//! The one place for all that is durable: a folder with ordered keys, which one process has.
//!
//! ```text
//! write ─▶ room for its bytes ─▶ the writer's thread ─▶ one commit and one fsync for all
//!          (waits while full)                           that came meanwhile ─▶ each is told
//! ```
//!
//! Batches are written in the order in which they were handed over; each is there whole or not at
//! all, also after a kill or a loss of power. What is read is what was handed over and written.

mod batch;
mod error;
mod format;
mod tally;
mod writer;

#[cfg(test)]
mod killed;
#[cfg(any(test, feature = "testing"))]
mod scratch;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use fjall::{Database, Keyspace, KeyspaceCreateOptions};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

pub use batch::{Batch, Space};
pub use error::StoreError;
#[cfg(any(test, feature = "testing"))]
pub use scratch::Scratch;

use self::tally::Tally;
use self::writer::{Order, Writer};

/// Most bytes that wait to be written; a writer beyond it waits.
const MAX_WAITING_BYTES: usize = 16 << 20;

/// Memory for blocks that were read.
const CACHE_BYTES: u64 = 4 << 20;

/// Newest entries of a space that are in memory as well, in bytes.
const MEMTABLE_BYTES: u64 = 4 << 20;

/// Most bytes of journal on disk beside the tables.
const JOURNAL_BYTES: u64 = 64 << 20;

/// What outlives the process. Cloning it is cheap; the folder is let go with the last clone.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    /// Before the spaces, so that the thread has ended when they are let go.
    writer: Writer,
    spaces: Arc<Spaces>,
    room: Arc<Semaphore>,
    counts: Counts,
    #[cfg_attr(
        not(any(test, feature = "testing")),
        expect(dead_code, reason = "only tests change it while it runs")
    )]
    kept: Arc<AtomicU64>,
    path: PathBuf,
}

/// The spaces of a database, each where its name says.
struct Spaces {
    database: Database,
    keyspaces: Vec<Keyspace>,
}

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// Room among what waits to be written.
pub type Room = OwnedSemaphorePermit;

/// What is counted of the writing.
#[derive(Clone, Debug, Default)]
struct Counts {
    batches: Counter,
    bytes: Counter,
    failures: Counter,
    syncs: Counter,
}

impl Store {
    /// Opens the store in a folder, and makes it where there is none. Nothing is written while fewer
    /// bytes of the disk are free than `min_free_bytes`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the folder cannot be used, another process has it, or what is in it
    /// cannot be understood, or is of another version.
    pub fn open(path: &Path, min_free_bytes: u64) -> Result<Self, StoreError> {
        let spaces = Arc::new(Spaces::open(path).map_err(|error| StoreError::new(path, error))?);
        format::check(path, &spaces)?;
        let counts = Counts::default();
        let kept = Arc::new(AtomicU64::new(min_free_bytes));
        let tally = Tally::open(path, &spaces)?;
        let (ours, theirs) = (Arc::clone(&spaces), Arc::clone(&kept));
        let writer = Writer::start(path, ours, tally, theirs, counts.clone())?;
        let room = Arc::new(Semaphore::new(MAX_WAITING_BYTES));
        Ok(Self(Arc::new(Inner { writer, spaces, room, counts, kept, path: path.to_owned() })))
    }

    /// Leaves so much of the disk free from now on.
    #[cfg(any(test, feature = "testing"))]
    pub fn keep_free(&self, bytes: u64) {
        self.0.kept.store(bytes, std::sync::atomic::Ordering::SeqCst);
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Writes a batch; done once it is on disk.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it is not: then nothing of it is there.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, the batch is written or not, but never in part.
    pub async fn write(&self, batch: Batch) -> Result<(), StoreError> {
        let room = self.room(batch.bytes()).await;
        self.hand_over(room, batch).await
    }

    /// Hands a batch over at once, as [`submit`](Self::submit) does; done once it is on disk.
    pub fn hand_over(
        &self,
        room: Room,
        batch: Batch,
    ) -> impl Future<Output = Result<(), StoreError>> {
        let (done, is_done) = oneshot::channel();
        // Whoever has stopped waiting does not want to know.
        self.submit(Some(room), batch, move |result| _ = done.send(result));
        async move { is_done.await.unwrap_or_else(|_| Err(self.closed())) }
    }

    /// Waits until there is room for a batch of so many bytes, which may then be
    /// [handed over](Self::submit) without waiting.
    pub async fn room(&self, bytes: usize) -> Room {
        let bytes = bytes.clamp(1, MAX_WAITING_BYTES) as u32;
        let room = Arc::clone(&self.0.room).acquire_many_owned(bytes).await;
        room.expect("the semaphore is never closed")
    }

    /// Waits until whatever was handed over before is written, or could not be.
    ///
    /// # Errors
    ///
    /// [`StoreError::Closed`]: then nobody knows.
    pub async fn settled(&self) -> Result<(), StoreError> {
        let room = self.room(1).await;
        let (done, is_done) = oneshot::channel();
        // Whoever has stopped waiting does not want to know.
        self.submit(Some(room), Batch::default(), move |_| _ = done.send(()));
        is_done.await.map_err(|_| self.closed())
    }

    /// Hands a batch over, with room for it where it may be one of many. Batches are written in the
    /// order of these calls; `done` is called on the writer's thread and must be brief, or dropped
    /// where the store is closed.
    pub fn submit(
        &self,
        room: Option<Room>,
        batch: Batch,
        done: impl FnOnce(Result<(), StoreError>) + Send + 'static,
    ) {
        self.0.writer.order(Order { batch, room, done: Box::new(done) });
    }

    /// All entries whose key begins so, in the order of their keys: for starting.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where they cannot be read.
    pub fn scan(&self, space: Space, prefix: &[u8]) -> Result<Vec<Entry>, StoreError> {
        let entries = self.0.spaces.keyspace(space).prefix(prefix).map(|entry| {
            let (key, value) = entry.into_inner()?;
            Ok((key.to_vec(), value.to_vec()))
        });
        entries.collect::<fjall::Result<_>>().map_err(|error| StoreError::new(self.path(), error))
    }

    /// One entry.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be read.
    pub fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.0.spaces.keyspace(space).get(key) {
            Ok(value) => Ok(value.map(|value| value.to_vec())),
            Err(error) => Err(StoreError::new(self.path(), error)),
        }
    }

    /// Shows what it counts, below `store`.
    pub fn register(&self, registry: &mut Registry) {
        let Counts { batches, bytes, failures, syncs } = self.0.counts.clone();
        let registry = registry.sub_registry_with_prefix("store");
        registry.register("batches", "Batches that are on disk", batches);
        registry.register("bytes", "Keys and values that are on disk", bytes);
        registry.register("failures", "Batches that could not be written", failures);
        registry.register("syncs", "Times the disk was waited for", syncs);
    }

    /// What is to be said of an entry that makes no sense.
    pub fn corrupt(&self, why: &'static str) -> StoreError {
        StoreError::corrupt(self.path(), why)
    }

    fn closed(&self) -> StoreError {
        StoreError::Closed { path: self.0.path.clone() }
    }
}

impl Spaces {
    fn open(path: &Path) -> fjall::Result<Self> {
        let database = Database::builder(path)
            .cache_size(CACHE_BYTES)
            .max_journaling_size(JOURNAL_BYTES)
            .manual_journal_persist(true)
            .worker_threads(1)
            .open()?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES);
        let open = |space: &Space| database.keyspace(space.name(), options);
        let keyspaces = Space::ALL.iter().map(open).collect::<fjall::Result<_>>()?;
        Ok(Self { database, keyspaces })
    }

    fn keyspace(&self, space: Space) -> &Keyspace {
        &self.keyspaces[space as usize]
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.0.path).finish_non_exhaustive()
    }
}
