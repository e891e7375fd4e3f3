//! The programs that the server runs: started, counted, and ended with all that they have started.
//!
//! ```text
//! Program ─▶ Places::start ─▶ Running ── dropped ─▶ stdin closed ─▶ SIGTERM ─▶ SIGKILL ─▶ gone
//!            so many a route    stdin, stdout, stderr       to its group, and to whoever left it
//! ```
//!
//! What a program has started is ended with it, also where it left the group: the server is a child
//! subreaper from its first process on, so that whoever loses its parent becomes a child of the
//! server, which knows it by its group or by a variable in its environment; and by a
//! [control group](cgroup) where the server was given one to divide. The [keeper](keeper), a thread of
//! its own, does all of this, whatever the workers do.

mod cgi;
mod cgroup;
mod counts;
mod environment;
mod error;
mod exit;
mod keeper;
mod look;
mod places;
mod program;
mod running;
#[cfg(test)]
mod tests;
mod whereabouts;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;
use tracing::error;

pub(crate) use self::cgi::{may_be_handed_on, variables};
use self::counts::Counts;
pub(crate) use self::environment::{Environment, Variables};
pub(crate) use self::error::NotStarted;
pub(crate) use self::exit::{Exit, signal_name};
pub(crate) use self::places::Places;
pub(crate) use self::program::{Ending, Program, Stderr};
pub(crate) use self::running::{Kept, Running};
use crate::metrics::Metrics;

/// How long, beyond every time in its configuration, the server waits for the last process.
const LAST_WITHIN: Duration = Duration::from_secs(5);

/// The processes of one server. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Processes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Tells it from other servers of the same program.
    server: u64,
    counts: Counts,
    /// How many there are, those that end included.
    live: watch::Sender<usize>,
}

impl Processes {
    /// None yet.
    pub(crate) fn new(metrics: &Metrics) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let server = NEXT.fetch_add(1, Ordering::Relaxed);
        let live = watch::Sender::new(0);
        Self(Arc::new(Inner { server, counts: Counts::registered(metrics), live }))
    }

    /// Room for so many at a time, for the service of a route.
    pub(crate) fn places(&self, route: &str, max: usize) -> Places {
        Places::new(self.clone(), self.0.counts.of(route), max)
    }

    /// Ends all that are left, and waits until they are gone, each for its own times at most.
    pub(crate) async fn finish(&self) {
        let mut live = self.0.live.subscribe();
        if *live.borrow() == 0 {
            return;
        }
        let Some(longest) = keeper::end_all(self.0.server).await else { return };
        let gone = live.wait_for(|live| *live == 0);
        if timeout(longest + LAST_WITHIN, gone).await.is_err() {
            let left = *self.0.live.borrow();
            error!(left, "processes could not be ended: they are left behind");
        }
    }

    fn came(&self) {
        self.0.live.send_modify(|live| *live += 1);
    }

    fn went(&self) {
        self.0.live.send_modify(|live| *live -= 1);
    }
}
