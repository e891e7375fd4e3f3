//! How other threads reach the peers of a worker: orders, in one queue, in the order given.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tieline::serve::{LinkId, Tap};
use tieline::{CloseCode, Message};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::ask::Ask;
use crate::config::Slow;
use crate::outbox::cost;
use crate::peer_id::PeerId;
use crate::survey::Question;
use crate::tally::Tally;
use crate::target::Target;

/// Bytes that may wait in one inbox before publications are turned away.
const FULL_BYTES: usize = 16 << 20;

/// A group of peers on any number of workers, all of whom hear what is published.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Topic(Arc<str>);

/// What a worker is asked to do for its peers.
#[derive(Debug)]
pub(crate) enum Order {
    /// A request asks something of an emulated line.
    Ask(Box<Ask>),
    /// Ends one peer's line.
    Close(Target, CloseCode, String),
    /// The identity of a peer ends at that time, or at none.
    Expire(PeerId, Target, Option<Instant>),
    /// One message for all of a topic.
    Publish(Topic, Message),
    /// One message for one peer.
    Send(Target, Message),
    /// The peer hears the topic from now on; and what becomes of it where it is too slow for that.
    Subscribe(Topic, Target, Slow),
    /// Shows the links of the worker.
    Survey(Box<Question>),
    /// Has somebody see what goes over a link.
    Tap(LinkId, Box<Tap>),
    /// Says what the worker has counted.
    Tally(Arc<Tally>, oneshot::Sender<()>),
    /// The peer hears the topic no more.
    Unsubscribe(Topic, Target),
}

/// The sending side of a worker's inbox. Clones lead to the same worker.
#[derive(Clone, Debug)]
pub(crate) struct Inbox {
    orders: mpsc::UnboundedSender<Order>,
    /// What waits, in bytes.
    bytes: Arc<AtomicUsize>,
}

impl Topic {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // No channel's name has a control character.
        Self(format!("\0{}", NEXT.fetch_add(1, Ordering::Relaxed)).into())
    }

    /// The topic of a channel, or of a pattern.
    pub(crate) fn named(name: &str) -> Self {
        Self(name.into())
    }

    /// How the engine knows it.
    pub(crate) const fn name(&self) -> &Arc<str> {
        &self.0
    }
}

impl Order {
    /// What the order costs while it waits: itself, and what it carries. A peer can cause any
    /// number of small ones.
    fn bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Ask(ask) => ask.cost(),
                Self::Publish(_, message) | Self::Send(_, message) => cost(message),
                Self::Close(_, _, reason) => reason.len(),
                Self::Expire(..)
                | Self::Subscribe(..)
                | Self::Survey(_)
                | Self::Tap(..)
                | Self::Tally(..)
                | Self::Unsubscribe(..) => 0,
            }
    }
}

impl Inbox {
    /// A new inbox, and what is given to it.
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Order>) {
        let (orders, given) = mpsc::unbounded_channel();
        (Self { orders, bytes: Arc::default() }, given)
    }

    /// Gives an order. A worker that has ended does nothing more.
    pub(crate) fn give(&self, order: Order) {
        self.bytes.fetch_add(order.bytes(), Ordering::Relaxed);
        // Its peers are gone with it.
        let _ = self.orders.send(order);
    }

    /// Takes note that an order was taken out.
    pub(crate) fn taken(&self, order: &Order) {
        self.bytes.fetch_sub(order.bytes(), Ordering::Relaxed);
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) == 0
    }

    /// Whether so much waits that nothing should be published.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > FULL_BYTES
    }

    /// Whether both lead to the same worker.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.bytes, &other.bytes)
    }
}
