//! Programs in terminals, which live on when nobody watches.
//!
//! ```text
//! page ─ what is typed ─▶ viewer ─▶ session's task ─▶ terminal ─▶ program
//! page ◀─ paint, output ─ viewer ◀─ session's state ◀─ terminal ◀─ program
//! ```
//!
//! A line that names no session begins one, or joins the only one where there may be no more; a line
//! with `?session=ID` joins that one. The program is the configuration's, word for word; nothing of
//! it comes from a client.
//!
//! | file         | holds                                                           |
//! |--------------|-----------------------------------------------------------------|
//! | `words`      | what is said in text                                            |
//! | `sessions`   | which session is meant, and how many there may be               |
//! | `session`    | one: who watches, who may type, what is new to whom             |
//! | `screen`     | what it shows, and how that is painted                          |
//! | `charsets`   | letters or lines; `margins` are between which rows it scrolls   |
//! | `tape`       | what was said lately; `cut` is where output may be cut          |
//! | `viewer`     | a line: what it is shown, as fast as it reads                   |
//! | `run`        | the task of a session; `pace` is how fast it reads              |
//! | `pty`        | the terminal of a program                                       |
//! | `recordings` | the folder; `recorder` writes one                               |
//! | `answer`     | ordinary requests                                               |
//! | `audit`      | what is noted; `input` is what was typed, `trail` what is kept  |

mod answer;
mod audit;
mod charsets;
mod cut;
mod input;
mod margins;
mod pace;
mod pty;
mod recorder;
mod recordings;
mod run;
mod screen;
mod session;
mod sessions;
mod tape;
mod trail;
mod viewer;
mod words;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use tieline::CloseCode;
use tieline::serve::Overflow;
use tokio::task::spawn_local;

use self::audit::{Audit, Who};
use self::pace::Pace;
use self::recordings::Recordings;
use self::run::Run;
use self::session::{Session, Terms};
use self::sessions::{Entered, Sessions};
use self::trail::Trail;
use self::viewer::{TurnedAway, Viewer};
use self::words::Size;
use crate::config::{self, Span};
use crate::exchange::{Answer, Exchange};
use crate::peer::Peer;
use crate::process::{Places, Program};
use crate::refusal::Refusal;
use crate::request::Request;
use crate::resources::Resources;
use crate::service::{Accept, Conversation, Service};

/// The terminals of one route.
pub(crate) struct Terminal(Arc<Shared>);

/// What all its lines share.
struct Shared {
    path: Arc<str>,
    plan: config::Terminal,
    program: Program,
    places: Places,
    sessions: Arc<Sessions>,
    recordings: Option<Recordings>,
    trail: Option<Arc<Trail>>,
}

impl Terminal {
    /// The terminals of a route, none of which runs yet.
    pub(crate) fn new(path: &str, plan: &config::Terminal, resources: &Resources) -> Self {
        // Those that still end have a place as well.
        let places = resources.processes.places(path, 2 * plan.max_sessions);
        Self(Arc::new(Shared {
            path: path.into(),
            program: program(plan),
            places,
            sessions: Arc::new(Sessions::new(plan.max_sessions)),
            recordings: plan.record.as_ref().map(Recordings::new),
            trail: (plan.audit_notes > 0).then(|| Arc::new(Trail::new(plan.audit_notes))),
            plan: plan.clone(),
        }))
    }
}

impl Shared {
    /// What of a path lies below the route's, without the slash between them.
    fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        let rest = path.strip_prefix(&*self.path)?;
        match rest {
            "" => Some(""),
            _ if self.path.ends_with('/') => Some(rest),
            _ => rest.strip_prefix('/'),
        }
    }

    /// Begins a session, on the worker of who asked for it.
    fn begin(&self, who: &Who) -> Arc<Session> {
        let plan = &self.plan;
        let terms = Terms {
            command: name_of(&plan.argv),
            size: Size { columns: plan.columns, rows: plan.rows },
            scrollback_lines: plan.scrollback_lines,
            typing: plan.typing,
            max_viewers: plan.max_viewers,
            is_recorded: self.recordings.is_some(),
        };
        let (session, typed) = Session::new(who.name.clone(), terms);
        let session = Arc::new(session);
        spawn_local(run::run(Run {
            session: Arc::clone(&session),
            sessions: Arc::clone(&self.sessions),
            program: self.program.clone(),
            places: self.places.clone(),
            recordings: self.recordings.clone(),
            typed,
            pace: Pace::new(plan.output),
            keep: plan.keep.get(),
            idle: limit(plan.idle),
            lifetime: limit(plan.lifetime),
            audit: self.audit(),
        }));
        session
    }

    fn audit(&self) -> Audit {
        Audit {
            route: Arc::clone(&self.path),
            notes_input: self.plan.audit_input,
            trail: self.trail.clone(),
        }
    }
}

impl Service for Terminal {
    fn admit(&self, request: &Request) -> Result<Accept, Refusal> {
        if request.path() != &*self.0.path {
            let reason = "there is no WebSocket service at this path";
            return Err(Refusal::new(StatusCode::NOT_FOUND, reason));
        }
        Ok(Accept::default())
    }

    /// What it answers waits for a viewer, and is bounded by how that reads.
    fn overflow(&self) -> Overflow {
        Overflow::Wait
    }

    fn takes_below(&self) -> bool {
        true
    }

    fn owns(&self, rest: &str) -> bool {
        answer::owns(rest)
    }

    fn answers(&self, method: &Method) -> bool {
        matches!(*method, Method::GET | Method::HEAD)
    }

    fn answer(&self, exchange: Exchange) -> Answer {
        Box::pin(answer::answer(Arc::clone(&self.0), exchange))
    }

    fn open(&self, peer: &Peer, request: &Request) -> Box<dyn Conversation> {
        let who = Who { peer: peer.id(), name: request.name() };
        let wanted = request.query().and_then(session_of);
        let entered = self.0.sessions.enter(wanted.as_deref(), || self.0.begin(&who));
        let (session, is_new) = match entered {
            Ok(Entered::Begun(session)) => (session, true),
            Ok(Entered::Found(session)) => (session, false),
            Err(error) => {
                peer.close(error.close_code(), &error.to_string());
                return Box::new(TurnedAway);
            }
        };
        if let Err(error) = session.join(peer.id(), who.name.clone()) {
            peer.close(CloseCode::TRY_AGAIN, &error.to_string());
            return Box::new(TurnedAway);
        }
        let audit = self.0.audit();
        match is_new {
            true => audit.opened(&session, &who),
            false => audit.joined(&session, &who),
        }
        Box::new(Viewer::new(peer, session, audit, who))
    }
}

/// What is run, as the configuration has it.
fn program(plan: &config::Terminal) -> Program {
    Program {
        argv: plan.argv.clone(),
        dir: plan.dir.clone(),
        environment: (&plan.environment).into(),
        ending: (&plan.ending).into(),
    }
}

/// A time that bounds something, unless it is none.
fn limit(span: Span) -> Option<Duration> {
    Some(span.get()).filter(|time| !time.is_zero())
}

/// The session that a query names.
fn session_of(query: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == "session").map(|(_, id)| id.into_owned())
}

/// The name of a program, without its folder.
fn name_of(argv: &[String]) -> String {
    let first = argv.first().map(String::as_str).unwrap_or_default();
    let name = Path::new(first).file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_may_name_a_session() {
        for (query, session) in [
            ("session=1f", Some("1f")),
            ("a=b&session=1f&session=2e", Some("1f")),
            ("session=", Some("")),
            ("sessions=1f", None),
            ("", None),
        ] {
            assert_eq!(session_of(query).as_deref(), session, "{query}");
        }
    }

    #[test]
    fn a_program_is_told_without_its_folder() {
        for (argv, name) in [("/usr/bin/bash", "bash"), ("bash", "bash"), ("./a b", "a b")] {
            assert_eq!(name_of(&[argv.to_owned()]), name);
        }
    }
}
