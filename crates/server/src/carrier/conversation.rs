//! A conversation whose panics stay its own.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tieline::{CloseCode, Closed};
use tracing::error;

use crate::outbox::Outbox;
use crate::peer::Peer;
use crate::request::Request;
use crate::service::{Conversation, Service};

/// A peer and its conversation, which is told of its end exactly once.
pub(super) struct Served {
    peer: Peer,
    conversation: Option<Box<dyn Conversation>>,
}

impl Served {
    pub(super) fn open(peer: Peer, service: &dyn Service, request: &Request) -> Self {
        let opened = catch_unwind(AssertUnwindSafe(|| service.open(&peer, request)));
        let conversation = opened.inspect_err(|_| report(&peer)).ok();
        Self { peer, conversation }
    }

    pub(super) const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// What waits for the peer.
    pub(super) fn outbox(&self) -> &RefCell<Outbox> {
        self.peer.line().expect("a peer that is served here is carried here")
    }

    /// Calls the conversation; a panic ends its line.
    pub(super) fn call(&mut self, call: impl FnOnce(&mut dyn Conversation, &Peer)) {
        let Some(conversation) = &mut self.conversation else { return };
        let (conversation, peer) = (conversation.as_mut(), &self.peer);
        if catch_unwind(AssertUnwindSafe(|| call(conversation, peer))).is_err() {
            report(peer);
        }
    }

    /// Hands on that the server stops, once it does.
    pub(super) fn drain(&mut self) {
        if !self.outbox().borrow_mut().take_drain() {
            return;
        }
        let mut lingers = false;
        self.call(|conversation, peer| {
            conversation.drain(peer);
            lingers = conversation.lingers(peer);
        });
        if !lingers {
            self.peer.close(CloseCode::GOING_AWAY, "the server stops");
        }
    }

    /// The last call.
    pub(super) fn close(&mut self, how: &Closed) {
        self.call(|conversation, peer| conversation.close(peer, how));
        self.conversation = None;
        self.outbox().borrow_mut().finish();
    }

    /// Whether the last call was made.
    pub(super) const fn is_over(&self) -> bool {
        self.conversation.is_none()
    }
}

fn report(peer: &Peer) {
    error!(peer = %peer.id(), "a service panicked: its line ends with 1011");
    peer.close(CloseCode::INTERNAL, "internal error");
}
