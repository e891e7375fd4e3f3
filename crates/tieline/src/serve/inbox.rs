//! How other threads reach a worker: orders, in one queue, in the order given.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tieline_proto::CloseCode;
use tokio::sync::mpsc;

use super::id::LinkId;
use super::message::Payload;
use super::tap::Tap;
use crate::Message;

/// Bytes that may wait in one inbox before messages are turned away.
const FULL_BYTES: usize = 16 << 20;

/// What a worker is asked to do.
#[derive(Debug)]
pub(super) enum Order {
    Close(LinkId, CloseCode, String),
    /// Sees whether it is over.
    Look,
    Publish(Arc<str>, Message),
    Send(LinkId, Message),
    /// Shows the handler all links.
    Survey,
    /// Has somebody see what goes over a link.
    Tap(LinkId, Box<Tap>),
}

/// The sending side of a worker's inbox. Clones lead to the same worker.
#[derive(Clone, Debug)]
pub(super) struct Inbox {
    orders: mpsc::UnboundedSender<Order>,
    /// What waits, in bytes.
    bytes: Arc<AtomicUsize>,
}

/// A worker has more waiting for it than it may: the message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a worker has too much waiting for its links")]
#[non_exhaustive]
pub struct Full;

/// Reaches a link from any thread, by way of its worker.
///
/// What one thread asks of one link happens in the order in which it was asked. A link that is gone
/// by then hears nothing.
#[derive(Clone, Debug)]
pub struct Remote {
    pub(super) id: LinkId,
    pub(super) inbox: Inbox,
}

impl Order {
    /// What the order costs while it waits: itself, and what it carries.
    fn bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Publish(_, message) | Self::Send(_, message) => message.len(),
                Self::Close(_, _, reason) => reason.len(),
                Self::Look | Self::Survey | Self::Tap(..) => 0,
            }
    }
}

impl Inbox {
    /// A new inbox, and what is given to it.
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Order>) {
        let (orders, given) = mpsc::unbounded_channel();
        (Self { orders, bytes: Arc::default() }, given)
    }

    /// Gives an order. A worker that has ended does nothing more.
    pub(super) fn give(&self, order: Order) -> Result<(), Full> {
        let is_full = self.bytes.load(Ordering::Relaxed) > FULL_BYTES;
        if is_full && matches!(order, Order::Publish(..) | Order::Send(..)) {
            return Err(Full);
        }
        self.bytes.fetch_add(order.bytes(), Ordering::Relaxed);
        // Its links are gone with it.
        let _ = self.orders.send(order);
        Ok(())
    }

    /// Has the worker look whether it is over.
    pub(super) fn look(&self) {
        self.give(Order::Look).expect("an order to look is always taken");
    }

    /// Takes note that an order was taken out.
    pub(super) fn taken(&self, order: &Order) {
        self.bytes.fetch_sub(order.bytes(), Ordering::Relaxed);
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.bytes, &other.bytes)
    }
}

impl Remote {
    /// What tells the link from the others of its worker.
    pub const fn id(&self) -> LinkId {
        self.id
    }

    /// As [`Link::send`](super::Link::send).
    ///
    /// # Errors
    ///
    /// [`Full`] when the worker does not keep up; then the message was not taken.
    pub fn send(&self, payload: impl Payload) -> Result<(), Full> {
        self.inbox.give(Order::Send(self.id, payload.into_message()))
    }

    /// As [`Link::close`](super::Link::close).
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.inbox
            .give(Order::Close(self.id, code, reason.to_owned()))
            .expect("an order to close is always taken");
    }
}
