//! The newest publications of one channel, in memory.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use crate::history::{History, Range};
use crate::keep::Keep;
use crate::position::{Epoch, Position};
use crate::publication::Publication;

/// A log, which ends with the publication at `latest`.
#[derive(Debug)]
pub(crate) struct Log {
    epoch: Epoch,
    latest: u64,
    publications: VecDeque<Arc<Publication>>,
    bytes: usize,
}

impl Log {
    /// An empty one, after the publication at `position`.
    pub(crate) const fn after(position: Position) -> Self {
        let Position { epoch, offset: latest } = position;
        Self { epoch, latest, publications: VecDeque::new(), bytes: 0 }
    }

    /// Where it ends.
    pub(crate) const fn position(&self) -> Position {
        Position { epoch: self.epoch, offset: self.latest }
    }

    /// The offset of the oldest that is there, or of the next to come.
    pub(crate) fn oldest(&self) -> u64 {
        self.publications.front().map_or(self.latest + 1, |oldest| oldest.offset)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.publications.is_empty()
    }

    /// What it costs to keep what is there.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds the next, and lets go what is beyond the bounds.
    pub(crate) fn push(&mut self, publication: Arc<Publication>, keep: &Keep) {
        debug_assert_eq!(publication.offset, self.latest + 1, "without holes");
        self.latest = publication.offset;
        self.bytes += publication.cost();
        self.publications.push_back(publication);
        self.trim(keep);
    }

    /// Lets go what is beyond the bounds.
    pub(crate) fn trim(&mut self, keep: &Keep) {
        while self.publications.len() > keep.publications || self.bytes > keep.bytes {
            self.pop();
        }
    }

    /// Lets go what is too old.
    pub(crate) fn expire(&mut self, keep: &Keep, now: SystemTime) {
        let is_old = |publication: &Arc<Publication>| {
            now.duration_since(publication.at).is_ok_and(|age| age >= keep.age)
        };
        while self.publications.front().is_some_and(is_old) {
            self.pop();
        }
    }

    /// What is asked for of it, at most so many.
    pub(crate) fn read(&self, range: Range, limit: usize) -> History {
        let oldest = self.oldest();
        let index = |offset: u64| {
            let index = offset.saturating_sub(oldest);
            usize::try_from(index).unwrap_or(usize::MAX).min(self.publications.len())
        };
        let publications = match range {
            Range::After(offset) => {
                let behind = self.publications.range(index(offset.saturating_add(1))..);
                behind.take(limit).cloned().collect()
            }
            Range::Before(offset) => {
                let before = self.publications.range(..index(offset));
                before.rev().take(limit).cloned().collect()
            }
        };
        History { position: self.position(), oldest, publications }
    }

    /// Lets go the oldest.
    pub(crate) fn pop(&mut self) {
        if let Some(oldest) = self.publications.pop_front() {
            self.bytes -= oldest.cost();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::publication::New;

    fn keep(publications: usize) -> Keep {
        Keep { publications, ..Keep::default() }
    }

    fn log(count: u64, keep: &Keep) -> Log {
        let mut log = Log::after(Position { epoch: Epoch::from_bytes([1; 8]), offset: 0 });
        for offset in 1..=count {
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(offset);
            log.push(Arc::new(New::default().at(offset, at)), keep);
        }
        log
    }

    fn offsets(log: &Log, range: Range, limit: usize) -> Vec<u64> {
        log.read(range, limit).publications.iter().map(|it| it.offset).collect()
    }

    #[test]
    fn the_newest_are_kept_and_read_from_either_end() {
        let log = log(5, &keep(3));
        let history = log.read(Range::ALL, 0);
        assert_eq!((history.position.offset, history.oldest), (5, 3));
        for (range, limit, expected) in [
            (Range::ALL, 9, &[3, 4, 5][..]),
            (Range::ALL, 2, &[3, 4]),
            (Range::After(3), 9, &[4, 5]),
            (Range::After(5), 9, &[]),
            (Range::After(9), 9, &[]),
            (Range::NEWEST, 2, &[5, 4]),
            (Range::Before(5), 9, &[4, 3]),
            (Range::Before(3), 9, &[]),
            (Range::Before(0), 9, &[]),
        ] {
            assert_eq!(offsets(&log, range, limit), expected, "{range:?} {limit}");
        }
    }

    #[test]
    fn bytes_and_age_are_bounds_as_well() {
        let mut all = log(5, &keep(9));
        let cost = New::default().at(1, SystemTime::UNIX_EPOCH).cost();
        let small = Keep { bytes: 2 * cost, ..keep(9) };
        assert_eq!(offsets(&log(5, &small), Range::ALL, 9), [4, 5]);

        let aged = Keep { age: Duration::from_secs(10), ..keep(9) };
        all.expire(&aged, SystemTime::UNIX_EPOCH + Duration::from_secs(13));
        assert_eq!(offsets(&all, Range::ALL, 9), [4, 5]);
        all.expire(&aged, SystemTime::UNIX_EPOCH + Duration::from_secs(99));
        assert!(all.is_empty());
        assert_eq!((all.position().offset, all.oldest()), (5, 6));
    }

    #[test]
    fn nothing_is_kept_where_nothing_is_to_be_kept() {
        let log = log(5, &keep(0));
        assert_eq!((log.position().offset, log.oldest(), log.bytes), (5, 6, 0));
    }
}
