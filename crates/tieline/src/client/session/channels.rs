//! What a client has subscribed to, and where it stands in each channel.
//!
//! ```text
//! Due ── a line ─▶ Asked ── the answer ─▶ On ── a publication is missing ─▶ Due, from its position
//!  ▲                 │ may do better later  │
//!  └── a while ◀─────┘                      │
//!  └─────────────── the line is lost ◀──────┘
//! ```

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::calls::{Calls, Kind};
use crate::client::error::{Advice, Error};
use crate::client::event::{Event, Gap, Reason};
use crate::client::position::Position;
use crate::client::queue::Queue;
use crate::client::words::{Item, Lost, Moved, Named, Subscribe, Subscribed, Told};

/// Who waits for the first answer.
pub(in crate::client) type Asker = oneshot::Sender<Result<(), Error>>;

/// How long is waited for what the server could not do again on another line.
pub(super) const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// All of them, by their names.
#[derive(Debug, Default)]
pub(super) struct Channels {
    channels: HashMap<Arc<str>, Channel>,
    /// Whether one of them is to be asked for, or let go.
    has_work: bool,
}

#[derive(Debug)]
struct Channel {
    queue: Arc<Queue>,
    state: State,
    /// Behind the last publication that came.
    position: Option<Position>,
    first: Option<First>,
    has_begun: bool,
    /// Its reader has gone.
    is_left: bool,
}

/// Who waits for the first answer, and until when.
#[derive(Debug)]
pub(super) struct First {
    pub(super) asker: Asker,
    pub(super) until: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// To be asked for, not before that time.
    Due(Option<Instant>),
    /// Asked for by this call.
    Asked(u64),
    On,
    /// On, and a publication is missing: to be asked for again.
    Torn,
}

impl Channels {
    pub(super) fn add(
        &mut self,
        name: &Arc<str>,
        queue: &Arc<Queue>,
        asker: Asker,
        until: Instant,
    ) {
        if self.channels.contains_key(name) {
            // Who dropped its call does not want to know.
            let _ = asker.send(Err(Error::Subscribed));
            return;
        }
        let channel = Channel {
            queue: Arc::clone(queue),
            state: State::Due(None),
            position: queue.position(),
            first: Some(First { asker, until }),
            has_begun: false,
            is_left: false,
        };
        self.channels.insert(Arc::clone(name), channel);
        self.has_work = true;
    }

    pub(super) fn leave(&mut self, name: &str, queue: &Arc<Queue>) {
        // A newer subscription of the same channel is not meant.
        let channel = self.channels.get_mut(name).filter(|it| Arc::ptr_eq(&it.queue, queue));
        let Some(channel) = channel else { return };
        channel.is_left = true;
        self.has_work = true;
    }

    /// The line is lost: all are to be asked for again.
    pub(super) fn lost(&mut self) {
        self.channels.retain(|_, channel| !channel.is_left);
        for channel in self.channels.values_mut() {
            channel.state = State::Due(None);
        }
        self.has_work = true;
    }

    /// Asks for those that are due, and lets those go whose reader has.
    pub(super) fn ask(&mut self, calls: &mut Calls) {
        if !std::mem::take(&mut self.has_work) {
            return;
        }
        self.channels.retain(|name, channel| {
            let unsubscribe = Named { channel: (&**name).into() };
            match (channel.state, channel.is_left) {
                (State::Due(_), true) => return false,
                (State::On | State::Torn, true) => {
                    calls.ask("unsubscribe", &unsubscribe, Kind::Unsubscribe, None);
                    return false;
                }
                (State::Asked(_) | State::Due(Some(_)), _) | (State::On, false) => return true,
                (State::Torn, false) => {
                    calls.ask("unsubscribe", &unsubscribe, Kind::Unsubscribe, None);
                }
                (State::Due(None), false) => {}
            }
            let subscribe = Subscribe { channel: name, position: channel.position.as_ref() };
            let kind = Kind::Subscribe(Arc::clone(name));
            channel.state = State::Asked(calls.ask("subscribe", &subscribe, kind, None));
            true
        });
    }

    /// Takes the answer to the call with this id; `None` where it is not of the language.
    pub(super) fn answered(
        &mut self,
        name: &str,
        id: u64,
        answer: Result<&RawValue, Error>,
        now: Instant,
    ) -> Option<()> {
        let Some((name, _)) = self.channels.get_key_value(name) else { return Some(()) };
        let name = Arc::clone(name);
        let channel = self.channels.get_mut(&name)?;
        if channel.state != State::Asked(id) {
            return Some(());
        }
        match answer {
            Ok(answer) => {
                let subscribed = serde_json::from_str(answer.get()).ok()?;
                channel.begin(&name, subscribed)?;
            }
            Err(error) if channel.has_begun && error.advice() == Advice::Again => {
                channel.state = State::Due(Some(now + AGAIN_AFTER));
            }
            Err(error) => self.ended(&name, error),
        }
        self.has_work = true;
        Some(())
    }

    /// A subscription is over.
    pub(super) fn ended(&mut self, name: &str, error: Error) {
        if let Some(channel) = self.channels.remove(name) {
            channel.end(error);
        }
    }

    pub(super) fn end(&mut self, error: &Error) {
        for channel in std::mem::take(&mut self.channels).into_values() {
            channel.end(error.clone());
        }
    }

    /// Something was published.
    pub(super) fn told(&mut self, told: Told<'_>) {
        let name = told.pattern.as_ref().unwrap_or(&told.channel);
        // What a subscription that is asked for again has still told will be told again.
        let Some((name, channel)) = self.on(name) else { return };
        let Some(position) = &mut channel.position else {
            let name = if told.pattern.is_some() { Arc::from(&*told.channel) } else { name };
            channel.queue.push(Event::Publication(told.of(name, None)));
            return;
        };
        if told.offset <= position.offset {
            return;
        }
        if told.offset > position.offset + 1 {
            channel.state = State::Torn;
            self.has_work = true;
            return;
        }
        position.offset = told.offset;
        let epoch = Some(Arc::clone(&position.epoch));
        channel.queue.push(Event::Publication(told.of(name, epoch)));
    }

    /// The server has lost publications, or has left out what this line was too slow for; `None` where that
    /// is not of the language.
    pub(super) fn missed(&mut self, lost: &Lost<'_>) -> Option<()> {
        let (name, position) = lost.place()?;
        if let Some((_, channel)) = self.on(name) {
            channel.miss(position.cloned(), None, Reason::parse(&lost.reason));
        }
        Some(())
    }

    pub(super) fn joined(&mut self, moved: Moved<'_>) {
        if let Some((_, channel)) = self.on(&moved.channel) {
            channel.queue.push(Event::Joined(moved.member()));
        }
    }

    pub(super) fn left(&mut self, moved: Moved<'_>) {
        if let Some((_, channel)) = self.on(&moved.channel) {
            channel.queue.push(Event::Left(moved.member()));
        }
    }

    /// When the first is to be asked for again, or has not been answered in time.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.channels.values().filter_map(Channel::deadline).min()
    }

    pub(super) fn give_up_late(&mut self, now: Instant) {
        for channel in self.channels.values_mut() {
            if channel.deadline().is_none_or(|due| due > now) {
                continue;
            }
            self.has_work = true;
            if let State::Due(Some(at)) = channel.state
                && at <= now
            {
                channel.state = State::Due(None);
            }
            if let Some(first) = channel.first.take_if(|first| first.until <= now) {
                channel.is_left = true;
                // Who dropped its call does not want to know.
                let _ = first.asker.send(Err(Error::TimedOut));
            }
        }
    }

    /// A channel that is told of.
    fn on(&mut self, name: &str) -> Option<(Arc<str>, &mut Channel)> {
        let (name, _) = self.channels.get_key_value(name)?;
        let name = Arc::clone(name);
        let channel = self.channels.get_mut(&name)?;
        (channel.state == State::On).then_some((name, channel))
    }
}

impl Channel {
    /// Takes the answer to `subscribe`.
    fn begin(&mut self, name: &Arc<str>, answer: Subscribed) -> Option<()> {
        let Subscribed { position, recovered, reason, oldest, publications } = answer;
        let is_pattern = name.ends_with('*');
        if is_pattern == position.is_some() {
            return None;
        }
        self.state = State::On;
        match recovered {
            None if !self.has_begun => self.queue.begin(position.clone()),
            Some(true) => self.go_on(name, position.as_ref()?, publications),
            Some(false) => {
                let reason = Reason::parse(reason.as_deref().unwrap_or_default());
                self.miss(position.clone(), oldest, reason);
            }
            None => self.miss(position.clone(), None, Reason::Pattern),
        }
        self.position = position;
        self.has_begun = true;
        if let Some(first) = self.first.take() {
            self.is_left |= first.asker.send(Ok(())).is_err();
        }
        Some(())
    }

    /// Gives what was missed.
    fn go_on(&self, name: &Arc<str>, position: &Position, missed: Vec<Item>) {
        let seen = self.position.as_ref().map_or(0, |seen| seen.offset);
        for item in missed.into_iter().filter(|item| item.offset > seen) {
            self.queue.push(Event::Publication(item.of(name, &position.epoch)));
        }
    }

    /// Publications before a position are missing.
    fn miss(&mut self, position: Option<Position>, oldest: Option<u64>, reason: Reason) {
        self.position.clone_from(&position);
        self.queue.push(Event::Gap(Gap { position, oldest, reason }));
    }

    fn deadline(&self) -> Option<Instant> {
        let again = match self.state {
            State::Due(again) => again,
            State::Asked(_) | State::On | State::Torn => None,
        };
        again.into_iter().chain(self.first.as_ref().map(|first| first.until)).min()
    }

    fn end(self, error: Error) {
        self.queue.end(error.clone());
        if let Some(first) = self.first {
            // Who dropped its call does not want to know.
            let _ = first.asker.send(Err(error));
        }
    }
}
