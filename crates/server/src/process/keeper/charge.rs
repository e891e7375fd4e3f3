//! One process that the keeper looks after, from its start until all that it has started is gone.
//!
//! ```text
//! Runs ── end ─▶ Closed ── stdin_within ─▶ Terminated ── term_within ─▶ Killed, again and again
//!   └─ it has ended, and others are left ────▲
//! ```
//!
//! In each stage it is over once the process has ended and nothing is left.

use std::collections::HashSet;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::process::cgroup::Cgroup;
use crate::process::exit::{Exit, State};
use crate::process::look::{Look, Seen};
use crate::process::program::Ending;

/// Shortest time between two looks at what is left.
const LOOK_AFTER: Duration = Duration::from_millis(2);

/// Longest time between two looks at what ends by itself.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Longest time between two SIGKILL.
const KILL_EVERY: Duration = Duration::from_secs(1);

/// A process that is handed over to the keeper.
pub(in crate::process) struct Ward {
    /// Its number, unique in this program.
    pub(in crate::process) id: u64,
    /// Which server it belongs to.
    pub(in crate::process) server: u64,
    /// Its number as the system gave it; it leads a group of that number.
    pub(in crate::process) pid: u32,
    pub(in crate::process) ending: Ending,
    pub(in crate::process) cgroup: Option<Cgroup>,
    /// Counts those whose end takes SIGKILL.
    pub(in crate::process) killed: Counter,
    /// Called once it has ended, and all that it has started is gone: nobody may wait for it before.
    pub(in crate::process) gone: Box<dyn FnOnce() + Send>,
}

/// A process, and what is to become of it.
pub(super) struct Charge {
    ward: Ward,
    pid: Pid,
    state: watch::Sender<State>,
    stage: Stage,
    has_ended: bool,
    /// Whether its end is told by the system.
    pub(super) is_watched: bool,
    /// When something is to be done.
    pub(super) at: Option<Instant>,
    /// What it had started by the last look.
    known: HashSet<(i32, u64)>,
    /// Time until the next look, which grows.
    pause: Duration,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Runs,
    /// Its input has ended.
    Closed,
    /// It was sent SIGTERM, and is sent SIGKILL then.
    Terminated(Instant),
    Killed,
}

impl Charge {
    pub(super) fn new(ward: Ward, pid: Pid, state: watch::Sender<State>) -> Self {
        Self {
            ward,
            pid,
            state,
            stage: Stage::Runs,
            has_ended: false,
            is_watched: false,
            at: None,
            known: HashSet::new(),
            pause: LOOK_AFTER,
        }
    }

    pub(super) const fn id(&self) -> u64 {
        self.ward.id
    }

    pub(super) const fn pid(&self) -> Pid {
        self.pid
    }

    pub(super) const fn server(&self) -> u64 {
        self.ward.server
    }

    /// The longest that its ending takes.
    pub(super) fn longest(&self) -> Duration {
        self.ward.ending.longest()
    }

    /// Whether it had started this one by the last look.
    pub(super) fn knows(&self, seen: &Seen) -> bool {
        self.known.contains(&seen.name())
    }

    /// It is to end; when to look at it, where that changes.
    pub(super) fn end(&mut self) -> Option<Instant> {
        let Stage::Runs = self.stage else { return None };
        self.stage = Stage::Closed;
        (!self.has_ended).then(|| Instant::now() + self.ward.ending.stdin_within)
    }

    /// Whether it was just found to have ended. It is waited for later: until then its number, and
    /// that of its group, are its own.
    pub(super) fn hears_of_end(&mut self) -> bool {
        if self.has_ended {
            return false;
        }
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        let exit = match waitid(WaitId::Pid(self.pid), options) {
            Ok(None) => return false,
            Ok(Some(status)) => Exit::of(&status),
            Err(_) => Exit::Unknown,
        };
        self.has_ended = true;
        self.state.send_modify(|state| state.exit = Some(exit));
        true
    }

    /// What it has started and still has a parent of its own, or is in its control group.
    pub(super) fn below(&self, look: &Look) -> Vec<Seen> {
        // What has ended is nobody's parent any more.
        let mut below = if self.has_ended { Vec::new() } else { look.below(self.number()) };
        let members = self.ward.cgroup.as_ref().map(Cgroup::members).unwrap_or_default();
        below.extend(members.into_iter().filter(|seen| seen.pid != self.number()));
        below
    }

    /// Does what is next. `left` comes from it, and `are_all` says whether there can be no others.
    /// When to come again; `None` once all is over.
    pub(super) fn step(
        &mut self,
        mut left: Vec<Seen>,
        are_all: bool,
        now: Instant,
    ) -> Option<Instant> {
        let mut known = HashSet::new();
        left.retain(|seen| !seen.is_zombie && known.insert(seen.name()));
        self.known = known;
        if self.has_ended && left.is_empty() {
            return (!are_all).then(|| self.look_again(now, LOOK_EVERY));
        }
        match self.stage {
            Stage::Runs | Stage::Closed => {
                self.signal(Signal::TERM, &left);
                // Who was stopped could not hear of it.
                self.signal(Signal::CONT, &left);
                let kill_at = now + self.ward.ending.term_within;
                self.stage = Stage::Terminated(kill_at);
                Some(self.look_again(now, LOOK_EVERY).min(kill_at))
            }
            Stage::Terminated(kill_at) if now < kill_at => {
                Some(self.look_again(now, LOOK_EVERY).min(kill_at))
            }
            Stage::Terminated(_) => {
                self.ward.killed.inc();
                self.stage = Stage::Killed;
                self.pause = LOOK_AFTER;
                self.kill(&left);
                Some(self.look_again(now, KILL_EVERY))
            }
            Stage::Killed => {
                self.kill(&left);
                Some(self.look_again(now, KILL_EVERY))
            }
        }
    }

    /// It and all that it has started is gone.
    pub(super) fn finish(self) {
        let Self { ward: Ward { cgroup, gone, .. }, state, .. } = self;
        gone();
        drop(cgroup);
        state.send_modify(|state| state.is_gone = true);
    }

    fn kill(&self, left: &[Seen]) {
        if let Some(cgroup) = &self.ward.cgroup {
            cgroup.kill();
        }
        self.signal(Signal::KILL, left);
    }

    /// Signals its group, and those that are not in it: it may have left it itself.
    fn signal(&self, signal: Signal, left: &[Seen]) {
        // Nobody may be left in the group.
        let _ = kill_process_group(self.pid, signal);
        let itself = (!self.has_ended).then(|| Seen::of(self.number())).flatten();
        let outside = |seen: &&Seen| seen.group != self.number();
        left.iter().chain(&itself).filter(outside).for_each(|seen| seen.signal(signal));
    }

    /// Its number, which is that of its group.
    const fn number(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// When to look again, each time later.
    fn look_again(&mut self, now: Instant, most: Duration) -> Instant {
        let at = now + self.pause;
        self.pause = (self.pause * 2).min(most);
        at
    }
}
