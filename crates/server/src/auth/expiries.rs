//! When the identities of a worker's peers end: one timer for all of them.

use std::collections::{BTreeMap, HashMap};

use tokio::time::Instant;

use crate::peer_id::PeerId;
use crate::target::Target;

/// When whose line is to end. Only lines whose identity ends are in it, and none that is closed.
#[derive(Debug, Default)]
pub(crate) struct Expiries {
    in_order: BTreeMap<(Instant, PeerId), Target>,
    of: HashMap<PeerId, Instant>,
}

impl Expiries {
    /// The peer's line ends at that time, or at none; what was said before holds no more.
    pub(crate) fn set(&mut self, peer: PeerId, target: Target, at: Option<Instant>) {
        self.forget(peer);
        if let Some(at) = at {
            self.in_order.insert((at, peer), target);
            self.of.insert(peer, at);
        }
    }

    /// The peer's line is closed.
    #[inline]
    pub(crate) fn forget(&mut self, peer: PeerId) {
        if self.of.is_empty() {
            return;
        }
        if let Some(at) = self.of.remove(&peer) {
            self.in_order.remove(&(at, peer));
        }
    }

    /// When the first ends.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.in_order.first_key_value().map(|((at, _), _)| *at)
    }

    /// The first whose time has come; it is forgotten.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Target> {
        let entry = self.in_order.first_entry()?;
        let (at, peer) = *entry.key();
        if at > now {
            return None;
        }
        self.of.remove(&peer);
        Some(entry.remove())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn the_first_to_end_is_due_first_and_who_left_or_was_renewed_is_not() {
        let began = Instant::now();
        let at = |seconds| Some(began + Duration::from_secs(seconds));
        let mut expiries = Expiries::default();
        let peers: Vec<_> = (0..4).map(|_| PeerId::next()).collect();
        for (peer, seconds) in peers.iter().zip([30, 10, 20, 40]) {
            expiries.set(*peer, Target::Line(*peer), at(seconds));
        }
        expiries.forget(peers[1]);
        expiries.set(peers[2], Target::Line(peers[2]), at(100));
        expiries.set(peers[3], Target::Line(peers[3]), None);
        assert_eq!(expiries.next(), at(30));
        assert!(expiries.take_due(at(29).unwrap()).is_none());
        let due = expiries.take_due(at(30).unwrap());
        assert!(matches!(due, Some(Target::Line(peer)) if peer == peers[0]));
        assert_eq!((expiries.next(), expiries.of.len()), (at(100), 1));
    }
}
