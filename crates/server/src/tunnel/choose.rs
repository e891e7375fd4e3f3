//! Which upstream is asked: of those that may be, the one that has least to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::fault::Fault;
use super::upstream::{Open, Standing, Upstream};

/// The upstreams of a route.
#[derive(Debug)]
pub(super) struct Choice {
    upstreams: Vec<Arc<Upstream>>,
    /// Where the next look begins, so that equals take turns.
    turn: AtomicUsize,
}

impl Choice {
    pub(super) fn new(upstreams: Vec<Arc<Upstream>>) -> Self {
        Self { upstreams, turn: AtomicUsize::new(0) }
    }

    pub(super) fn all(&self) -> &[Arc<Upstream>] {
        &self.upstreams
    }

    /// The next to ask, none of those already `tried`; counted as open at once.
    pub(super) fn next(&self, tried: &[usize], now: Instant) -> Result<Open, Fault> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.upstreams.len();
        let (before, after) = self.upstreams.split_at(turn);
        let untried = after.iter().chain(before).filter(|it| !tried.contains(&it.id));
        let (mut best, mut is_busy) = (None::<&Arc<Upstream>>, false);
        for upstream in untried {
            match upstream.standing(now) {
                Standing::Asked if best.is_none_or(|best| upstream.open() < best.open()) => {
                    best = Some(upstream);
                }
                Standing::Busy => is_busy = true,
                Standing::Asked | Standing::Down => {}
            }
        }
        match best {
            Some(best) => Ok(Open::new(best)),
            None if is_busy => Err(Fault::Busy),
            None => Err(Fault::NoneAlive),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::tunnel::by_hand;

    fn choice(count: usize) -> Choice {
        let plan = by_hand::plan(&vec!["127.0.0.1:1"; count]);
        let upstreams = plan.upstreams.iter().map(|target| {
            let counts = crate::tunnel::metrics::Families::default().of("/", &target.name);
            Arc::new(Upstream::new(target.clone(), &plan, counts))
        });
        Choice::new(upstreams.collect())
    }

    fn number(choice: &Choice, open: &Open) -> usize {
        choice.all().iter().position(|it| it.id == open.0.id).unwrap()
    }

    const fn unreached() -> Fault {
        Fault::ConnectLate(Duration::ZERO)
    }

    #[test]
    fn the_one_with_least_to_do_is_asked() {
        let (choice, now) = (choice(3), Instant::now());
        let mut open: Vec<_> = (0..9).map(|_| choice.next(&[], now).unwrap()).collect();
        for upstream in choice.all() {
            assert_eq!(upstream.open(), 3);
        }
        let free = number(&choice, &open[4]);
        drop(open.swap_remove(4));
        assert_eq!(number(&choice, &choice.next(&[], now).unwrap()), free);
    }

    #[test]
    fn one_that_fails_rests_and_is_then_tried() {
        let (choice, now) = (choice(2), Instant::now());
        let bad = &choice.all()[0];
        for _ in 0..3 {
            bad.failed(&unreached(), now);
        }
        for _ in 0..4 {
            assert_eq!(number(&choice, &choice.next(&[], now).unwrap()), 1);
        }
        let later = now + Duration::from_secs(6);
        assert_eq!(bad.standing(later), Standing::Asked);
        bad.failed(&Fault::BadSwitch, later);
        assert_eq!(bad.standing(later), Standing::Asked, "what it answers does not count");
        bad.failed(&unreached(), later);
        assert_eq!(bad.standing(later), Standing::Down, "once more is enough");
        bad.succeeded();
        assert_eq!(bad.standing(later), Standing::Asked);
    }

    #[test]
    fn where_nobody_may_be_asked_it_is_said_why() {
        let (choice, now) = (choice(2), Instant::now());
        choice.all()[0].set_out(true);
        let open: Vec<_> = (0..100).map(|_| choice.next(&[], now).unwrap()).collect();
        assert!(matches!(choice.next(&[], now), Err(Fault::Busy)));
        choice.all()[1].set_out(true);
        drop(open);
        assert!(matches!(choice.next(&[], now), Err(Fault::NoneAlive)));
    }
}
