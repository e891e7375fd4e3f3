//! What is counted of the events, and how far behind they are.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;

use super::{Lag, Outboxes};
use crate::metrics::Metrics;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    route: String,
}

/// The counters of all outboxes.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    recorded: Family<Of, Counter>,
    told: Family<Of, Counter>,
    failures: Family<Of, Counter>,
    given_up: Family<Of, Counter>,
    suppressed: Family<Of, Counter>,
}

/// Those of one.
#[derive(Clone, Debug, Default)]
pub(super) struct OutboxCounts {
    pub(super) recorded: Counter,
    pub(super) told: Counter,
    pub(super) failures: Counter,
    pub(super) given_up: Counter,
    pub(super) suppressed: Counter,
}

/// What is looked at when it is asked for.
pub(super) struct Gauges(pub(super) Outboxes);

impl Counts {
    pub(super) fn register(metrics: &Metrics) -> Self {
        let counts = Self::default();
        let Self { recorded, told, failures, given_up, suppressed } = counts.clone();
        metrics.register(|registry| {
            let registry = registry.sub_registry_with_prefix("events");
            registry.register("recorded", "Events that happened", recorded);
            registry.register("told", "Events that the backend took", told);
            registry.register("failures", "Tries that the backend did not take", failures);
            registry.register("given_up", "Events put on the list of the dead", given_up);
            registry.register("suppressed", "Pairs not told because of the grace", suppressed);
        });
        counts
    }

    pub(super) fn of(&self, route: &str) -> OutboxCounts {
        let of = Of { route: route.to_owned() };
        let one = |family: &Family<Of, Counter>| family.get_or_create(&of).clone();
        OutboxCounts {
            recorded: one(&self.recorded),
            told: one(&self.told),
            failures: one(&self.failures),
            given_up: one(&self.given_up),
            suppressed: one(&self.suppressed),
        }
    }
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let outboxes: Vec<_> =
            self.0.list().iter().map(|events| (events.name().to_owned(), events.lag())).collect();
        let mut gauge = |name, help, value: fn(&Lag) -> f64| -> fmt::Result {
            let mut gauge = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (route, lag) in &outboxes {
                let of = Of { route: route.clone() };
                ConstGauge::new(value(lag)).encode(gauge.encode_family(&of)?)?;
            }
            Ok(())
        };
        gauge("events_waiting", "Events that wait to be told", |lag| lag.waiting as f64)?;
        gauge("events_dead", "Events on the list of the dead", |lag| lag.dead as f64)?;
        gauge("events_oldest_seconds", "Age of the event that waits longest", |lag| {
            lag.oldest.as_secs_f64()
        })
    }
}

impl fmt::Debug for Gauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gauges")
    }
}
