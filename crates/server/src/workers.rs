//! All workers of a server, by number: how one reaches another.

use std::sync::{PoisonError, RwLock};

use crate::inbox::Inbox;

/// The inboxes of the workers, in the order in which these began.
#[derive(Debug, Default)]
pub(crate) struct Workers(RwLock<Vec<Inbox>>);

impl Workers {
    /// A worker begins; its number.
    pub(crate) fn join(&self, inbox: &Inbox) -> u32 {
        let mut inboxes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        inboxes.push(inbox.clone());
        u32::try_from(inboxes.len() - 1).expect("there are fewer cores")
    }

    /// All inboxes.
    pub(crate) fn all(&self) -> Vec<Inbox> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The inbox of a worker.
    pub(crate) fn find(&self, number: u32) -> Option<Inbox> {
        let inboxes = self.0.read().unwrap_or_else(PoisonError::into_inner);
        inboxes.get(usize::try_from(number).ok()?).cloned()
    }
}
