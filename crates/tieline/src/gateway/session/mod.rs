//! What is said on a line to the gateway, and when: no socket, no clock, no randomness.
//!
//! ```text
//! Offline ─opened▶ Binding ─RO▶ Bound ─OS, CR▶ Leaving
//!    ▲     RG        │ RF, silence │ silence     │ a second later
//!    └───────────────┴─────────────┴─────────────┘ the line is to be opened anew, or is lost
//! ```
//!
//! | after …               | call                                                                   |
//! |-----------------------|------------------------------------------------------------------------|
//! | the line opened       | [`Session::opened`]                                                    |
//! | a text arrived        | [`Session::received`]                                                  |
//! | the deadline passed   | [`Session::handle_timeout`]                                            |
//! | the line was lost     | [`Session::lost`]                                                      |
//! | any of these          | send what [`Session::take_text`] gives, hand on answers and events, and |
//! |                       | open the line anew where [`Session::take_restart`] says so             |

mod calls;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use calls::{Calls, Waiting};
use tokio::time::Instant;

use super::call::{Call, CallError, CallId, Kind, Response};
use super::envelope;
use super::options::Options;
use super::signature::Stamp;
use super::word::{Word, parse};

/// What the owner of a client hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Bound,
    NotBound(String),
    /// A message, and the line that brought it: an acknowledgement names none, and counts for the
    /// oldest message of the line that it is said on.
    Notify {
        text: String,
        line: u64,
    },
    Registered,
    RegisterFailed(Option<u16>),
}

#[derive(Debug)]
enum Phase {
    /// There is no line, or it is about to end: nothing is said on it.
    Offline,
    Binding {
        until: Instant,
    },
    Bound {
        credential: String,
        keep_alive: Duration,
        beat_at: Instant,
        heard_at: Instant,
    },
    Leaving {
        at: Instant,
    },
}

/// The registration that is wanted.
#[derive(Debug)]
struct Registration {
    call: Call,
    is_done: bool,
}

#[derive(Debug)]
pub(super) struct Session {
    options: Options,
    host: String,
    phase: Phase,
    /// How many lines there were so far.
    line: u64,
    calls: Calls,
    registration: Option<Registration>,
    texts: VecDeque<String>,
    answers: VecDeque<(CallId, Result<Response, CallError>)>,
    heard: VecDeque<Heard>,
    restarts: bool,
}

/// How many heartbeats may be without any answer.
const SILENT_BEATS: u32 = 3;

/// How long answers are still waited for before a line is left that the gateway wants to end.
const BEFORE_LEAVING: Duration = Duration::from_secs(1);

/// Nobody is asked to beat faster.
const MIN_KEEP_ALIVE: Duration = Duration::from_secs(1);

impl Session {
    pub(super) fn new(options: Options, host: String) -> Self {
        Self {
            options,
            host,
            phase: Phase::Offline,
            line: 0,
            calls: Calls::default(),
            registration: None,
            texts: VecDeque::new(),
            answers: VecDeque::new(),
            heard: VecDeque::new(),
            restarts: false,
        }
    }

    /// The line is open.
    pub(super) fn opened(&mut self, now: Instant) {
        self.line += 1;
        self.texts.push_back(format!("RG#{}", self.options.device_id));
        self.phase = Phase::Binding { until: now + self.options.bind_within };
    }

    /// The line has ended.
    pub(super) fn lost(&mut self) {
        self.phase = Phase::Offline;
        self.texts.clear();
        self.restarts = false;
        self.registration_is_gone();
        for waiting in self.calls.take_lost() {
            self.answers.extend(waiting.id.map(|id| (id, Err(CallError::Lost))));
        }
    }

    /// A text of the gateway's.
    pub(super) fn received(&mut self, text: &str, now: Instant, stamp: &mut dyn FnMut() -> Stamp) {
        if let Phase::Bound { heard_at, .. } = &mut self.phase {
            *heard_at = now;
        }
        match parse(text) {
            None => {}
            Some(Word::Bound { credential, keep_alive }) => {
                self.bound(credential.to_owned(), keep_alive, now, stamp);
            }
            Some(Word::NotBound(why)) => {
                self.heard.push_back(Heard::NotBound(why.to_owned()));
                self.end_line();
            }
            Some(Word::Alive(theirs)) => {
                // Another credential: the gateway has lost its table, and wants to be told again.
                if matches!(&self.phase, Phase::Bound { credential, .. } if credential != theirs) {
                    self.registration_is_gone();
                    self.register_again(now, stamp);
                }
            }
            Some(Word::Notify(payload)) => {
                self.heard.push_back(Heard::Notify { text: payload.to_owned(), line: self.line });
            }
            Some(Word::ComeBack) => self.leave(now),
            Some(Word::Envelope(text)) => self.answered(text),
        }
    }

    /// A call, sent when the device is bound.
    pub(super) fn call(
        &mut self,
        id: CallId,
        kind: Kind,
        call: Call,
        now: Instant,
        stamp: &mut dyn FnMut() -> Stamp,
    ) {
        if self.calls.len() >= self.options.max_calls {
            self.answers.push_back((id, Err(CallError::Busy)));
            return;
        }
        match kind {
            Kind::Common => {}
            Kind::Register => {
                self.registration = Some(Registration { call: call.clone(), is_done: false });
            }
            Kind::Unregister => self.registration = None,
        }
        let until = now + self.options.call_within;
        self.calls.queue(Waiting { id: Some(id), kind, until }, call);
        self.send_queued(stamp);
    }

    /// The owner has dealt with one message that came on this line. Where there is another by now,
    /// nothing is said: it would count for a message that nobody has seen yet.
    pub(super) fn acknowledge(&mut self, line: u64) {
        if line == self.line && !matches!(self.phase, Phase::Offline) {
            self.texts.push_back("NO".to_owned());
        }
    }

    /// What is due now. `is_read` says whether what arrives is read at the moment.
    pub(super) fn handle_timeout(
        &mut self,
        now: Instant,
        is_read: bool,
        stamp: &mut dyn FnMut() -> Stamp,
    ) {
        match &mut self.phase {
            Phase::Binding { until: due } | Phase::Leaving { at: due } if *due <= now => {
                self.end_line();
            }
            Phase::Bound { keep_alive, beat_at, heard_at, .. } if *beat_at <= now => {
                *beat_at = now + *keep_alive;
                if !is_read {
                    *heard_at = now;
                }
                if now.duration_since(*heard_at) > *keep_alive * SILENT_BEATS {
                    self.end_line();
                } else {
                    self.texts.push_back("H1".to_owned());
                    self.register_again(now, stamp);
                }
            }
            _ => {}
        }
        self.give_up_late(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let phase = match &self.phase {
            Phase::Offline => None,
            Phase::Binding { until } => Some(*until),
            Phase::Bound { beat_at, .. } => Some(*beat_at),
            Phase::Leaving { at } => Some(*at),
        };
        phase.into_iter().chain(self.calls.deadline()).min()
    }

    /// The next text to send.
    pub(super) fn take_text(&mut self) -> Option<String> {
        self.texts.pop_front()
    }

    pub(super) fn take_answer(&mut self) -> Option<(CallId, Result<Response, CallError>)> {
        self.answers.pop_front()
    }

    pub(super) fn take_heard(&mut self) -> Option<Heard> {
        self.heard.pop_front()
    }

    /// Whether something waits that was not taken by [`take_heard`](Self::take_heard).
    pub(super) fn has_heard(&self) -> bool {
        !self.heard.is_empty()
    }

    /// Whether the line is to be closed and opened anew.
    pub(super) fn take_restart(&mut self) -> bool {
        std::mem::take(&mut self.restarts)
    }

    fn leave(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Binding { .. } | Phase::Bound { .. }) {
            self.phase = Phase::Leaving { at: now + BEFORE_LEAVING };
        }
    }

    /// Asks for the line's end, once; until then it is heard, and nothing is said on it.
    fn end_line(&mut self) {
        if !matches!(self.phase, Phase::Offline) {
            self.phase = Phase::Offline;
            self.restarts = true;
        }
    }

    fn bound(
        &mut self,
        credential: String,
        keep_alive: Duration,
        now: Instant,
        stamp: &mut dyn FnMut() -> Stamp,
    ) {
        if !matches!(self.phase, Phase::Binding { .. }) {
            return;
        }
        let keep_alive = keep_alive.max(MIN_KEEP_ALIVE);
        let beat_at = now + keep_alive;
        self.phase = Phase::Bound { credential, keep_alive, beat_at, heard_at: now };
        self.heard.push_back(Heard::Bound);
        self.register_again(now, stamp);
        self.send_queued(stamp);
    }

    /// Registers where that is wanted, not done, and not asked at the moment.
    fn register_again(&mut self, now: Instant, stamp: &mut dyn FnMut() -> Stamp) {
        let Some(Registration { call, is_done: false }) = &self.registration else { return };
        if self.calls.has_register() {
            return;
        }
        let until = now + self.options.call_within;
        self.calls.queue_first(Waiting { id: None, kind: Kind::Register, until }, call.clone());
        self.send_queued(stamp);
    }

    /// The gateway does not know of the registration any more.
    fn registration_is_gone(&mut self) {
        if let Some(registration) = &mut self.registration {
            registration.is_done = false;
        }
    }

    fn send_queued(&mut self, stamp: &mut dyn FnMut() -> Stamp) {
        if !matches!(self.phase, Phase::Bound { .. }) {
            return;
        }
        while let Some((seq, kind, mut call)) = self.calls.send_next() {
            call.complete(&self.host, kind, &seq);
            if let Some(credentials) = &self.options.credentials {
                credentials.sign(&mut call, &stamp());
            }
            self.texts.push_back(envelope::encode(&call, &self.host));
        }
    }

    fn answered(&mut self, text: &str) {
        let Some((seq, response)) = envelope::decode(text) else { return };
        let Some(waiting) = self.calls.answered(&seq) else { return };
        if waiting.kind == Kind::Register {
            self.registered(Some(response.status));
        }
        self.answers.extend(waiting.id.map(|id| (id, Ok(response))));
    }

    /// A registration was answered with this status, or, where there is none, not in time.
    fn registered(&mut self, status: Option<u16>) {
        // One that is not wanted any more, or that another follows, is nobody's news.
        if self.calls.has_register() {
            return;
        }
        let Some(registration) = &mut self.registration else { return };
        match status {
            Some(200..=299) => {
                registration.is_done = true;
                self.heard.push_back(Heard::Registered);
                return;
            }
            // What the backend refuses it will refuse again.
            Some(400..=499) => self.registration = None,
            // What failed may do better at the next beat.
            _ => {}
        }
        self.heard.push_back(Heard::RegisterFailed(status));
    }

    fn give_up_late(&mut self, now: Instant) {
        for waiting in self.calls.take_late(now) {
            if waiting.kind == Kind::Register {
                self.registered(None);
            }
            self.answers.extend(waiting.id.map(|id| (id, Err(CallError::TimedOut))));
        }
    }
}
