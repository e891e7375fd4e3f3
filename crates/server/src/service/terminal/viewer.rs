//! A viewer: what it is shown, as fast as it reads, and what it types.
//!
//! What is shown is taken by a task on the viewer's worker, piece by piece, and only while little
//! waits for the peer. Who is too slow for the output misses some of it and is painted the screen as
//! it is then: it never sees a terminal that lost bytes, and nothing piles up for it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tieline::serve::Message;
use tieline::{CloseCode, Closed};
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::{JoinHandle, spawn_local, yield_now};
use tokio::time::{sleep, timeout};

use super::audit::{Audit, Who};
use super::input::Input;
use super::session::{Fresh, Session, View};
use super::words::{News, Wish};
use crate::peer::Peer;
use crate::service::Conversation;
use crate::service::misunderstood::Misunderstood;

/// Bytes that may wait for a viewer when it is given more.
const WAITING_BYTES: usize = 64 << 10;

/// How soon a viewer for whom too much waits is looked at again.
const LOOK_AFTER: Duration = Duration::from_millis(10);

/// How long what is typed waits for a program that reads nothing.
const TYPED_WITHIN: Duration = Duration::from_secs(10);

/// Somebody who watches a session, and may be let type.
pub(super) struct Viewer {
    session: Arc<Session>,
    audit: Audit,
    who: Who,
    misunderstood: Misunderstood,
    /// What it typed and the audit was not told yet.
    input: Input,
    showing: JoinHandle<()>,
    /// Waits for the program to read what was typed.
    typing: Option<JoinHandle<()>>,
}

/// Somebody who is closed, and is not heard any more.
pub(super) struct TurnedAway;

impl Viewer {
    /// Begins to show the session to a peer that has joined it.
    pub(super) fn new(peer: &Peer, session: Arc<Session>, audit: Audit, who: Who) -> Self {
        let showing = spawn_local(show(peer.clone(), Arc::clone(&session)));
        let misunderstood = Misunderstood::new("terminal");
        let input = Input::default();
        Self { session, audit, who, misunderstood, input, showing, typing: None }
    }

    fn type_in(&mut self, peer: &Peer, bytes: &[u8]) {
        if bytes.is_empty() || !self.session.may_type(peer.id()) {
            return;
        }
        if self.audit.notes_input {
            for piece in self.input.take(bytes) {
                self.audit.typed(&self.session, &self.who, &piece);
            }
        }
        let typed = self.session.typed();
        match typed.try_send(Bytes::copy_from_slice(bytes)) {
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(bytes)) => {
                peer.pause();
                let (typed, peer) = (typed.clone(), peer.clone());
                self.typing = Some(spawn_local(async move {
                    // While nothing is read from a peer nobody knows whether it is still there. Where
                    // the program reads nothing for so long, or has ended, it is dropped.
                    let _ = timeout(TYPED_WITHIN, typed.send(bytes)).await;
                    peer.resume();
                }));
            }
        }
    }

    /// What was typed and no line has ended is noted as it is.
    fn finish_input(&mut self) {
        if let Some(rest) = self.input.finish() {
            self.audit.typed(&self.session, &self.who, &rest);
        }
    }
}

impl Conversation for Viewer {
    fn message(&mut self, peer: &Peer, message: Message<'_>) {
        let Some(text) = message.text() else { return self.type_in(peer, message.bytes()) };
        let Some(wish) = Wish::parse(text) else { return self.misunderstood.add(peer) };
        if !self.session.may_type(peer.id()) {
            return;
        }
        match wish {
            Wish::End => {
                self.finish_input();
                self.audit.asked_to_end(&self.session, &self.who);
                self.session.wish(|wishes| wishes.end = true);
            }
            Wish::Size(size) => self.session.wish(|wishes| wishes.size = Some(size)),
        }
    }

    fn close(&mut self, peer: &Peer, _how: &Closed) {
        self.showing.abort();
        self.typing.iter().for_each(JoinHandle::abort);
        self.misunderstood.sum_up(peer);
        self.finish_input();
        self.session.leave(peer.id());
        self.audit.left(&self.session, &self.who);
    }
}

impl Conversation for TurnedAway {
    fn message(&mut self, _peer: &Peer, _message: Message<'_>) {}
}

/// Shows a session until its end.
async fn show(peer: Peer, session: Arc<Session>) {
    let mut changes = session.changes();
    let mut view = View::new(peer.id());
    loop {
        changes.borrow_and_update();
        match session.read(&mut view) {
            Fresh::Failed(fault) => return peer.close(fault.close_code(), &fault.to_string()),
            Fresh::Nothing => {
                // The session is held here: it goes on changing.
                let _ = changes.changed().await;
            }
            Fresh::Over(ended) => {
                peer.reply(News::Ended(&ended).encode());
                return peer.close(CloseCode::NORMAL, "the session has ended");
            }
            Fresh::Said(messages) => messages.into_iter().for_each(|message| peer.reply(message)),
        }
        // What was said is written at the end of the worker's turn.
        yield_now().await;
        while peer.waiting_bytes() > WAITING_BYTES {
            sleep(LOOK_AFTER).await;
        }
    }
}
