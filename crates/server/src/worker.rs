//! One worker: the peers and connections of one thread, and what is asked for them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use http::StatusCode;
use tieline::CloseCode;
use tieline::serve::Traffic;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time;
use tracing::warn;

use crate::ask::{Ask, LineId};
use crate::config::PlannedListener;
use crate::counts::{Counts, Open};
use crate::delivery::Delivery;
use crate::inbox::{Inbox, Order};
use crate::peer::Peer;
use crate::peer_id::PeerId;
use crate::reach::Reach;
use crate::resources::Resources;
use crate::routes::{Route, Routes};
use crate::service::Hub;
use crate::survey::Question;

/// What every worker of a server shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) routes: Routes,
    pub(crate) listeners: Vec<Arc<PlannedListener>>,
    pub(crate) resources: Arc<Resources>,
    /// Becomes true when the server stops.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// What the tasks of one worker share.
#[derive(Debug)]
pub(crate) struct Worker {
    shared: Arc<Shared>,
    /// Its number among the workers of the server.
    number: u32,
    reach: Rc<Reach>,
    delivery: RefCell<Delivery>,
    /// An identity may end sooner than was thought.
    expiring: Notify,
    /// What went over the lines that are no links.
    lines: Rc<Cell<Traffic>>,
    /// The peers that are no links.
    peers: RefCell<HashMap<PeerId, Peer>>,
    /// When it began; what else is timed counts from here.
    since: Instant,
    /// When it was last said that the system is full.
    is_warned: Cell<Option<Instant>>,
}

/// Knows a peer for as long as it is carried.
pub(crate) struct Registered(Rc<Worker>, PeerId);

/// Knows an emulated line for as long as it is carried.
pub(crate) struct Emulates(Rc<Worker>, LineId);

/// The code that ends a line whose identity has ended.
pub(crate) const EXPIRED: CloseCode = CloseCode::new(4401);

pub(crate) const EXPIRED_REASON: &str = "the token has expired";

/// Least time between two looks at whose identity has ended.
const EXPIRY_TICK: Duration = Duration::from_secs(1);

/// How often it is said that the system is full.
const WARN_EVERY: Duration = Duration::from_secs(10);

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let (inbox, delivery) = Delivery::new();
        shared.resources.counts.begin(&inbox);
        let number = shared.resources.workers.join(&inbox);
        Self {
            lines: Rc::clone(delivery.lines()),
            expiring: Notify::new(),
            shared,
            number,
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

    /// What the server counts.
    pub(crate) fn counts(&self) -> &Counts {
        &self.shared.resources.counts
    }

    /// What is published, and who hears it.
    pub(crate) fn hub(&self) -> &Hub {
        &self.shared.resources.hub
    }

    /// A line is open, until the answer is dropped.
    pub(crate) fn opened(
        &self,
        listener: &PlannedListener,
        route: &Route,
        status: StatusCode,
    ) -> Open {
        self.counts().handshake(status);
        self.counts().opened(&listener.label, &route.label)
    }

    /// A request was answered; a line that was opened counts when it is.
    pub(crate) fn answered(&self, asks_for_line: bool, status: StatusCode) {
        match asks_for_line {
            true if status == StatusCode::SWITCHING_PROTOCOLS => {}
            true => self.counts().handshake(status),
            false => self.counts().request(status),
        }
    }

    /// What went over the lines that are no links, for these to add to.
    pub(crate) fn lines(&self) -> &Cell<Traffic> {
        &self.lines
    }

    pub(crate) fn inbox(&self) -> &Inbox {
        self.reach.inbox()
    }

    /// Carries out what waits in the inbox now, so that what a peer caused comes before what it
    /// says next.
    #[inline]
    pub(crate) fn deliver(&self) {
        if !self.inbox().is_empty() {
            self.deliver_what_waits();
        }
    }

    fn deliver_what_waits(&self) {
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
        if let Order::Expire(..) = order {
            self.expiring.notify_one();
        }
        let (engine, peers) = (self.reach.running(), self.peers.borrow());
        self.delivery.borrow_mut().carry_out(order, engine, &peers);
    }

    /// A peer's line is closed.
    #[inline]
    pub(crate) fn forget(&self, peer: PeerId) {
        self.delivery.borrow_mut().expiries().forget(peer);
    }

    /// Closes every line whose identity has ended: one timer for all of them, which goes off at
    /// most once a second.
    pub(crate) async fn end_expired(&self) {
        let mut last = time::Instant::now();
        loop {
            let next = self.delivery.borrow_mut().expiries().next();
            let Some(next) = next else {
                self.expiring.notified().await;
                continue;
            };
            tokio::select! {
                () = self.expiring.notified() => continue,
                () = time::sleep_until(next.max(last + EXPIRY_TICK)) => {}
            }
            last = time::Instant::now();
            loop {
                let due = self.delivery.borrow_mut().expiries().take_due(last);
                let Some(target) = due else { break };
                self.inbox().give(Order::Close(target, EXPIRED, EXPIRED_REASON.to_owned()));
            }
        }
    }

    /// What is asked about the links.
    pub(crate) fn take_questions(&self) -> Vec<Question> {
        self.delivery.borrow_mut().take_questions()
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

    /// Makes a peer known to the worker until the answer is dropped.
    pub(crate) fn register(self: &Rc<Self>, peer: &Peer) -> Registered {
        self.peers.borrow_mut().insert(peer.id(), peer.clone());
        if self.is_stopping() {
            drain(peer);
        }
        Registered(Rc::clone(self), peer.id())
    }

    /// Makes a new emulated line known to the worker until the last of the answer is dropped; what is
    /// asked of it comes there.
    pub(crate) fn emulate(self: &Rc<Self>) -> (LineId, mpsc::UnboundedReceiver<Ask>, Emulates) {
        let id = LineId::random(self.number);
        let (asks, asked) = mpsc::unbounded_channel();
        self.delivery.borrow_mut().emulated().insert(id, asks);
        (id, asked, Emulates(Rc::clone(self), id))
    }

    /// The inbox of the worker that has an emulated line.
    pub(crate) fn inbox_of(&self, line: LineId) -> Option<Inbox> {
        self.shared.resources.workers.find(line.worker())
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

    /// The same in nanoseconds.
    pub(crate) fn age_ns(&self) -> u64 {
        self.since.elapsed().as_nanos() as u64
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

impl Drop for Emulates {
    fn drop(&mut self) {
        self.0.delivery.borrow_mut().emulated().remove(&self.1);
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.0.peers.borrow_mut().remove(&self.1);
        self.0.forget(self.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::by_hand::shared;
    use std::time::SystemTime;
    use tieline::serve::Backlog;
    use tokio::task::{LocalSet, spawn_local};
    use tokio::time::sleep;

    fn in_seconds(seconds: u64) -> Option<SystemTime> {
        Some(SystemTime::now() + Duration::from_secs(seconds))
    }

    fn end(peer: &Peer) -> Option<u16> {
        peer.line().unwrap().borrow_mut().take_end().map(|(code, _)| code.get())
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_ends_with_its_identity_unless_that_was_renewed() {
        let test = async {
            let worker = Rc::new(Worker::new(shared()));
            let (delivering, expiring) = (Rc::clone(&worker), Rc::clone(&worker));
            spawn_local(async move { delivering.deliver_always().await });
            spawn_local(async move { expiring.end_expired().await });
            let peers: Vec<_> =
                (0..3).map(|_| Peer::of_line(worker.inbox(), &Backlog::default())).collect();
            let _known: Vec<_> = peers.iter().map(|peer| worker.register(peer)).collect();
            for peer in &peers {
                peer.renew(in_seconds(30));
            }
            sleep(Duration::from_secs(20)).await;
            peers[1].renew(in_seconds(60));
            peers[2].renew(None);
            sleep(Duration::from_secs(12)).await;
            assert_eq!(peers.iter().map(end).collect::<Vec<_>>(), [Some(4401), None, None]);
            sleep(Duration::from_secs(60)).await;
            assert_eq!(peers.iter().map(end).collect::<Vec<_>>(), [None, Some(4401), None]);
        };
        LocalSet::new().run_until(test).await;
    }
}
