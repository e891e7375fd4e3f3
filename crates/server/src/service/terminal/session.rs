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

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use subtle::ConstantTimeEq;
use tieline::Message;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

use super::screen::Screen;
use super::tape::Tape;
use super::words::{Ended, News, Size};
use crate::config::Typing;
use crate::events::At;
use crate::name::Name;
use crate::peer_id::PeerId;

/// Most of the output that a viewer takes at once, in bytes.
const TAKE_BYTES: usize = 64 << 10;

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
    viewers: Vec<Viewer>,
    /// Since when nobody watches.
    left: Option<Instant>,
    wishes: Wishes,
    phase: Phase,
}

#[derive(Debug)]
struct Viewer {
    peer: PeerId,
    name: Name,
}

/// How far a session is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Ended(Ended),
    Failed,
    Runs,
    Starts,
}

/// What those who may type want.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wishes {
    pub(super) size: Option<Size>,
    pub(super) end: bool,
}

/// What a viewer was told, and how far it has read.
#[derive(Debug)]
pub(super) struct View {
    peer: PeerId,
    may_type: Option<bool>,
    /// The number of the next message on the tape; `None` where it has to be shown the screen.
    next: Option<u64>,
    /// It was shown the alternate screen only: there is something below it that it has not seen.
    is_partial: bool,
}

/// What is new to a viewer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fresh {
    /// The program was not started.
    Failed,
    /// Nothing, and nothing will be.
    Over(Ended),
    Nothing,
    Said(Vec<Message>),
}

/// As many watch as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} watch this session, and no more may (setting max_viewers)")]
pub(super) struct TooMany(usize);

impl View {
    pub(super) const fn new(peer: PeerId) -> Self {
        Self { peer, may_type: None, next: None, is_partial: false }
    }
}

impl Session {
    /// A session that starts, and what is typed there.
    pub(super) fn new(owner: Name, terms: Terms) -> (Self, mpsc::Receiver<Bytes>) {
        let (typed, given) = mpsc::channel(MAX_TYPED);
        let state = State {
            size: terms.size,
            screen: Screen::new(terms.size, terms.scrollback_lines),
            tape: Tape::default(),
            viewers: Vec::new(),
            left: Some(Instant::now()),
            wishes: Wishes::default(),
            phase: Phase::Starts,
        };
        let session = Self {
            id: random_id(),
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
    pub(super) fn join(&self, peer: PeerId, name: Name) -> Result<(), TooMany> {
        let mut state = self.state();
        if state.viewers.len() >= self.terms.max_viewers {
            return Err(TooMany(self.terms.max_viewers));
        }
        state.viewers.push(Viewer { peer, name });
        state.left = None;
        state.tell_viewers();
        self.stir();
        Ok(())
    }

    /// Lets a viewer go.
    pub(super) fn leave(&self, peer: PeerId) {
        let mut state = self.state();
        state.viewers.retain(|viewer| viewer.peer != peer);
        if state.viewers.is_empty() {
            state.left = Some(Instant::now());
        }
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
        self.state().left
    }

    /// The program runs.
    pub(super) fn begin(&self) {
        self.state().phase = Phase::Runs;
        self.changes.send_replace(());
    }

    /// The program could not be started.
    pub(super) fn fail(&self) {
        self.state().phase = Phase::Failed;
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

    /// The terminal has another size.
    pub(super) fn resize(&self, size: Size) {
        let mut state = self.state();
        state.size = size;
        state.screen.resize(size);
        state.tape.push(News::Size(size).encode());
        self.changes.send_replace(());
    }

    /// What is new to a viewer, and notes that it has it.
    pub(super) fn read(&self, view: &mut View) -> Fresh {
        let mut state = self.state();
        match state.phase {
            Phase::Failed => return Fresh::Failed,
            Phase::Starts => return Fresh::Nothing,
            Phase::Ended(_) | Phase::Runs => {}
        }
        let mut said = Vec::new();
        let may_type = self.lets_type(&state, view.peer);
        let is_new = view.may_type.is_none();
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
                if said.is_empty() {
                    said.push(News::Size(state.size).encode());
                }
                said.push(state.screen.paint(is_new).into());
                said.push(state.viewers_news());
                view.is_partial = state.screen.is_alternate();
                view.next = Some(state.tape.end());
            }
        }
        match &state.phase {
            _ if !said.is_empty() => Fresh::Said(said),
            Phase::Ended(ended) => Fresh::Over(ended.clone()),
            _ => Fresh::Nothing,
        }
    }

    /// What others are told of it.
    pub(super) fn listed(&self) -> Listed {
        let state = self.state();
        Listed {
            id: self.id.clone(),
            command: self.terms.command.clone(),
            since: self.since,
            size: state.size,
            viewers: state.names(),
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
            Typing::First => {
                let first = state.viewers.iter().find(|viewer| is_same(&viewer.name, &self.owner));
                first.is_some_and(|viewer| viewer.peer == peer)
            }
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
        News::Viewers { names: self.names() }.encode()
    }

    fn names(&self) -> Vec<String> {
        self.viewers.iter().map(|viewer| viewer.name.to_string()).collect()
    }
}

/// A session in a list.
#[derive(Debug, serde::Serialize)]
pub(super) struct Listed {
    id: String,
    command: String,
    since: At,
    #[serde(flatten)]
    size: Size,
    viewers: Vec<String>,
    recorded: bool,
}

/// Whether two names are one person's, as far as names go: those without an address are one.
fn is_same(one: &Name, other: &Name) -> bool {
    one == other || matches!((one, other), (Name::Guest(_), Name::Guest(_)))
}

/// 128 random bits: unique, and not to be guessed.
fn random_id() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has randomness: TLS could not do without");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Exit;

    fn session(typing: Typing) -> Session {
        let terms = Terms {
            command: "sh".into(),
            size: Size { columns: 20, rows: 4 },
            scrollback_lines: 10,
            typing,
            max_viewers: 3,
            is_recorded: false,
        };
        let (session, _) = Session::new(user("owner"), terms);
        session.begin();
        session
    }

    fn user(name: &str) -> Name {
        Name::User(name.into())
    }

    /// Somebody who watches.
    fn join(session: &Session, name: &str) -> View {
        let peer = PeerId::next();
        session.join(peer, user(name)).unwrap();
        View::new(peer)
    }

    /// What is new, texts as they are and bytes with escapes.
    fn said(session: &Session, view: &mut View) -> Vec<String> {
        match session.read(view) {
            Fresh::Said(messages) => messages
                .iter()
                .map(|message| match message {
                    Message::Text(text) => text.to_string(),
                    Message::Binary(bytes) => bytes.escape_ascii().to_string(),
                })
                .collect(),
            Fresh::Nothing => Vec::new(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_newcomer_is_told_what_it_is_and_painted_the_screen_before_the_output() {
        let session = session(Typing::None);
        session.show(b"before");
        let mut view = join(&session, "a");
        let first = said(&session, &mut view);
        assert!(first[0].starts_with(r#"{"type":"session","id":""#), "{first:?}");
        assert!(first[0].ends_with(
            r#""command":"sh","columns":20,"rows":4,"may_type":false,"recorded":false}"#
        ));
        assert!(first[1].contains("before"), "{first:?}");
        assert_eq!(first[2], r#"{"type":"viewers","names":["a"]}"#);
        session.show(b"after");
        assert_eq!(said(&session, &mut view), ["after"]);
        assert_eq!(session.read(&mut view), Fresh::Nothing);
    }

    #[test]
    fn who_is_far_behind_is_painted_the_screen_as_it_is_then() {
        let session = session(Typing::None);
        let mut view = join(&session, "a");
        said(&session, &mut view);
        for _ in 0..1_000 {
            session.show(&b"y\r\n".repeat(1_000));
        }
        session.show(b"\x1B[2J\x1B[Hlast");
        let fresh = said(&session, &mut view);
        assert_eq!(fresh.len(), 3, "{fresh:?}");
        assert_eq!(fresh[0], r#"{"type":"size","columns":20,"rows":4}"#);
        assert!(fresh[1].contains("last") && !fresh[1].contains('y'), "{fresh:?}");
        session.show(b"more");
        assert_eq!(said(&session, &mut view), ["more"]);
    }

    #[test]
    fn the_first_line_of_who_began_it_types_and_the_next_when_that_is_gone() {
        let session = session(Typing::First);
        let mut other = join(&session, "other");
        let mut first = join(&session, "owner");
        let mut second = join(&session, "owner");
        let types = |view: &mut View| said(&session, view)[0].contains(r#""may_type":true"#);
        assert!(!types(&mut other) && types(&mut first) && !types(&mut second));
        session.leave(first.peer);
        assert!(!session.may_type(other.peer) && session.may_type(second.peer));
        assert!(types(&mut second), "it is told so");
        assert_eq!(said(&session, &mut other).len(), 1, "who watches is told nothing new");
    }

    #[test]
    fn nobody_types_where_nobody_may_and_all_where_all_may() {
        for (typing, may) in [(Typing::None, false), (Typing::All, true)] {
            let session = session(typing);
            let view = join(&session, "owner");
            assert_eq!(session.may_type(view.peer), may);
        }
    }

    #[test]
    fn no_more_watch_than_may() {
        let session = session(Typing::None);
        let first = join(&session, "a");
        join(&session, "b");
        join(&session, "c");
        assert_eq!(session.join(PeerId::next(), user("d")), Err(TooMany(3)));
        session.leave(first.peer);
        join(&session, "d");
    }

    #[test]
    fn the_end_comes_after_all_that_was_shown() {
        let session = session(Typing::None);
        let mut view = join(&session, "a");
        said(&session, &mut view);
        session.show(b"last\x1B[");
        session.end(Exit::Code(3).into());
        session.end(Exit::Code(4).into());
        assert_eq!(said(&session, &mut view), ["last", "\\x1b["]);
        assert_eq!(session.read(&mut view), Fresh::Over(Exit::Code(3).into()));
    }

    #[test]
    fn what_is_below_the_alternate_screen_is_painted_when_that_is_left() {
        let session = session(Typing::None);
        session.show(b"below");
        session.show(b"\x1B[?1049h\x1B[Habove");
        let mut view = join(&session, "a");
        assert!(said(&session, &mut view)[1].contains("above"));
        session.show(b"\x1B[?1049l");
        let fresh = said(&session, &mut view);
        assert!(fresh[1].contains("below") && !fresh[1].contains("above"), "{fresh:?}");
    }

    #[test]
    fn a_session_is_known_by_its_whole_id() {
        let session = session(Typing::None);
        assert!(session.is(&session.id) && session.id.len() == 32);
        assert!(!session.is(session.label()) && !session.is(""));
    }
}
