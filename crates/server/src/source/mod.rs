//! What is read line by line, for any number of viewers on any worker.
//!
//! ```text
//! Reader ─▶ Feed ─┬─▶ Ring, for who comes later        one for each name
//!                 ├─▶ Members: encoded once            viewers without a filter
//!                 └─▶ Remote: encoded once each filter viewers with one
//! ```
//!
//! The readers start with the first viewer, on its worker, and end with the last, however many there
//! are in between. Who comes later first gets the last lines that are kept. A viewer that does not
//! read loses the oldest of what waits for it, by its backlog; a worker that does not keep up makes
//! the readers wait a while, and then loses lines as well. Either is told.

mod feed;
mod filter;
mod format;
mod line;
mod ring;
mod state;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_local;

pub(crate) use self::feed::Feed;
pub(crate) use self::filter::{Filter, FilterError};
pub(crate) use self::format::{ALL, Format};
pub(crate) use self::line::{Line, Splitter};
pub(crate) use self::ring::Keep;
use self::state::State;
use crate::backoff::{Random, Waits};
use crate::members::Members;
use crate::peer::Peer;

/// How long a reader waits before it begins again.
pub(crate) const WAITS: Waits = Waits {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(30),
    stable: Duration::from_secs(30),
    random: Random::Half,
};

/// Reads something for as long as somebody looks.
pub(crate) trait Reader: fmt::Debug + Send + Sync + 'static {
    /// Reads it, and says what there is to the feed. It is dropped when nobody looks any more; if it
    /// ends before that, nothing more is read.
    fn read(self: Arc<Self>, feed: Feed) -> Pin<Box<dyn Future<Output = ()>>>;
}

/// What some readers read, and those who look at it.
#[derive(Debug)]
pub(crate) struct Source {
    members: Arc<Members<State>>,
    format: Format,
    readers: Vec<Arc<dyn Reader>>,
}

/// One who looks; told to [leave](Self::leave) in the end.
#[derive(Debug)]
pub(crate) struct Viewer {
    source: Arc<Source>,
    filter: Option<Arc<Filter>>,
}

impl Source {
    /// Nobody looks yet, and nothing is read.
    pub(crate) fn new(format: Format, keep: Keep, readers: Vec<Arc<dyn Reader>>) -> Self {
        Self { members: Arc::new(Members::new(State::new(keep))), format, readers }
    }

    /// A peer looks from now on; it is told the last lines first. To be called on a worker.
    pub(crate) fn join(self: &Arc<Self>, peer: &Peer) -> Viewer {
        self.members.turn(|turn| {
            if turn.state().begin_viewer() {
                let era = turn.state().era();
                for (id, reader) in self.readers.iter().enumerate() {
                    let feed = Feed::new(&self.members, self.format, era, id);
                    let task = spawn_local(Arc::clone(reader).read(feed));
                    turn.state().reads(task.abort_handle());
                }
            }
            for message in turn.state().what_was(self.format) {
                turn.tell(peer, message);
            }
            turn.join(peer);
        });
        Viewer { source: Arc::clone(self), filter: None }
    }
}

impl Viewer {
    /// Sees what the filter lets through from now on, or everything.
    ///
    /// # Errors
    ///
    /// [`FilterError::TooMany`]; the old filter stays.
    pub(crate) fn set_filter(
        &mut self,
        peer: &Peer,
        filter: Option<Filter>,
    ) -> Result<(), FilterError> {
        self.filter = self.source.members.turn(|turn| {
            let filter = filter.map(|filter| turn.state().share(filter)).transpose()?;
            match &self.filter {
                Some(_) => turn.state().unfilter(peer.id()),
                None => turn.leave(peer),
            }
            match &filter {
                Some(filter) => turn.state().filter(filter, peer.remote()),
                None => turn.join(peer),
            }
            Ok(filter)
        })?;
        Ok(())
    }

    /// Tells the peer why what it asked is not done, where its format has words for it.
    pub(crate) fn refuse(&self, peer: &Peer, reason: &str) {
        if let Some(message) = self.source.format.refused(reason) {
            peer.send(message);
        }
    }

    /// Looks no more. The last to leave ends the readers.
    pub(crate) fn leave(&self, peer: &Peer) {
        self.source.members.turn(|turn| {
            match &self.filter {
                Some(_) => turn.state().unfilter(peer.id()),
                None => turn.leave(peer),
            }
            turn.state().end_viewer();
        });
    }
}

#[cfg(test)]
mod tests;
