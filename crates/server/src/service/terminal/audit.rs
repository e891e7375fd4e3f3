//! What the log keeps of who opened, joined, left and ended a session, and of what was typed where
//! that is wanted: lines with the target `tieline::audit`, each with the field `audit`.
//!
//! A session is named by the beginning of its id, which is not enough to join it.

use std::fmt;
use std::sync::Arc;

use tracing::info;

use super::session::Session;
use super::words::Ended;
use crate::name::Name;
use crate::peer_id::PeerId;

const TARGET: &str = "tieline::audit";

/// What is logged of one route.
#[derive(Clone, Debug)]
pub(super) struct Audit {
    pub(super) route: Arc<str>,
    /// Whether what is typed is logged, passwords and all.
    pub(super) logs_input: bool,
}

/// Why a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Somebody who may type asked for it.
    Asked,
    /// It has lived as long as it may.
    Lifetime,
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
        self.note("opened", session, who);
    }

    pub(super) fn joined(&self, session: &Session, who: &Who) {
        self.note("joined", session, who);
    }

    pub(super) fn left(&self, session: &Session, who: &Who) {
        self.note("left", session, who);
    }

    /// Somebody who may type asked for the end.
    pub(super) fn asked_to_end(&self, session: &Session, who: &Who) {
        self.note("asked_to_end", session, who);
    }

    pub(super) fn typed(&self, session: &Session, who: &Who, bytes: &[u8]) {
        if self.logs_input {
            info!(
                target: TARGET,
                audit = "typed",
                route = &*self.route,
                session = session.label(),
                peer = %who.peer,
                name = %who.name,
                input = %bytes.escape_ascii(),
                "terminal"
            );
        }
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
    }

    fn note(&self, what: &str, session: &Session, who: &Who) {
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
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asked => "asked for",
            Self::Lifetime => "lifetime",
            Self::Program => "the program ended",
            Self::Unwatched => "nobody watched",
        })
    }
}
