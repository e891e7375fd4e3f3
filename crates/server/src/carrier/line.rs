//! A line that a task carries, whatever brings its bytes: what its service hears, what it may say,
//! and what is counted of it.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::task::Context;
use std::time::Instant;

use tieline::serve::{Message, Traffic};
use tieline::{CloseCode, Closed, Lost};
use tokio::time::{Sleep, sleep};

use super::conversation::Served;
use super::log;
use crate::auth::{End, Listed};
use crate::limits::{Flow, Verdict};
use crate::outbox::Outbox;
use crate::peer::Peer;
use crate::request::Request;
use crate::service::Service;
use crate::worker::Worker;

/// A peer that is served, until it is told of its end; at the latest when this is dropped.
pub(super) struct Line<'w> {
    worker: &'w Worker,
    pub(super) served: Served,
    pub(super) traffic: Counted<'w>,
    since: Instant,
    /// What the peer may say, where that is limited.
    flow: Option<Flow>,
    /// Runs while it has said too much.
    paused: Option<Pin<Box<Sleep>>>,
    /// Whether its end is counted by its code.
    has_code: bool,
    _listed: Option<Listed>,
}

/// What went over a line, counted for itself and for its worker.
pub(super) struct Counted<'w> {
    line: Traffic,
    worker: &'w Cell<Traffic>,
}

impl<'w> Line<'w> {
    /// Opens the conversation. The end of a line without a handshake has no code on the wire.
    pub(super) fn open(
        worker: &'w Worker,
        peer: Peer,
        service: &dyn Service,
        request: &Request,
        flow: Option<Flow>,
        has_code: bool,
    ) -> Self {
        let listed = request.list(peer.id(), || End::Peer(peer.remote()));
        let served = Served::open(peer, service, request);
        if let Some(expires) = request.identity().and_then(|identity| identity.expires) {
            served.peer().renew(Some(expires));
        }
        worker.deliver();
        let traffic = Counted { line: Traffic::default(), worker: worker.lines() };
        let since = Instant::now();
        Self { worker, served, traffic, since, flow, paused: None, has_code, _listed: listed }
    }

    pub(super) const fn peer(&self) -> &Peer {
        self.served.peer()
    }

    /// Whether the server stops.
    pub(super) fn is_stopping(&self) -> bool {
        self.worker.is_stopping()
    }

    /// What waits for the peer.
    pub(super) fn outbox(&self) -> &RefCell<Outbox> {
        self.served.outbox()
    }

    /// A message that came; heard where the peer may still say one.
    pub(super) fn receive(&mut self, message: Message<'_>) {
        self.traffic.received(message.len());
        if !self.peer().is_closing() && self.may_say(message.len()) {
            self.served.call(|conversation, peer| conversation.message(peer, message));
            self.worker.deliver();
        }
    }

    /// Hands on that the server stops, once it does.
    pub(super) fn drain(&mut self) {
        self.served.drain();
    }

    /// Tells the service that its peer has read, where there was too much; whether it was told: it may
    /// have said more.
    pub(super) fn relieve(&mut self) -> bool {
        let is_relieved = self.outbox().borrow_mut().take_relief();
        if is_relieved {
            self.served.call(|conversation, peer| conversation.writable(peer));
            self.worker.deliver();
        }
        is_relieved
    }

    /// Whether the peer may speak; tells the service when it may again.
    pub(super) fn may_read(&mut self) -> bool {
        self.relieve();
        let outbox = self.outbox().borrow();
        !outbox.must_wait() && !outbox.is_paused()
    }

    /// Whether the peer has said too much, and nothing is read from it. Its answer to the end is.
    pub(super) fn is_paused(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(paused) = &mut self.paused else { return false };
        if self.served.peer().is_closing() || paused.as_mut().poll(cx).is_ready() {
            self.paused = None;
        }
        self.paused.is_some()
    }

    /// Nothing more can be written: what is left to read says why, and is read at once.
    pub(super) fn finish(&mut self) {
        self.outbox().borrow_mut().finish();
        self.paused = None;
    }

    /// The end, told once.
    pub(super) fn end(&mut self, closed: &Closed) {
        if self.served.is_over() {
            return;
        }
        self.served.close(closed);
        if self.has_code {
            self.worker.counts().closed(log::sent_or_heard(closed));
        }
        self.worker.deliver();
        let duration_ms = self.since.elapsed().as_millis() as u64;
        log::disconnected(self.peer().id(), closed, duration_ms, &self.traffic.line);
    }

    /// Counts a message; whether it may be heard.
    fn may_say(&mut self, bytes: usize) -> bool {
        let Some(flow) = &mut self.flow else { return true };
        match flow.take(bytes, self.worker.age_ns()) {
            Verdict::Go => true,
            Verdict::Close(setting, reason) => {
                self.worker.counts().limited(setting);
                self.peer().close(CloseCode::POLICY, &reason);
                false
            }
            Verdict::Pause(setting, within) => {
                self.worker.counts().limited(setting);
                self.paused = Some(Box::pin(sleep(within)));
                true
            }
        }
    }
}

impl Drop for Line<'_> {
    /// The task was dropped with the line open: the time to drain is over.
    fn drop(&mut self) {
        self.end(&Closed::Lost(Lost::Transport));
    }
}

impl Counted<'_> {
    pub(super) fn sent(&mut self, bytes: usize) {
        self.count(|traffic| traffic.sent(bytes));
    }

    fn received(&mut self, bytes: usize) {
        self.count(|traffic| traffic.received(bytes));
    }

    fn count(&mut self, count: impl Fn(&mut Traffic)) {
        count(&mut self.line);
        let mut worker = self.worker.get();
        count(&mut worker);
        self.worker.set(worker);
    }
}
