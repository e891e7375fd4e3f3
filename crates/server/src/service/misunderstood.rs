//! Messages of one peer that a service does not understand: the first is logged, the rest counted,
//! so that a peer cannot fill the log.

use tracing::info;

use crate::peer::Peer;

/// How many there were.
#[derive(Debug)]
pub(super) struct Misunderstood {
    service: &'static str,
    count: u64,
}

impl Misunderstood {
    pub(super) const fn new(service: &'static str) -> Self {
        Self { service, count: 0 }
    }

    /// One more.
    pub(super) fn add(&mut self, peer: &Peer) {
        self.count += 1;
        if self.count == 1 {
            info!(peer = %peer.id(), service = self.service, "message not understood");
        }
    }

    /// The last word: how many, where there were more than the one that was logged.
    pub(super) fn sum_up(&self, peer: &Peer) {
        let Self { service, count } = *self;
        if count > 1 {
            info!(peer = %peer.id(), service, count, "messages not understood");
        }
    }
}
