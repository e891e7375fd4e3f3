//! What one viewer has seen of a session, and what is new to it.

use tieline::Message;

use super::{Ended, Fault, Phase, Session, State};
use crate::peer_id::PeerId;
use crate::service::terminal::words::News;

/// Most of the output that a viewer takes at once, in bytes.
const TAKE_BYTES: usize = 64 << 10;

/// What a viewer was told, and how far it has read.
#[derive(Debug)]
pub(crate) struct View {
    peer: PeerId,
    /// What it was told of that; `None` before anything.
    may_type: Option<bool>,
    /// The number of the next message on the tape; `None` where it has to be shown the screen.
    next: Option<u64>,
    /// It was shown the other screen only: there is something below that it has not seen.
    is_partial: bool,
    /// It was shown what scrolled off the top.
    has_history: bool,
}

/// What is new to a viewer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fresh {
    /// There is no program.
    Failed(Fault),
    /// Nothing yet.
    Nothing,
    /// Nothing, and nothing will be.
    Over(Ended),
    Said(Vec<Message>),
}

impl View {
    pub(crate) const fn new(peer: PeerId) -> Self {
        Self { peer, may_type: None, next: None, is_partial: false, has_history: false }
    }

    #[cfg(test)]
    pub(super) const fn peer(&self) -> PeerId {
        self.peer
    }
}

impl Session {
    /// What is new to a viewer, and notes that it has it.
    pub(crate) fn read(&self, view: &mut View) -> Fresh {
        let mut state = self.state();
        match state.phase {
            Phase::Failed(fault) => return Fresh::Failed(fault),
            Phase::Starts => return Fresh::Nothing,
            Phase::Ended(_) | Phase::Runs => {}
        }
        let mut said = Vec::new();
        let may_type = self.lets_type(&state, view.peer);
        if view.may_type != Some(may_type) {
            view.may_type = Some(may_type);
            view.next = None;
            said.push(self.introduction(&state, may_type));
        }
        if view.is_partial && !state.screen.is_alternate() {
            view.next = None;
        }
        match view.next.and_then(|next| state.tape.from(next, TAKE_BYTES)) {
            Some(messages) => {
                view.next = view.next.map(|next| next + messages.len() as u64);
                said.extend(messages);
            }
            None => {
                // Who is told who it is knows the size by that.
                if said.is_empty() {
                    said.push(News::Size(state.size).encode());
                }
                said.push(view.paint(&mut state));
                said.push(state.viewers_news());
            }
        }
        match &state.phase {
            _ if !said.is_empty() => Fresh::Said(said),
            Phase::Ended(ended) => Fresh::Over(ended.clone()),
            _ => Fresh::Nothing,
        }
    }
}

impl View {
    /// The screen as it is; what comes next is what comes next on the tape.
    fn paint(&mut self, state: &mut State) -> Message {
        let paint = state.screen.paint(!self.has_history);
        self.is_partial = state.screen.is_alternate();
        self.has_history |= !self.is_partial;
        self.next = Some(state.tape.end());
        paint.into()
    }
}
