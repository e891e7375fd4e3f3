//! What was measured, for a person and for a program.

use std::fmt::{self, Write};

use serde_json::{Map, Value, json};
use tieline::MessageKind;

use super::plan::{Mode, Plan};
use super::process::Usage;
use super::tally::{Counts, ErrorKind, Errors, Times};
use crate::style;

/// The run and its numbers.
#[derive(Debug)]
pub(super) struct Report<'p> {
    pub(super) plan: &'p Plan,
    /// How long was measured.
    pub(super) seconds: f64,
    /// How long it took to open the connections.
    pub(super) connect_seconds: f64,
    pub(super) opened: u64,
    pub(super) failed: u64,
    /// Connections that agreed on compression.
    pub(super) deflated: u64,
    /// What was counted in that time.
    pub(super) counts: Counts,
    pub(super) times: Times,
    pub(super) opening: Times,
    pub(super) errors: Errors,
    /// Processor time that this program used in the time measured, in nanoseconds.
    pub(super) own_cpu_ns: u64,
    pub(super) server: Option<Server>,
}

/// The server's process before the connections, and at both ends of the time measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Server {
    pub(super) pid: u32,
    pub(super) before: Usage,
    pub(super) start: Usage,
    pub(super) end: Usage,
}

impl Report<'_> {
    /// Messages received in a second.
    pub(super) fn rate(&self) -> f64 {
        self.counts.received as f64 / self.seconds
    }

    /// The object that `--json` prints.
    pub(super) fn to_json(&self) -> Value {
        let mut errors = Map::new();
        for (kind, count, _) in self.errors.iter() {
            errors.insert(kind.name().to_owned(), count.into());
        }
        json!({
            "url": self.plan.url,
            "mode": self.plan.mode.name(),
            "connections": self.plan.connections,
            "in_flight": self.plan.in_flight,
            "payload_bytes": self.plan.payload.bytes.len(),
            "kind": kind(self.plan.payload.kind),
            "deflate": self.deflated > 0,
            "tls": self.plan.target.tls.is_some(),
            "seconds": self.seconds,
            "messages_sent": self.counts.sent,
            "messages_received": self.counts.received,
            "messages_per_second": self.rate(),
            "bytes_sent": self.counts.bytes_out,
            "bytes_received": self.counts.bytes_in,
            "latency_us": latencies(&self.times),
            "connect": {
                "seconds": self.connect_seconds,
                "p50_us": micros(self.opening.quantile(0.5)),
                "max_us": micros(self.opening.greatest()),
                "failed": self.failed,
            },
            "errors": errors,
            "generator": { "cpu_ns": self.own_cpu_ns, "threads": self.plan.threads },
            "server": self.server.map(|server| server.to_json(self)),
        })
    }
}

impl Server {
    /// Processor time in the time measured.
    fn cpu_ns(&self) -> u64 {
        self.end.cpu_ns.saturating_sub(self.start.cpu_ns)
    }

    fn cpu_ns_per_message(&self, report: &Report<'_>) -> Option<f64> {
        let received = report.counts.received;
        (received > 0).then(|| self.cpu_ns() as f64 / received as f64)
    }

    /// What the connections added to its memory, each.
    fn bytes_per_connection(&self, report: &Report<'_>) -> Option<f64> {
        let added = self.end.resident_bytes as f64 - self.before.resident_bytes as f64;
        (report.opened > 0).then(|| added / report.opened as f64)
    }

    fn to_json(self, report: &Report<'_>) -> Value {
        json!({
            "pid": self.pid,
            "cpu_ns": self.cpu_ns(),
            "cpu_ns_per_message": self.cpu_ns_per_message(report),
            "rss_before_bytes": self.before.resident_bytes,
            "rss_bytes": self.end.resident_bytes,
            "rss_bytes_per_connection": self.bytes_per_connection(report),
        })
    }
}

/// `null` where nothing was measured.
fn latencies(times: &Times) -> Value {
    if times.is_empty() {
        return Value::Null;
    }
    json!({
        "min": micros(times.least()),
        "mean": times.mean() / 1e3,
        "p50": micros(times.quantile(0.5)),
        "p90": micros(times.quantile(0.9)),
        "p99": micros(times.quantile(0.99)),
        "p999": micros(times.quantile(0.999)),
        "max": micros(times.greatest()),
    })
}

const fn kind(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Binary => "binary",
        MessageKind::Text => "text",
    }
}

fn micros(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e3
}

/// The summary, a line for each question.
impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, text: String| {
            writeln!(f, "{} {text}", style::on_stdout(&format!("{name:<12}"), style::BOLD))
        };
        line("connections", self.connections())?;
        if self.plan.mode != Mode::Idle {
            line("message", self.message())?;
            let received = thousands(self.counts.received as f64);
            let rate = thousands(self.rate());
            line("messages", format!("{rate} a second ({received} in {:.1} s)", self.seconds))?;
        }
        let (sent, got) = (self.counts.bytes_out as f64, self.counts.bytes_in as f64);
        let (sent, got) = (volume(sent / self.seconds), volume(got / self.seconds));
        line("wire", format!("{sent}/s sent, {got}/s received"))?;
        if !self.times.is_empty() {
            line("latency", self.latency())?;
        }
        if let Some(server) = &self.server {
            line("server", server.summary(self))?;
        }
        line("generator", self.own_work())?;
        for (kind, count, first) in self.errors.iter() {
            line("errors", format!("{} {}: {first}", thousands(count as f64), kind.name()))?;
        }
        Ok(())
    }
}

impl Report<'_> {
    fn connections(&self) -> String {
        let mut text = format!(
            "{} opened in {:.2} s (p50 {}, max {})",
            thousands(self.opened as f64),
            self.connect_seconds,
            time(self.opening.quantile(0.5)),
            time(self.opening.greatest()),
        );
        if self.failed > 0 {
            text += &format!(", {} failed", thousands(self.failed as f64));
        }
        text
    }

    fn message(&self) -> String {
        let payload = &self.plan.payload;
        let mut text = format!("{} bytes of {}", payload.bytes.len(), kind(payload.kind));
        match self.plan.mode {
            Mode::Closed => text += &format!(", {} in flight", self.plan.in_flight),
            Mode::FanOut { .. } => text += &format!(", rounds of {}", self.plan.in_flight),
            Mode::Open { rate } => text += &format!(", {} a second asked for", thousands(rate)),
            Mode::Idle => {}
        }
        let offered = self.plan.target.request.deflate.is_some();
        match (offered, self.deflated) {
            (false, _) => {}
            (true, 0) => text += ", compression was declined",
            (true, _) => text += ", compressed",
        }
        text
    }

    fn latency(&self) -> String {
        let mut text = String::new();
        for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)] {
            let at = time(self.times.quantile(share));
            write!(text, "{name} {at}  ").expect("writing to a String cannot fail");
        }
        text + "max " + &time(self.times.greatest())
    }

    /// How busy this program was: when it has no time left, it measures itself.
    fn own_work(&self) -> String {
        let cores = self.own_cpu_ns as f64 / 1e9 / self.seconds;
        let mut text = percent_of_a_core(cores);
        let has_time_left = cores < 0.95 * self.plan.threads as f64;
        if !has_time_left && !matches!(self.plan.mode, Mode::Open { .. }) {
            text += ": it may be the limit, give it more --threads";
        }
        text
    }

    /// What the first violation of the protocol was.
    pub(super) fn violation(&self) -> Option<&str> {
        self.errors.first_of(&[ErrorKind::Protocol])
    }
}

impl Server {
    fn summary(&self, report: &Report<'_>) -> String {
        let cores = self.cpu_ns() as f64 / 1e9 / report.seconds;
        let mut text = percent_of_a_core(cores);
        if let Some(each) = self.cpu_ns_per_message(report) {
            text += &format!(", {} ns a message", thousands(each));
        }
        text +=
            &format!(", {:.1} MiB resident", self.end.resident_bytes as f64 / f64::from(1 << 20));
        if let Some(each) = self.bytes_per_connection(report) {
            text += &format!(", {} bytes more for each connection", thousands(each));
        }
        text
    }
}

/// An amount of bytes in the unit that suits it.
fn volume(bytes: f64) -> String {
    if bytes < 1e6 { format!("{:.1} kB", bytes / 1e3) } else { format!("{:.1} MB", bytes / 1e6) }
}

fn percent_of_a_core(cores: f64) -> String {
    format!("{:.0} % of a core", cores * 100.0)
}

/// A time in the unit that suits it.
pub(super) fn time(nanoseconds: u64) -> String {
    match nanoseconds as f64 {
        short if short < 1e6 => format!("{:.0} µs", short / 1e3),
        short if short < 1e9 => format!("{:.2} ms", short / 1e6),
        long => format!("{:.2} s", long / 1e9),
    }
}

/// A whole number in groups of three digits.
pub(super) fn thousands(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::new();
    if number <= -0.5 {
        text.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_to_be_read() {
        assert_eq!(thousands(0.0), "0");
        assert_eq!(thousands(999.4), "999");
        assert_eq!(thousands(-1_234_567.0), "-1,234,567");
        assert_eq!(time(12_345), "12 µs");
        assert_eq!(time(1_234_000), "1.23 ms");
        assert_eq!((volume(1_234.0), volume(2.5e9)), ("1.2 kB".into(), "2500.0 MB".into()));
    }
}
