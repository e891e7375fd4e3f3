//! One thread of the load: its connections, polled, read, counted and answered.
//!
//! ```text
//! socket ─ready→ one read into the thread's buffer
//!                answers counted by their headers
//! socket ←write─ as many messages again, in one write of prepared bytes
//! ```

use std::io;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mio::{Events, Interest, Poll, Token};
use tieline_proto::frame::Opcode;
use tieline_proto::{CloseCode, close};

use super::common::{Common, Phase};
use super::connecting::Connecting;
use super::incoming::{Found, Incoming};
use super::line::{Line, Open, Stage};
use super::outgoing::{self, Prepared};
use super::pace::{Pace, SLOW_EVERY};
use super::plan::{Mode, Plan};
use super::tally::{ErrorKind, Errors, Times};
use super::transport::Shared;

/// Sockets served in one turn.
const EVENTS: usize = 256;

/// After so many sockets the clock is read again.
const EVENTS_PER_CLOCK: usize = 16;

/// Longest sleep.
const REST: Duration = Duration::from_millis(100);

/// How often the 99th percentile is shown, in nanoseconds.
const SHOW_EVERY: u64 = 500_000_000;

/// What wakes a thread that is no socket.
pub(super) const WAKER: Token = Token(usize::MAX);

/// One thread of the load.
pub(super) struct Worker<'p> {
    pub(super) plan: &'p Plan,
    pub(super) common: &'p Common,
    pub(super) index: usize,
    poll: Poll,
    pub(super) lines: Vec<Option<Line>>,
    connecting: Connecting,
    pub(super) pace: Option<Pace>,
    pub(super) phase: Phase,
    pub(super) now: u64,
    pub(super) shared: Shared,
    pub(super) found: Found,
    /// Sockets that may hold more than was read.
    pub(super) again: Vec<usize>,
    pub(super) slow: Vec<usize>,
    pub(super) next_slow: u64,
    next_show: u64,
    prepared: Vec<(Option<u8>, Rc<Prepared>)>,
    pub(super) sent: u64,
    pub(super) received: u64,
    /// Deliveries of this turn.
    pub(super) delivered: i64,
    pub(super) outcome: Outcome,
}

/// What a thread has to tell when it ends.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// How long answers took.
    pub(super) times: Times,
    /// How long connections took to open.
    pub(super) opening: Times,
    pub(super) errors: Errors,
    /// Connections that agreed on compression.
    pub(super) deflated: u64,
}

impl Outcome {
    /// Adds what another thread tells.
    pub(super) fn merge(&mut self, other: Self) {
        self.times.merge(&other.times);
        self.opening.merge(&other.opening);
        self.errors.merge(other.errors);
        self.deflated += other.deflated;
    }
}

impl<'p> Worker<'p> {
    pub(super) fn new(plan: &'p Plan, common: &'p Common, index: usize, poll: Poll) -> Self {
        let own = (index..plan.connections).step_by(plan.threads).len();
        Self {
            plan,
            common,
            index,
            poll,
            lines: Vec::with_capacity(own),
            connecting: Connecting::new(plan, own),
            pace: None,
            phase: Phase::Connecting,
            now: common.now(),
            shared: Shared::new(plan.target.tls.is_some()),
            found: Found::default(),
            again: Vec::new(),
            slow: Vec::new(),
            next_slow: 0,
            next_show: 0,
            prepared: Vec::new(),
            sent: 0,
            received: 0,
            delivered: 0,
            outcome: Outcome::default(),
        }
    }

    /// Works until the run is done.
    pub(super) fn run(mut self) -> io::Result<Outcome> {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            match self.poll.poll(&mut events, Some(self.rest())) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => self.now = self.common.now(),
            }
            let phase = self.common.phase();
            if phase != self.phase {
                self.enter(phase);
            }
            if phase == Phase::Done {
                return Ok(self.finish());
            }
            for (at, event) in events.iter().enumerate() {
                if at % EVENTS_PER_CLOCK == EVENTS_PER_CLOCK - 1 {
                    self.now = self.common.now();
                }
                if event.token() != WAKER {
                    let (can_read, can_write) = (event.is_readable(), event.is_writable());
                    self.ready(event.token().0, can_read, can_write, event.is_read_closed());
                }
            }
            for at in std::mem::take(&mut self.again) {
                self.ready(at, true, false, true);
            }
            if phase == Phase::Connecting {
                self.connect();
            }
            self.send_what_is_due();
            self.read_slowly();
            self.go_round();
            self.show();
        }
    }

    /// How long to wait for sockets.
    fn rest(&self) -> Duration {
        if !self.again.is_empty() {
            return Duration::ZERO;
        }
        let mut rest = REST;
        if self.phase == Phase::Connecting {
            rest = rest.min(self.connecting.rest(self.common.now()));
        }
        if !self.slow.is_empty() {
            rest = rest.min(Duration::from_nanos(SLOW_EVERY));
        }
        if let Some(pace) = &self.pace {
            rest = rest.min(pace.rest(self.common.now()));
        }
        rest
    }

    fn enter(&mut self, phase: Phase) {
        if self.phase == Phase::Connecting && phase != Phase::Done {
            self.begin();
        }
        if phase == Phase::Measuring {
            self.outcome.times.clear();
        }
        self.phase = phase;
    }

    /// Puts the load on.
    fn begin(&mut self) {
        match self.plan.mode {
            Mode::Open { rate } => {
                let start = self.common.started();
                self.pace = Some(Pace::new(self.plan, self.index, rate, start));
            }
            Mode::Closed => {
                for at in 0..self.lines.len() {
                    let (now, in_flight) = (self.common.now(), self.plan.in_flight as u64);
                    if let Some(open) = self.open(at) {
                        open.owe(in_flight);
                        open.waiting.sent(now, in_flight);
                        self.flush(at);
                    }
                }
            }
            Mode::FanOut { .. } | Mode::Idle => {}
        }
    }

    /// Serves a socket; one that the server closed is read to its end.
    fn ready(&mut self, at: usize, can_read: bool, can_write: bool, is_closed: bool) {
        let Some(Some(line)) = self.lines.get_mut(at) else { return };
        match &line.stage {
            Stage::Opening(_) => self.advance(at),
            Stage::Open(_) => {
                let is_slow = line.is_slow;
                if can_write {
                    self.flush(at);
                }
                if can_read && (!is_slow || self.greets(at)) {
                    self.receive(at, is_closed);
                }
            }
        }
    }

    /// Whether a connection still waits for answers to what it said first.
    fn greets(&mut self, at: usize) -> bool {
        self.open(at).is_some_and(|open| open.greetings > 0)
    }

    /// Opens as many connections as may be under way.
    fn connect(&mut self) {
        while self.connecting.may_start(self.now) {
            let at = self.lines.len();
            let number = self.index + at * self.plan.threads;
            match self.connecting.start(self.plan, number, at, self.now) {
                Ok(mut line) => {
                    let both = Interest::READABLE | Interest::WRITABLE;
                    let watched =
                        self.poll.registry().register(line.transport.socket(), Token(at), both);
                    self.lines.push(Some(line));
                    if let Err(error) = watched {
                        self.refuse(at, (ErrorKind::Connect, error.to_string()));
                    }
                }
                Err(error) => {
                    self.lines.push(None);
                    if let Some(help) = Connecting::help(&error) {
                        self.common.give_up(help);
                    }
                    self.connecting.failed();
                    self.outcome.errors.add(ErrorKind::Connect, 1, || error.to_string());
                }
            }
        }
        while let Some(at) = self.connecting.late(self.now) {
            let is_late = match self.lines.get(at) {
                Some(Some(Line { stage: Stage::Opening(_), .. })) => true,
                Some(Some(Line { stage: Stage::Open(open), .. })) => open.greetings > 0,
                _ => false,
            };
            if is_late {
                let what = "the server did not answer within 10 s".to_owned();
                self.refuse(at, (ErrorKind::Handshake, what));
            }
        }
    }

    fn refuse(&mut self, at: usize, (kind, what): (ErrorKind, String)) {
        self.lines[at] = None;
        self.connecting.failed();
        self.outcome.errors.add(kind, 1, || what);
    }

    /// Goes on with a handshake.
    fn advance(&mut self, at: usize) {
        let Some(Some(line)) = self.lines.get_mut(at) else { return };
        let Stage::Opening(opening) = &mut line.stage else { return };
        let since = opening.since;
        match opening.advance(&mut line.transport, &mut self.shared) {
            Ok(None) => {}
            Err(refused) => self.refuse(at, refused),
            Ok(Some((agreement, mut behind))) => {
                let agreed = agreement.deflate;
                let bits = agreed.map(|agreed| agreed.ours.bits);
                let prepared = match self.prepared.iter().find(|(key, _)| *key == bits) {
                    Some((_, prepared)) => Rc::clone(prepared),
                    None => {
                        let made = Prepared::new(&self.plan.payload, agreed, self.plan.in_flight);
                        let made = Rc::new(made);
                        self.prepared.push((bits, Rc::clone(&made)));
                        made
                    }
                };
                let expected = self.plan.expected();
                let incoming = Incoming::new(&agreement, expected);
                let mut open = Open::new(incoming, prepared);
                for text in &self.plan.first {
                    let text = text.replace("{n}", &line.number.to_string());
                    outgoing::frame(Opcode::Text, text.as_bytes(), open.outgoing.control());
                    open.greetings += 1;
                }
                line.stage = Stage::Open(open);
                let is_slow = line.is_slow;
                self.outcome.deflated += u64::from(agreed.is_some());
                self.outcome.opening.add(self.now.saturating_sub(since), 1);
                if self.plan.first.is_empty() {
                    self.opened(at);
                } else {
                    self.flush(at);
                }
                if !behind.is_empty() {
                    self.take(at, &mut behind);
                }
                if !is_slow || !self.plan.first.is_empty() {
                    self.receive(at, true);
                }
            }
        }
    }

    /// A connection is open, and has heard what it waits for first.
    pub(super) fn opened(&mut self, at: usize) {
        let Some(Some(line)) = self.lines.get(at) else { return };
        if line.is_slow {
            self.slow.push(at);
        } else if self.plan.listens(line.number) {
            self.common.round.listeners.fetch_add(1, Ordering::Relaxed);
        }
        self.connecting.opened();
    }

    /// A connection that is no more while the load was on.
    pub(super) fn end(&mut self, at: usize, kind: ErrorKind, what: String) {
        let Some(line) = self.lines.get_mut(at).and_then(Option::take) else { return };
        self.outcome.errors.add(kind, 1, || what);
        let Stage::Open(open) = line.stage else { return };
        if open.greetings > 0 {
            return self.connecting.failed();
        }
        self.connecting.ended();
        if self.plan.listens(line.number) && !line.is_slow {
            let round = &self.common.round;
            round.listeners.fetch_sub(1, Ordering::Relaxed);
            // What it did not hear is not waited for.
            let missed = round.said.load(Ordering::Relaxed).saturating_sub(open.heard);
            self.delivered += i64::try_from(missed).unwrap_or(i64::MAX);
        }
        if line.number == 0 && matches!(self.plan.mode, Mode::FanOut { .. }) {
            // Nobody is left to speak.
            self.common.cut_short();
        }
    }

    /// Shows the others what was counted.
    fn show(&mut self) {
        let shown = &self.common.shown[self.index];
        let set = |field: &AtomicU64, value| field.store(value, Ordering::Relaxed);
        set(&shown.sent, self.sent);
        set(&shown.received, self.received);
        set(&shown.bytes_in, self.shared.bytes_in);
        set(&shown.bytes_out, self.shared.bytes_out);
        set(&shown.alive, self.connecting.alive());
        set(&shown.failed, self.connecting.failures());
        set(&shown.opened, self.connecting.openings());
        if self.now >= self.next_show {
            self.next_show = self.now + SHOW_EVERY;
            set(&shown.p99, self.outcome.times.quantile(0.99));
        }
    }

    /// Takes leave of every server that is ready to hear it.
    fn finish(mut self) -> Outcome {
        let goodbye = close::encode(CloseCode::NORMAL, "").unwrap_or_default();
        for at in 0..self.lines.len() {
            self.count_unanswered(at);
            if let Some(open) = self.open(at) {
                open.outgoing.abandon();
                outgoing::frame(Opcode::Close, &goodbye, open.outgoing.control());
                self.flush(at);
            }
        }
        self.outcome
    }
}
