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
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tieline::Message;

use super::SUPERSEDED;
use super::counts::Counts;
use super::words::Disconnect;
use crate::auth::Secret;
use crate::config;
use crate::devices::Notified;
use crate::outbox::cost;
use crate::peer::Remote;
use crate::peer_id::PeerId;
use crate::random;

/// The sessions of a route, on whichever workers their lines are.
#[derive(Debug)]
pub(super) struct Sessions {
    sessions: Mutex<HashMap<Arc<str>, Arc<Session>>>,
    keep: Duration,
    all: Arc<All>,
    counts: Counts,
}

/// What the sessions of a route take up together, and what each of them and all may.
#[derive(Debug)]
struct All {
    bytes: AtomicUsize,
    /// Sessions without a line.
    parked: AtomicUsize,
    max_bytes: usize,
    max_bytes_each: usize,
    max_parked: usize,
}

/// One client, over any number of lines, one after the other.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: Arc<str>,
    pub(super) newcomer: Newcomer,
    secret: Secret,
    all: Arc<All>,
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
    waiting: VecDeque<Message>,
    /// What it [costs](cost).
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
        let all = Arc::new(All {
            bytes: AtomicUsize::default(),
            parked: AtomicUsize::default(),
            max_bytes: limits.max_kept_bytes,
            max_bytes_each: limits.keep_session_bytes,
            max_parked: limits.max_kept_sessions,
        });
        let (sessions, keep) = (Mutex::default(), limits.keep_session.get());
        Self { sessions, keep, all, counts: counts.clone() }
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
            all: Arc::clone(&self.all),
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
        if state.is_torn || !state.forget(seen, &self.all) {
            return None;
        }
        if let Some(old) = state.line.replace(line.clone()) {
            old.send(Disconnect::superseded().text());
            old.close(SUPERSEDED, "the session goes on over a newer line");
        }
        state.unpark(&self.all);
        let resumed = Resumed { session: Arc::clone(&session), taken: state.taken };
        line.send(answer(&resumed));
        for message in &state.waiting {
            line.send(message.clone());
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

    /// The line of a session is gone: it waits for another, where there is room. Whether it had another
    /// by then.
    pub(super) fn park(&self, session: &Session, line: PeerId) -> bool {
        let mut state = session.lock();
        if state.line.as_ref().is_none_or(|known| known.id() != line) {
            return true;
        }
        state.line = None;
        state.parked = Some(Instant::now());
        drop(state);
        if self.all.parked.fetch_add(1, Ordering::Relaxed) >= self.all.max_parked {
            self.end(session);
        }
        false
    }

    /// It has ended, and nobody comes back for it.
    pub(super) fn end(&self, session: &Session) {
        session.lock().unpark(&self.all);
        let was_there = self.lock().remove(&session.id).is_some();
        self.counts.sessions_ended(usize::from(was_there));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl All {
    /// Whether so many bytes more would be too much.
    fn has_too_much(&self, more: usize) -> bool {
        self.bytes.load(Ordering::Relaxed) + more > self.max_bytes
    }
}

impl Session {
    /// Says something that has to arrive: on the line, and again on the next where this one is lost.
    pub(super) fn say(&self, text: String) {
        let mut state = self.lock();
        state.say(text.into(), &self.all);
        if state.bytes > self.all.max_bytes_each || self.all.has_too_much(0) {
            state.tear(&self.all);
        }
    }

    /// Says a message to its client, as it is written with its number; where there is no room for it, nothing
    /// is said.
    pub(super) fn tell(&self, write: impl FnOnce(u64) -> String) -> Notified {
        let mut state = self.lock();
        if state.is_torn && state.line.is_none() {
            return Notified::Unknown;
        }
        let message = Message::from(write(state.arrived + state.waiting.len() as u64 + 1));
        let cost = cost(&message);
        let is_busy = state.line.as_ref().is_some_and(Remote::is_full);
        let is_full = state.bytes + cost > self.all.max_bytes_each || self.all.has_too_much(cost);
        if is_busy || is_full {
            return Notified::Full;
        }
        state.say(message, &self.all);
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
        self.lock().forget(seen, &self.all);
    }

    /// Whether it has a line.
    pub(super) fn has_line(&self) -> bool {
        self.lock().line.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.all.bytes.fetch_sub(state.bytes, Ordering::Relaxed);
        state.unpark(&self.all);
    }
}

impl State {
    /// Says it on the line, and keeps it for the next; of what cannot go on nothing is kept.
    fn say(&mut self, message: Message, all: &All) {
        if let Some(line) = &self.line {
            line.send(message.clone());
        }
        if self.is_torn {
            self.arrived += 1;
            return;
        }
        let cost = cost(&message);
        self.bytes += cost;
        all.bytes.fetch_add(cost, Ordering::Relaxed);
        self.waiting.push_back(message);
    }

    /// Forgets what has arrived. Whether the rest is there: nobody has seen what was not said, and what
    /// was seen once is forgotten.
    fn forget(&mut self, seen: u64, all: &All) -> bool {
        let Some(more) = seen.checked_sub(self.arrived) else { return false };
        if more > self.waiting.len() as u64 {
            return false;
        }
        let bytes = self.waiting.drain(..more as usize).map(|message| cost(&message)).sum();
        self.bytes -= bytes;
        all.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.arrived = seen;
        true
    }

    /// It waits for a line no more.
    fn unpark(&mut self, all: &All) {
        if self.parked.take().is_some() {
            all.parked.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// What waits is too much: the line goes on, and ends with its session.
    fn tear(&mut self, all: &All) {
        self.arrived += self.waiting.len() as u64;
        self.waiting = VecDeque::new();
        all.bytes.fetch_sub(std::mem::take(&mut self.bytes), Ordering::Relaxed);
        self.is_torn = true;
    }
}
