//! The connections to upstreams that have nothing to do, on each worker its own.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::dial::Sender;

/// Most connections that are kept for one upstream on one worker.
const MAX_IDLE: usize = 32;

/// How long one is kept: less than the minute after which many servers end it.
pub(super) const KEPT_FOR: Duration = Duration::from_secs(30);

thread_local! {
    /// By the upstream's id, the one that was used last at the end.
    static IDLE: RefCell<HashMap<usize, Vec<Idle>>> = RefCell::default();
}

struct Idle {
    sender: Sender,
    since: Instant,
}

/// A connection to that upstream that is still open, so far as is known.
pub(super) fn take(upstream: usize) -> Option<Sender> {
    IDLE.with_borrow_mut(|idle| {
        let idle = idle.get_mut(&upstream)?;
        while let Some(last) = idle.pop() {
            if last.sender.is_ready() && last.since.elapsed() < KEPT_FOR {
                return Some(last.sender);
            }
        }
        None
    })
}

/// Keeps a connection that has answered in full.
pub(super) fn put(upstream: usize, sender: Sender) {
    IDLE.with_borrow_mut(|idle| {
        let idle = idle.entry(upstream).or_default();
        if idle.len() == MAX_IDLE {
            idle.remove(0);
        }
        idle.push(Idle { sender, since: Instant::now() });
    });
}

/// Ends those that were not needed for long, and forgets those that have ended.
pub(super) fn sweep() {
    IDLE.with_borrow_mut(|all| {
        all.values_mut().for_each(|idle| {
            idle.retain(|it| !it.sender.is_closed() && it.since.elapsed() < KEPT_FOR);
        });
        all.retain(|_, idle| !idle.is_empty());
    });
}
