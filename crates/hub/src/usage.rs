//! What the channels of a namespace take up together.

use std::cmp::Ordering::{Equal, Greater, Less};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::channel::Channel;
use crate::keep::Keep;

/// Of every namespace that a broker has had a channel of.
#[derive(Debug, Default)]
pub(crate) struct Usages(Mutex<HashMap<Box<str>, Arc<Usage>>>);

#[derive(Debug, Default)]
struct Usage {
    channels: AtomicUsize,
    bytes: AtomicUsize,
}

/// One channel's part of it, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    usage: Arc<Usage>,
    bytes: usize,
}

impl Usages {
    /// A part for one more channel, where its namespace may have another.
    pub(crate) fn share(&self, channel: &Channel, keep: &Keep) -> Option<Share> {
        let share = self.another(channel);
        (share.usage.channels.load(Ordering::Relaxed) <= keep.channels).then_some(share)
    }

    /// A part for a channel that is there already, whatever its namespace may have.
    pub(crate) fn another(&self, channel: &Channel) -> Share {
        let mut usages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let usage = match usages.get(channel.namespace()) {
            Some(usage) => Arc::clone(usage),
            None => Arc::clone(usages.entry(channel.namespace().into()).or_default()),
        };
        usage.channels.fetch_add(1, Ordering::Relaxed);
        Share { usage, bytes: 0 }
    }
}

impl Share {
    /// The channel takes up so many bytes now; whether all of its namespace together take up more than
    /// they may.
    pub(crate) fn set(&mut self, bytes: usize, keep: &Keep) -> bool {
        let before = std::mem::replace(&mut self.bytes, bytes);
        let all = &self.usage.bytes;
        let total = match bytes.cmp(&before) {
            // Most publications are kept nowhere, or take the place of one as long: nothing is written.
            Equal => all.load(Ordering::Relaxed),
            Greater => all.fetch_add(bytes - before, Ordering::Relaxed) + (bytes - before),
            Less => all.fetch_sub(before - bytes, Ordering::Relaxed) - (before - bytes),
        };
        total > keep.total_bytes
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.usage.channels.fetch_sub(1, Ordering::Relaxed);
        self.usage.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_has_no_more_than_it_may_and_what_goes_makes_room() {
        let usages = Usages::default();
        let keep = Keep { channels: 2, total_bytes: 100, ..Keep::default() };
        let channel = |name| Channel::new(name).unwrap();
        let mut first = usages.share(&channel("a:1"), &keep).unwrap();
        let mut second = usages.share(&channel("a:2"), &keep).unwrap();
        assert!(usages.share(&channel("a:3"), &keep).is_none());
        assert!(usages.share(&channel("b:1"), &keep).is_some(), "another namespace has its own");
        assert!(!first.set(60, &keep));
        assert!(second.set(41, &keep));
        assert!(!second.set(40, &keep));
        drop(first);
        assert!(!second.set(100, &keep));
        assert!(usages.share(&channel("a:3"), &keep).is_some());
    }
}
