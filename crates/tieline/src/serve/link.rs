//! A link as a handler sees it, and the worker that carries it.

use std::cell::RefCell;
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use tieline_proto::CloseCode;

use super::durations::Durations;
use super::id::LinkId;
use super::inbox::{Inbox, Order, Remote};
use super::lines::Lines;
use super::message::Payload;
use super::tap::Tap;
use super::topics::Slow;
use super::traffic::Traffic;

/// One open line on the worker that carries it. Clones are the same link.
///
/// Nothing here blocks and nothing fails: what is sent waits in a backlog bounded in bytes, and a
/// link that is gone hears nothing. Replies to what was read at once leave in one write.
///
/// Only for the worker's own thread; [`remote`](Self::remote) gives a handle for others.
#[derive(Clone)]
pub struct Link {
    pub(super) worker: Worker,
    pub(super) id: LinkId,
}

/// A worker, on its own thread: what all its links share. Clones are the same worker.
#[derive(Clone)]
pub struct Worker(Rc<Shared>);

struct Shared {
    number: usize,
    lines: RefCell<Lines>,
    inbox: Inbox,
    /// The inboxes of all workers of the server.
    all: Arc<[Inbox]>,
}

impl Link {
    /// What tells it from the other links of its worker.
    pub const fn id(&self) -> LinkId {
        self.id
    }

    /// The worker that carries it.
    pub const fn worker(&self) -> &Worker {
        &self.worker
    }

    /// Sends a message after all that was sent before.
    ///
    /// After the end was asked for nothing is sent any more; a binary message to a peer of the
    /// hixie drafts, which have none, is left out.
    pub fn send(&self, payload: impl Payload) {
        self.worker.0.lines.borrow_mut().send(self.id, payload);
    }

    /// Sends the answer to something that the peer asked earlier: where its line waits for it to read
    /// ([`Overflow::Wait`](super::Overflow::Wait)), it is never too much. How many answers there may
    /// be is for the handler to bound, who reads nothing while the peer does not read.
    pub fn reply(&self, payload: impl Payload) {
        self.worker.reply(self.id, payload);
    }

    /// Sends a message in the place of one with the same key that still waits: of what a slow peer
    /// is told, only the latest counts.
    pub fn send_latest(&self, key: u64, payload: impl Payload) {
        self.worker.0.lines.borrow_mut().send_latest(self.id, key, payload);
    }

    /// Starts the closing handshake, after what was sent. The first to call it says code and
    /// reason; messages are neither received nor sent any more.
    ///
    /// A reason above 123 bytes is cut, and a code that must not be sent becomes 1011.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.worker.0.lines.borrow_mut().close(self.id, code, reason);
    }

    /// Reads nothing more from the peer until it is [resumed](Self::resume): for handlers that
    /// cannot take more for now. Messages of what was read already wait as well.
    pub fn pause(&self) {
        self.worker.0.lines.borrow_mut().pause(self.id);
    }

    /// Reads from the peer again.
    pub fn resume(&self) {
        self.worker.0.lines.borrow_mut().resume(self.id);
    }

    /// Whether messages may still be sent: the end was not asked for and has not come.
    pub fn is_open(&self) -> bool {
        self.worker.0.lines.borrow_mut().line(self.id).is_some_and(|line| line.is_open())
    }

    /// Whether its peer has to read before it may speak: its backlog is full, where it waits for that
    /// ([`Overflow::Wait`](super::Overflow::Wait)).
    pub fn is_full(&self) -> bool {
        self.worker.0.lines.borrow_mut().line(self.id).is_some_and(|line| line.is_full())
    }

    /// Bytes that wait because the peer has not read them.
    pub fn buffered_amount(&self) -> usize {
        self.worker.0.lines.borrow_mut().line(self.id).map_or(0, |line| line.buffered())
    }

    /// What went over it so far; nothing once it is gone.
    pub fn traffic(&self) -> Traffic {
        self.worker
            .0
            .lines
            .borrow_mut()
            .line(self.id)
            .map_or_else(Traffic::default, |line| line.traffic)
    }

    /// Hears what is published to a topic from here on. Twice is once.
    pub fn subscribe(&self, topic: &str) {
        self.worker.0.lines.borrow_mut().subscribe(self.id, topic, Slow::AsItsLink);
    }

    /// As [`subscribe`](Self::subscribe), for a link that would rather miss some of the topic than lose
    /// its line, where its peer reads too slowly.
    ///
    /// What is published when three quarters of its backlog are taken it does not hear, and nothing that
    /// is published after that. Once its peer has read, and half of the backlog is free,
    /// [`writable`](super::Handler::writable) is called: [`next_skipped`](Self::next_skipped) then says
    /// which topics it hears no more, and it may subscribe to them again.
    pub fn subscribe_skipping(&self, topic: &str) {
        self.worker.0.lines.borrow_mut().subscribe(self.id, topic, Slow::Skips);
    }

    /// A topic that it hears no more because its peer read too slowly; each is told once.
    pub fn next_skipped(&self) -> Option<Arc<str>> {
        self.worker.0.lines.borrow_mut().next_skipped(self.id)
    }

    /// Hears a topic no more.
    pub fn unsubscribe(&self, topic: &str) {
        self.worker.0.lines.borrow_mut().unsubscribe(self.id, topic);
    }

    /// As [`Worker::publish`], to everybody but this link.
    pub fn publish(&self, topic: &str, payload: impl Payload) {
        self.worker.publish_except(topic, payload, Some(self.id));
    }

    /// Has who holds the other end of this tap see what goes over it, from the next turn of the worker
    /// on; a link that is gone by then drops it.
    pub fn tap(&self, tap: Tap) {
        let order = Order::Tap(self.id, Box::new(tap));
        self.worker.0.inbox.give(order).expect("an order to watch is always taken");
    }

    /// Address and port at the other end of its connection; `None` over a Unix socket, and once it is
    /// gone.
    pub fn address(&self) -> Option<SocketAddr> {
        self.worker.0.lines.borrow_mut().line(self.id)?.transport.socket.peer()
    }

    /// A handle for other threads.
    pub fn remote(&self) -> Remote {
        Remote { id: self.id, inbox: self.worker.0.inbox.clone() }
    }
}

impl Worker {
    pub(super) fn new(number: usize, inbox: Inbox, all: Arc<[Inbox]>) -> Self {
        Self(Rc::new(Shared { number, lines: RefCell::default(), inbox, all }))
    }

    pub(super) fn lines(&self) -> &RefCell<Lines> {
        &self.0.lines
    }

    pub(super) fn inbox(&self) -> &Inbox {
        &self.0.inbox
    }

    /// What went over all its links since it began, those that are gone included. Every link is asked.
    pub fn traffic(&self) -> Traffic {
        self.0.lines.borrow().traffic()
    }

    /// Has its handler shown all its links, soon ([`Handler::survey`](super::Handler::survey)).
    pub fn survey(&self) {
        self.0.inbox.give(Order::Survey).expect("an order to look is always taken");
    }

    /// What waits for the peers of all its links, as their backlogs count it. Every link is asked.
    pub fn waiting_bytes(&self) -> usize {
        self.0.lines.borrow().waiting_bytes()
    }

    /// How long it took to hand what was published to a topic to its links, from the call on: a batch of
    /// what was published at once counts once, and only where 16 links or more hear it.
    pub fn fan_outs(&self) -> Durations {
        self.0.lines.borrow().fan_outs
    }

    /// How long its peers took to answer a ping, where the pong was the first that they said.
    pub fn round_trips(&self) -> Durations {
        self.0.lines.borrow().round_trips
    }

    /// Its number, from 0.
    pub fn number(&self) -> usize {
        self.0.number
    }

    /// The link that an id of this worker names. It may be gone.
    pub fn link(&self, id: LinkId) -> Link {
        Link { worker: self.clone(), id }
    }

    /// As [`Link::send`], to the link that an id of this worker names.
    pub fn send(&self, id: LinkId, payload: impl Payload) {
        self.0.lines.borrow_mut().send(id, payload);
    }

    /// As [`Link::reply`], to the link that an id of this worker names.
    pub fn reply(&self, id: LinkId, payload: impl Payload) {
        self.0.lines.borrow_mut().reply(id, payload);
    }

    /// Sends a message to all who hear a topic, on all workers.
    ///
    /// It is encoded once for each way in which they are spoken to, and crosses to each other
    /// worker once. Links of one worker hear what is published on it in the order of the calls. A
    /// worker that does not keep up misses it.
    pub fn publish(&self, topic: &str, payload: impl Payload) {
        self.publish_except(topic, payload, None);
    }

    /// Sends a message to all links of this worker that hear a topic.
    pub fn publish_here(&self, topic: &str, payload: impl Payload) {
        self.0.lines.borrow_mut().publish(topic, payload.into_message(), None);
    }

    fn publish_except(&self, topic: &str, payload: impl Payload, except: Option<LinkId>) {
        let message = payload.into_message();
        let others = self.0.all.iter();
        let others = others.filter(|inbox| !inbox.is_same(&self.0.inbox));
        let mut name: Option<Arc<str>> = None;
        for inbox in others {
            let name = name.get_or_insert_with(|| topic.into());
            // Who does not keep up misses it, as documented.
            let _ = inbox.give(Order::Publish(Arc::clone(name), message.clone()));
        }
        self.0.lines.borrow_mut().publish(topic, message, except);
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("number", &self.0.number).finish_non_exhaustive()
    }
}
