//! How other threads reach the peers of a worker: orders, in one queue, in the order given.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tieline::{CloseCode, Message};
use tokio::sync::mpsc;

use crate::peer::{Peer, PeerId};

/// Payload bytes that may wait in one inbox before publications are turned away.
const FULL_BYTES: usize = 16 << 20;

/// A group of peers on any number of workers, all of whom hear what is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Topic(u64);

/// What a worker is asked to do for its peers.
#[derive(Debug)]
pub(crate) enum Order {
    /// Ends one peer's line.
    Close(PeerId, CloseCode, String),
    /// One message for all of a topic.
    Publish(Topic, Message),
    /// One message for one peer.
    Send(PeerId, Message),
    /// The peer hears the topic from now on.
    Subscribe(Topic, PeerId),
    /// The peer hears the topic no more.
    Unsubscribe(Topic, PeerId),
}

/// The sending side of a worker's inbox. Clones lead to the same worker.
#[derive(Clone, Debug)]
pub(crate) struct Inbox {
    orders: mpsc::UnboundedSender<Order>,
    /// Payload bytes that wait.
    bytes: Arc<AtomicUsize>,
}

/// The receiving side, on the worker itself, with the peers that the orders are for.
#[derive(Debug)]
pub(crate) struct Delivery {
    orders: mpsc::UnboundedReceiver<Order>,
    bytes: Arc<AtomicUsize>,
    topics: HashMap<Topic, BTreeMap<PeerId, Peer>>,
}

impl Topic {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Order {
    /// Payload bytes; the rest of an order is small, and there is a bounded number for each peer.
    fn bytes(&self) -> usize {
        match self {
            Self::Publish(_, message) | Self::Send(_, message) => message.len(),
            Self::Close(..) | Self::Subscribe(..) | Self::Unsubscribe(..) => 0,
        }
    }
}

impl Inbox {
    /// Both ends of a new inbox.
    pub(crate) fn new() -> (Self, Delivery) {
        let (sender, orders) = mpsc::unbounded_channel();
        let bytes = Arc::new(AtomicUsize::new(0));
        let delivery = Delivery { orders, bytes: Arc::clone(&bytes), topics: HashMap::new() };
        (Self { orders: sender, bytes }, delivery)
    }

    /// Gives an order. A worker that has ended does nothing more.
    pub(crate) fn give(&self, order: Order) {
        self.bytes.fetch_add(order.bytes(), Ordering::Relaxed);
        // Its peers are gone with it.
        let _ = self.orders.send(order);
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

impl Delivery {
    /// The next order, once there is one.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Order>> {
        self.orders.poll_recv(cx)
    }

    /// The next order that is already there.
    pub(crate) fn try_next(&mut self) -> Option<Order> {
        self.orders.try_recv().ok()
    }

    /// Does what was asked; `find` knows the worker's peers.
    pub(crate) fn carry_out(&mut self, order: Order, find: impl Fn(PeerId) -> Option<Peer>) {
        self.bytes.fetch_sub(order.bytes(), Ordering::Relaxed);
        match order {
            Order::Close(id, code, reason) => {
                if let Some(peer) = find(id) {
                    peer.close(code, &reason);
                }
            }
            Order::Publish(topic, message) => {
                for peer in self.topics.get(&topic).into_iter().flat_map(BTreeMap::values) {
                    peer.send(message.clone());
                }
            }
            Order::Send(id, message) => {
                if let Some(peer) = find(id) {
                    peer.send(message);
                }
            }
            Order::Subscribe(topic, id) => {
                if let Some(peer) = find(id) {
                    self.topics.entry(topic).or_default().insert(id, peer);
                }
            }
            Order::Unsubscribe(topic, id) => {
                if let Some(peers) = self.topics.get_mut(&topic) {
                    peers.remove(&id);
                    if peers.is_empty() {
                        self.topics.remove(&topic);
                    }
                }
            }
        }
    }
}
