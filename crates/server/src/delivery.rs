//! Carrying out the orders of a worker's inbox, for the peers that they are for.

use std::collections::{BTreeMap, HashMap};
use std::task::{Context, Poll};

use tokio::sync::mpsc;

use crate::inbox::{Inbox, Order, Topic};
use crate::peer::Peer;
use crate::peer_id::PeerId;

/// The receiving side of an inbox, on the worker itself, with the peers of its topics.
#[derive(Debug)]
pub(crate) struct Delivery {
    inbox: Inbox,
    orders: mpsc::UnboundedReceiver<Order>,
    topics: HashMap<Topic, BTreeMap<PeerId, Peer>>,
}

impl Delivery {
    /// Both ends of a new inbox.
    pub(crate) fn new() -> (Inbox, Self) {
        let (inbox, orders) = Inbox::new();
        (inbox.clone(), Self { inbox, orders, topics: HashMap::new() })
    }

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
        self.inbox.taken(&order);
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
