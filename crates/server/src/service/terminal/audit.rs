//! What is noted of who opened, joined, left and ended a session, and of what was typed where that is
//! wanted: in the log, as lines with the target `tieline::audit`, each with the field `audit`; and on
//! the route's trail, where one is kept.
//!
//! A session is named by the beginning of its id, which is not enough to join it.

use std::fmt;
use std::sync::Arc;

use tracing::info;

use super::session::Session;
use super::trail::{Note, Trail};
use super::words::Ended;
use crate::events::At;
use crate::name::Name;
use crate::peer_id::PeerId;

const TARGET: &str = "tieline::audit";

/// What is noted of one route.
#[derive(Clone, Debug)]
pub(super) struct Audit {
    pub(super) route: Arc<str>,
    /// Whether what is typed is noted, passwords and all.
    pub(super) notes_input: bool,
    pub(super) trail: Option<Arc<Trail>>,
}

/// Why a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Somebody who may type asked for it.
    Asked,
    /// Nobody typed for too long.
    Idle,
    /// It has lived as long as it may.
    Lifetime,
    /// There never was a program.
    NotStarted,
    /// The program ended by itself.
    Program,
    /// Nobody watched for too long.
    Unwatched,
}

/// A viewer, as the log knows it.
#[derive(Clone, Debug)]
pub(super) struct Who {
    pub(super) peer: PeerId,
    pub(super) name: Name,
}

impl Audit {
    pub(super) fn opened(&self, session: &Session, who: &Who) {
        self.did("opened", session, who);
    }

    pub(super) fn joined(&self, session: &Session, who: &Who) {
        self.did("joined", session, who);
    }

    pub(super) fn left(&self, session: &Session, who: &Who) {
        self.did("left", session, who);
    }

    /// Somebody who may type asked for the end.
    pub(super) fn asked_to_end(&self, session: &Session, who: &Who) {
        self.did("asked_to_end", session, who);
    }

    /// A line was typed, or a piece of one.
    pub(super) fn typed(&self, session: &Session, who: &Who, piece: &[u8]) {
        let input = piece.escape_ascii();
        info!(
            target: TARGET,
            audit = "typed",
            route = &*self.route,
            session = session.label(),
            peer = %who.peer,
            name = %who.name,
            %input,
            "terminal"
        );
        self.note(session, |note| Note {
            audit: "typed",
            input: Some(input.to_string()),
            ..note.by(who)
        });
    }

    pub(super) fn ended(&self, session: &Session, why: Why, ended: &Ended) {
        info!(
            target: TARGET,
            audit = "ended",
            route = &*self.route,
            session = session.label(),
            %why,
            how = %ended,
            "terminal"
        );
        self.note(session, |note| Note {
            audit: "ended",
            why: Some(why.to_string()),
            how: Some(ended.to_string()),
            ..note
        });
    }

    fn did(&self, what: &'static str, session: &Session, who: &Who) {
        info!(
            target: TARGET,
            audit = what,
            route = &*self.route,
            session = session.label(),
            command = session.terms().command,
            peer = %who.peer,
            name = %who.name,
            "terminal"
        );
        self.note(session, |note| Note { audit: what, ..note.by(who) });
    }

    fn note(&self, session: &Session, more: impl FnOnce(Note) -> Note) {
        let Some(trail) = &self.trail else { return };
        trail.add(more(Note {
            at: At::now(),
            audit: "",
            session: session.label().to_owned(),
            command: session.terms().command.clone(),
            name: None,
            peer: None,
            input: None,
            why: None,
            how: None,
        }));
    }
}

impl Note {
    fn by(self, who: &Who) -> Self {
        let (name, peer) = (who.name.to_string(), who.peer.to_string());
        Self { name: Some(name), peer: Some(peer), ..self }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asked => "asked for",
            Self::Idle => "nobody typed",
            Self::Lifetime => "lifetime",
            Self::NotStarted => "the program was not started",
            Self::Program => "the program ended",
            Self::Unwatched => "nobody watched",
        })
    }
}
