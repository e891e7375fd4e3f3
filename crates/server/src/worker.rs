//! One worker: the peers and connections of one thread, and what is asked for them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::spawn_local;
use tokio::time;
use tracing::warn;

use crate::delivery::Delivery;
use crate::inbox::{Inbox, Order};
use crate::peer::Peer;
use crate::peer_id::PeerId;
use crate::routes::Routes;

/// What every worker of a server shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) routes: Routes,
    pub(crate) drain: Duration,
    /// Becomes true when the server stops.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// What the tasks of one worker share.
#[derive(Debug)]
pub(crate) struct Worker {
    shared: Arc<Shared>,
    inbox: Inbox,
    delivery: RefCell<Delivery>,
    peers: RefCell<HashMap<PeerId, Peer>>,
    connections: Cell<usize>,
    is_empty: Notify,
}

/// Counts a connection for as long as it lives.
struct Counted(Rc<Worker>);

/// Knows a peer for as long as it is carried.
pub(crate) struct Registered(Rc<Worker>, PeerId);

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let (inbox, delivery) = Delivery::new();
        Self {
            shared,
            inbox,
            delivery: RefCell::new(delivery),
            peers: RefCell::default(),
            connections: Cell::new(0),
            is_empty: Notify::new(),
        }
    }

    pub(crate) fn routes(&self) -> &Routes {
        &self.shared.routes
    }

    pub(crate) const fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// Carries out what waits in the inbox now, so that what a peer caused comes before what it
    /// says next.
    pub(crate) fn deliver(&self) {
        loop {
            let order = self.delivery.borrow_mut().try_next();
            match order {
                Some(order) => self.carry_out(order),
                None => return,
            }
        }
    }

    /// Carries out what other threads ask for, as it comes.
    pub(crate) async fn deliver_always(&self) {
        poll_fn(|cx| {
            loop {
                let order = self.delivery.borrow_mut().poll_next(cx);
                match ready!(order) {
                    Some(order) => self.carry_out(order),
                    None => return Poll::Ready(()),
                }
            }
        })
        .await;
    }

    fn carry_out(&self, order: Order) {
        let find = |id| self.peers.borrow().get(&id).cloned();
        self.delivery.borrow_mut().carry_out(order, find);
    }

    /// Whether the server stops: nothing new begins.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.shared.stopping.borrow()
    }

    /// Becomes ready when the server stops.
    pub(crate) fn stopping(&self) -> impl Future<Output = ()> + use<> {
        let mut stopping = self.shared.stopping.clone();
        async move {
            let _ = stopping.wait_for(|stops| *stops).await;
        }
    }

    /// Starts a task of this worker that counts as a connection. Its panics stay its own.
    pub(crate) fn spawn(self: &Rc<Self>, task: impl Future<Output = ()> + 'static) {
        self.connections.set(self.connections.get() + 1);
        let counted = Counted(Rc::clone(self));
        spawn_local(async move {
            let _counted = counted;
            task.await;
        });
    }

    /// Makes a peer known to the worker until the answer is dropped.
    pub(crate) fn register(self: &Rc<Self>, peer: &Peer) -> Registered {
        self.peers.borrow_mut().insert(peer.id(), peer.clone());
        if self.is_stopping() {
            peer.outbox().borrow_mut().drain();
        }
        Registered(Rc::clone(self), peer.id())
    }

    /// Ends every line, and waits until the last connection has ended or the time is over.
    pub(crate) async fn drain(&self) {
        for peer in self.peers.borrow().values() {
            peer.outbox().borrow_mut().drain();
        }
        let all_ended = async {
            while self.connections.get() > 0 {
                self.is_empty.notified().await;
            }
        };
        if time::timeout(self.shared.drain, all_ended).await.is_err() {
            let left = self.connections.get();
            warn!(left, "the time to drain is over: the rest is cut off");
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections.set(self.0.connections.get() - 1);
        if self.0.connections.get() == 0 {
            self.0.is_empty.notify_one();
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.0.peers.borrow_mut().remove(&self.1);
    }
}
