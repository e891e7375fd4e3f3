//! What the server counts of itself. The names are documented in `docs/operating.md` and stay.
//!
//! What happens to a line or a request once is counted where it happens, by one atomic for all
//! workers. What happens with every message is counted by each worker for itself, in numbers that
//! nobody else touches, and asked for when somebody wants to know.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::StatusCode;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::info::Info;
use tieline::CloseCode;
use tieline::serve::Durations;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::auth::Denied;
use crate::inbox::{Inbox, Order};
use crate::limits::Exceeded;
use crate::metrics::Metrics;
use crate::tally::{Counted, Tally};

/// How long a worker may take to say what it has counted; then what it last said holds.
const WITHIN: Duration = Duration::from_millis(250);

/// The server's own counters.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    lines_open: Family<Place, Gauge>,
    /// One for each place, shared by its lines.
    open: Mutex<HashMap<Place, Arc<OpenAt>>>,
    lines: Family<Place, Counter>,
    handshakes: Family<Status, Counter>,
    requests: Family<Status, Counter>,
    closes: Family<Code, Counter>,
    denied: Family<Reason, Counter>,
    limited: Family<Limit, Counter>,
    workers: Arc<Workers>,
}

/// A line, counted as open until this is dropped.
pub(crate) struct Open(Arc<OpenAt>);

/// The lines that are open at one place.
#[derive(Debug)]
struct OpenAt {
    place: Place,
    gauge: Gauge,
}

/// All workers, and how to ask them.
#[derive(Debug, Default)]
struct Workers(Mutex<Vec<(Inbox, Arc<Tally>)>>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Place {
    listener: Arc<str>,
    route: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Status {
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Limit {
    limit: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Direction {
    direction: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

impl Counts {
    /// Makes them part of what `/metrics` shows.
    pub(crate) fn register(&self, metrics: &Metrics) {
        metrics.register(|registry| {
            let build = Build { version: env!("CARGO_PKG_VERSION") };
            registry.register("build", "The program", Info::new(build));
            registry.register("lines_open", "Lines that are open", self.lines_open.clone());
            registry.register("lines", "Lines that were opened", self.lines.clone());
            registry.register(
                "handshakes",
                "Requests for a line, by the status that answered them",
                self.handshakes.clone(),
            );
            registry.register(
                "requests",
                "Ordinary requests, by the status that answered them",
                self.requests.clone(),
            );
            registry.register("closes", "Lines that ended, by close code", self.closes.clone());
            registry.register(
                "access_denied",
                "Requests that could not show that they may, by reason",
                self.denied.clone(),
            );
            registry.register(
                "limited",
                "Requests refused and lines paused or closed, by the limit they exceeded",
                self.limited.clone(),
            );
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            registry.register_collector(Box::new(Since(since.as_secs())));
            registry.register_collector(Box::new(Arc::clone(&self.workers)));
        });
    }

    /// A line is open, until the answer is dropped.
    pub(crate) fn opened(&self, listener: &Arc<str>, route: &Arc<str>) -> Open {
        let place = Place { listener: Arc::clone(listener), route: Arc::clone(route) };
        self.lines.get_or_create(&place).inc();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let open = open.entry(place).or_insert_with_key(|place| {
            let gauge = self.lines_open.get_or_create_owned(place);
            Arc::new(OpenAt { place: place.clone(), gauge })
        });
        open.gauge.inc();
        Open(Arc::clone(open))
    }

    /// A request for a line was answered.
    pub(crate) fn handshake(&self, status: StatusCode) {
        self.handshakes.get_or_create(&Status { status: status.as_u16() }).inc();
    }

    /// An ordinary request was answered.
    pub(crate) fn request(&self, status: StatusCode) {
        self.requests.get_or_create(&Status { status: status.as_u16() }).inc();
    }

    /// A line has ended.
    pub(crate) fn closed(&self, code: CloseCode) {
        self.closes.get_or_create(&Code { code: label(code) }).inc();
    }

    pub(crate) fn denied(&self, denied: &Denied) {
        self.denied.get_or_create(&Reason { reason: denied.reason() }).inc();
    }

    pub(crate) fn exceeded(&self, exceeded: &Exceeded) {
        self.limited(exceeded.setting);
    }

    pub(crate) fn limited(&self, limit: &'static str) {
        self.limited.get_or_create(&Limit { limit }).inc();
    }

    /// A worker begins to count.
    pub(crate) fn begin(&self, inbox: &Inbox) {
        self.workers.lock().push((inbox.clone(), Arc::default()));
    }

    /// Has every worker say what it has counted.
    pub(crate) async fn gather(&self) {
        let workers = self.workers.lock().clone();
        let asked: Vec<_> = workers
            .into_iter()
            .map(|(inbox, tally)| {
                let (said, is_said) = oneshot::channel();
                inbox.give(Order::Tally(tally, said));
                is_said
            })
            .collect();
        // A worker that has ended, or does not answer in time, has said what it has said.
        let _ = timeout(WITHIN, async {
            for is_said in asked {
                let _ = is_said.await;
            }
        })
        .await;
    }
}

impl Open {
    /// The listener it came to.
    pub(crate) fn listener(&self) -> &Arc<str> {
        &self.0.place.listener
    }

    /// The route that serves it.
    pub(crate) fn route(&self) -> &Arc<str> {
        &self.0.place.route
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.gauge.dec();
    }
}

impl Workers {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Inbox, Arc<Tally>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Workers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut all = Counted::default();
        for (_, tally) in self.lock().iter() {
            all.add(&tally.get());
        }
        let Counted { traffic, waiting_bytes, fan_outs, round_trips } = all;
        for (name, help, inwards, outwards) in [
            ("messages", "Messages", traffic.messages_in, traffic.messages_out),
            (
                "message_bytes",
                "Bytes of messages, neither compressed nor framed",
                traffic.bytes_in,
                traffic.bytes_out,
            ),
        ] {
            let kind = ConstCounter::new(0_u64).metric_type();
            let mut metric = encoder.encode_descriptor(name, help, None, kind)?;
            for (direction, count) in [("in", inwards), ("out", outwards)] {
                let direction = Direction { direction };
                let family = metric.encode_family(&direction)?;
                ConstCounter::new(count).encode(family)?;
            }
        }
        let waiting = ConstGauge::new(i64::try_from(waiting_bytes).unwrap_or(i64::MAX));
        let help = "What waits for peers that have not read it, as their backlogs count it";
        let kind = waiting.metric_type();
        waiting.encode(encoder.encode_descriptor("backlog_bytes", help, None, kind)?)?;
        for (name, help, durations) in [
            (
                "fan_out_seconds",
                "From a publication on a worker until all of its subscribers there were sent it",
                fan_outs,
            ),
            ("ping_seconds", "From a ping to the pong that answered it", round_trips),
        ] {
            show(&durations, encoder.encode_descriptor(name, help, None, MetricType::Histogram)?)?;
        }
        Ok(())
    }
}

fn show(durations: &Durations, mut encoder: MetricEncoder<'_>) -> fmt::Result {
    let seconds = |bound: Option<Duration>| bound.map_or(f64::INFINITY, |it| it.as_secs_f64());
    let buckets: Vec<_> =
        durations.buckets().map(|(bound, count)| (seconds(bound), count)).collect();
    let (sum, count) = (durations.sum().as_secs_f64(), durations.count());
    encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
}

/// When the server began, in seconds since 1970.
#[derive(Debug)]
struct Since(u64);

impl Collector for Since {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let gauge = ConstGauge::new(self.0 as i64);
        let (name, help) = ("start_time_seconds", "When the server began, since 1970");
        gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
    }
}

/// The codes of the standard and of the server by themselves; of the others, of which a peer may
/// make up thousands, only the range.
const fn label(code: CloseCode) -> &'static str {
    match code.get() {
        1000 => "1000",
        1001 => "1001",
        1002 => "1002",
        1003 => "1003",
        1005 => "1005",
        1006 => "1006",
        1007 => "1007",
        1008 => "1008",
        1009 => "1009",
        1010 => "1010",
        1011 => "1011",
        1012 => "1012",
        1013 => "1013",
        1014 => "1014",
        4401 => "4401",
        4409 => "4409",
        3000..=3999 => "3xxx",
        4000..=4999 => "4xxx",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tieline::serve::Traffic;

    #[test]
    fn the_text_has_the_names_that_are_documented() {
        let (counts, metrics) = (Counts::default(), Metrics::default());
        counts.register(&metrics);
        let (listener, route) = (Arc::from("127.0.0.1:8080"), Arc::from("/echo"));
        let open = counts.opened(&listener, &route);
        drop(counts.opened(&listener, &route));
        counts.handshake(StatusCode::UNAUTHORIZED);
        counts.request(StatusCode::OK);
        counts.closed(CloseCode::NORMAL);
        counts.denied(&Denied::Expired);
        counts.limited("messages");
        let (inbox, _orders) = Inbox::new();
        counts.begin(&inbox);
        counts.begin(&inbox);
        let traffic = Traffic { messages_in: 7, bytes_in: 70, ..Traffic::default() };
        let mut round_trips = Durations::default();
        round_trips.note(Duration::from_micros(500));
        let first = Counted { traffic, waiting_bytes: 30, round_trips, ..Counted::default() };
        let second = Counted { waiting_bytes: 12, round_trips, ..Counted::default() };
        for (at, counted) in [first, second].into_iter().enumerate() {
            counts.workers.lock()[at].1.set(counted);
        }
        let text = metrics.text();
        for line in [
            "tieline_build_info{version=\"",
            "tieline_start_time_seconds ",
            "tieline_lines_open{listener=\"127.0.0.1:8080\",route=\"/echo\"} 1\n",
            "tieline_lines_total{listener=\"127.0.0.1:8080\",route=\"/echo\"} 2\n",
            "tieline_handshakes_total{status=\"401\"} 1\n",
            "tieline_requests_total{status=\"200\"} 1\n",
            "tieline_closes_total{code=\"1000\"} 1\n",
            "tieline_access_denied_total{reason=\"expired\"} 1\n",
            "tieline_limited_total{limit=\"messages\"} 1\n",
            "tieline_messages_total{direction=\"in\"} 7\n",
            "tieline_messages_total{direction=\"out\"} 0\n",
            "tieline_message_bytes_total{direction=\"in\"} 70\n",
            "tieline_backlog_bytes 42\n",
            "tieline_ping_seconds_count 2\n",
            "tieline_ping_seconds_sum 0.001\n",
            "tieline_ping_seconds_bucket{le=\"0.000256\"} 0\n",
            "tieline_ping_seconds_bucket{le=\"0.000512\"} 2\n",
            "tieline_ping_seconds_bucket{le=\"+Inf\"} 2\n",
            "tieline_fan_out_seconds_count 0\n",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
        drop(open);
        assert!(metrics.text().contains("route=\"/echo\"} 0\n"));
    }

    #[test]
    fn codes_that_a_peer_makes_up_do_not_make_up_metrics() {
        let labels: std::collections::HashSet<_> =
            (0..=u16::MAX).map(CloseCode::new).map(label).collect();
        assert!(labels.len() <= 19, "{labels:?}");
    }
}
