//! A shared counter with the number of users, and commands whose results all of them hear.
//!
//! | from         | message                                | then                                       |
//! |--------------|----------------------------------------|--------------------------------------------|
//! | (joins)      |                                        | all get `users`, then the newcomer `state` |
//! | a client     | `{"action":"plus"}`, `minus`           | all get `state`                            |
//! | a client     | `{"action":"cmd","cmdStr":"LINE"}`     | it is run; all get `cmd`                   |
//! | (leaves)     |                                        | all get `users`                            |
//! | the server   | `{"type":"state","value":N,"cmdStr":"LINE","cmdRet":"RESULT","now":"TIME"}`         |
//! | the server   | `{"type":"users","count":N}`           |                                            |
//! | the server   | `{"type":"cmd","cmdStr":"LINE","cmdRet":"RESULT"}`                                  |
//!
//! `state` has the last command, its result and the time of it, `2026-01-31T12:00:00Z`; all three are
//! empty before the first. RESULT is `[stdout]` and `[stderr]`, each on a line, with what was written
//! there behind it, and each only where something was. LINE names a command of the configuration,
//! letter for letter; where that allows any, `/bin/sh` runs it. One that is not run is answered to who
//! asked alone, and changes nothing. What else a client says changes nothing and is counted in the
//! log; a binary message ends its line with 1003.

mod result;
mod settings;

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tieline::serve::Message;
use tieline::{CloseCode, Closed};
use tokio::task::spawn_local;
use tracing::info;

use self::settings::Settings;
use crate::config;
use crate::events::At;
use crate::members::{Full, Members, Turn};
use crate::peer::Peer;
use crate::process::{Processes, Program};
use crate::request::Request;
use crate::service::misunderstood::Misunderstood;
use crate::service::object::decode_object;
use crate::service::{Conversation, Service};

/// The shell of one route, shared by its users on all workers.
#[derive(Clone, Debug)]
pub(crate) struct Shell {
    settings: Arc<Settings>,
    members: Arc<Members<State>>,
}

/// What all users see.
#[derive(Clone, Debug, Default)]
struct State {
    value: i64,
    line: String,
    result: String,
    now: String,
}

/// One user.
struct User {
    shell: Shell,
    misunderstood: Misunderstood,
}

/// What a client may ask; other members of the object are let be.
#[derive(Deserialize)]
struct Ask<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow, default, rename = "cmdStr")]
    line: Option<Cow<'a, str>>,
}

/// What the server says, the members in this order and without spaces.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum News<'a> {
    Cmd {
        #[serde(rename = "cmdStr")]
        line: &'a str,
        #[serde(rename = "cmdRet")]
        result: &'a str,
    },
    State {
        value: i64,
        #[serde(rename = "cmdStr")]
        line: &'a str,
        #[serde(rename = "cmdRet")]
        result: &'a str,
        now: &'a str,
    },
    Users {
        count: usize,
    },
}

impl News<'_> {
    fn encode(&self) -> String {
        serde_json::to_string(self).expect("numbers and texts always encode")
    }
}

impl State {
    fn encode(&self) -> String {
        let Self { value, line, result, now } = self;
        News::State { value: *value, line, result, now }.encode()
    }
}

impl Shell {
    pub(crate) fn new(written: &config::Shell, route: &str, processes: &Processes) -> Self {
        let settings = Arc::new(Settings::new(written, route, processes));
        Self { settings, members: Arc::new(Members::new(State::default())) }
    }

    /// Runs a command; all hear its result, also when who asked for it has gone.
    fn run(&self, peer: &Peer, line: &str) {
        let Some(program) = self.settings.program(line) else {
            info!(peer = %peer.id(), route = self.settings.route, "a command that is not in the list");
            return refuse(peer, line, "this command is not in the list");
        };
        info!(peer = %peer.id(), route = self.settings.route, line, "a command is run");
        let (shell, peer, line) = (self.clone(), peer.clone(), line.to_owned());
        spawn_local(async move { shell.run_to_its_end(&peer, line, &program).await });
    }

    async fn run_to_its_end(&self, peer: &Peer, line: String, program: &Program) {
        let result = match self.settings.run(program).await {
            Ok(result) => result,
            Err(error) => return refuse(peer, &line, &error.to_string()),
        };
        let told = self.members.turn(|turn| {
            let news = News::Cmd { line: &line, result: &result };
            turn.tell_all(news.encode())?;
            let state = turn.state();
            (state.line, state.result, state.now) = (line, result, now());
            Ok(())
        });
        if let Err(Full) = told {
            peer.close(CloseCode::TRY_AGAIN, "the server is overloaded");
        }
    }
}

impl Service for Shell {
    fn open(&self, peer: &Peer, _request: &Request) -> Box<dyn Conversation> {
        let told = self.members.turn(|turn| {
            turn.join(peer);
            tell_users(turn)?;
            let state = turn.state().encode();
            turn.tell(peer, state);
            Ok(())
        });
        if let Err(Full) = told {
            peer.close(CloseCode::TRY_AGAIN, "the server is overloaded");
        }
        Box::new(User { shell: self.clone(), misunderstood: Misunderstood::new("shell") })
    }
}

impl Conversation for User {
    fn message(&mut self, peer: &Peer, message: Message<'_>) {
        let Some(text) = message.text() else {
            return peer.close(CloseCode::UNSUPPORTED, "the shell speaks text");
        };
        let Ok(ask) = decode_object::<Ask<'_>>(text) else { return self.misunderstood.add(peer) };
        match (&*ask.action, ask.line) {
            ("cmd", Some(line)) => self.shell.run(peer, &line),
            ("minus", _) => self.count(peer, -1),
            ("plus", _) => self.count(peer, 1),
            _ => self.misunderstood.add(peer),
        }
    }

    fn close(&mut self, peer: &Peer, _how: &Closed) {
        self.misunderstood.sum_up(peer);
        self.shell.members.turn(|turn| {
            turn.leave(peer);
            // Who misses this number hears the next one.
            let _ = tell_users(turn);
        });
    }
}

impl User {
    fn count(&self, peer: &Peer, step: i64) {
        let told = self.shell.members.turn(|turn| {
            let state = turn.state();
            let value = state.value.saturating_add(step);
            let news = State { value, ..state.clone() }.encode();
            turn.tell_all(news)?;
            turn.state().value = value;
            Ok(())
        });
        if let Err(Full) = told {
            peer.close(CloseCode::TRY_AGAIN, "the server is overloaded");
        }
    }
}

fn tell_users(turn: &mut Turn<'_, State>) -> Result<(), Full> {
    let count = turn.count();
    turn.tell_all(News::Users { count }.encode())
}

/// The time in UTC, such as `2026-01-31T12:00:00Z`.
fn now() -> String {
    // 2026-01-31T12:00:00.123Z
    format!("{}Z", &At::now().to_string()[..19])
}

/// Says to who asked why nothing was run.
fn refuse(peer: &Peer, line: &str, why: &str) {
    let result = format!("[stderr]\n{why}\n");
    peer.send(News::Cmd { line, result: &result }.encode());
}

#[cfg(test)]
mod tests;
