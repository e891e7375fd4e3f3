//! What a line has subscribed to, and the order of an answer and what follows from it.
//!
//! ```text
//! <ns>_subscribe ─▶ waits ─(the answer is sent)─▶ a task that pushes ─▶ <ns>_unsubscribe, or the end
//! ```
//!
//! A subscription waits until the answer with its id was given to the line, in a batch the answer of
//! the whole batch: nobody is told of an id that it does not know.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use tokio::task::{AbortHandle, spawn_local};

use super::feed::{Begin, Feed};
use crate::peer::Peer;
use crate::random;

/// The subscriptions of one line.
#[derive(Default)]
pub(crate) struct Subscriptions(RefCell<HashMap<SubscriptionId, State>>);

/// What tells a subscription from another: a random quantity in hexadecimal, not to be guessed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SubscriptionId(Rc<str>);

enum State {
    Begun(AbortHandle),
    Waits(Rc<str>, Begin),
}

impl SubscriptionId {
    fn new() -> Self {
        let digits = random::id();
        let digits = match digits.trim_start_matches('0') {
            "" => "0",
            digits => digits,
        };
        Self(["0x", digits].concat().into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Subscriptions {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// Adds one that waits.
    pub(crate) fn add(&self, namespace: &str, begin: Begin) -> SubscriptionId {
        let id = SubscriptionId::new();
        self.0.borrow_mut().insert(id.clone(), State::Waits(namespace.into(), begin));
        id
    }

    /// The answer was sent: those of them that are still wanted begin.
    pub(crate) fn begin(
        &self,
        ids: impl IntoIterator<Item = SubscriptionId>,
        peer: &Peer,
        hears_gaps: &Rc<Cell<bool>>,
    ) {
        for id in ids {
            let Some(State::Waits(namespace, begin)) = self.0.borrow_mut().remove(&id) else {
                continue;
            };
            let feed = Feed::new(peer, hears_gaps, namespace, id.0.clone());
            let task = spawn_local(begin(feed)).abort_handle();
            self.0.borrow_mut().insert(id, State::Begun(task));
        }
    }

    /// Ends one; whether there was one of this id.
    pub(crate) fn remove(&self, id: &str) -> bool {
        let removed = self.0.borrow_mut().remove(&SubscriptionId(id.into()));
        let is_there = removed.is_some();
        if let Some(State::Begun(task)) = removed {
            task.abort();
        }
        is_there
    }

    /// Ends them all.
    pub(crate) fn clear(&self) {
        for state in self.0.take().into_values() {
            if let State::Begun(task) = state {
                task.abort();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_random_quantity() {
        let (a, b) = (SubscriptionId::new(), SubscriptionId::new());
        assert_ne!(a, b);
        let digits = a.as_str().strip_prefix("0x").unwrap();
        assert!(!digits.starts_with('0') && digits.len() <= 32, "{digits}");
        assert!(digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    }
}
