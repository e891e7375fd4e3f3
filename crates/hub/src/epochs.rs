//! The epochs of channels on which nothing was published.
//!
//! Whoever subscribed to such a channel has missed nothing when it comes back, although nobody has kept
//! the channel meanwhile: it has the epoch that it had. Only where a channel is forgotten that something
//! was published on must its next life have another, and with it, for all that is known then, the few
//! that share its part.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::channel::Channel;
use crate::position::Epoch;

/// Parts of all channels, by their names; as many as make it unlikely to share one.
pub(crate) const PARTS: usize = 4_096;

/// The epoch with which a channel begins, for each part.
#[derive(Debug)]
pub(crate) struct Epochs(Box<[AtomicU64]>);

impl Epochs {
    /// The same for all parts.
    pub(crate) fn new(all: Epoch) -> Self {
        let number = u64::from_be_bytes(all.to_bytes());
        Self((0..PARTS).map(|_| AtomicU64::new(number)).collect())
    }

    /// The epoch of a channel that nobody has kept.
    pub(crate) fn fresh(&self, channel: &Channel) -> Epoch {
        let number = self.0[part(channel)].load(Ordering::Relaxed);
        Epoch::from_bytes(number.to_be_bytes())
    }

    /// A channel is forgotten that something was published on: its part, and its next epoch.
    pub(crate) fn renew(&self, channel: &Channel) -> (usize, Epoch) {
        let (part, epoch) = (part(channel), Epoch::random());
        self.set(part, epoch);
        (part, epoch)
    }

    /// What was stored of a part.
    pub(crate) fn set(&self, part: usize, epoch: Epoch) {
        self.0[part].store(u64::from_be_bytes(epoch.to_bytes()), Ordering::Relaxed);
    }
}

impl Default for Epochs {
    fn default() -> Self {
        Self::new(Epoch::random())
    }
}

/// By FNV-1a, for it must be the same at the next start.
fn part(channel: &Channel) -> usize {
    let bytes = channel.as_str().bytes();
    let hash = bytes.fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    hash as usize % PARTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_part_of_a_forgotten_channel_has_another_epoch() {
        let epochs = Epochs::default();
        let (a, b) = (Channel::new("chat:a").unwrap(), Channel::new("chat:b").unwrap());
        let first = epochs.fresh(&a);
        assert_eq!(first, epochs.fresh(&b));
        let (_, next) = epochs.renew(&a);
        assert_ne!(first, next);
        assert_eq!((epochs.fresh(&a), epochs.fresh(&b)), (next, first));
    }
}
