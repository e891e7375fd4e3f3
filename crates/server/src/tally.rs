//! What one worker has counted, as it last said.

use std::sync::{Mutex, PoisonError};

use tieline::serve::{Durations, Traffic, Worker};

/// What one worker has last said that it has counted.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counted>);

/// What is counted since a worker began, and what waits there now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    /// What went over all lines.
    pub(crate) traffic: Traffic,
    /// What waits for peers that have not read it, as their backlogs count it.
    pub(crate) waiting_bytes: usize,
    /// How long it took to hand on what was published, where many hear it.
    pub(crate) fan_outs: Durations,
    /// From pings to their pongs.
    pub(crate) round_trips: Durations,
}

impl Tally {
    /// What the worker has counted.
    pub(crate) fn set(&self, counted: Counted) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = counted;
    }

    /// What it has last said.
    pub(crate) fn get(&self) -> Counted {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    /// What the links of a worker have come to.
    pub(crate) fn of(engine: &Worker) -> Self {
        Self {
            traffic: engine.traffic(),
            waiting_bytes: engine.waiting_bytes(),
            fan_outs: engine.fan_outs(),
            round_trips: engine.round_trips(),
        }
    }

    /// Adds what another worker has counted.
    pub(crate) fn add(&mut self, other: &Self) {
        self.traffic.add(&other.traffic);
        self.waiting_bytes += other.waiting_bytes;
        self.fan_outs.add(&other.fan_outs);
        self.round_trips.add(&other.round_trips);
    }
}
