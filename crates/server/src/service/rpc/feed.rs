//! What a subscription tells its subscriber by.

use std::cell::Cell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tieline::CloseCode;

use super::written;
use crate::peer::Peer;

/// What pushes to a subscriber, for as long as that wants it.
pub(crate) type Feeding = Pin<Box<dyn Future<Output = ()>>>;

/// Begins to push, once the subscriber knows the subscription's id.
pub(crate) type Begin = Box<dyn FnOnce(Feed) -> Feeding>;

/// Pushes to one subscriber. Clones push to the same.
///
/// Nothing here blocks and nothing is left out: what the subscriber does not read waits, and one
/// that does not read for too long is closed with 1013 (setting `backlog_bytes`).
#[derive(Clone)]
pub struct Feed {
    peer: Peer,
    /// Whether the subscriber has asked to be told of gaps.
    hears_gaps: Rc<Cell<bool>>,
    namespace: Rc<str>,
    id: Rc<str>,
}

impl Feed {
    pub(crate) fn new(
        peer: &Peer,
        hears_gaps: &Rc<Cell<bool>>,
        namespace: Rc<str>,
        id: Rc<str>,
    ) -> Self {
        Self { peer: peer.clone(), hears_gaps: Rc::clone(hears_gaps), namespace, id }
    }

    /// The id that the subscriber knows the subscription by.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Tells the subscriber. What cannot be written as JSON is told as null.
    pub fn push(&self, result: &impl Serialize) {
        match to_raw_value(result) {
            Ok(result) => self.push_raw(&result),
            Err(_) => self.push_raw(RawValue::NULL),
        }
    }

    /// The same with JSON as it is.
    pub(crate) fn push_raw(&self, result: &RawValue) {
        self.peer.send(written::push(&self.namespace, &self.id, result));
    }

    /// Whether the subscriber wants to be told of gaps.
    pub(crate) fn hears_gaps(&self) -> bool {
        self.hears_gaps.get()
    }

    /// Says something else about the subscription.
    pub(crate) fn say(&self, text: String) {
        self.peer.send(text);
    }

    /// Closes the line, because something is missing that should have been pushed.
    pub(crate) fn end(&self) {
        self.peer.close(CloseCode::TRY_AGAIN, "a subscription ended: subscribe again");
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("id", &self.id).finish_non_exhaustive()
    }
}
