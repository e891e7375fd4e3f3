//! What is counted while the server runs, in the one registry that `/metrics` shows.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

/// The metrics of a server. What counts keeps its own counters, which are atomics; the registry is
/// looked at when it is registered with, and when it is read.
pub(crate) struct Metrics(Mutex<Registry>);

impl Metrics {
    /// Has something register its counters, under its own name: `tieline_` is put in front.
    pub(crate) fn register<T>(&self, register: impl FnOnce(&mut Registry) -> T) -> T {
        register(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// All of them, as OpenMetrics has it.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let registry = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        encode(&mut text, &registry).expect("a string takes every text");
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self(Mutex::new(Registry::with_prefix("tieline")))
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}
