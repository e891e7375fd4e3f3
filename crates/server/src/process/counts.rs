//! What is counted of the processes.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::error::NotStarted;
use crate::metrics::Metrics;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failure {
    route: String,
    reason: &'static str,
}

/// The counters of all routes.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    running: Family<Of, Gauge>,
    started: Family<Of, Counter>,
    not_started: Family<Failure, Counter>,
    killed: Family<Of, Counter>,
}

/// Those of one.
#[derive(Clone, Debug)]
pub(super) struct RouteCounts {
    route: String,
    pub(super) running: Gauge,
    pub(super) started: Counter,
    not_started: Family<Failure, Counter>,
    pub(super) killed: Counter,
}

impl Counts {
    pub(super) fn registered(metrics: &Metrics) -> Self {
        let counts = Self::default();
        let Self { running, started, not_started, killed } = counts.clone();
        metrics.register(|registry| {
            let registry = registry.sub_registry_with_prefix("processes");
            registry.register("running", "Processes, those that end included", running);
            registry.register("started", "Processes that were started", started);
            registry.register("not_started", "Processes that were not, by reason", not_started);
            registry.register("killed", "Processes whose end took SIGKILL", killed);
        });
        counts
    }

    pub(super) fn of(&self, route: &str) -> RouteCounts {
        let of = Of { route: route.to_owned() };
        RouteCounts {
            route: route.to_owned(),
            running: self.running.get_or_create_owned(&of),
            started: self.started.get_or_create_owned(&of),
            not_started: self.not_started.clone(),
            killed: self.killed.get_or_create_owned(&of),
        }
    }
}

impl RouteCounts {
    pub(super) fn not_started(&self, error: &NotStarted) {
        let failure = Failure { route: self.route.clone(), reason: error.word() };
        self.not_started.get_or_create(&failure).inc();
    }
}
