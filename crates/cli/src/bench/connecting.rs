//! How fast connections are opened, and how many handshakes are under way at once.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use rustix::io::Errno;

use super::line::{Line, Stage};
use super::opening::Opening;
use super::plan::Plan;
use super::transport::Transport;

/// Handshakes under way at once, over all threads: fewer than servers keep waiting to be accepted.
const MAX_HANDSHAKES: usize = 128;

/// Refusals without one success after which the rest is not tried.
const HOPELESS: u64 = 100;

/// How long a handshake may take, in nanoseconds.
const ANSWER_WITHIN: u64 = 10_000_000_000;

/// The opening of a thread's connections.
#[derive(Debug)]
pub(super) struct Connecting {
    own: u64,
    at_once: u64,
    /// Nanoseconds from one to the next.
    every: f64,
    since: Option<u64>,
    started: u64,
    opened: u64,
    failed: u64,
    ended: u64,
    /// When each that began is late, and its place.
    deadlines: VecDeque<(u64, usize)>,
}

impl Connecting {
    /// Opens `own` connections of the plan's.
    pub(super) fn new(plan: &Plan, own: usize) -> Self {
        Self {
            own: own as u64,
            at_once: (MAX_HANDSHAKES / plan.threads).max(1) as u64,
            every: plan.ramp.map_or(0.0, |ramp| plan.threads as f64 * 1e9 / ramp),
            since: None,
            started: 0,
            opened: 0,
            failed: 0,
            ended: 0,
            deadlines: VecDeque::new(),
        }
    }

    /// Whether the next may begin.
    pub(super) fn may_start(&mut self, now: u64) -> bool {
        let since = *self.since.get_or_insert(now);
        if self.opened == 0 && self.failed >= HOPELESS {
            self.failed += self.own - self.started;
            self.started = self.own;
        }
        self.started < self.own
            && self.started - self.opened - self.failed < self.at_once
            && now >= since + self.due()
    }

    fn due(&self) -> u64 {
        (self.started as f64 * self.every) as u64
    }

    /// Begins one, with this number over all threads and this place in its own.
    pub(super) fn start(
        &mut self,
        plan: &Plan,
        number: usize,
        at: usize,
        now: u64,
    ) -> io::Result<Line> {
        self.started += 1;
        let sources = &plan.target.sources;
        let source = (!sources.is_empty()).then(|| sources[number % sources.len()]);
        let is_slow = plan.is_slow(number);
        let transport = Transport::connect(&plan.target, source, is_slow)?;
        self.deadlines.push_back((now + ANSWER_WITHIN, at));
        let opening = Opening::new(&plan.target, now);
        Ok(Line { number, is_slow, transport, stage: Stage::Opening(Box::new(opening)) })
    }

    /// What helps where the system has no more to give, which ends the run.
    pub(super) fn help(error: &io::Error) -> Option<String> {
        match Errno::from_io_error(error)? {
            Errno::ADDRNOTAVAIL | Errno::ADDRINUSE => Some(format!(
                "{error}: an address has some 28,000 ports to connect from \
                 (net.ipv4.ip_local_port_range)\n  help: give more addresses of this machine, \
                 such as --source 127.0.0.2-127.0.0.9"
            )),
            Errno::MFILE | Errno::NFILE => Some(format!(
                "{error} (RLIMIT_NOFILE)\n  help: raise the limit with `ulimit -n`, or take fewer \
                 --connections"
            )),
            _ => None,
        }
    }

    pub(super) const fn opened(&mut self) {
        self.opened += 1;
    }

    pub(super) const fn failed(&mut self) {
        self.failed += 1;
    }

    /// One that was open is no more.
    pub(super) const fn ended(&mut self) {
        self.ended += 1;
    }

    pub(super) const fn openings(&self) -> u64 {
        self.opened
    }

    pub(super) const fn failures(&self) -> u64 {
        self.failed
    }

    pub(super) const fn alive(&self) -> u64 {
        self.opened - self.ended
    }

    /// The place of one whose time is over, whether or not it is open by now.
    pub(super) fn late(&mut self, now: u64) -> Option<usize> {
        self.deadlines.pop_front_if(|(deadline, _)| *deadline <= now).map(|(_, at)| at)
    }

    /// How long nothing is to be begun.
    pub(super) fn rest(&self, now: u64) -> Duration {
        let Some(since) = self.since else { return Duration::ZERO };
        if self.started == self.own || self.started - self.opened - self.failed >= self.at_once {
            return Duration::MAX;
        }
        Duration::from_nanos((since + self.due()).saturating_sub(now))
    }
}
