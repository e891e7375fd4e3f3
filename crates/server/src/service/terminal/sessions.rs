//! The sessions of a route: how many there are, and which one is meant.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tieline::CloseCode;

use super::session::{Listed, Session};

/// The close code for who asks for a session that is not there.
pub(super) const NO_SESSION: CloseCode = CloseCode::new(4404);

/// Those that start or run, the oldest first.
#[derive(Debug)]
pub(super) struct Sessions {
    max: usize,
    live: Mutex<Vec<Arc<Session>>>,
}

/// The session that somebody asked for.
#[derive(Debug)]
pub(super) enum Entered {
    Begun(Arc<Session>),
    Found(Arc<Session>),
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoSession {
    /// As many as may run.
    #[error("{0} sessions run, and no more may (setting max_sessions)")]
    Full(usize),
    /// It never was, or has ended.
    #[error("there is no such session: it may have ended")]
    Unknown,
}

impl NoSession {
    /// What the line is closed with.
    pub(super) const fn close_code(self) -> CloseCode {
        match self {
            Self::Full(_) => CloseCode::TRY_AGAIN,
            Self::Unknown => NO_SESSION,
        }
    }
}

impl Sessions {
    /// None yet, and room for so many. Where there is room for one only, all share it.
    pub(super) const fn new(max: usize) -> Self {
        Self { max, live: Mutex::new(Vec::new()) }
    }

    /// Finds the session with this id, or begins one where none is named and there is room.
    pub(super) fn enter(
        &self,
        id: Option<&str>,
        begin: impl FnOnce() -> Arc<Session>,
    ) -> Result<Entered, NoSession> {
        let mut live = self.live();
        if let Some(id) = id {
            let found = live.iter().find(|session| session.is(id));
            return found.map(Arc::clone).map(Entered::Found).ok_or(NoSession::Unknown);
        }
        match (self.max, live.first()) {
            (1, Some(only)) => Ok(Entered::Found(Arc::clone(only))),
            _ if live.len() >= self.max => Err(NoSession::Full(self.max)),
            _ => {
                let session = begin();
                live.push(Arc::clone(&session));
                Ok(Entered::Begun(session))
            }
        }
    }

    /// Takes one off the list, where it is there.
    pub(super) fn remove(&self, session: &Arc<Session>) {
        self.live().retain(|other| !Arc::ptr_eq(session, other));
    }

    /// All of them, as others are told.
    pub(super) fn list(&self) -> Vec<Listed> {
        let live = self.live().clone();
        live.iter().map(|session| session.listed()).collect()
    }

    fn live(&self) -> MutexGuard<'_, Vec<Arc<Session>>> {
        // Whoever panicked has added one, or has not.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
