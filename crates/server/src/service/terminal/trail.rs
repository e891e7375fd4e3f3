//! The last of what the audit log was told, kept in memory for who asks over HTTP.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::events::At;

/// The newest notes of a route.
#[derive(Debug)]
pub(super) struct Trail {
    max: usize,
    /// The newest first.
    notes: Mutex<VecDeque<Note>>,
}

/// Something that was noted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Note {
    pub(super) at: At,
    /// `opened`, `joined`, `left`, `typed`, `asked_to_end` or `ended`.
    pub(super) audit: &'static str,
    /// The beginning of the session's id.
    pub(super) session: String,
    pub(super) command: String,
    /// Who did it; nobody did an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// The number of the line by which that came: of two windows of one person, which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) peer: Option<String>,
    /// What was typed, with escapes for what is no plain letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<String>,
    /// Why a session has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
    /// How its program ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) how: Option<String>,
}

impl Trail {
    /// Nothing yet, and room for so many.
    pub(super) const fn new(max: usize) -> Self {
        Self { max, notes: Mutex::new(VecDeque::new()) }
    }

    /// Adds a note; the oldest goes where there are as many as may be.
    pub(super) fn add(&self, note: Note) {
        let mut notes = self.notes();
        notes.truncate(self.max.saturating_sub(1));
        notes.push_front(note);
    }

    /// All that are kept, the newest first.
    pub(super) fn list(&self) -> Vec<Note> {
        self.notes().iter().cloned().collect()
    }

    fn notes(&self) -> MutexGuard<'_, VecDeque<Note>> {
        // Whoever panicked has added one, or has not.
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(session: usize) -> Note {
        Note {
            at: At::now(),
            audit: "opened",
            session: session.to_string(),
            command: "sh".into(),
            name: None,
            peer: None,
            input: None,
            why: None,
            how: None,
        }
    }

    #[test]
    fn the_newest_are_kept_and_told_first() {
        let trail = Trail::new(3);
        (0..5).for_each(|session| trail.add(note(session)));
        let sessions: Vec<_> = trail.list().into_iter().map(|note| note.session).collect();
        assert_eq!(sessions, ["4", "3", "2"]);
    }
}
