//! What is counted of channels, for all routes. The names stand in `docs/operating.md` and stay.

use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use tieline_hub::{BrokerError, Outcome, Published};

use super::words;
use crate::devices::Notified;
use crate::metrics::Metrics;

/// The counters of all channels. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Counts {
    publications: Family<Result, Counter>,
    publish_seconds: Histogram,
    recoveries: Family<Result, Counter>,
    gaps: Family<Reason, Counter>,
    sessions: Gauge,
    resumed: Family<Result, Counter>,
    subscriptions: Gauge,
    messages: Family<Result, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Result {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

impl Counts {
    /// Shows them.
    pub(crate) fn registered(metrics: &Metrics) -> Self {
        let counts = Self {
            publications: Family::default(),
            // 20 µs to 5 s.
            publish_seconds: Histogram::new(exponential_buckets(20e-6, 2.0, 19)),
            recoveries: Family::default(),
            gaps: Family::default(),
            sessions: Gauge::default(),
            resumed: Family::default(),
            subscriptions: Gauge::default(),
            messages: Family::default(),
        };
        let Self {
            publications,
            publish_seconds,
            recoveries,
            gaps,
            sessions,
            resumed,
            subscriptions,
            messages,
        } = counts.clone();
        metrics.register(|registry| {
            let registry = registry.sub_registry_with_prefix("channels");
            registry.register("publications", "Publications, by what became of them", publications);
            registry.register(
                "publish_seconds",
                "From a publication to its place, every worker with subscribers told",
                publish_seconds,
            );
            registry.register(
                "recoveries",
                "Subscriptions from a position on, by whether all that was missed was there",
                recoveries,
            );
            registry.register("gaps", "Subscribers told that they have missed something", gaps);
            registry.register("sessions", "Sessions, those without a line included", sessions);
            registry.register("resumed", "Sessions asked to go on, by whether they did", resumed);
            registry.register("subscriptions", "Channels that lines hear", subscriptions);
            registry.register("messages", "Messages to clients, by what became of them", messages);
        });
        counts
    }

    /// Something was published, or was not.
    pub(crate) fn published(
        &self,
        since: Instant,
        published: &std::result::Result<Published, BrokerError>,
    ) {
        self.publish_seconds.observe(since.elapsed().as_secs_f64());
        count(
            &self.publications,
            match published {
                Ok(Published { is_repeat: false, .. }) => "published",
                Ok(_) => "repeat",
                Err(BrokerError::Overloaded) => "overloaded",
                Err(_) => "failed",
            },
        );
    }

    /// Something was said to a client alone, or was not.
    pub(crate) fn told(&self, notified: Notified) {
        count(
            &self.messages,
            match notified {
                Notified::Delivered => "delivered",
                Notified::Full => "full",
                Notified::Stored => "stored",
                Notified::Unknown => "unknown",
            },
        );
    }

    /// Somebody has subscribed from a position on.
    pub(super) fn recovered(&self, outcome: Outcome) {
        let result = match outcome {
            Outcome::Gap { reason, .. } => {
                self.gap(words::reason(reason));
                "gap"
            }
            _ => "complete",
        };
        count(&self.recoveries, result);
    }

    /// Somebody was told that publications are missing.
    pub(super) fn gap(&self, reason: &'static str) {
        self.gaps.get_or_create(&Reason { reason }).inc();
    }

    /// A session began.
    pub(super) fn session_began(&self) {
        self.sessions.inc();
    }

    /// So many sessions are no more.
    pub(super) fn sessions_ended(&self, count: usize) {
        self.sessions.dec_by(count as i64);
    }

    /// A session was asked to go on.
    pub(super) fn resumed(&self, is_resumed: bool) {
        count(&self.resumed, if is_resumed { "resumed" } else { "refused" });
    }

    /// A line hears a channel from now on.
    pub(super) fn subscribed(&self) {
        self.subscriptions.inc();
    }

    /// It hears it no more.
    pub(super) fn unsubscribed(&self) {
        self.subscriptions.dec();
    }
}

fn count(family: &Family<Result, Counter>, result: &'static str) {
    family.get_or_create(&Result { result }).inc();
}
