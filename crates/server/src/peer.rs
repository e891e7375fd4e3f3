//! The other end of a line, as a service sees it: whatever carries it, wherever it is from.

use std::cell::RefCell;
use std::fmt;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use tieline::{CloseCode, Message};

use crate::inbox::{Inbox, Order};
use crate::outbox::{Outbox, Overflow};
use crate::peer_id::PeerId;
use crate::request::Request;

/// A peer, on the worker that carries it. Clones are the same peer.
///
/// What is sent waits in a backlog bounded in bytes; [`Overflow`] says what happens when the peer
/// does not read. Nothing here blocks, and nothing fails: a peer that is gone hears nothing.
#[derive(Clone)]
pub struct Peer(Rc<Line>);

struct Line {
    id: PeerId,
    name: String,
    request: Request,
    outbox: RefCell<Outbox>,
    inbox: Inbox,
}

/// Reaches a peer from any thread, by way of its worker.
///
/// What one thread asks of one peer happens in the order in which it was asked.
#[derive(Clone, Debug)]
pub struct Remote {
    id: PeerId,
    inbox: Inbox,
}

impl Peer {
    /// A peer whose worker has this inbox.
    pub(crate) fn new(
        request: Request,
        inbox: Inbox,
        backlog_bytes: usize,
        overflow: Overflow,
    ) -> Self {
        let id = PeerId::next();
        let name = name(request.address().map(|address| address.ip()));
        let outbox = RefCell::new(Outbox::new(backlog_bytes, overflow));
        Self(Rc::new(Line { id, name, request, outbox, inbox }))
    }

    /// What tells it from every other peer.
    pub fn id(&self) -> PeerId {
        self.0.id
    }

    /// What others may know it by: its IP address, or `guest-N` over a Unix socket.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What it asked for when it came.
    pub fn request(&self) -> &Request {
        &self.0.request
    }

    /// Sends a message after all that was sent before. Clones of one message share their bytes.
    pub fn send(&self, message: impl Into<Message>) {
        self.0.outbox.borrow_mut().push(message.into());
    }

    /// Ends the line, after what was sent. The first to call it says code and reason; nothing is
    /// received or sent any more.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.0.outbox.borrow_mut().end(code, reason);
    }

    /// Whether the end has come or was asked for.
    pub fn is_closing(&self) -> bool {
        self.0.outbox.borrow().is_ending()
    }

    /// A handle for other threads.
    pub fn remote(&self) -> Remote {
        Remote { id: self.0.id, inbox: self.0.inbox.clone() }
    }

    /// What waits for the peer; only for what carries it, and never across a call to a service.
    pub(crate) fn outbox(&self) -> &RefCell<Outbox> {
        &self.0.outbox
    }

    pub(crate) fn inbox(&self) -> &Inbox {
        &self.0.inbox
    }
}

impl Remote {
    /// The peer's id.
    pub const fn id(&self) -> PeerId {
        self.id
    }

    /// As [`Peer::send`]; a peer that is gone by then hears nothing.
    pub fn send(&self, message: impl Into<Message>) {
        self.inbox.give(Order::Send(self.id, message.into()));
    }

    /// As [`Peer::close`].
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.inbox.give(Order::Close(self.id, code, reason.to_owned()));
    }
}

/// An IPv4 address that came through an IPv6 socket is still written as one.
fn name(address: Option<IpAddr>) -> String {
    static GUESTS: AtomicU64 = AtomicU64::new(1);
    match address {
        Some(address) => address.to_canonical().to_string(),
        None => format!("guest-{}", GUESTS.fetch_add(1, Ordering::Relaxed)),
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("id", &self.0.id).field("name", &self.0.name).finish()
    }
}
