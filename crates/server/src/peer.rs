//! The other end of a line, as a service sees it: whatever carries it, wherever it is from.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tieline::CloseCode;
use tieline::serve::{Backlog, LinkId, Payload};
use tokio::time::Instant;

use crate::holds::Hold;
use crate::inbox::{Inbox, Order};
use crate::outbox::Outbox;
use crate::peer_id::PeerId;
use crate::reach::Reach;
use crate::target::Target;

/// A peer, on the worker that carries it. Clones are the same peer.
///
/// What is sent waits in a backlog bounded in bytes; [`Overflow`](tieline::serve::Overflow) says
/// what happens when the peer does not read. Nothing here blocks, and nothing fails: a peer that is
/// gone hears nothing.
#[derive(Clone)]
pub struct Peer(Rc<Inner>);

struct Inner {
    id: PeerId,
    carrier: Carrier,
}

/// What carries a peer.
enum Carrier {
    /// A link of the engine, on this worker.
    Link(Rc<Reach>, LinkId),
    /// A task with a socket of its own, and what waits for it.
    Line(Box<(RefCell<Outbox>, Inbox)>),
}

/// Reaches a peer from any thread, by way of its worker.
///
/// What one thread asks of one peer happens in the order in which it was asked.
#[derive(Clone, Debug)]
pub struct Remote {
    id: PeerId,
    target: Target,
    inbox: Inbox,
}

impl Peer {
    /// A peer that the engine carries, on this worker.
    pub(crate) fn of_link(link: LinkId, worker: &Rc<Reach>) -> Self {
        Self::new(Carrier::Link(Rc::clone(worker), link))
    }

    /// A peer with an outbox, on the worker that has this inbox.
    pub(crate) fn of_line(inbox: &Inbox, backlog: &Backlog) -> Self {
        let outbox = RefCell::new(Outbox::new(backlog.clone()));
        Self::new(Carrier::Line(Box::new((outbox, inbox.clone()))))
    }

    fn new(carrier: Carrier) -> Self {
        Self(Rc::new(Inner { id: PeerId::next(), carrier }))
    }

    /// What tells it from every other peer.
    pub fn id(&self) -> PeerId {
        self.0.id
    }

    /// Sends a message after all that was sent before. What is shared is not copied.
    pub fn send(&self, payload: impl Payload) {
        match &self.0.carrier {
            Carrier::Link(worker, link) => worker.engine().send(*link, payload),
            Carrier::Line(line) => line.0.borrow_mut().push(payload.into_message()),
        }
    }

    /// Sends the answer to something that the peer asked, now or earlier: where the service waits for
    /// peers that do not read, it is never too much. How many answers there may be is for the service
    /// to bound, whose peer is not read from while it does not read.
    pub fn reply(&self, payload: impl Payload) {
        match &self.0.carrier {
            Carrier::Link(worker, link) => worker.engine().reply(*link, payload),
            Carrier::Line(line) => line.0.borrow_mut().push_reply(payload.into_message()),
        }
    }

    /// Bytes that wait because the peer has not read them: for a service that says more only to who
    /// reads.
    pub fn waiting_bytes(&self) -> usize {
        match &self.0.carrier {
            Carrier::Link(worker, link) => worker.engine().link(*link).buffered_amount(),
            Carrier::Line(line) => line.0.borrow().waiting_bytes(),
        }
    }

    /// Reads nothing more from the peer until it is [resumed](Self::resume): for a service that
    /// cannot take more for now.
    pub fn pause(&self) {
        match &self.0.carrier {
            Carrier::Link(..) => self.hold(Hold::Service),
            Carrier::Line(line) => line.0.borrow_mut().set_paused(true),
        }
    }

    /// Reads from the peer again.
    pub fn resume(&self) {
        match &self.0.carrier {
            Carrier::Link(..) => self.release(Hold::Service),
            Carrier::Line(line) => line.0.borrow_mut().set_paused(false),
        }
    }

    /// Whether it has to read before it may speak: its backlog is full, where the service waits for
    /// that. Its conversation is told when there is room again.
    pub fn is_full(&self) -> bool {
        match &self.0.carrier {
            Carrier::Link(worker, link) => worker.engine().link(*link).is_full(),
            Carrier::Line(line) => line.0.borrow().must_wait(),
        }
    }

    /// A topic that it hears no more because it read too slowly, now that it has read; each is told once.
    pub(crate) fn next_skipped(&self) -> Option<Arc<str>> {
        match &self.0.carrier {
            Carrier::Link(worker, link) => worker.engine().link(*link).next_skipped(),
            Carrier::Line(line) => line.0.borrow_mut().next_skipped(),
        }
    }

    /// Ends the line, after what was sent. The first to call it says code and reason; nothing is
    /// received or sent any more.
    pub fn close(&self, code: CloseCode, reason: &str) {
        match &self.0.carrier {
            Carrier::Link(worker, link) => worker.engine().link(*link).close(code, reason),
            Carrier::Line(line) => line.0.borrow_mut().end(code, reason),
        }
    }

    /// Its identity ends at that time from now on, or at none. The line is then closed with 4401.
    pub fn renew(&self, expires: Option<SystemTime>) {
        let at = expires.map(deadline);
        self.inbox().give(Order::Expire(self.0.id, self.target(), at));
    }

    /// Whether the end has come or was asked for.
    pub fn is_closing(&self) -> bool {
        match &self.0.carrier {
            Carrier::Link(worker, link) => !worker.engine().link(*link).is_open(),
            Carrier::Line(line) => line.0.borrow().is_ending(),
        }
    }

    /// Reads nothing from a link while somebody holds it, for whatever reason; of the others their
    /// carrier knows itself.
    pub(crate) fn hold(&self, why: Hold) {
        if let Carrier::Link(worker, link) = &self.0.carrier {
            let held = worker.engine().link(*link);
            // Of one that is over nothing would ever be forgotten.
            if held.is_open() {
                worker.holds().add(*link, why);
                held.pause();
            }
        }
    }

    /// Reads from a link again that nobody else holds.
    pub(crate) fn release(&self, why: Hold) {
        if let Carrier::Link(worker, link) = &self.0.carrier
            && worker.holds().remove(*link, why)
        {
            worker.engine().link(*link).resume();
        }
    }

    /// A handle for other threads.
    pub fn remote(&self) -> Remote {
        Remote { id: self.0.id, target: self.target(), inbox: self.inbox().clone() }
    }

    /// It is gone: nobody holds it any more.
    pub(crate) fn forget_holds(&self) {
        if let Carrier::Link(worker, link) = &self.0.carrier {
            worker.holds().forget(*link);
        }
    }

    /// What waits for a peer that is not the engine's; only for what carries it, and never across
    /// a call to a service.
    pub(crate) fn line(&self) -> Option<&RefCell<Outbox>> {
        match &self.0.carrier {
            Carrier::Link(..) => None,
            Carrier::Line(line) => Some(&line.0),
        }
    }

    pub(crate) fn target(&self) -> Target {
        match &self.0.carrier {
            Carrier::Link(_, link) => Target::Link(*link),
            Carrier::Line(_) => Target::Line(self.0.id),
        }
    }

    pub(crate) fn inbox(&self) -> &Inbox {
        match &self.0.carrier {
            Carrier::Link(worker, ..) => worker.inbox(),
            Carrier::Line(line) => &line.1,
        }
    }
}

impl Remote {
    /// The peer's id.
    pub const fn id(&self) -> PeerId {
        self.id
    }

    /// Whether so much waits at its worker that nothing more should be sent.
    pub(crate) fn is_full(&self) -> bool {
        self.inbox.is_full()
    }

    /// As [`Peer::send`]; a peer that is gone by then hears nothing.
    pub fn send(&self, payload: impl Payload) {
        self.inbox.give(Order::Send(self.target, payload.into_message()));
    }

    /// As [`Peer::close`].
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.inbox.give(Order::Close(self.target, code, reason.to_owned()));
    }
}

/// When a time has come, whatever happens to the clock on the wall until then.
fn deadline(at: SystemTime) -> Instant {
    let left = at.duration_since(SystemTime::now()).unwrap_or_default();
    // What is further off than the clock can say never comes.
    Instant::now() + left.min(FAR)
}

/// Farther than any line lives.
const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("id", &self.0.id).finish_non_exhaustive()
    }
}
