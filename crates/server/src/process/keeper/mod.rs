//! The keeper: one thread of the program that hears of the end of processes, ends those that are to
//! end, and reaps what this program was given when its parent ended.
//!
//! There is one for all servers of a program, as the system gives orphans to the program as a whole.
//! It waits for one process at a time, by its number: for those that it was told of when all that
//! they have started is gone, so that no number of theirs names somebody else before; and for those
//! that it was given. Children that other parts of the program have started are none of its.

mod charge;
mod watching;

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, WaitOptions, getpgrp, getpid, set_child_subreaper, waitpid};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep_until};
use tracing::error;

use self::charge::Charge;
pub(super) use self::charge::Ward;
use super::exit::State;
use super::look::{Look, Seen};
use crate::random;

/// The variable by which descendants are known.
pub(super) const MARKER: &str = "TIELINE_PROCESS";

/// Least time between two looks for orphans that have ended.
const REAP_EVERY: Duration = Duration::from_millis(100);

/// How long an orphan is left that has ended and of which nothing is known: another part of the
/// program may have started it, and waits for it then.
const STRANGE_FOR: Duration = Duration::from_secs(1);

/// What the keeper is asked to do.
enum Order {
    End(u64),
    /// All of a server; how long that may take is answered.
    EndAll(u64, oneshot::Sender<Duration>),
    Exited(u64),
    Keep(Box<Charge>),
}

type Orders = mpsc::UnboundedSender<Order>;

/// The way to the keeper, once there is one.
static KEEPER: Mutex<Option<Orders>> = Mutex::new(None);

/// What no other run of this program has.
static RUN: LazyLock<u64> = LazyLock::new(|| u64::from_ne_bytes(random::bytes()));

/// A number for a process that no other has.
pub(super) fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// What the variable says in everything that a process has started.
pub(super) fn marker(id: u64) -> String {
    format!("{:016x}-{id}", *RUN)
}

/// Which process a variable names.
fn marked(variable: &str) -> Option<u64> {
    let (run, id) = variable.split_once('-')?;
    (u64::from_str_radix(run, 16) == Ok(*RUN)).then(|| id.parse().ok())?
}

/// Sees to it that there is a keeper.
pub(super) fn begin() -> io::Result<()> {
    let mut keeper = KEEPER.lock().unwrap_or_else(PoisonError::into_inner);
    if keeper.as_ref().is_some_and(|orders| !orders.is_closed()) {
        return Ok(());
    }
    set_child_subreaper(Some(getpid()))?;
    // What whoever started this program left open, and systemd handed over, is not for its children.
    close_fds::set_fds_cloexec(3, &[]);
    let (orders, given) = mpsc::unbounded_channel();
    let own = orders.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let children = {
        let _inside = runtime.enter();
        signal(SignalKind::child())?
    };
    thread::Builder::new().name("keeper".into()).spawn(move || {
        let keeper = Keeper::new(own);
        LocalSet::new().block_on(&runtime, keeper.run(given, children));
    })?;
    *keeper = Some(orders);
    Ok(())
}

/// Has a process looked after; what becomes of it is told.
pub(super) fn keep(ward: Ward) -> io::Result<watch::Receiver<State>> {
    let pid = i32::try_from(ward.pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or(io::ErrorKind::InvalidInput)?;
    let (state, seen) = watch::channel(State::default());
    give(Order::Keep(Box::new(Charge::new(ward, pid, state))));
    Ok(seen)
}

/// Has a process ended. One that is gone stays so.
pub(super) fn end(id: u64) {
    give(Order::End(id));
}

/// Has all processes of a server ended; how long that may take. `None` where there never was one.
pub(super) async fn end_all(server: u64) -> Option<Duration> {
    let (said, is_said) = oneshot::channel();
    give(Order::EndAll(server, said));
    is_said.await.ok()
}

fn give(order: Order) {
    let keeper = KEEPER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(orders) = &*keeper
        && orders.send(order).is_err()
    {
        error!("nobody looks after processes any more");
    }
}

/// What this program was given.
struct Orphans {
    /// Those that live, by the process that they come from.
    living: HashMap<u64, Vec<Seen>>,
    /// Whether these are all. Where one had just ended, what it has started may not be among them.
    are_all: bool,
}

/// The state of the thread.
struct Keeper {
    charges: HashMap<u64, Charge>,
    /// By the numbers that the system gave them.
    by_pid: HashMap<i32, u64>,
    /// When something is to be done for whom.
    due: BTreeSet<(Instant, u64)>,
    /// For who waits for the end of one process.
    own: Orders,
    /// When orphans are looked for.
    reap_at: Option<Instant>,
    reaped_at: Instant,
    /// Orphans that have ended, of which nothing is known, and since when.
    strange: HashMap<(i32, u64), Instant>,
}

impl Keeper {
    fn new(own: Orders) -> Self {
        Self {
            charges: HashMap::new(),
            by_pid: HashMap::new(),
            due: BTreeSet::new(),
            own,
            reap_at: None,
            reaped_at: Instant::now(),
            strange: HashMap::new(),
        }
    }

    async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>, mut children: Signal) {
        loop {
            let next = self.due.first().map(|(at, _)| *at).into_iter().chain(self.reap_at).min();
            let later = async {
                match next {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                order = orders.recv() => {
                    // It holds a sender itself: there is always another.
                    let Some(order) = order else { return };
                    self.take(order);
                }
                _ = children.recv() => self.stir(),
                () = later => {}
            }
            while let Ok(order) = orders.try_recv() {
                self.take(order);
            }
            self.turn();
        }
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::End(id) => {
                if let Some(charge) = self.charges.get_mut(&id) {
                    let at = charge.end();
                    self.set_due(id, at);
                }
            }
            Order::EndAll(server, said) => {
                let of_it = |charge: &&Charge| charge.server() == server;
                let ids: Vec<_> = self.charges.values().filter(of_it).map(Charge::id).collect();
                let longest = self.charges.values().filter(of_it).map(Charge::longest).max();
                ids.into_iter().for_each(|id| self.take(Order::End(id)));
                // Whoever asked may have gone.
                let _ = said.send(longest.unwrap_or_default());
            }
            Order::Exited(id) => self.look_at(id),
            Order::Keep(mut charge) => {
                let (id, pid) = (charge.id(), charge.pid());
                charge.is_watched = watching::begin(id, pid, &self.own).is_ok();
                self.by_pid.insert(pid.as_raw_nonzero().get(), id);
                self.charges.insert(id, *charge);
                // It may have ended before anybody watched.
                self.look_at(id);
            }
        }
    }

    /// Sees whether a process has ended.
    fn look_at(&mut self, id: u64) {
        if let Some(charge) = self.charges.get_mut(&id)
            && charge.hears_of_end()
        {
            self.set_due(id, Some(Instant::now()));
        }
    }

    /// A child of this program has ended: one of those that nobody watches, or an orphan.
    fn stir(&mut self) {
        let unwatched = self.charges.values().filter(|charge| !charge.is_watched);
        let ids: Vec<_> = unwatched.map(Charge::id).collect();
        ids.into_iter().for_each(|id| self.look_at(id));
        self.reap_at.get_or_insert(self.reaped_at + REAP_EVERY);
    }

    /// Does what is due.
    fn turn(&mut self) {
        let now = Instant::now();
        let reaps = self.reap_at.is_some_and(|at| at <= now);
        if !reaps && self.due.first().is_none_or(|(at, _)| *at > now) {
            return;
        }
        let look = Look::now();
        let mut due = Vec::new();
        while let Some(&(at, id)) = self.due.first()
            && at <= now
        {
            self.due.pop_first();
            let Some(charge) = self.charges.get_mut(&id) else { continue };
            charge.at = None;
            charge.hears_of_end();
            due.push((id, charge.below(&look)));
        }
        // In this order: who loses its parent meanwhile is seen here or there.
        let mut orphans = self.orphans(&look, now);
        for (id, mut left) in due {
            let Some(charge) = self.charges.get_mut(&id) else { continue };
            let own = orphans.living.remove(&id).unwrap_or_default();
            left.extend(own.iter().flat_map(|orphan| look.below(orphan.pid)));
            left.extend(own);
            match charge.step(left, orphans.are_all, now) {
                Some(at) => self.set_due(id, Some(at)),
                None => self.forget(id),
            }
        }
    }

    /// The living orphans, by the process that they come from. Those that have ended are reaped.
    fn orphans(&mut self, look: &Look, now: Instant) -> Orphans {
        self.reap_at = None;
        self.reaped_at = now;
        let mut orphans = Orphans { living: HashMap::new(), are_all: true };
        let mut strange = HashMap::new();
        let own = getpgrp().as_raw_nonzero().get();
        for pid in look.adopted() {
            if self.by_pid.contains_key(&pid) {
                continue;
            }
            let Some(seen) = Seen::of(pid) else { continue };
            match self.owner(&seen) {
                Some(_) if seen.is_zombie => {
                    orphans.are_all = false;
                    reap(pid);
                }
                Some(owner) => orphans.living.entry(owner).or_default().push(seen),
                // What others start in this program stays in its group.
                None if !seen.is_zombie || seen.group == own => {}
                None => {
                    let since = *self.strange.get(&seen.name()).unwrap_or(&now);
                    orphans.are_all &= since != now;
                    if now.duration_since(since) >= STRANGE_FOR {
                        reap(pid);
                    } else {
                        strange.insert(seen.name(), since);
                    }
                }
            }
        }
        if let Some(since) = strange.values().min() {
            self.reap_at = Some(*since + STRANGE_FOR);
        }
        self.strange = strange;
        orphans
    }

    /// Which process an orphan comes from.
    fn owner(&self, seen: &Seen) -> Option<u64> {
        let by_group = self.by_pid.get(&seen.group).copied();
        let by_name = || self.charges.values().find(|it| it.knows(seen)).map(Charge::id);
        let by_marker = || marked(&seen.variable(MARKER)?);
        by_group.or_else(by_name).or_else(by_marker).filter(|id| self.charges.contains_key(id))
    }

    fn set_due(&mut self, id: u64, at: Option<Instant>) {
        let Some(charge) = self.charges.get_mut(&id) else { return };
        let Some(at) = at else { return };
        if let Some(before) = charge.at.replace(at) {
            self.due.remove(&(before, id));
        }
        self.due.insert((at, id));
    }

    /// A process and all that it has started is gone.
    fn forget(&mut self, id: u64) {
        if let Some(charge) = self.charges.remove(&id) {
            self.by_pid.remove(&charge.pid().as_raw_nonzero().get());
            charge.finish();
        }
    }
}

/// Waits for an orphan that has ended.
fn reap(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        // Where it is no child any more there is nothing to wait for.
        let _ = waitpid(Some(pid), WaitOptions::NOHANG);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_names_its_process_and_only_in_this_run() {
        assert_eq!(marked(&marker(42)), Some(42));
        let other = format!("{:016x}-42", RUN.wrapping_add(1));
        for text in ["", "42", "-42", other.as_str(), "zz-42"] {
            assert_eq!(marked(text), None, "{text}");
        }
    }
}
