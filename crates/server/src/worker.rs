//! One worker: the peers and connections of one thread, and what is asked for them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::spawn_local;
use tracing::warn;

use crate::config::PlannedListener;
use crate::delivery::Delivery;
use crate::inbox::{Inbox, Order};
use crate::peer::Peer;
use crate::peer_id::PeerId;
use crate::reach::Reach;
use crate::resources::Resources;
use crate::routes::Routes;

/// What every worker of a server shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) routes: Routes,
    pub(crate) listeners: Vec<Arc<PlannedListener>>,
    #[expect(dead_code, reason = "services and the operator's side come next")]
    pub(crate) resources: Arc<Resources>,
    /// Becomes true when the server stops.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// What the tasks of one worker share.
#[derive(Debug)]
pub(crate) struct Worker {
    shared: Arc<Shared>,
    reach: Rc<Reach>,
    delivery: RefCell<Delivery>,
    /// The peers that are no links.
    peers: RefCell<HashMap<PeerId, Peer>>,
    /// When it began; what else is timed counts from here.
    since: Instant,
    /// When it was last said that the system is full.
    is_warned: Cell<Option<Instant>>,
}

/// Knows a peer for as long as it is carried.
pub(crate) struct Registered(Rc<Worker>, PeerId);

/// How often it is said that the system is full.
const WARN_EVERY: Duration = Duration::from_secs(10);

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let (inbox, delivery) = Delivery::new();
        Self {
            shared,
            reach: Rc::new(Reach::new(inbox)),
            delivery: RefCell::new(delivery),
            peers: RefCell::default(),
            since: Instant::now(),
            is_warned: Cell::default(),
        }
    }

    /// How its peers reach it.
    pub(crate) const fn reach(&self) -> &Rc<Reach> {
        &self.reach
    }

    pub(crate) fn routes(&self) -> &Routes {
        &self.shared.routes
    }

    pub(crate) fn listeners(&self) -> &[Arc<PlannedListener>] {
        &self.shared.listeners
    }

    pub(crate) fn inbox(&self) -> &Inbox {
        self.reach.inbox()
    }

    /// Carries out what waits in the inbox now, so that what a peer caused comes before what it
    /// says next.
    #[inline]
    pub(crate) fn deliver(&self) {
        if self.inbox().is_empty() {
            return;
        }
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
        self.delivery.borrow_mut().carry_out(order, self.reach.running(), find);
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

    /// Starts a task of this worker.
    pub(crate) fn spawn(self: &Rc<Self>, task: impl Future<Output = ()> + 'static) {
        spawn_local(task);
    }

    /// Makes a peer known to the worker until the answer is dropped.
    pub(crate) fn register(self: &Rc<Self>, peer: &Peer) -> Registered {
        self.peers.borrow_mut().insert(peer.id(), peer.clone());
        if self.is_stopping() {
            drain(peer);
        }
        Registered(Rc::clone(self), peer.id())
    }

    /// Ends every line that is no link, once the server stops.
    pub(crate) async fn drain_when_it_stops(&self) {
        self.stopping().await;
        self.peers.borrow().values().for_each(drain);
    }

    /// Milliseconds since the worker began: half the size of an `Instant`, of which every idle peer
    /// would have one.
    pub(crate) fn age_ms(&self) -> u64 {
        self.since.elapsed().as_millis() as u64
    }

    /// Says that the system has no room for another connection, not at every try.
    pub(crate) fn warn_of_full_system(&self, error: &io::Error) {
        let now = Instant::now();
        if self.is_warned.get().is_none_or(|last| now.duration_since(last) > WARN_EVERY) {
            self.is_warned.set(Some(now));
            warn!(%error, "cannot accept a connection");
        }
    }
}

/// Has the carrier of a line tell its service that the server stops.
fn drain(peer: &Peer) {
    if let Some(line) = peer.line() {
        line.borrow_mut().drain();
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.0.peers.borrow_mut().remove(&self.1);
    }
}
