//! The lines of a worker, looked at once a second: no timer for each.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::line::Line;
use crate::peer_id::PeerId;

/// How often.
const EVERY: Duration = Duration::from_secs(1);

/// Lines of a worker that are told in a second that their life is over: they return at once.
const MAX_EXPIRED: usize = 50;

thread_local! {
    /// This worker's, by their gateway's number.
    static LINES: RefCell<HashMap<u64, HashMap<PeerId, Rc<Line>>>> = RefCell::default();
}

/// Looks after a line from now on.
pub(super) fn add(line: &Rc<Line>) {
    LINES.with_borrow_mut(|all| {
        let own = all.entry(line.shared.number).or_default();
        own.insert(line.peer.id(), Rc::clone(line));
    });
}

/// The line has ended.
pub(super) fn remove(line: &Line) {
    LINES.with_borrow_mut(|all| {
        if let Some(own) = all.get_mut(&line.shared.number) {
            own.remove(&line.peer.id());
        }
    });
}

/// How many a gateway has on this worker.
pub(super) fn count(gateway: u64) -> usize {
    LINES.with_borrow(|all| all.get(&gateway).map_or(0, HashMap::len))
}

/// Looks at the lines of a gateway on this worker, for ever.
pub(super) async fn watch(gateway: u64) {
    let mut every = interval(EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let now = every.tick().await;
        look(gateway, now);
    }
}

fn look(gateway: u64, now: Instant) {
    // Whoever is ended may be told so in this very moment, and leave the map.
    let lines: Vec<Rc<Line>> = LINES.with_borrow(|all| {
        all.get(&gateway).map(|own| own.values().cloned().collect()).unwrap_or_default()
    });
    let mut expired = 0;
    for line in lines {
        expired += usize::from(line.tick(now, expired < MAX_EXPIRED));
    }
}
