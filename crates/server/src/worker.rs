//! One worker: a thread, its runtime, its listening sockets and its connections.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::{LocalSet, spawn_local};
use tokio::time;
use tracing::{debug, warn};

use crate::admission::Entrance;
use crate::config::PlannedListener;
use crate::connection;
use crate::inbox::{Delivery, Inbox, Order};
use crate::listen::Acceptor;
use crate::peer::{Peer, PeerId};
use crate::routes::Routes;

/// How long a worker rests when the system has no room for another connection.
const REST: Duration = Duration::from_millis(100);

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

/// Serves until the server stops and every connection has ended, or the time to drain is over.
pub(crate) fn run(
    shared: Arc<Shared>,
    acceptors: Vec<(impl FnOnce() -> io::Result<Acceptor>, Arc<PlannedListener>)>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, async {
        let acceptors = acceptors
            .into_iter()
            .map(|(acceptor, listener)| Ok((acceptor()?, listener)))
            .collect::<io::Result<Vec<_>>>()?;
        serve(shared, acceptors).await;
        Ok(())
    })
}

async fn serve(shared: Arc<Shared>, acceptors: Vec<(Acceptor, Arc<PlannedListener>)>) {
    let mut stopping = shared.stopping.clone();
    let worker = Rc::new(Worker::new(shared));
    spawn_local(deliver(Rc::clone(&worker)));
    let accepting: Vec<_> = acceptors
        .into_iter()
        .map(|(acceptor, listener)| spawn_local(accept(Rc::clone(&worker), acceptor, listener)))
        .collect();

    // An error means that the server itself is gone: the same end.
    let _ = stopping.wait_for(|stops| *stops).await;
    for task in accepting {
        task.abort();
    }
    worker.drain().await;
}

/// Carries out what other threads ask for.
async fn deliver(worker: Rc<Worker>) {
    poll_fn(|cx| {
        loop {
            let order = worker.delivery.borrow_mut().poll_next(cx);
            match ready!(order) {
                Some(order) => worker.carry_out(order),
                None => return Poll::Ready(()),
            }
        }
    })
    .await;
}

async fn accept(worker: Rc<Worker>, acceptor: Acceptor, listener: Arc<PlannedListener>) {
    let mut is_warned = false;
    loop {
        match acceptor.accept().await {
            Ok((stream, from)) => {
                is_warned = false;
                let entrance = Entrance { listener: Arc::clone(&listener), from };
                worker.spawn(connection::serve(Rc::clone(&worker), entrance, stream));
            }
            Err(error) if is_the_peers(&error) => debug!(%error, "connection lost before it began"),
            // Out of descriptors or memory: those who are here go on, and one may leave.
            Err(error) => {
                if !std::mem::replace(&mut is_warned, true) {
                    warn!(%error, place = %listener.place, "cannot accept a connection");
                }
                time::sleep(REST).await;
            }
        }
    }
}

fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let (inbox, delivery) = Inbox::new();
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

    async fn drain(&self) {
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
