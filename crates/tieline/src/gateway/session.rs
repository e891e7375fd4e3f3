//! What is said on a line to the gateway, and when: no socket, no clock, no randomness.
//!
//! ```text
//! Offline ─opened▶ Binding ─RO▶ Bound ─OS, CR▶ Leaving ─▶ (the line is opened anew)
//!    ▲     RG        │ RF, silence │ silence
//!    └───────────────┴─────────────┴──────────────────── lost
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

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::call::{Call, Response};
use super::envelope;
use super::options::Options;
use super::signature::Stamp;
use super::word::{Word, parse};

/// What the owner of a client hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Bound,
    NotBound(String),
    Notify(String),
    Registered,
    RegisterFailed(Option<u16>),
}

/// Why a call has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// As many calls wait as may ([`Options::max_calls`]).
    #[error("too many calls wait: wait for some of them")]
    Busy,
    /// The client has ended.
    #[error("the client has ended")]
    Ended,
    /// The line was lost after the call was sent: it may have been carried out, or not.
    #[error("the line was lost before the answer")]
    Lost,
    /// No answer in time ([`Options::call_within`]).
    #[error("no answer in time")]
    TimedOut,
}

/// What a call is to the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Common,
    Register,
    Unregister,
}

/// Which call an answer is for, as its caller knows it.
pub(super) type CallId = u64;

#[derive(Debug)]
enum Phase {
    Offline,
    Binding { until: Instant },
    Bound { credential: String, keep_alive: Duration, beat_at: Instant, heard_at: Instant },
    Leaving { at: Instant },
}

/// A call that is not answered yet.
#[derive(Debug)]
struct Waiting {
    /// `None` for one of the session's own: a registration that is repeated.
    id: Option<CallId>,
    kind: Kind,
    call: Call,
    until: Instant,
}

/// How it stands with the registration.
#[derive(Debug, Default)]
struct Registration {
    /// What it was asked with, for as long as it is wanted.
    call: Option<Call>,
    is_asked: bool,
    is_done: bool,
}

#[derive(Debug)]
pub(super) struct Session {
    options: Options,
    host: String,
    phase: Phase,
    next_seq: u64,
    /// Not sent yet.
    queue: VecDeque<Waiting>,
    /// Sent, by their sequence.
    sent: HashMap<String, Waiting>,
    registration: Registration,
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
            next_seq: 0,
            queue: VecDeque::new(),
            sent: HashMap::new(),
            registration: Registration::default(),
            texts: VecDeque::new(),
            answers: VecDeque::new(),
            heard: VecDeque::new(),
            restarts: false,
        }
    }

    /// The line is open.
    pub(super) fn opened(&mut self, now: Instant) {
        self.texts.push_back(format!("RG#{}", self.options.device_id));
        self.phase = Phase::Binding { until: now + self.options.bind_within };
    }

    /// The line has ended.
    pub(super) fn lost(&mut self) {
        self.phase = Phase::Offline;
        self.texts.clear();
        self.restarts = false;
        self.registration.is_asked = false;
        self.registration.is_done = false;
        for (_, waiting) in self.sent.drain() {
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
                self.restarts = true;
            }
            Some(Word::Alive(theirs)) => {
                // Another credential: the gateway has lost its table, and wants to be told again.
                if matches!(&self.phase, Phase::Bound { credential, .. } if credential != theirs) {
                    self.registration.is_done = false;
                    self.register_again(now, stamp);
                }
            }
            Some(Word::Notify(payload)) => self.heard.push_back(Heard::Notify(payload.to_owned())),
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
        if self.queue.len() + self.sent.len() >= self.options.max_calls {
            self.answers.push_back((id, Err(CallError::Busy)));
            return;
        }
        match kind {
            Kind::Common => {}
            Kind::Register => {
                self.registration =
                    Registration { call: Some(call.clone()), is_asked: true, is_done: false };
            }
            Kind::Unregister => self.registration = Registration::default(),
        }
        let until = now + self.options.call_within;
        self.queue.push_back(Waiting { id: Some(id), kind, call, until });
        self.send_queued(stamp);
    }

    /// The owner has dealt with one message.
    pub(super) fn acknowledge(&mut self) {
        if !matches!(self.phase, Phase::Offline) {
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
            Phase::Offline => {}
            Phase::Binding { until } if *until <= now => self.restarts = true,
            Phase::Leaving { at } if *at <= now => self.restarts = true,
            Phase::Bound { keep_alive, beat_at, heard_at, .. } if *beat_at <= now => {
                *beat_at = now + *keep_alive;
                if !is_read {
                    *heard_at = now;
                }
                if now.duration_since(*heard_at) > *keep_alive * SILENT_BEATS {
                    self.restarts = true;
                } else {
                    self.texts.push_back("H1".to_owned());
                    self.register_again(now, stamp);
                }
            }
            Phase::Binding { .. } | Phase::Bound { .. } | Phase::Leaving { .. } => {}
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
        let calls = self.queue.iter().chain(self.sent.values()).map(|waiting| waiting.until);
        phase.into_iter().chain(calls).min()
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
        if !matches!(self.phase, Phase::Leaving { .. }) {
            self.phase = Phase::Leaving { at: now + BEFORE_LEAVING };
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
        let Registration { call: Some(call), is_asked: false, is_done: false } = &self.registration
        else {
            return;
        };
        let (call, until) = (call.clone(), now + self.options.call_within);
        self.registration.is_asked = true;
        self.queue.push_front(Waiting { id: None, kind: Kind::Register, call, until });
        self.send_queued(stamp);
    }

    fn send_queued(&mut self, stamp: &mut dyn FnMut() -> Stamp) {
        if !matches!(self.phase, Phase::Bound { .. }) {
            return;
        }
        while let Some(waiting) = self.queue.pop_front() {
            let seq = self.next_seq.to_string();
            self.next_seq += 1;
            let mut call = waiting.call.clone();
            self.complete(&mut call, &seq, waiting.kind, stamp);
            self.texts.push_back(envelope::encode(&call, &self.host));
            self.sent.insert(seq, waiting);
        }
    }

    /// Adds the headers that every call has.
    fn complete(&self, call: &mut Call, seq: &str, kind: Kind, stamp: &mut dyn FnMut() -> Stamp) {
        let mut put = |name: &str, value: &str| {
            call.headers.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        };
        put("host", &self.host);
        put("accept", "application/json; charset=utf-8");
        if matches!(call.body, super::Body::Form(_)) {
            let form = "application/x-www-form-urlencoded; charset=utf-8";
            call.headers.entry("content-type".into()).or_insert_with(|| form.into());
        }
        call.headers.insert("x-ca-seq".into(), seq.to_owned());
        let kind = match kind {
            Kind::Common => None,
            Kind::Register => Some("REGISTER"),
            Kind::Unregister => Some("UNREGISTER"),
        };
        if let Some(kind) = kind {
            call.headers.insert("x-ca-websocket_api_type".into(), kind.into());
        }
        if let Some(credentials) = &self.options.credentials {
            credentials.sign(call, &stamp());
        }
    }

    fn answered(&mut self, text: &str) {
        let Some((seq, response)) = envelope::decode(text) else { return };
        let Some(waiting) = self.sent.remove(&seq) else { return };
        if waiting.kind == Kind::Register {
            self.registered(Some(&response));
        }
        self.answers.extend(waiting.id.map(|id| (id, Ok(response))));
    }

    /// A registration was answered, or, where there is no response, was not.
    fn registered(&mut self, response: Option<&Response>) {
        // One that is not wanted any more is nobody's news.
        if self.registration.call.is_none() {
            return;
        }
        self.registration.is_asked = false;
        if response.is_some_and(Response::is_success) {
            self.registration.is_done = true;
            self.heard.push_back(Heard::Registered);
            return;
        }
        // What the backend refuses it will refuse again; what failed may do better at the next beat.
        if response.is_some_and(|response| matches!(response.status, 400..=499)) {
            self.registration = Registration::default();
        }
        self.heard.push_back(Heard::RegisterFailed(response.map(|response| response.status)));
    }

    fn give_up_late(&mut self, now: Instant) {
        let late: Vec<String> = self
            .sent
            .iter()
            .filter(|(_, waiting)| waiting.until <= now)
            .map(|(seq, _)| seq.clone())
            .collect();
        let mut given_up: Vec<Waiting> =
            late.iter().filter_map(|seq| self.sent.remove(seq)).collect();
        let (late, kept) = self.queue.drain(..).partition(|waiting| waiting.until <= now);
        self.queue = kept;
        given_up.extend::<VecDeque<_>>(late);
        for waiting in given_up {
            if waiting.kind == Kind::Register {
                self.registered(None);
            }
            self.answers.extend(waiting.id.map(|id| (id, Err(CallError::TimedOut))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// A session on a line that is made by hand.
    struct Desk {
        session: Session,
        now: Instant,
        next_id: CallId,
    }

    fn stamp() -> Stamp {
        Stamp { timestamp_ms: 1, nonce: "n".into() }
    }

    impl Desk {
        fn new() -> Self {
            let options = Options { device_id: "ab12@1".into(), ..Options::default() };
            let session = Session::new(options, "gw.example.com".into());
            Self { session, now: Instant::now(), next_id: 0 }
        }

        /// One whose device is bound.
        fn bound() -> Self {
            let mut desk = Self::new();
            desk.session.opened(desk.now);
            desk.hears("RO#77#25000");
            assert_eq!(desk.says(), ["RG#ab12@1"]);
            assert_eq!(desk.heard(), [Heard::Bound]);
            desk
        }

        fn registered() -> Self {
            let mut desk = Self::bound();
            desk.calls(Kind::Register, "/register");
            let seq = desk.asks("/register");
            desk.answers(&seq, 200);
            assert_eq!(desk.heard(), [Heard::Registered]);
            desk.done();
            desk
        }

        fn hears(&mut self, text: &str) {
            self.session.received(text, self.now, &mut stamp);
        }

        fn calls(&mut self, kind: Kind, path: &str) {
            self.session.call(self.next_id, kind, Call::post(path), self.now, &mut stamp);
            self.next_id += 1;
        }

        fn answers(&mut self, seq: &str, status: u16) {
            self.hears(&format!(
                r#"{{"status":{status},"header":{{"x-ca-seq":"{seq}"}},"body":""}}"#
            ));
        }

        fn passes(&mut self, seconds: u64) {
            self.now += Duration::from_secs(seconds);
            self.session.handle_timeout(self.now, true, &mut stamp);
        }

        fn says(&mut self) -> Vec<String> {
            std::iter::from_fn(|| self.session.take_text()).collect()
        }

        /// The next text is a call to this path; its sequence.
        fn asks(&mut self, path: &str) -> String {
            let text =
                self.session.take_text().unwrap_or_else(|| panic!("nothing instead of {path}"));
            let json: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(json["path"], path);
            json["headers"]["x-ca-seq"][0].as_str().unwrap().to_owned()
        }

        fn heard(&mut self) -> Vec<Heard> {
            std::iter::from_fn(|| self.session.take_heard()).collect()
        }

        fn done(&mut self) -> Vec<(CallId, Result<u16, CallError>)> {
            std::iter::from_fn(|| self.session.take_answer())
                .map(|(id, answer)| (id, answer.map(|response| response.status)))
                .collect()
        }
    }

    #[test]
    fn calls_wait_until_the_device_is_bound() {
        let mut desk = Desk::new();
        desk.calls(Kind::Common, "/early");
        desk.session.opened(desk.now);
        assert_eq!(desk.says(), ["RG#ab12@1"]);
        desk.hears("RO#77#25000");
        let seq = desk.asks("/early");
        desk.answers(&seq, 404);
        assert_eq!(desk.done(), [(0, Ok(404))]);
    }

    #[test]
    fn answers_find_their_calls_in_any_order() {
        let mut desk = Desk::bound();
        desk.calls(Kind::Common, "/a");
        desk.calls(Kind::Common, "/b");
        let (a, b) = (desk.asks("/a"), desk.asks("/b"));
        desk.answers(&b, 201);
        desk.answers("99", 500);
        desk.answers(&a, 200);
        assert_eq!(desk.done(), [(1, Ok(201)), (0, Ok(200))]);
    }

    #[test]
    fn it_beats_as_often_as_it_is_told_and_gives_up_what_is_silent() {
        let mut desk = Desk::bound();
        for _ in 0..3 {
            desk.passes(25);
            assert_eq!(desk.says(), ["H1"]);
        }
        desk.hears("HO#77");
        desk.passes(25);
        assert!(!desk.session.take_restart());
        for _ in 0..3 {
            desk.passes(25);
        }
        assert!(desk.session.take_restart());
    }

    #[test]
    fn a_registration_is_repeated_on_a_new_line() {
        let mut desk = Desk::registered();
        desk.session.lost();
        desk.session.opened(desk.now);
        assert_eq!(desk.says(), ["RG#ab12@1"]);
        desk.hears("RO#78#25000");
        let seq = desk.asks("/register");
        desk.answers(&seq, 200);
        assert_eq!(desk.heard(), [Heard::Bound, Heard::Registered]);
        assert!(desk.done().is_empty());
    }

    #[test]
    fn another_credential_in_a_beat_asks_for_the_registration_again() {
        let mut desk = Desk::registered();
        desk.hears("HO#77");
        assert!(desk.says().is_empty());
        desk.hears("HO#other");
        let seq = desk.asks("/register");
        desk.hears("HO#other");
        assert!(desk.says().is_empty(), "once is enough");
        desk.answers(&seq, 200);
        assert_eq!(desk.heard(), [Heard::Registered]);
    }

    #[test]
    fn a_registration_that_failed_is_repeated_with_a_beat_and_one_that_was_refused_is_not() {
        let mut desk = Desk::bound();
        desk.calls(Kind::Register, "/register");
        let seq = desk.asks("/register");
        desk.answers(&seq, 503);
        assert_eq!(desk.heard(), [Heard::RegisterFailed(Some(503))]);
        desk.passes(25);
        assert_eq!(desk.session.take_text().unwrap(), "H1");
        let seq = desk.asks("/register");
        desk.answers(&seq, 403);
        assert_eq!(desk.heard(), [Heard::RegisterFailed(Some(403))]);
        desk.passes(25);
        assert_eq!(desk.says(), ["H1"]);
    }

    #[test]
    fn who_unregistered_stays_so() {
        let mut desk = Desk::registered();
        desk.calls(Kind::Unregister, "/unregister");
        let seq = desk.asks("/unregister");
        desk.answers(&seq, 200);
        desk.session.lost();
        desk.session.opened(desk.now);
        desk.hears("RO#78#25000");
        assert_eq!(desk.says(), ["RG#ab12@1"]);
    }

    #[test]
    fn os_and_cr_are_obeyed_once_answers_had_a_second() {
        for word in ["OS", "CR"] {
            let mut desk = Desk::bound();
            desk.calls(Kind::Common, "/a");
            let seq = desk.asks("/a");
            desk.hears(word);
            desk.calls(Kind::Common, "/later");
            assert!(desk.says().is_empty() && !desk.session.take_restart());
            desk.answers(&seq, 200);
            assert_eq!(desk.done(), [(0, Ok(200))]);
            desk.passes(1);
            assert!(desk.session.take_restart());
            desk.session.lost();
            desk.session.opened(desk.now);
            desk.says();
            desk.hears("RO#78#25000");
            desk.asks("/later");
        }
    }

    #[test]
    fn a_message_is_acknowledged_when_its_owner_says_so() {
        let mut desk = Desk::bound();
        desk.hears("NF#a#b");
        assert_eq!(desk.heard(), [Heard::Notify("a#b".into())]);
        assert!(desk.says().is_empty());
        desk.session.acknowledge();
        assert_eq!(desk.says(), ["NO"]);
        desk.session.lost();
        desk.session.acknowledge();
        assert!(desk.says().is_empty());
    }

    #[test]
    fn a_call_has_ten_seconds_whether_it_was_sent_or_not() {
        let mut desk = Desk::bound();
        desk.calls(Kind::Common, "/a");
        desk.session.lost();
        assert_eq!(desk.done(), [(0, Err(CallError::Lost))]);
        desk.calls(Kind::Common, "/b");
        assert_eq!(desk.session.deadline(), Some(desk.now + Duration::from_secs(10)));
        desk.passes(10);
        assert_eq!(desk.done(), [(1, Err(CallError::TimedOut))]);
        assert_eq!(desk.session.deadline(), None);
    }

    #[test]
    fn a_gateway_that_does_not_bind_is_left() {
        let mut desk = Desk::new();
        desk.session.opened(desk.now);
        desk.passes(10);
        assert!(desk.session.take_restart());
        desk.session.opened(desk.now);
        desk.hears("RF#ServerError");
        assert_eq!(desk.heard(), [Heard::NotBound("ServerError".into())]);
        assert!(desk.session.take_restart());
    }

    #[test]
    fn more_calls_than_may_wait_are_refused() {
        let mut desk = Desk::new();
        for _ in 0..=desk.session.options.max_calls {
            desk.calls(Kind::Common, "/a");
        }
        assert_eq!(desk.done(), [(64, Err(CallError::Busy))]);
    }
}
