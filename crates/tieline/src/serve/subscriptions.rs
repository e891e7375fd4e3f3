//! What one link hears, and what it was too slow to hear.

use std::sync::Arc;

use super::topics::Subscription;

/// The topics of one link.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    /// Those that it hears, each with its place among their subscribers.
    pub(super) heard: Vec<Subscription>,
    /// Those that it hears no more until it has read, and then subscribes to again.
    pub(super) skipped: Vec<Arc<str>>,
}

impl Subscriptions {
    pub(super) fn find(&self, topic: u32) -> Option<&Subscription> {
        self.heard.iter().find(|heard| heard.topic == topic)
    }

    /// Takes out the one to a topic.
    pub(super) fn take(&mut self, topic: u32) -> Option<Subscription> {
        let at = self.heard.iter().position(|heard| heard.topic == topic)?;
        Some(self.heard.swap_remove(at))
    }

    /// Whoever asks for a topic, or wants no more of it, has skipped nothing of it any more.
    pub(super) fn forget_skipped(&mut self, name: &str) {
        self.skipped.retain(|skipped| **skipped != *name);
    }
}
