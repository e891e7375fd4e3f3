//! How the peers of a worker reach it: the engine that carries them, and its inbox.

use std::cell::OnceCell;

use tieline::serve;

use crate::holds::Holds;
use crate::inbox::Inbox;

/// What the peers of one worker share.
#[derive(Debug)]
pub(crate) struct Reach {
    inbox: Inbox,
    /// The worker as the engine knows it, once it runs.
    engine: OnceCell<serve::Worker>,
    holds: Holds,
}

impl Reach {
    pub(crate) fn new(inbox: Inbox) -> Self {
        Self { inbox, engine: OnceCell::new(), holds: Holds::default() }
    }

    /// The engine runs.
    pub(crate) fn begin(&self, engine: &serve::Worker) {
        self.engine.set(engine.clone()).expect("a worker begins once");
    }

    pub(crate) const fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// The links that nothing is read from.
    pub(crate) const fn holds(&self) -> &Holds {
        &self.holds
    }

    /// The worker as the engine knows it, if it runs.
    pub(crate) fn running(&self) -> Option<&serve::Worker> {
        self.engine.get()
    }

    /// The same, for who is one of its links.
    pub(crate) fn engine(&self) -> &serve::Worker {
        self.running().expect("links are the engine's, which has begun")
    }
}
