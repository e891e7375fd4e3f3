//! What outlives a line: answers and messages that may not have arrived, and how much was taken.
//!
//! ```text
//! connect ─▶ session ─▶ answers, numbered by their order ─▶ the line ─▶ ack: forgotten up to there
//!               │ the line is lost
//!               ▼
//!            parked ── connect {id, secret, seen} ─▶ what is behind `seen`, on the new line
//!               └──── keep_session ─▶ gone
//! ```

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::SUPERSEDED;
use super::counts::Counts;
use super::words::Disconnect;
use crate::auth::Secret;
use crate::config;
use crate::devices::Notified;
use crate::peer::Remote;
use crate::peer_id::PeerId;
use crate::random;

/// The sessions of a route, on whichever workers their lines are.
#[derive(Debug)]
pub(super) struct Sessions {
    sessions: Mutex<HashMap<Arc<str>, Arc<Session>>>,
    keep: Duration,
    max_bytes: usize,
    counts: Counts,
}

/// One client, over any number of lines, one after the other.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: Arc<str>,
    pub(super) newcomer: Newcomer,
    secret: Secret,
    max_bytes: usize,
    state: Mutex<State>,
}

/// Who begins a session.
#[derive(Debug)]
pub(super) struct Newcomer {
    /// Whose it is, where the route asks.
    pub(super) user: Option<Arc<str>>,
    /// What it calls itself, to whoever asks who is there.
    pub(super) name: Option<Arc<str>>,
}

#[derive(Debug)]
struct State {
    /// What may not have arrived, the oldest first.
    waiting: VecDeque<Arc<str>>,
    /// Bytes of it.
    bytes: usize,
    /// The number of the last one that is waited for no more.
    arrived: u64,
    /// Requests that were taken.
    taken: u64,
    line: Option<Remote>,
    /// Since when there is no line.
    parked: Option<Instant>,
    /// Whether more waited than may: it cannot go on over another line.
    is_torn: bool,
}

/// A session as it goes on.
pub(super) struct Resumed {
    pub(super) session: Arc<Session>,
    /// Requests that were taken.
    pub(super) taken: u64,
}

impl Sessions {
    pub(super) fn new(limits: &config::Channels, counts: &Counts) -> Self {
        Self {
            sessions: Mutex::default(),
            keep: limits.keep_session.get(),
            max_bytes: limits.keep_session_bytes,
            counts: counts.clone(),
        }
    }

    /// How long one is kept.
    pub(super) const fn keep(&self) -> Duration {
        self.keep
    }

    /// A new one, on this line; and its secret, which is nowhere else.
    pub(super) fn begin(&self, newcomer: Newcomer, line: Remote) -> (Arc<Session>, String) {
        let (id, secret): (Arc<str>, _) = (random::id().into(), random::id());
        let state = State {
            waiting: VecDeque::new(),
            bytes: 0,
            arrived: 0,
            taken: 0,
            line: Some(line),
            parked: None,
            is_torn: false,
        };
        let session = Arc::new(Session {
            id: Arc::clone(&id),
            newcomer,
            secret: Secret::new(&secret),
            max_bytes: self.max_bytes,
            state: Mutex::new(state),
        });
        self.counts.session_began();
        self.lock().insert(id, Arc::clone(&session));
        (session, secret)
    }

    /// The session of this id and secret goes on over this line. The line that it had until now ends.
    /// `answer` is said first, and then what is behind `seen`.
    pub(super) fn resume(
        &self,
        id: &str,
        secret: &str,
        user: Option<&str>,
        seen: u64,
        line: Remote,
        answer: impl FnOnce(&Resumed) -> String,
    ) -> Option<Arc<Session>> {
        let session = Arc::clone(self.lock().get(id)?);
        if !session.secret.is(&Secret::new(secret)) || session.newcomer.user.as_deref() != user {
            return None;
        }
        let mut state = session.lock();
        if state.is_torn || !state.forget(seen) {
            return None;
        }
        if let Some(old) = state.line.replace(line.clone()) {
            old.send(Disconnect::superseded().text());
            old.close(SUPERSEDED, "the session goes on over a newer line");
        }
        state.parked = None;
        let resumed = Resumed { session: Arc::clone(&session), taken: state.taken };
        line.send(answer(&resumed));
        for text in &state.waiting {
            line.send(&**text);
        }
        drop(state);
        Some(session)
    }

    /// The session with this id.
    pub(super) fn find(&self, id: &str) -> Option<Arc<Session>> {
        self.lock().get(id).cloned()
    }

    /// Forgets what nobody came back for.
    pub(super) fn sweep(&self) {
        let mut sessions = self.lock();
        let before = sessions.len();
        sessions.retain(|_, session| {
            session.lock().parked.is_none_or(|since| since.elapsed() < self.keep)
        });
        self.counts.sessions_ended(before - sessions.len());
    }

    /// It has ended, and nobody comes back for it.
    pub(super) fn end(&self, session: &Session) {
        let was_there = self.lock().remove(&session.id).is_some();
        self.counts.sessions_ended(usize::from(was_there));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// Says something that has to arrive: on the line, and again on the next where this one is lost.
    pub(super) fn say(&self, text: impl Into<Arc<str>>) {
        let mut state = self.lock();
        state.say(text.into());
        if state.bytes > self.max_bytes {
            state.tear();
        }
    }

    /// Says a message to its client, as it is written with its number; where there is no room for it, nothing
    /// is said.
    pub(super) fn tell(&self, write: impl FnOnce(u64) -> String) -> Notified {
        let mut state = self.lock();
        if state.is_torn && state.line.is_none() {
            return Notified::Unknown;
        }
        let text = write(state.arrived + state.waiting.len() as u64 + 1);
        let is_busy = state.line.as_ref().is_some_and(Remote::is_full);
        if is_busy || state.bytes + text.len() > self.max_bytes {
            return Notified::Full;
        }
        state.say(text.into());
        if state.line.is_some() { Notified::Delivered } else { Notified::Stored }
    }

    /// Its line, where it has one.
    pub(super) fn line(&self) -> Option<Remote> {
        self.lock().line.clone()
    }

    /// A request of it was taken.
    pub(super) fn take(&self) {
        self.lock().taken += 1;
    }

    /// So many have arrived.
    pub(super) fn acknowledge(&self, seen: u64) {
        self.lock().forget(seen);
    }

    /// Its line is gone. Whether it had another by then.
    pub(super) fn park(&self, line: PeerId) -> bool {
        let mut state = self.lock();
        let is_its_own = state.line.as_ref().is_some_and(|known| known.id() == line);
        if is_its_own {
            state.line = None;
            state.parked = Some(Instant::now());
        }
        !is_its_own
    }

    /// Whether it has a line.
    pub(super) fn has_line(&self) -> bool {
        self.lock().line.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn say(&mut self, text: Arc<str>) {
        if let Some(line) = &self.line {
            line.send(&*text);
        }
        self.bytes += text.len();
        self.waiting.push_back(text);
    }

    /// Forgets what has arrived. Whether the rest is there: nobody has seen what was not said, and what
    /// was seen once is forgotten.
    fn forget(&mut self, seen: u64) -> bool {
        let Some(more) = seen.checked_sub(self.arrived) else { return false };
        if more > self.waiting.len() as u64 {
            return false;
        }
        for text in self.waiting.drain(..more as usize) {
            self.bytes -= text.len();
        }
        self.arrived = seen;
        true
    }

    /// What waits is too much: the line goes on, and ends with its session.
    fn tear(&mut self) {
        self.arrived += self.waiting.len() as u64;
        self.waiting = VecDeque::new();
        self.bytes = 0;
        self.is_torn = true;
    }
}
