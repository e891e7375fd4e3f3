//! Being woken when something happens in a folder, where the file system tells.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::event::{EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tracing::debug;

use super::root::Id;

/// Wakes the reader.
#[derive(Debug, Default)]
pub(super) struct Wake {
    notify: Notify,
    /// Whether a name came or went since the last look.
    has_names: AtomicBool,
}

/// The folders in which something may happen. Without a watcher there is the slow look.
#[derive(Debug)]
pub(super) struct Watch {
    watcher: Option<RecommendedWatcher>,
    folders: HashMap<PathBuf, Id>,
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

    fn tell(&self, event: notify::Result<notify::Event>) {
        let is_only_size = match event.map(|event| event.kind) {
            // Looking causes these itself.
            Ok(EventKind::Access(_)) => return,
            Ok(EventKind::Modify(kind)) => !matches!(kind, ModifyKind::Name(_)),
            Ok(_) | Err(_) => false,
        };
        if !is_only_size {
            self.has_names.store(true, Ordering::Relaxed);
        }
        self.notify.notify_one();
    }
}

impl Watch {
    pub(super) fn new(wake: &Arc<Wake>) -> Self {
        let wake = Arc::clone(wake);
        let watcher = notify::recommended_watcher(move |event| wake.tell(event));
        let watcher = watcher.inspect_err(|error| debug!(%error, "folders are not watched"));
        Self { watcher: watcher.ok(), folders: HashMap::new() }
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
                Err(error) => debug!(%error, "a folder is not watched"),
            }
        }
    }
}
