//! A conversation over a link that may say only so much.

use std::rc::Rc;

use tieline::serve::Message;
use tieline::{CloseCode, Closed};
use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::auth::Listed;
use crate::holds::Hold;
use crate::limits::{Flow, Held, Verdict};
use crate::peer::Peer;
use crate::service::Conversation;
use crate::worker::Worker;

/// Lets by what is within the limits of a line, and keeps the line counted and listed while it is there.
pub(super) struct Limited {
    conversation: Box<dyn Conversation>,
    flow: Option<Flow>,
    _held: Held,
    _listed: Option<Listed>,
    worker: Rc<Worker>,
}

impl Limited {
    pub(super) const fn new(
        conversation: Box<dyn Conversation>,
        flow: Option<Flow>,
        held: Held,
        listed: Option<Listed>,
        worker: Rc<Worker>,
    ) -> Self {
        Self { conversation, flow, _held: held, _listed: listed, worker }
    }

    /// Counts a message; whether it may be heard.
    fn take(&mut self, peer: &Peer, bytes: usize) -> bool {
        let Some(flow) = &mut self.flow else { return true };
        match flow.take(bytes, self.worker.age_ns()) {
            Verdict::Go => true,
            Verdict::Close(setting, reason) => {
                self.worker.counts().limited(setting);
                peer.close(CloseCode::POLICY, &reason);
                false
            }
            Verdict::Pause(setting, within) => {
                self.worker.counts().limited(setting);
                peer.hold(Hold::Limit);
                let peer = peer.clone();
                spawn_local(async move {
                    sleep(within).await;
                    peer.release(Hold::Limit);
                });
                true
            }
        }
    }
}

impl Conversation for Limited {
    fn message(&mut self, peer: &Peer, message: Message<'_>) {
        if self.take(peer, message.len()) {
            self.conversation.message(peer, message);
        }
    }

    fn writable(&mut self, peer: &Peer) {
        self.conversation.writable(peer);
    }

    fn drain(&mut self, peer: &Peer) {
        self.conversation.drain(peer);
    }

    fn lingers(&self, peer: &Peer) -> bool {
        self.conversation.lingers(peer)
    }

    fn close(&mut self, peer: &Peer, how: &Closed) {
        self.conversation.close(peer, how);
    }
}
