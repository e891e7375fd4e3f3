//! A session: a program in a terminal, its screen as it is, and who watches.
//!
//! ```text
//! program ─▶ cut into pieces ─┬─▶ screen ─ painted ─▶ who is new, or far behind
//!                             └─▶ tape ── the rest ─▶ who keeps up
//! ```
//!
//! Nothing is pushed to a viewer: each takes what is new to it when it has read what it had, so that
//! one who does not read costs nothing but its place. The lock is held for one piece of the output,
//! or for painting the screen once.

mod view;
mod viewers;

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde::Serialize;
use subtle::ConstantTimeEq;
use tieline::{CloseCode, Message};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

pub(super) use self::view::{Fresh, View};
pub(super) use self::viewers::TooMany;
use self::viewers::Viewers;
use super::screen::Screen;
use super::tape::Tape;
use super::words::{Ended, News, Size, Watching};
use crate::config::Typing;
use crate::events::At;
use crate::name::Name;
use crate::peer_id::PeerId;
use crate::process::NotStarted;
use crate::random;

/// Messages of what is typed that wait for the program; who types more is not read from meanwhile.
const MAX_TYPED: usize = 16;

/// What is settled when a session begins.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// The name of the program, without its folder.
    pub(super) command: String,
    pub(super) size: Size,
    pub(super) scrollback_lines: usize,
    pub(super) typing: Typing,
    pub(super) max_viewers: usize,
    pub(super) is_recorded: bool,
}

/// A session, as those who watch and the task that runs it share it.
#[derive(Debug)]
pub(super) struct Session {
    /// Random: who knows it may join.
    id: String,
    terms: Terms,
    since: At,
    /// Who began it.
    owner: Name,
    state: Mutex<State>,
    /// Changes with every change of the state.
    changes: watch::Sender<()>,
    /// Somebody came, left or wishes something.
    stirred: Notify,
    typed: mpsc::Sender<Bytes>,
}

#[derive(Debug)]
struct State {
    size: Size,
    screen: Screen,
    tape: Tape,
    viewers: Viewers,
    wishes: Wishes,
    phase: Phase,
}

/// How far a session is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Ended(Ended),
    Failed(Fault),
    Runs,
    Starts,
}

/// Why there is no program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// Programs of sessions that are over still end.
    #[error("as many programs run or still end as may (setting max_sessions)")]
    Full,
    /// Why is for the log.
    #[error("the program was not started")]
    System,
}

impl Fault {
    /// What the line is closed with.
    pub(super) const fn close_code(self) -> CloseCode {
        match self {
            Self::Full => CloseCode::TRY_AGAIN,
            Self::System => CloseCode::INTERNAL,
        }
    }
}

impl From<&NotStarted> for Fault {
    fn from(error: &NotStarted) -> Self {
        match error {
            NotStarted::Full => Self::Full,
            NotStarted::System(_) => Self::System,
        }
    }
}

/// What those who may type want.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wishes {
    pub(super) size: Option<Size>,
    pub(super) end: bool,
}

impl Session {
    /// A session that starts, and what is typed there.
    pub(super) fn new(owner: Name, terms: Terms) -> (Self, mpsc::Receiver<Bytes>) {
        let (typed, given) = mpsc::channel(MAX_TYPED);
        let state = State {
            size: terms.size,
            screen: Screen::new(terms.size, terms.scrollback_lines),
            tape: Tape::default(),
            viewers: Viewers::new(terms.max_viewers),
            wishes: Wishes::default(),
            phase: Phase::Starts,
        };
        let session = Self {
            id: random::id(),
            terms,
            since: At::now(),
            owner,
            state: Mutex::new(state),
            changes: watch::Sender::new(()),
            stirred: Notify::new(),
            typed,
        };
        (session, given)
    }

    /// Whether this is its id; says nothing by how long it takes.
    pub(super) fn is(&self, id: &str) -> bool {
        self.id.as_bytes().ct_eq(id.as_bytes()).into()
    }

    /// The beginning of its id, for the log: enough to tell it from others, not to join it.
    pub(super) fn label(&self) -> &str {
        &self.id[..8]
    }

    pub(super) const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// What is typed goes here.
    pub(super) const fn typed(&self) -> &mpsc::Sender<Bytes> {
        &self.typed
    }

    /// Changes with every change that a viewer may have to be told of.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Adds a viewer.
    ///
    /// # Errors
    ///
    /// As many watch as may.
    pub(super) fn join(&self, peer: PeerId, name: Name) -> Result<(), TooMany> {
        let mut state = self.state();
        state.viewers.join(peer, name)?;
        state.tell_viewers();
        self.stir();
        Ok(())
    }

    /// Lets a viewer go.
    pub(super) fn leave(&self, peer: PeerId) {
        let mut state = self.state();
        state.viewers.leave(peer);
        state.tell_viewers();
        self.stir();
    }

    /// Whether what this viewer types is heard.
    pub(super) fn may_type(&self, peer: PeerId) -> bool {
        self.lets_type(&self.state(), peer)
    }

    /// Notes what a viewer wishes who may type.
    pub(super) fn wish(&self, wish: impl FnOnce(&mut Wishes)) {
        wish(&mut self.state().wishes);
        self.stirred.notify_one();
    }

    /// Waits until somebody came, left or wishes something.
    pub(super) async fn stirred(&self) {
        self.stirred.notified().await;
    }

    /// What is wished since the last call.
    pub(super) fn take_wishes(&self) -> Wishes {
        std::mem::take(&mut self.state().wishes)
    }

    /// Since when nobody watches; `None` where somebody does.
    pub(super) fn unwatched_since(&self) -> Option<Instant> {
        self.state().viewers.left()
    }

    /// The program runs.
    pub(super) fn begin(&self) {
        self.state().phase = Phase::Runs;
        self.changes.send_replace(());
    }

    /// The program could not be started.
    pub(super) fn fail(&self, fault: Fault) {
        self.state().phase = Phase::Failed(fault);
        self.changes.send_replace(());
    }

    /// The program has ended. Asking twice is asking once.
    pub(super) fn end(&self, ended: Ended) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Runs | Phase::Starts) {
            let rest = state.screen.finish();
            state.show(&rest);
            state.phase = Phase::Ended(ended);
        }
        self.changes.send_replace(());
    }

    /// Shows what the program has written; answers what of its output is whole by now.
    pub(super) fn show(&self, output: &[u8]) -> Bytes {
        let mut state = self.state();
        let whole = state.screen.feed(output);
        state.show(&whole);
        self.changes.send_replace(());
        whole
    }

    /// Gives the terminal another size; answers whether it is one.
    pub(super) fn resize(&self, size: Size) -> bool {
        let mut state = self.state();
        if state.size == size {
            return false;
        }
        state.size = size;
        state.screen.resize(size);
        state.tape.push(News::Size(size).encode());
        self.changes.send_replace(());
        true
    }

    /// What others are told of it.
    pub(super) fn listed(&self) -> Listed {
        let state = self.state();
        let Watching { names, count } = state.viewers.told();
        Listed {
            id: self.id.clone(),
            command: self.terms.command.clone(),
            since: self.since,
            size: state.size,
            viewers: names,
            watching: count,
            recorded: self.terms.is_recorded,
        }
    }

    fn introduction(&self, state: &State, may_type: bool) -> Message {
        let Terms { command, is_recorded, .. } = &self.terms;
        let (id, size, recorded) = (self.id.as_str(), state.size, *is_recorded);
        News::Session { id, command, size, may_type, recorded }.encode()
    }

    fn lets_type(&self, state: &State, peer: PeerId) -> bool {
        match self.terms.typing {
            Typing::All => true,
            // Of the lines of who began it, the one that has been there longest.
            Typing::First => state.viewers.is_first_of(&self.owner, peer),
            Typing::None => false,
        }
    }

    /// Wakes whoever has to look.
    fn stir(&self) {
        self.changes.send_replace(());
        self.stirred.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What panicked was one step of the screen; what is kept of it can still be shown.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn show(&mut self, whole: &Bytes) {
        if !whole.is_empty() {
            self.tape.push(whole.clone().into());
        }
    }

    fn tell_viewers(&mut self) {
        let news = self.viewers_news();
        self.tape.push(news);
    }

    fn viewers_news(&self) -> Message {
        News::Viewers(self.viewers.told()).encode()
    }
}

/// A session in a list.
#[derive(Debug, Serialize)]
pub(super) struct Listed {
    id: String,
    command: String,
    since: At,
    #[serde(flatten)]
    size: Size,
    viewers: Vec<String>,
    watching: usize,
    recorded: bool,
}

#[cfg(test)]
mod tests;
