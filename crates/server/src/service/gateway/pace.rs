//! One after the other, so many in a second: devices have no jitter, and return all at once.

use std::time::Duration;

use tokio::time::Instant;

/// Longest that somebody waits for a turn: a Java client waits 10 s for its RO.
const MAX_WAIT: Duration = Duration::from_secs(8);

/// Turns, evenly in time.
#[derive(Debug)]
pub(super) struct Pace {
    every: Duration,
    /// When the next turn is.
    next: Instant,
}

impl Pace {
    pub(super) fn new(per_second: u32, now: Instant) -> Self {
        Self { every: Duration::from_secs(1) / per_second.max(1), next: now }
    }

    /// When the turn of whoever asks is; `None` where it would be too long a wait.
    pub(super) fn turn(&mut self, now: Instant) -> Option<Instant> {
        let turn = self.next.max(now);
        if turn > now + MAX_WAIT {
            return None;
        }
        self.next = turn + self.every;
        Some(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_apart_and_nobody_waits_too_long() {
        let now = Instant::now();
        let mut pace = Pace::new(100, now);
        let turns: Vec<_> = std::iter::from_fn(|| pace.turn(now)).collect();
        assert_eq!(turns.len(), 801);
        assert_eq!((turns[0], turns[1] - turns[0]), (now, Duration::from_millis(10)));
        assert_eq!(turns[800], now + MAX_WAIT);
        let later = now + Duration::from_secs(60);
        assert_eq!(pace.turn(later), Some(later));
    }
}
