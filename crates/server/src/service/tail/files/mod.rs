//! Files of this machine, followed through rotation, truncation and being made anew.

mod follower;
mod opened;
mod pattern;
mod root;
mod watch;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use tracing::warn;

use self::follower::{Follower, Looking, Seen};
use self::opened::Mark;
pub(crate) use self::pattern::{Pattern, split};
use self::root::{Id, Root, reason};
use self::watch::{Wake, Watch};
use crate::source::{ALL, Feed, Reader};

/// Which files are followed, and the bounds of it.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// What those who look know it by; of a pattern with wildcards, what stands in front of the path
    /// of each file, if anything does.
    pub(crate) name: Option<Arc<str>>,
    /// The folder that nothing leads out of.
    pub(crate) root: PathBuf,
    pub(crate) pattern: Pattern,
    /// Most lines, and bytes, that are read of a file that is there already.
    pub(crate) last: (usize, u64),
    pub(crate) max_line_bytes: usize,
    /// Most files of a pattern with wildcards.
    pub(crate) max_files: usize,
    /// How often is looked where the file system does not tell.
    pub(crate) poll_every: Duration,
}

/// Follows files.
#[derive(Debug)]
pub(crate) struct Files(Plan);

/// What is followed now. It blocks: it is for a thread that may.
#[derive(Debug)]
struct Followed {
    plan: Plan,
    root: Option<Root>,
    watch: Watch,
    wake: Arc<Wake>,
    followers: BTreeMap<PathBuf, Follower>,
    /// How far files were read that are read no more, while they have a name that matches.
    known: HashMap<Id, Mark>,
    /// Where the next look begins, so that no file keeps the others from being read.
    next: usize,
    has_warned: bool,
    /// Whether a name is a link, and what it leads to has another one.
    is_link: bool,
}

/// What one look gave.
#[derive(Debug, Default)]
struct Gave {
    /// All names, where they are others than before.
    names: Option<Vec<Arc<str>>>,
    seen: Vec<(Arc<str>, Seen)>,
    /// Whether there may be more at once.
    has_more: bool,
}

/// Bytes of one look.
const LOOK_BYTES: usize = 512 << 10;

/// Time between two looks, so that lines that come together are said together.
const PAUSE: Duration = Duration::from_millis(5);

impl Files {
    pub(crate) const fn new(plan: Plan) -> Self {
        Self(plan)
    }
}

impl Reader for Files {
    fn read(self: Arc<Self>, feed: Feed) -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async move {
            let wake = Arc::new(Wake::default());
            let (plan, watch) = (self.0.clone(), Watch::new(&wake));
            let mut followed = Followed::new(plan, watch, &wake);
            let mut search_at = Instant::now();
            loop {
                let looks_for_names = wake.take_names() || search_at <= Instant::now();
                if looks_for_names {
                    search_at = Instant::now() + self.0.poll_every;
                }
                let looked = spawn_blocking(move || {
                    let gave = followed.look(looks_for_names);
                    (followed, gave)
                });
                // Where it panicked, or the server has ended, there is nothing more to read.
                let Ok((back, gave)) = looked.await else { return };
                followed = back;
                let has_more = gave.has_more;
                say(&feed, gave).await;
                if !has_more {
                    sleep(PAUSE).await;
                    // Woken or not, it is looked; and for names in time, however much happens.
                    let left = search_at.saturating_duration_since(Instant::now());
                    let _ = timeout(left, wake.woken()).await;
                }
            }
        })
    }
}

async fn say(feed: &Feed, gave: Gave) {
    if let Some(names) = &gave.names {
        feed.set_names(names);
    }
    for (name, seen) in gave.seen {
        match seen {
            Seen::Gap(reason) => feed.gap(&name, reason),
            Seen::Lines(lines) => feed.say(&name, &lines).await,
            Seen::Trouble(reason) => feed.trouble(&name, reason),
            Seen::Well => feed.well(&name),
        }
    }
}

impl Followed {
    fn new(plan: Plan, watch: Watch, wake: &Arc<Wake>) -> Self {
        Self {
            plan,
            root: None,
            watch,
            wake: Arc::clone(wake),
            followers: BTreeMap::new(),
            known: HashMap::new(),
            next: 0,
            has_warned: false,
            is_link: false,
        }
    }

    /// Reads what is new, of files that are new as well where names are looked for.
    fn look(&mut self, looks_for_names: bool) -> Gave {
        let mut gave = Gave::default();
        let is_first = self.root.is_none();
        if looks_for_names || is_first {
            self.open_root(&mut gave);
            let names = self.look_for_names(is_first);
            gave.names = gave.names.or(names);
        }
        let Some(root) = &self.root else { return gave };
        let mut active: HashSet<Id> = self.followers.values().flat_map(Follower::ids).collect();
        let mut left = LOOK_BYTES;
        let mut looking = Looking {
            root,
            now: Instant::now(),
            last: self.plan.last,
            max_line_bytes: self.plan.max_line_bytes,
            wake: &self.wake,
            left: &mut left,
            active: &mut active,
            known: &mut self.known,
        };
        let count = self.followers.len();
        let (before, after): (Vec<_>, Vec<_>) = self
            .followers
            .values_mut()
            .enumerate()
            .partition(|(at, _)| *at < self.next % count.max(1));
        for (at, follower) in after.into_iter().chain(before) {
            let mut seen = Vec::new();
            gave.has_more |= follower.look(&mut looking, &mut seen);
            gave.seen.extend(seen.into_iter().map(|seen| (Arc::clone(follower.name()), seen)));
            if *looking.left == 0 {
                // Those that were looked at come last in the next look.
                self.next = at + 1;
                gave.has_more = true;
                break;
            }
        }
        // What is read has the name that is counted, and no other one.
        let is_settled = !self.is_link && self.followers.values().all(Follower::is_settled);
        self.wake.set_choosy(self.plan.pattern.as_path().is_some() && is_settled);
        gave
    }

    /// Opens the folder, which may be another than before.
    fn open_root(&mut self, gave: &mut Gave) {
        match Root::open(&self.plan.root) {
            Ok(root) => self.root = Some(root),
            // Where it is gone, what was in it is read to its end.
            Err(_) if self.root.is_some() => {}
            Err(error) => {
                let name = self.fixed_name().unwrap_or_else(|| ALL.into());
                gave.names = Some(vec![Arc::clone(&name)]);
                gave.seen.push((name, Seen::Trouble(reason(&error))));
            }
        }
    }

    /// Finds the files that are meant now; the names, where they are others than before.
    fn look_for_names(&mut self, is_first: bool) -> Option<Vec<Arc<str>>> {
        let root = self.root.as_ref()?;
        let found = self.plan.pattern.find(root, self.plan.max_files);
        if found.has_more && !std::mem::replace(&mut self.has_warned, true) {
            warn!(max_files = self.plan.max_files, "more files match than are followed");
        }
        let folders: BTreeSet<_> = found.folders.iter().map(|path| root.path_of(path)).collect();
        self.watch.set(&folders);
        let active: HashSet<Id> = self.followers.values().flat_map(Follower::ids).collect();
        let before = self.followers.len();
        let is_fixed = self.plan.pattern.as_path().is_some();
        let mut here = HashSet::new();
        let mut has_new = is_first;
        self.is_link = found.paths.iter().any(|path| root.path_of(path).is_symlink());
        for path in found.paths {
            let hint = root.hint(&path).ok();
            // A folder that matches is not meant.
            if !is_fixed && hint.is_some_and(|hint| hint.is_folder) {
                continue;
            }
            let id = hint.map(|hint| hint.id);
            here.extend(id);
            let is_read = id.is_none_or(|id| active.contains(&id));
            // What was renamed to a name that matches, too, is read as what it was.
            if self.followers.contains_key(&path) || is_read && !is_fixed {
                continue;
            }
            let name = self.name_of(&path);
            // Of others, what had the name in between is found under its next one.
            if is_fixed {
                self.wake.count(root.path_of(&path));
            }
            let follower = Follower::new(name, path.clone(), is_fixed, is_first);
            self.followers.insert(path, follower);
            has_new = true;
        }
        self.followers.retain(|_, follower| is_fixed || !follower.is_over());
        self.known.retain(|id, _| here.contains(id));
        let is_news = has_new || self.followers.len() != before;
        is_news.then(|| self.followers.values().map(|it| Arc::clone(it.name())).collect())
    }

    fn fixed_name(&self) -> Option<Arc<str>> {
        let path = self.plan.pattern.as_path()?;
        Some(self.name_of(&path))
    }

    fn name_of(&self, path: &Path) -> Arc<str> {
        let path = path.display();
        match (&self.plan.name, self.plan.pattern.as_path()) {
            (Some(name), Some(_)) => Arc::clone(name),
            (Some(name), None) => format!("{name}/{path}").into(),
            (None, _) => path.to_string().into(),
        }
    }
}

#[cfg(test)]
mod tests;
