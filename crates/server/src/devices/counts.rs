//! What is counted of the devices.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::Notified;
use crate::metrics::Metrics;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    result: &'static str,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Devices that are known.
    pub(super) known: Gauge,
    /// Devices that have a line.
    pub(super) online: Gauge,
    notifications: Family<Outcome, Counter>,
    taken_over: Counter,
}

impl Counts {
    /// Shows them.
    pub(super) fn register(&self, metrics: &Metrics) {
        let Self { known, online, notifications, taken_over } = self;
        metrics.register(|registry| {
            let registry = registry.sub_registry_with_prefix("devices");
            registry.register("known", "Devices on line or registered", known.clone());
            registry.register("online", "Devices on line", online.clone());
            registry.register("taken_over", "Lines that a newer one ended", taken_over.clone());
            registry.register(
                "notifications",
                "Notifications, by what became of them",
                notifications.clone(),
            );
        });
    }

    /// A line was given to a device, which may have had one.
    pub(super) fn bound(&self, had_one: bool) {
        if had_one {
            self.taken_over.inc();
        } else {
            self.online.inc();
        }
    }

    /// What became of a notification.
    pub(super) fn notified(&self, notified: Notified) {
        let result = match notified {
            Notified::Delivered => "delivered",
            Notified::Full => "full",
            Notified::Stored => "stored",
            Notified::Unknown => "unknown",
        };
        self.notifications.get_or_create(&Outcome { result }).inc();
    }
}
