//! One process for all peers of a route: it begins with the first of them and ends with the last.
//!
//! Who comes later hears the last messages first. The process waits for nobody: whoever is slow misses
//! the oldest of what waits. It waits where a worker as a whole does not keep up.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tieline::serve::Payload;
use tieline::{Closed, Message, serve};
use tokio::sync::Notify;
use tokio::task::{spawn_local, yield_now};
use tokio::time::sleep;

use super::framer::{Framer, TooLong};
use super::input::Input;
use super::run::run;
use super::settings::Settings;
use super::source::Source;
use crate::members::{Full, Members};
use crate::peer::{Peer, Remote};
use crate::peer_id::PeerId;
use crate::process::Variables;
use crate::service::Conversation;
use crate::service::misunderstood::Misunderstood;

/// What a newcomer may hear at most, in bytes.
const REPLAY_BYTES: usize = 1 << 20;

/// After how long it is tried again to tell workers something that have too much to tell.
const AGAIN_AFTER: Duration = Duration::from_millis(5);

/// The process of a route, and who hears it.
#[derive(Debug)]
pub(super) struct Shared {
    settings: Arc<Settings>,
    members: Members<State>,
}

#[derive(Debug, Default)]
struct State {
    viewers: HashMap<PeerId, Remote>,
    run: Option<Run>,
    /// How many there were.
    runs: u64,
    replay: VecDeque<Message>,
    /// Bytes of it.
    replay_bytes: usize,
}

/// A process, as its viewers know it.
#[derive(Clone, Debug)]
struct Run {
    input: Arc<Input>,
    /// The last viewer has gone.
    left: Arc<Notify>,
}

/// One peer of a shared command.
pub(super) struct Viewer {
    shared: Arc<Shared>,
    input: Option<Arc<Input>>,
    misunderstood: Misunderstood,
}

impl Shared {
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        Self { settings, members: Members::new(State::default()) }
    }

    /// Runs the process until it has ended or nobody hears it any more.
    async fn run(&self, number: u64, process: Run) {
        let hear = async |source, framer| self.hear(source, framer).await;
        // It is told nothing of who asks: they are many.
        let variables = Variables::new();
        let end = tokio::select! {
            end = run(&self.settings, &variables, &process.input, hear) => end,
            () = process.left.notified() => return process.input.end(),
        };
        process.input.end();
        let (code, reason) = end.told();
        self.members.turn(|turn| {
            let state = turn.state();
            if state.runs == number {
                state.run = None;
                state.forget();
                state.viewers.drain().for_each(|(_, viewer)| viewer.close(code, &reason));
            }
        });
    }

    /// Tells all viewers what the process writes, to its end.
    async fn hear(&self, source: Source, mut framer: Framer) -> Result<(), TooLong> {
        while source.fill(&mut framer).await {
            let mut untold = None;
            loop {
                match self.tell(untold.take(), &mut framer)? {
                    None => break,
                    waits => {
                        untold = waits;
                        sleep(AGAIN_AFTER).await;
                    }
                }
            }
            // A pipe that is never empty must not keep the worker from its other peers.
            yield_now().await;
        }
        let mut untold = framer.finish().map(Payload::into_message);
        while let Some(message) = untold {
            untold = self.tell(Some(message), &mut framer)?;
            if untold.is_some() {
                sleep(AGAIN_AFTER).await;
            }
        }
        Ok(())
    }

    /// Tells what was read, in one turn; what could not be told is answered.
    fn tell(
        &self,
        mut first: Option<Message>,
        framer: &mut Framer,
    ) -> Result<Option<Message>, TooLong> {
        let most = self.settings.replay;
        self.members.turn(|turn| {
            loop {
                let message = match first.take() {
                    Some(message) => message,
                    None => match framer.next()? {
                        Some(message) => message.into_message(),
                        None => return Ok(None),
                    },
                };
                if let Err(Full) = turn.tell_all(message.clone()) {
                    return Ok(Some(message));
                }
                turn.state().remember(message, most);
            }
        })
    }
}

impl State {
    fn remember(&mut self, message: Message, most: usize) {
        self.replay_bytes += message.len();
        self.replay.push_back(message);
        while self.replay.len() > most || self.replay_bytes > REPLAY_BYTES {
            let Some(oldest) = self.replay.pop_front() else { break };
            self.replay_bytes -= oldest.len();
        }
    }

    fn forget(&mut self) {
        self.replay = VecDeque::new();
        self.replay_bytes = 0;
    }
}

impl Viewer {
    /// A peer comes. With the first one the process begins, on the worker of that peer.
    pub(super) fn join(shared: &Arc<Shared>, peer: &Peer) -> Self {
        let input = shared.members.turn(|turn| {
            let replay: Vec<_> = turn.state().replay.iter().cloned().collect();
            for message in replay {
                turn.tell(peer, message);
            }
            turn.join(peer);
            let state = turn.state();
            state.viewers.insert(peer.id(), peer.remote());
            if let Some(run) = &state.run {
                return Arc::clone(&run.input);
            }
            let input = Input::new(shared.settings.frame);
            let process = Run { input: Arc::clone(&input), left: Arc::default() };
            state.run = Some(process.clone());
            state.runs += 1;
            let (number, shared) = (state.runs, Arc::clone(shared));
            spawn_local(async move { shared.run(number, process).await });
            input
        });
        let input = shared.settings.has_input.then_some(input);
        let misunderstood = Misunderstood::new("command");
        Self { shared: Arc::clone(shared), input, misunderstood }
    }
}

impl Conversation for Viewer {
    fn message(&mut self, peer: &Peer, message: serve::Message<'_>) {
        match &self.input {
            Some(input) => input.take(peer, message),
            None => self.misunderstood.add(peer),
        }
    }

    fn close(&mut self, peer: &Peer, _how: &Closed) {
        self.misunderstood.sum_up(peer);
        self.shared.members.turn(|turn| {
            turn.leave(peer);
            let state = turn.state();
            // Those that the end of a process has closed are no viewers of the next.
            if state.viewers.remove(&peer.id()).is_some() && state.viewers.is_empty() {
                state.forget();
                if let Some(run) = state.run.take() {
                    run.left.notify_one();
                }
            }
        });
    }
}
