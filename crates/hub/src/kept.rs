//! A channel as a broker of one process keeps it: its log, the keys it was published with, and whether
//! anybody needs it.

use std::sync::Arc;
use std::time::SystemTime;

use crate::history::{History, Range};
use crate::keep::Keep;
use crate::keys::Keys;
use crate::log::Log;
use crate::position::Position;
use crate::publication::Publication;
use crate::usage::Share;

/// One channel.
#[derive(Debug)]
pub(crate) struct Kept {
    log: Log,
    keep: Arc<Keep>,
    /// Nothing for most channels.
    keys: Option<Box<Keys>>,
    share: Share,
    /// How many have asked to be told of it.
    listeners: usize,
}

impl Kept {
    /// One whose log begins behind a position.
    pub(crate) const fn after(position: Position, keep: Arc<Keep>, share: Share) -> Self {
        Self { log: Log::after(position), keep, keys: None, share, listeners: 0 }
    }

    /// The bounds are those of the last who used it.
    pub(crate) fn bound(&mut self, keep: &Arc<Keep>) {
        if !Arc::ptr_eq(&self.keep, keep) {
            self.keep = Arc::clone(keep);
            self.log.trim(keep);
            self.account();
        }
    }

    /// The offset of what was published with this key.
    pub(crate) fn offset_of(&self, key: &str) -> Option<u64> {
        self.keys.as_ref()?.offset(key)
    }

    /// A publication has had this key since then; answers the keys that are forgotten for it.
    pub(crate) fn know(&mut self, key: Arc<str>, offset: u64, since: SystemTime) -> Vec<Arc<str>> {
        self.keys.get_or_insert_default().add(key, offset, since)
    }

    /// Adds the next, and lets go what is beyond the bounds; answers the keys that are forgotten.
    pub(crate) fn push(
        &mut self,
        publication: Arc<Publication>,
        key: Option<Arc<str>>,
        now: SystemTime,
    ) -> Vec<Arc<str>> {
        let key = key.map(|key| self.know(key, publication.offset, now));
        let mut forgotten = key.unwrap_or_default();
        self.log.push(publication, &self.keep);
        while self.account() {
            if self.log.is_empty() {
                let Some(oldest) = self.keys.as_mut().and_then(|keys| keys.forget()) else { break };
                forgotten.push(oldest);
            } else {
                self.log.pop();
            }
        }
        forgotten
    }

    /// Lets go what is too old; answers the keys that are forgotten.
    pub(crate) fn expire(&mut self, now: SystemTime) -> Vec<Arc<str>> {
        self.log.expire(&self.keep, now);
        let forgotten = self.keys.as_mut().map(|keys| keys.expire(now)).unwrap_or_default();
        self.keys.take_if(|keys| keys.is_empty());
        self.account();
        forgotten
    }

    pub(crate) fn read(&mut self, range: Range, limit: usize) -> History {
        self.log.expire(&self.keep, SystemTime::now());
        self.log.read(range, limit)
    }

    /// One more has to be told, from this position on.
    pub(crate) const fn listen(&mut self) -> Position {
        self.listeners += 1;
        self.position()
    }

    pub(crate) const fn unlisten(&mut self) {
        self.listeners -= 1;
    }

    pub(crate) const fn position(&self) -> Position {
        self.log.position()
    }

    /// The offset of the oldest publication that is there, or of the next to come.
    pub(crate) fn oldest(&self) -> u64 {
        self.log.oldest()
    }

    /// Whether somebody may miss it.
    pub(crate) fn is_needed(&self) -> bool {
        self.listeners > 0 || !self.log.is_empty() || self.keys.is_some()
    }

    /// Says what it takes up; whether its namespace takes up more than it may.
    fn account(&mut self) -> bool {
        let keys = self.keys.as_ref().map_or(0, |keys| keys.bytes());
        self.share.set(self.log.bytes() + keys, &self.keep)
    }
}

impl AsMut<Self> for Kept {
    fn as_mut(&mut self) -> &mut Self {
        self
    }
}
