//! Who watches a session.

use tokio::time::Instant;

use crate::name::Name;
use crate::peer_id::PeerId;
use crate::service::terminal::words::Watching;

/// Most names that are told at a time: those who have been there longest.
const MAX_NAMES: usize = 100;

/// Those who watch, the oldest first.
#[derive(Debug)]
pub(super) struct Viewers {
    list: Vec<Viewer>,
    max: usize,
    /// Since when nobody watches.
    left: Option<Instant>,
}

#[derive(Debug)]
struct Viewer {
    peer: PeerId,
    name: Name,
}

/// As many watch as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} watch this session, and no more may (setting max_viewers)")]
pub(crate) struct TooMany(usize);

impl Viewers {
    /// Nobody yet, and room for so many.
    pub(super) fn new(max: usize) -> Self {
        Self { list: Vec::new(), max, left: Some(Instant::now()) }
    }

    pub(super) fn join(&mut self, peer: PeerId, name: Name) -> Result<(), TooMany> {
        if self.list.len() >= self.max {
            return Err(TooMany(self.max));
        }
        self.list.push(Viewer { peer, name });
        self.left = None;
        Ok(())
    }

    pub(super) fn leave(&mut self, peer: PeerId) {
        self.list.retain(|viewer| viewer.peer != peer);
        if self.list.is_empty() {
            self.left = Some(Instant::now());
        }
    }

    /// Since when nobody watches; `None` where somebody does.
    pub(super) const fn left(&self) -> Option<Instant> {
        self.left
    }

    /// Whether of the lines of this person, as far as names go, this is the one that has been there
    /// longest.
    pub(super) fn is_first_of(&self, owner: &Name, peer: PeerId) -> bool {
        let first = self.list.iter().find(|viewer| is_same(&viewer.name, owner));
        first.is_some_and(|viewer| viewer.peer == peer)
    }

    pub(super) fn told(&self) -> Watching {
        let names = self.list.iter().take(MAX_NAMES).map(|viewer| viewer.name.to_string());
        Watching { names: names.collect(), count: self.list.len() }
    }
}

/// Whether two names are one person's: those without an address are one.
fn is_same(one: &Name, other: &Name) -> bool {
    one == other || matches!((one, other), (Name::Guest(_), Name::Guest(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_watch_than_may_and_no_more_are_named_than_can_be_read() {
        let mut viewers = Viewers::new(MAX_NAMES + 50);
        let first = PeerId::next();
        viewers.join(first, Name::User("first".into())).unwrap();
        for _ in 1..MAX_NAMES + 50 {
            viewers.join(PeerId::next(), Name::User("other".into())).unwrap();
        }
        assert_eq!(viewers.join(first, Name::Guest(1)), Err(TooMany(MAX_NAMES + 50)));
        let Watching { names, count } = viewers.told();
        assert_eq!((names.len(), count), (MAX_NAMES, MAX_NAMES + 50));
        assert_eq!(names[0], "first");
        viewers.leave(first);
        assert_eq!(viewers.told().names[0], "other");
    }
}
