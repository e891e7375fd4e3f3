//! The calls that have no answer yet: those that wait for a line, and those that were said on one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::client::error::Error;
use crate::client::words::ask;

/// Where an answer goes.
pub(in crate::client) type Answer = oneshot::Sender<Result<Box<RawValue>, Error>>;

/// All of them, by their ids: no two of a client have the same, on whichever line they are said.
#[derive(Debug)]
pub(super) struct Calls {
    /// How long one may take.
    pub(super) within: Duration,
    next_id: u64,
    /// How many were said in this session of the server.
    said: u64,
    unanswered: BTreeMap<u64, Unanswered>,
    /// Those that are not said yet.
    waiting: VecDeque<u64>,
}

#[derive(Debug)]
struct Unanswered {
    text: ByteString,
    kind: Kind,
    /// Its number among those of the session, once it was said.
    number: Option<u64>,
    until: Option<Instant>,
}

/// What a call is for.
#[derive(Debug)]
pub(super) enum Kind {
    Call {
        answer: Answer,
        may_repeat: bool,
    },
    /// It is registered, or forgotten.
    Device(Arc<str>),
    Subscribe(Arc<str>),
    Unsubscribe,
}

impl Calls {
    pub(super) const fn new(within: Duration) -> Self {
        Self { within, next_id: 1, said: 0, unanswered: BTreeMap::new(), waiting: VecDeque::new() }
    }

    pub(super) const fn next_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// Puts a call behind those that wait; says its id. Those that have an end have the same time.
    pub(super) fn ask(
        &mut self,
        method: &str,
        params: &impl Serialize,
        kind: Kind,
        until: Option<Instant>,
    ) -> u64 {
        let id = self.next_id();
        let text = ask(Some(id), method, params);
        self.unanswered.insert(id, Unanswered { text, kind, number: None, until });
        self.waiting.push_back(id);
        id
    }

    /// The next that is to be said; it counts as said.
    pub(super) fn send_next(&mut self) -> Option<ByteString> {
        loop {
            let id = self.waiting.pop_front()?;
            // One whose time is over is not there any more.
            let Some(call) = self.unanswered.get_mut(&id) else { continue };
            self.said += 1;
            call.number = Some(self.said);
            return Some(call.text.clone());
        }
    }

    /// The call with this id is answered.
    pub(super) fn take(&mut self, id: u64) -> Option<Kind> {
        self.unanswered.remove(&id).map(|call| call.kind)
    }

    /// The line is lost. What was for that line alone is forgotten; where the server closed it for a
    /// message that is too big, the biggest of those that may have been it is.
    pub(super) fn lost(&mut self, was_too_big: bool) {
        if was_too_big {
            let said = self.unanswered.iter().filter(|(_, call)| call.number.is_some());
            let biggest = said.max_by_key(|(_, call)| call.text.len()).map(|(id, _)| *id);
            if let Some(Kind::Call { answer, .. }) = biggest.and_then(|id| self.take(id)) {
                tell(answer, Error::TooBig);
            }
        }
        self.unanswered.retain(|_, call| matches!(call.kind, Kind::Call { .. }));
    }

    /// The session goes on, in which the server has taken so many: the others are said again.
    pub(super) fn go_on_behind(&mut self, taken: u64) {
        let behind = |call: &Unanswered| call.number.filter(|number| *number > taken);
        self.say_again(behind);
        self.said = taken;
    }

    /// The session is another: what was said in the old one is said again where it may be.
    pub(super) fn begin_anew(&mut self) {
        let is_unknown = |call: &Unanswered| {
            call.number.is_some() && matches!(call.kind, Kind::Call { may_repeat: false, .. })
        };
        self.give_up(is_unknown, &Error::Lost);
        self.say_again(|call| call.number);
        self.said = 0;
    }

    /// Puts those with a number in front of those that were not said yet, in its order.
    fn say_again(&mut self, number: impl Fn(&Unanswered) -> Option<u64>) {
        let calls = self.unanswered.iter();
        let mut again: Vec<_> = calls.filter_map(|(id, call)| Some((number(call)?, *id))).collect();
        again.sort_unstable();
        for (_, id) in again.into_iter().rev() {
            self.unanswered.get_mut(&id).expect("it was just found").number = None;
            self.waiting.push_front(id);
        }
    }

    /// When the time of the first is over: they are asked in the order of their ids, with the same time.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.unanswered.values().find_map(|call| call.until)
    }

    pub(super) fn give_up_late(&mut self, now: Instant) {
        if self.deadline().is_none_or(|until| until > now) {
            return;
        }
        let is_late = |call: &Unanswered| call.until.is_some_and(|until| until <= now);
        self.give_up(is_late, &Error::TimedOut);
    }

    pub(super) fn end(&mut self, error: &Error) {
        self.waiting.clear();
        self.give_up(|_| true, error);
    }

    fn give_up(&mut self, whether: impl Fn(&Unanswered) -> bool, error: &Error) {
        let calls = self.unanswered.iter().filter(|(_, call)| whether(call));
        let ids: Vec<_> = calls.map(|(id, _)| *id).collect();
        for id in ids {
            if let Some(Kind::Call { answer, .. }) = self.take(id) {
                tell(answer, error.clone());
            }
        }
    }
}

fn tell(answer: Answer, error: Error) {
    // Who dropped its call does not want to know.
    let _ = answer.send(Err(error));
}
