//! What is counted of upstreams.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

type Labels = [(&'static str, String); 2];

/// The counters of all proxied routes; each has a line for every route and upstream.
#[derive(Debug, Default)]
pub(crate) struct Families {
    failed: Family<Labels, Counter>,
    lines: Family<Labels, Counter>,
    open: Family<Labels, Gauge>,
    received_bytes: Family<Labels, Counter>,
    requests: Family<Labels, Counter>,
    sent_bytes: Family<Labels, Counter>,
    up: Family<Labels, Gauge>,
}

/// The counters of one upstream.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    /// Requests and handshakes that came to nothing by its fault.
    pub(super) failed: Counter,
    /// Lines that were opened.
    pub(super) lines: Counter,
    /// Requests and lines that are open now.
    pub(super) open: Gauge,
    /// Bytes of lines that came from it.
    pub(super) received_bytes: Counter,
    /// Requests that it answered.
    pub(super) requests: Counter,
    /// Bytes of lines that went to it.
    pub(super) sent_bytes: Counter,
    /// 1 while it is asked, 0 while it is not.
    pub(super) up: Gauge,
}

impl Families {
    /// Counters that `/metrics` shows.
    pub(crate) fn registered(registry: &mut Registry) -> Self {
        let this = Self::default();
        let mut counter = |name: &str, help: &str, family: &Family<Labels, Counter>| {
            registry.register(name, help, family.clone());
        };
        counter("proxy_failed", "Requests and handshakes that failed", &this.failed);
        counter("proxy_lines", "WebSocket lines opened", &this.lines);
        counter("proxy_received_bytes", "Bytes of lines from upstreams", &this.received_bytes);
        counter("proxy_requests", "HTTP requests answered", &this.requests);
        counter("proxy_sent_bytes", "Bytes of lines to upstreams", &this.sent_bytes);
        registry.register("proxy_open", "Requests and lines open now", this.open.clone());
        registry.register("proxy_up", "Whether the upstream is asked", this.up.clone());
        this
    }

    /// Those of one upstream of one route.
    pub(super) fn of(&self, route: &str, upstream: &str) -> Counts {
        let labels = [("route", route.to_owned()), ("upstream", upstream.to_owned())];
        let counts = Counts {
            failed: self.failed.get_or_create_owned(&labels),
            lines: self.lines.get_or_create_owned(&labels),
            open: self.open.get_or_create_owned(&labels),
            received_bytes: self.received_bytes.get_or_create_owned(&labels),
            requests: self.requests.get_or_create_owned(&labels),
            sent_bytes: self.sent_bytes.get_or_create_owned(&labels),
            up: self.up.get_or_create_owned(&labels),
        };
        counts.up.set(1);
        counts
    }
}
