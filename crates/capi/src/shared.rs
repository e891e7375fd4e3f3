//! What a client's program and its task share.

use futures_util::task::AtomicWaker;

use crate::inbox::Inbox;
use crate::outbox::Outbox;

/// What the program and the task share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) inbox: Inbox,
    pub(crate) outbox: Outbox,
    /// Wakes the task: something is to be sent, or there is room for another event.
    pub(crate) task: AtomicWaker,
}
