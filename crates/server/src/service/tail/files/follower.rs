//! One name, and the files that it has been one after the other.
//!
//! ```text
//!            the name is another file          silent for RETIRED_FOR
//! current ───────────────────────────▶ retired ─────────────────────▶ its mark is kept
//! ```
//!
//! Whoever writes to a file goes on for a while after it was renamed: so the old one is read on
//! beside the new one, and nothing that is written meanwhile is lost.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::opened::{Begin, Mark, Opened};
use super::root::{Id, Root, reason};
use super::watch::Wake;
use crate::source::Line;

/// How long a file without its name is read after something was last written to it.
const RETIRED_FOR: Duration = Duration::from_secs(10);

/// Most files that one name has had and that are still read.
const MAX_RETIRED: usize = 4;

/// Follows one name.
#[derive(Debug)]
pub(super) struct Follower {
    name: Arc<str>,
    path: PathBuf,
    /// Whether it is missed when it is not there.
    is_fixed: bool,
    current: Option<Opened>,
    /// The oldest first, and when each was last written to.
    retired: VecDeque<(Opened, Instant)>,
    /// Since when the name is nothing that is read.
    gone_since: Option<Instant>,
    /// Whether what it finds was there before anybody looked.
    is_old: bool,
    /// How often the system told that something came that has the name, and how often that is
    /// accounted for: read, or said why it is not.
    told: u64,
    accounted: u64,
}

/// What a follower has seen, in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Gap(&'static str),
    Lines(Vec<Line>),
    Trouble(&'static str),
    Well,
}

/// Where a follower looks, and the bounds of it.
pub(super) struct Looking<'a> {
    pub(super) root: &'a Root,
    pub(super) now: Instant,
    /// Most lines, and bytes, of a file that was there before anybody looked.
    pub(super) last: (usize, u64),
    pub(super) max_line_bytes: usize,
    pub(super) wake: &'a Wake,
    /// Bytes that may still be read in this look.
    pub(super) left: &'a mut usize,
    /// The files that are read, under whatever name.
    pub(super) active: &'a mut HashSet<Id>,
    /// How far files were read that are read no more.
    pub(super) known: &'a mut HashMap<Id, Mark>,
}

/// Bytes of one name in one look.
const LOOK_BYTES: usize = 128 << 10;

impl Follower {
    /// Follows a name; of a file that is old only the last lines are read.
    pub(super) const fn new(name: Arc<str>, path: PathBuf, is_fixed: bool, is_old: bool) -> Self {
        Self {
            name,
            path,
            is_fixed,
            current: None,
            retired: VecDeque::new(),
            gone_since: None,
            is_old,
            told: 0,
            accounted: 0,
        }
    }

    pub(super) const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The files it reads, under whatever names these have now.
    pub(super) fn ids(&self) -> impl Iterator<Item = Id> {
        self.opened().map(Opened::id)
    }

    /// Whether the name is gone, and nothing of it is read any more.
    pub(super) fn is_over(&self) -> bool {
        self.gone_since.is_some() && self.opened().next().is_none()
    }

    /// Whether what is read has its name.
    pub(super) fn is_settled(&self) -> bool {
        self.current.is_some() && self.retired.is_empty() && self.gone_since.is_none()
    }

    fn opened(&self) -> impl Iterator<Item = &Opened> {
        self.retired.iter().map(|(opened, _)| opened).chain(&self.current)
    }

    /// Reads what is new. Whether there may be more at once.
    pub(super) fn look(&mut self, looking: &mut Looking<'_>, seen: &mut Vec<Seen>) -> bool {
        // What was written before a rotation comes before what was written after it.
        if self.look_at_retired(looking, seen) {
            return true;
        }
        // Asked before the name is looked at: what comes later is counted by the next look.
        if self.is_fixed {
            self.told = looking.wake.changes(&looking.root.path_of(&self.path));
        }
        let has_more = match &mut self.current {
            None => false,
            Some(current) => match read(current, looking, seen) {
                Ok(has_more) => has_more,
                Err(error) => {
                    seen.push(Seen::Trouble(reason(&error)));
                    self.retire(looking);
                    false
                }
            },
        };
        if has_more {
            return true;
        }
        let has_more = match looking.root.hint(&self.path).map(|hint| hint.id) {
            Ok(id) if self.current.as_ref().is_some_and(|current| current.id() == id) => {
                self.gone_since = None;
                false
            }
            // It was renamed to this, and is read as what it was.
            Ok(id) if looking.active.contains(&id) => {
                self.miss(looking);
                false
            }
            Ok(_) => self.take(looking, seen),
            Err(error) => self.fail(&error, looking, seen),
        };
        if self.current.is_some() && self.told > self.accounted {
            self.accounted = self.told;
            seen.push(Seen::Gap(
                "the file was another one between two looks: lines may be missing",
            ));
        }
        has_more
    }

    /// The name is a file that is not the current one.
    fn take(&mut self, looking: &mut Looking<'_>, seen: &mut Vec<Seen>) -> bool {
        let opened = looking.root.file(&self.path).and_then(|file| {
            let id = Id::of(&file.metadata()?);
            let (lines, bytes) = looking.last;
            let from = match looking.known.get(&id) {
                None if self.is_old => Begin::End { lines, bytes },
                mark => Begin::Mark(mark),
            };
            Opened::new(file, from, looking.max_line_bytes)
        });
        match opened {
            Ok(opened) => {
                self.retire(looking);
                // What was there before was not told.
                self.accounted += u64::from(!self.is_old);
                (self.gone_since, self.is_old) = (None, false);
                looking.known.remove(&opened.id());
                looking.active.insert(opened.id());
                self.current = Some(opened);
                seen.push(Seen::Well);
                true
            }
            Err(error) => self.fail(&error, looking, seen),
        }
    }

    fn fail(&mut self, error: &io::Error, looking: &Looking<'_>, seen: &mut Vec<Seen>) -> bool {
        let is_missing = error.kind() == io::ErrorKind::NotFound;
        // In a rotation it is not there for a moment.
        if !is_missing || self.is_fixed && (self.is_old || self.is_long_gone(looking)) {
            seen.push(Seen::Trouble(reason(error)));
        }
        if is_missing {
            // What comes later is new.
            self.is_old = false;
        } else {
            self.accounted = self.accounted.max(self.told);
        }
        self.miss(looking);
        false
    }

    fn is_long_gone(&self, looking: &Looking<'_>) -> bool {
        let gone_for = |since| looking.now.duration_since(since);
        self.gone_since.is_some_and(|since| gone_for(since) >= RETIRED_FOR)
    }

    /// The name is nothing that could be read. What it was is read on for a while.
    fn miss(&mut self, looking: &Looking<'_>) {
        self.gone_since.get_or_insert(looking.now);
        // One that was only renamed may come back, and is read until another has its name.
        if self.is_long_gone(looking)
            || self.current.as_ref().is_some_and(|current| !current.has_name())
        {
            self.retire(looking);
        }
    }

    fn retire(&mut self, looking: &Looking<'_>) {
        if let Some(current) = self.current.take() {
            self.retired.push_back((current, looking.now));
        }
    }

    /// Reads what is new of the files that had the name. Whether there may be more at once.
    fn look_at_retired(&mut self, looking: &mut Looking<'_>, seen: &mut Vec<Seen>) -> bool {
        let mut has_any_more = false;
        let too_many = self.retired.len().saturating_sub(MAX_RETIRED);
        for at in 0..self.retired.len() {
            let (opened, last) = &mut self.retired[at];
            let offset = opened.mark().offset();
            let has_more = read(opened, looking, seen).unwrap_or(false);
            has_any_more |= has_more;
            if opened.mark().offset() != offset {
                *last = looking.now;
            }
            if at < too_many && !has_more {
                *last = looking.now.checked_sub(RETIRED_FOR).unwrap_or(*last);
            }
        }
        let (over, retired): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.retired)
            .into_iter()
            .partition(|(_, last)| looking.now.duration_since(*last) >= RETIRED_FOR);
        self.retired = retired;
        for (opened, _) in over {
            let has_name = opened.has_name();
            let (rest, id, mark) = opened.finish();
            seen.extend(rest.map(|line| Seen::Lines(vec![line])));
            if has_name {
                looking.known.insert(id, mark);
            }
        }
        has_any_more
    }
}

/// Reads a file; whether there may be more.
fn read(opened: &mut Opened, looking: &mut Looking<'_>, seen: &mut Vec<Seen>) -> io::Result<bool> {
    let most = LOOK_BYTES.min(*looking.left);
    let mut lines = Vec::new();
    let look = opened.read(most, &mut lines)?;
    *looking.left -= look.bytes.min(*looking.left);
    if !lines.is_empty() {
        seen.push(Seen::Lines(lines));
    }
    if look.is_anew {
        seen.push(Seen::Gap("the file was shortened: what was not read by then is lost"));
    }
    Ok(look.is_anew || look.bytes >= most)
}
