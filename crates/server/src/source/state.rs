//! What the viewers of a source share, behind its turns.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tieline::Message;
use tokio::task::AbortHandle;

use super::filter::{Filter, FilterError};
use super::format::Format;
use super::line::Line;
use super::ring::{Keep, Ring};
use crate::peer::Remote;
use crate::peer_id::PeerId;

/// Most different filters: each is matched against each line.
const MAX_FILTERS: usize = 64;

/// Most messages that are said later because a worker did not keep up.
const MAX_OWED: usize = 64;

/// What was read, and who looks.
#[derive(Debug)]
pub(super) struct State {
    keep: Keep,
    named: BTreeMap<Arc<str>, Named>,
    groups: Vec<Group>,
    readers: Vec<AbortHandle>,
    /// What has to be said before anything else: a worker did not keep up when it was to be said.
    owed: VecDeque<Message>,
    /// All who look, with or without a filter.
    viewers: usize,
    /// How often reading has begun: what an earlier reader still says is not heard.
    era: u64,
}

/// What is known of one name.
#[derive(Debug)]
struct Named {
    /// The reader whose name it is.
    reader: usize,
    ring: Ring,
    /// Why nothing comes, where that is known.
    trouble: Option<String>,
}

/// Those who have the same filter.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) filter: Arc<Filter>,
    pub(super) viewers: Vec<Remote>,
}

impl State {
    pub(super) fn new(keep: Keep) -> Self {
        Self {
            keep,
            named: BTreeMap::new(),
            groups: Vec::new(),
            readers: Vec::new(),
            owed: VecDeque::new(),
            viewers: 0,
            era: 0,
        }
    }

    /// Counts one who comes; whether it is the first, and reading begins.
    pub(super) fn begin_viewer(&mut self) -> bool {
        self.viewers += 1;
        let is_first = self.viewers == 1;
        self.era += u64::from(is_first);
        is_first
    }

    /// Counts one who goes; with the last, reading ends and what was read is forgotten.
    pub(super) fn end_viewer(&mut self) {
        self.viewers -= 1;
        if self.viewers == 0 {
            self.readers.drain(..).for_each(|reader| reader.abort());
            self.named.clear();
            self.owed.clear();
        }
    }

    pub(super) const fn era(&self) -> u64 {
        self.era
    }

    /// Whether somebody looks at what is read since then.
    pub(super) const fn is_current(&self, era: u64) -> bool {
        self.era == era && self.viewers > 0
    }

    /// A reader runs.
    pub(super) fn reads(&mut self, reader: AbortHandle) {
        self.readers.push(reader);
    }

    /// The names that a reader has now; whether that is news.
    pub(super) fn set_names(&mut self, reader: usize, names: &[Arc<str>]) -> bool {
        let before = self.named.len();
        self.named.retain(|name, named| named.reader != reader || names.contains(name));
        let mut is_news = self.named.len() != before;
        for name in names {
            if !self.named.contains_key(name) {
                let named = Named { reader, ring: Ring::new(self.keep), trouble: None };
                self.named.insert(Arc::clone(name), named);
                is_news = true;
            }
        }
        is_news
    }

    /// All names.
    pub(super) fn names(&self) -> Vec<&str> {
        self.named.keys().map(|name| &**name).collect()
    }

    /// A line was said under a name.
    pub(super) fn push(&mut self, name: &str, line: Line) {
        if let Some(named) = self.named.get_mut(name) {
            named.trouble = None;
            named.ring.push(line);
        }
    }

    /// Why nothing comes under a name, or that there is no reason any more; whether that is news.
    pub(super) fn set_trouble(&mut self, name: &str, trouble: Option<&str>) -> bool {
        match self.named.get_mut(name) {
            Some(named) if named.trouble.as_deref() != trouble => {
                named.trouble = trouble.map(str::to_owned);
                true
            }
            _ => false,
        }
    }

    /// This is to be said before anything else.
    pub(super) fn owe(&mut self, message: Message) {
        self.owed.push_back(message);
        if self.owed.len() > MAX_OWED {
            self.owed.pop_front();
        }
    }

    /// The first of what has to be said.
    pub(super) fn owed(&self) -> Option<&Message> {
        self.owed.front()
    }

    /// The first of it was said.
    pub(super) fn pay(&mut self) {
        self.owed.pop_front();
    }

    /// What a newcomer is told.
    pub(super) fn what_was(&self, format: Format) -> Vec<Message> {
        let names = self.names();
        let mut told: Vec<_> = Some(names)
            .filter(|names| !names.is_empty())
            .and_then(|it| format.sources(&it))
            .into_iter()
            .collect();
        for (name, named) in &self.named {
            let lines: Vec<_> = named.ring.iter().collect();
            told.extend(format.lines(name, &lines).into_iter().map(|written| written.message));
            let trouble = named.trouble.as_deref();
            told.extend(trouble.and_then(|reason| format.gap(name, reason)));
        }
        told
    }

    /// The same filter as somebody else has, where there is one.
    pub(super) fn share(&self, filter: Filter) -> Result<Arc<Filter>, FilterError> {
        match self.groups.iter().find(|group| group.filter.is_same(&filter)) {
            Some(group) => Ok(Arc::clone(&group.filter)),
            None if self.groups.len() >= MAX_FILTERS => Err(FilterError::TooMany),
            None => Ok(Arc::new(filter)),
        }
    }

    /// A viewer has this filter, which is [shared](Self::share).
    pub(super) fn filter(&mut self, filter: &Arc<Filter>, viewer: Remote) {
        match self.groups.iter_mut().find(|group| Arc::ptr_eq(&group.filter, filter)) {
            Some(group) => group.viewers.push(viewer),
            None => self.groups.push(Group { filter: Arc::clone(filter), viewers: vec![viewer] }),
        }
    }

    /// A viewer has its filter no more.
    pub(super) fn unfilter(&mut self, viewer: PeerId) {
        for group in &mut self.groups {
            group.viewers.retain(|other| other.id() != viewer);
        }
        self.groups.retain(|group| !group.viewers.is_empty());
    }

    /// Those who have filters.
    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }
}
