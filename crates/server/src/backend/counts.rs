//! What is counted of the calls.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

use super::call::Reply;
use super::error::BackendError;
use crate::metrics::Metrics;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    backend: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    backend: String,
    result: &'static str,
}

/// The counters of all backends.
pub(super) struct Counts {
    calls: Family<Outcome, Counter>,
    seconds: Family<Of, Histogram, fn() -> Histogram>,
    in_flight: Family<Of, Gauge>,
    retries: Family<Of, Counter>,
    open: Family<Of, Gauge>,
}

/// Those of one.
#[derive(Clone, Debug)]
pub(super) struct BackendCounts {
    name: String,
    calls: Family<Outcome, Counter>,
    seconds: Histogram,
    in_flight: Gauge,
    retries: Counter,
    open: Gauge,
}

/// A call in flight, until it is dropped.
pub(super) struct Flight<'c>(&'c Gauge);

impl Counts {
    fn new() -> Self {
        Self {
            calls: Family::default(),
            seconds: Family::new_with_constructor(seconds),
            in_flight: Family::default(),
            retries: Family::default(),
            open: Family::default(),
        }
    }

    /// Shows them.
    pub(super) fn register(metrics: &Metrics) -> Self {
        let counts = Self::new();
        metrics.register(|registry| {
            let registry = registry.sub_registry_with_prefix("backend");
            registry.register("calls", "Calls, by what came of them", counts.calls.clone());
            registry.register(
                "call_seconds",
                "From a call to its answer, repetitions included",
                counts.seconds.clone(),
            );
            registry.register("in_flight", "Calls in flight", counts.in_flight.clone());
            registry.register("retries", "Requests that repeated another", counts.retries.clone());
            registry.register(
                "breaker_open",
                "Whether it is left alone because it failed (1), or not (0)",
                counts.open.clone(),
            );
        });
        counts
    }

    /// Those of one backend.
    pub(super) fn of(&self, backend: &str) -> BackendCounts {
        let of = Of { backend: backend.to_owned() };
        BackendCounts {
            name: backend.to_owned(),
            calls: self.calls.clone(),
            seconds: self.seconds.get_or_create(&of).clone(),
            in_flight: self.in_flight.get_or_create(&of).clone(),
            retries: self.retries.get_or_create(&of).clone(),
            open: self.open.get_or_create(&of).clone(),
        }
    }
}

impl BackendCounts {
    pub(super) fn fly(&self) -> Flight<'_> {
        self.in_flight.inc();
        Flight(&self.in_flight)
    }

    pub(super) fn done(&self, result: &Result<Reply, BackendError>, took: Duration) {
        let result = match result {
            Ok(reply) => class(reply.status.as_u16()),
            Err(error) => error.word(),
        };
        self.calls.get_or_create(&Outcome { backend: self.name.clone(), result }).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    pub(super) fn retried(&self) {
        self.retries.inc();
    }

    pub(super) fn is_open(&self, is_open: bool) {
        self.open.set(is_open.into());
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
impl Default for BackendCounts {
    fn default() -> Self {
        Counts::new().of("")
    }
}

/// From a millisecond to half a minute.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 16))
}

const fn class(status: u16) -> &'static str {
    match status {
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500..600 => "5xx",
        _ => "other",
    }
}
