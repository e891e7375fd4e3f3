//! A conversation: what is said goes over the line, what happens on it is told.

use std::future::poll_fn;
use std::io;
use std::path::Path;
use std::task::Poll;
use std::time::{Duration, Instant};

use tieline::reconnect::Why;
use tieline::{CloseCode, Message, Received};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant as Deadline, sleep_until};

use super::Failure;
use super::command;
use super::event::Event;
use super::goal::Goal;
use super::happening::Happening;
use super::input::Input;
use super::line::Line;
use super::out::Out;
use super::pings::Pings;
use super::record::Recorder;
use super::shown::{self, Shown};

/// A conversation, from the first attempt to its end.
pub(super) struct Talk {
    pub(super) url: String,
    pub(super) line: Line,
    pub(super) out: Out,
    pub(super) shown: Shown,
    pub(super) goal: Option<Goal>,
    pub(super) recorder: Option<Recorder>,
    /// How long it listens on when nobody has anything more to say and nothing comes; for ever where
    /// there is none.
    pub(super) linger: Option<Duration>,
    pub(super) state: State,
}

/// How far it has come.
pub(super) struct State {
    since: Instant,
    deadline: Option<Deadline>,
    /// When it is quiet enough to close.
    quiet: Option<Deadline>,
    pings: Pings,
    /// What was agreed on the line, for people.
    agreed: Option<String>,
    /// The last message, for `/save`.
    last: Option<Message>,
    /// Whether all that was waited for has come: how the line ends makes no difference any more.
    is_met: bool,
    /// The code that this end has closed with.
    closing: Option<CloseCode>,
}

/// Who says what is to be done.
pub(super) trait Inputs {
    fn poll(&mut self, cx: &mut std::task::Context<'_>) -> Poll<Option<Input>>;
}

/// What comes next.
enum Turn {
    Event(Option<Event>),
    /// `None` where there is nothing more to do.
    Input(Option<Input>),
}

/// The signals that end it.
pub(super) struct Stop(Signal, Signal);

impl Default for State {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            deadline: None,
            quiet: None,
            pings: Pings::default(),
            agreed: None,
            last: None,
            is_met: false,
            closing: None,
        }
    }
}

impl Talk {
    /// Goes on until the line has ended for good.
    pub(super) async fn run(mut self, inputs: &mut dyn Inputs) -> anyhow::Result<()> {
        let mut stop = Stop::listen()?;
        let mut inputs = Some(inputs);
        let mut why = None;
        loop {
            let (deadline, quiet) = (self.state.deadline, self.state.quiet);
            let turn = tokio::select! {
                turn = self.turn(&mut inputs) => turn,
                () = stop.next() => Turn::Input(Some(match self.state.closing {
                    None => Input::Quit,
                    Some(_) => Input::Abort,
                })),
                () = sleep_until(deadline.unwrap_or_else(Deadline::now)), if deadline.is_some() => {
                    return Err(self.too_late());
                }
                () = sleep_until(quiet.unwrap_or_else(Deadline::now)), if quiet.is_some() => {
                    self.state.quiet = None;
                    Turn::Input(Some(Input::Quit))
                }
            };
            match turn {
                Turn::Event(None) => break,
                Turn::Event(Some(event)) => why = self.happened(event).await?.or(why),
                Turn::Input(Some(Input::Abort)) => return Ok(()),
                Turn::Input(Some(input)) => self.carry_out(input).await?,
                Turn::Input(None) => {
                    inputs = None;
                    if self.goal.is_none() {
                        self.state.quiet = self.linger.map(|linger| Deadline::now() + linger);
                    }
                }
            }
        }
        self.conclude(why)
    }

    /// What comes next; inputs are taken as the line takes messages.
    async fn turn(&mut self, inputs: &mut Option<&mut dyn Inputs>) -> Turn {
        poll_fn(|cx| {
            // A script waits for the line; a person is told that there is none.
            let may_say = match self.line.is_open() {
                true => self.line.poll_ready(cx).is_ready(),
                false => matches!(self.out, Out::Console(_)),
            };
            if let Some(inputs) =
                inputs.as_mut().filter(|_| may_say && self.state.closing.is_none())
                && let Poll::Ready(input) = inputs.poll(cx)
            {
                return Poll::Ready(Turn::Input(input));
            }
            self.line.poll_event(cx).map(Turn::Event)
        })
        .await
    }

    async fn carry_out(&mut self, input: Input) -> anyhow::Result<()> {
        match input {
            Input::Message(message) => match self.line.send(message.clone()) {
                Ok(()) => self.tell(Happening::Sent(message)).await,
                Err(error) => self.note(format!("not sent: {}", shown::chain(&error))).await,
            },
            Input::Ping(payload) => {
                let payload = self.state.pings.send(payload);
                match self.line.ping(&payload) {
                    Ok(()) => Ok(()),
                    Err(error) => self.note(format!("not sent: {}", shown::chain(&error))).await,
                }
            }
            Input::Close(code, reason) => self.close(code, reason).await,
            Input::Quit => self.close(CloseCode::NORMAL, String::new()).await,
            Input::Headers => {
                let agreed = self.state.agreed.clone();
                self.note(agreed.unwrap_or_else(|| "there is no line yet".to_owned())).await
            }
            Input::Help => self.note(command::HELP.to_owned()).await,
            Input::Save(path) => {
                let saved = self.save(&path);
                self.note(saved).await
            }
            Input::Toggle(what) => {
                let toggled = self.shown.toggle(what);
                self.note(toggled).await
            }
            Input::Wrong(why) if matches!(self.out, Out::Console(_)) => self.note(why).await,
            Input::Wrong(why) => Err(Failure::Usage(why).into()),
            Input::Abort => Ok(()),
        }
    }

    async fn close(&mut self, code: CloseCode, reason: String) -> anyhow::Result<()> {
        match self.line.close(code, &reason) {
            Ok(()) => {
                self.state.closing = Some(code);
                self.tell(Happening::Closing { code, reason }).await
            }
            Err(error) => self.note(format!("not closed: {error}")).await,
        }
    }

    fn save(&self, path: &Path) -> String {
        let Some(last) = &self.state.last else { return "no message has come yet".to_owned() };
        match std::fs::write(path, last.as_bytes()) {
            Ok(()) => format!("{} bytes are in {}", last.len(), path.display()),
            Err(error) => format!("cannot write {}: {error}", path.display()),
        }
    }

    /// Takes note of an event; why the line ended, where it did.
    async fn happened(&mut self, event: Event) -> anyhow::Result<Option<Why>> {
        match event {
            Event::Opened(opened) => {
                self.state.pings.forget();
                self.state.agreed = Some(shown::headers(&opened));
                if let (None, Some(goal)) = (self.state.deadline, &self.goal) {
                    self.state.deadline = Some(Deadline::now() + goal.within);
                }
                self.tell(Happening::Opened(opened)).await?;
            }
            Event::Received(Received::Message(message)) => {
                if let (Some(quiet), Some(linger)) = (&mut self.state.quiet, self.linger) {
                    *quiet = Deadline::now() + linger;
                }
                let is_met = self.goal.as_mut().is_some_and(|goal| goal.received(&message));
                if matches!(self.out, Out::Console(_)) {
                    self.state.last = Some(message.clone());
                }
                self.tell(Happening::Received(message)).await?;
                if is_met {
                    (self.goal, self.state.deadline) = (None, None);
                    self.state.is_met = true;
                    self.close(CloseCode::NORMAL, String::new()).await?;
                }
            }
            Event::Received(Received::Ping(payload)) => {
                self.tell(Happening::Pinged(payload)).await?;
            }
            Event::Received(Received::Pong(payload)) => {
                let round_trip = self.state.pings.answered(&payload);
                self.tell(Happening::Ponged { payload, round_trip }).await?;
            }
            Event::TurnedAway(why) => self.note(format!("somebody got no line: {why}")).await?,
            Event::Ended { why, retry_in } => {
                let happening = Happening::Ended { why, retry_in };
                self.tell_of(&happening).await?;
                let Happening::Ended { why, .. } = happening else { return Ok(None) };
                return Ok(Some(why));
            }
        }
        Ok(None)
    }

    async fn note(&mut self, note: String) -> anyhow::Result<()> {
        self.tell(Happening::Note(note)).await
    }

    async fn tell(&mut self, happening: Happening) -> anyhow::Result<()> {
        self.tell_of(&happening).await
    }

    async fn tell_of(&mut self, happening: &Happening) -> anyhow::Result<()> {
        let at = self.state.since.elapsed();
        if let Some(recorder) = &mut self.recorder {
            recorder.note(at, happening)?;
        }
        Ok(self.out.tell(&self.shown, at, happening).await?)
    }

    fn too_late(&self) -> anyhow::Error {
        let goal = self.goal.as_ref().expect("a deadline is a goal's");
        goal.unmet(&format!("within {:?}", goal.within)).into()
    }

    /// Whether it ended well.
    fn conclude(self, why: Option<Why>) -> anyhow::Result<()> {
        let fails = match &why {
            None => false,
            Some(_) if self.state.is_met => false,
            // What was said before the close may still have been too much for the peer.
            Some(Why::Closed { code, .. }) => {
                let is_usual =
                    [CloseCode::NORMAL, CloseCode::GOING_AWAY, CloseCode::NO_STATUS].contains(code);
                !is_usual && self.state.closing != Some(*code)
            }
            Some(_) => true,
        };
        match (why, &self.goal) {
            (Some(why), _) if fails => Err(Failure::ended(&self.url, why).into()),
            (_, Some(goal)) if self.state.closing.is_none() => {
                Err(goal.unmet("before the line ended").into())
            }
            _ => Ok(()),
        }
    }
}

impl Inputs for mpsc::Receiver<Input> {
    fn poll(&mut self, cx: &mut std::task::Context<'_>) -> Poll<Option<Input>> {
        self.poll_recv(cx)
    }
}

/// What is to be done next; `None` where nobody has anything more to say.
pub(super) async fn next(inputs: &mut Option<&mut dyn Inputs>) -> Option<Input> {
    let inputs = inputs.as_mut()?;
    poll_fn(|cx| inputs.poll(cx)).await
}

impl Stop {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
    }

    /// Waits for one of them.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
        }
    }
}
