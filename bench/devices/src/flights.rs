//! Notifications on their way, and how long those took that have arrived.

use std::cell::RefCell;

use hdrhistogram::Histogram;
use tokio::time::Instant;

/// All of them, numbered from 0.
pub(crate) struct Flights {
    /// When each was due, by its number, until it has arrived.
    due: RefCell<Vec<Option<Instant>>>,
    micros: RefCell<Histogram<u64>>,
}

impl Default for Flights {
    fn default() -> Self {
        let micros = Histogram::new(3).expect("three digits are allowed");
        Self { due: RefCell::default(), micros: RefCell::new(micros) }
    }
}

impl Flights {
    /// One more is due then; its number.
    pub(crate) fn starts(&self, due: Instant) -> usize {
        let mut all = self.due.borrow_mut();
        all.push(Some(due));
        all.len() - 1
    }

    /// A device has heard it.
    pub(crate) fn landed(&self, number: usize) {
        let due = self.due.borrow_mut()[number].take();
        let took = due.unwrap_or_else(|| panic!("notification {number} arrived twice")).elapsed();
        self.micros.borrow_mut().record(took.as_micros() as u64).expect("a histogram that grows");
    }

    /// How long each took, in microseconds.
    pub(crate) fn latencies(&self) -> Histogram<u64> {
        self.micros.borrow().clone()
    }
}
