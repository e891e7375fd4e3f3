//! Being woken when something happens in a folder, where the file system tells.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify::event::{EventKind, ModifyKind, RenameMode};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tracing::warn;

use super::root::Id;

/// Wakes the reader.
#[derive(Debug, Default)]
pub(super) struct Wake {
    notify: Notify,
    /// Whether a name came or went since the last look.
    has_names: AtomicBool,
    /// Whether what is written to other paths than the counted ones wakes nobody.
    is_choosy: AtomicBool,
    /// How often each of these paths has come.
    changes: Mutex<HashMap<PathBuf, u64>>,
}

/// The folders in which something may happen. Without a watcher there is the slow look.
#[derive(Debug)]
pub(super) struct Watch {
    watcher: Option<RecommendedWatcher>,
    folders: HashMap<PathBuf, Id>,
    has_warned: bool,
}

impl Wake {
    /// Becomes ready once something has happened since the last call.
    pub(super) async fn woken(&self) {
        self.notify.notified().await;
    }

    /// Whether a name came or went since the last call.
    pub(super) fn take_names(&self) -> bool {
        self.has_names.swap(false, Ordering::Relaxed)
    }

    /// Whether what is written to paths that are not counted is nothing to wake for: a folder may
    /// have other files that are written all the time.
    pub(super) fn set_choosy(&self, is_choosy: bool) {
        self.is_choosy.store(is_choosy, Ordering::Relaxed);
    }

    /// From now on it is counted how often this path comes.
    pub(super) fn count(&self, path: PathBuf) {
        self.counted().entry(path).or_default();
    }

    /// How often the path has come, made or renamed to.
    pub(super) fn changes(&self, path: &Path) -> u64 {
        self.counted().get(path).copied().unwrap_or_default()
    }

    fn counted(&self) -> MutexGuard<'_, HashMap<PathBuf, u64>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: notify::Result<Event>) {
        match event {
            // Looking causes these itself.
            Ok(Event { kind: EventKind::Access(_), .. }) => return,
            Ok(Event { kind: EventKind::Modify(kind), paths, .. })
                if !matches!(kind, ModifyKind::Name(_)) =>
            {
                let counted = self.counted();
                if self.is_choosy.load(Ordering::Relaxed)
                    && paths.iter().all(|path| !counted.contains_key(path))
                {
                    return;
                }
            }
            Ok(Event { kind, paths, .. }) => {
                if is_arrival(kind) {
                    let mut counted = self.counted();
                    for path in paths {
                        counted.entry(path).and_modify(|changes| *changes += 1);
                    }
                }
                self.has_names.store(true, Ordering::Relaxed);
            }
            Err(_) => self.has_names.store(true, Ordering::Relaxed),
        }
        self.notify.notify_one();
    }
}

/// Whether a name is there that was not, or is another file now.
const fn is_arrival(kind: EventKind) -> bool {
    matches!(kind, EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(RenameMode::To)))
}

impl Watch {
    pub(super) fn new(wake: &Arc<Wake>) -> Self {
        let wake = Arc::clone(wake);
        let watcher = notify::recommended_watcher(move |event| wake.tell(event));
        let watcher = watcher.inspect_err(|error| {
            warn!(%error, "folders cannot be watched: they are looked at now and then (poll_every)");
        });
        Self { watcher: watcher.ok(), folders: HashMap::new(), has_warned: false }
    }

    /// Watches these folders, and no others. One that cannot be is looked at slowly.
    pub(super) fn set(&mut self, folders: &BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else { return };
        let now: HashMap<_, _> = folders
            .iter()
            .filter_map(|path| Some((path.clone(), Id::of(&fs::metadata(path).ok()?))))
            .collect();
        let is_other = |path: &PathBuf, id: &Id| now.get(path) != Some(id);
        for (path, _) in self.folders.extract_if(|path, id| is_other(path, id)) {
            // Of a folder that is gone the system has forgotten it already.
            let _ = watcher.unwatch(&path);
        }
        for (path, id) in now {
            if self.folders.contains_key(&path) {
                continue;
            }
            match watcher.watch(&path, RecursiveMode::NonRecursive) {
                Ok(()) => drop(self.folders.insert(path, id)),
                // Once: with the limit of the system reached, it is so for each, and at each look.
                Err(error) if !std::mem::replace(&mut self.has_warned, true) => {
                    warn!(%error, "a folder cannot be watched: it is looked at now and then (poll_every)");
                }
                Err(_) => {}
            }
        }
    }
}
