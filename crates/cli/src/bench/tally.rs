//! What a thread counts: errors by their kind, how long things took, and the numbers all may see.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use hdrhistogram::Histogram;

/// What can go wrong with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ErrorKind {
    /// An answer that holds something else than was sent.
    Altered,
    /// The server closed.
    Closed,
    /// The connection was not made.
    Connect,
    /// The server answered the handshake with no, or wrongly.
    Handshake,
    /// The line ended without a close.
    Lost,
    /// What was due had no line to be sent on.
    NotSent,
    /// The server broke the protocol.
    Protocol,
    /// A message that is no answer.
    Unexpected,
}

impl ErrorKind {
    /// The name in the report.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Altered => "altered",
            Self::Closed => "closed",
            Self::Connect => "connect",
            Self::Handshake => "handshake",
            Self::Lost => "lost",
            Self::NotSent => "not_sent",
            Self::Protocol => "protocol",
            Self::Unexpected => "unexpected",
        }
    }
}

/// Errors by kind, and what the first of each was.
#[derive(Debug, Default)]
pub(super) struct Errors(BTreeMap<ErrorKind, (u64, String)>);

impl Errors {
    /// Counts.
    pub(super) fn add(&mut self, kind: ErrorKind, count: u64, what: impl FnOnce() -> String) {
        if count > 0 {
            self.0.entry(kind).or_insert_with(|| (0, what())).0 += count;
        }
    }

    /// Counts what another thread did.
    pub(super) fn merge(&mut self, other: Self) {
        for (kind, (count, what)) in other.0 {
            self.add(kind, count, || what);
        }
    }

    /// All of them.
    pub(super) fn total(&self) -> u64 {
        self.0.values().map(|(count, _)| count).sum()
    }

    /// Kind, number and the first of them, in the order of the kinds.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ErrorKind, u64, &str)> {
        self.0.iter().map(|(kind, (count, what))| (*kind, *count, what.as_str()))
    }

    /// What the first error of one of the kinds was.
    pub(super) fn first_of(&self, kinds: &[ErrorKind]) -> Option<&str> {
        kinds.iter().find_map(|kind| self.0.get(kind)).map(|(_, what)| what.as_str())
    }
}

/// Times in nanoseconds, three digits of each.
#[derive(Clone, Debug)]
pub(super) struct Times(Histogram<u64>);

/// From a microsecond to an hour.
impl Default for Times {
    fn default() -> Self {
        let longest = 3_600_000_000_000;
        Self(Histogram::new_with_bounds(1_000, longest, 3).expect("the bounds are in order"))
    }
}

impl Times {
    /// Counts `count` times of this length.
    #[inline]
    pub(super) fn add(&mut self, nanoseconds: u64, count: u64) {
        self.0.saturating_record_n(nanoseconds, count);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.0.add(&other.0).expect("both have the same bounds");
    }

    pub(super) fn clear(&mut self) {
        self.0.reset();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn least(&self) -> u64 {
        if self.is_empty() { 0 } else { self.0.min() }
    }

    pub(super) fn greatest(&self) -> u64 {
        self.0.max()
    }

    pub(super) fn mean(&self) -> f64 {
        self.0.mean()
    }

    /// The time that this share of all did not exceed.
    pub(super) fn quantile(&self, share: f64) -> u64 {
        self.0.value_at_quantile(share)
    }
}

/// What one thread shows to the others.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Shown {
    pub(super) opened: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) alive: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) received: AtomicU64,
    pub(super) bytes_out: AtomicU64,
    pub(super) bytes_in: AtomicU64,
    /// The 99th percentile so far, in nanoseconds.
    pub(super) p99: AtomicU64,
}

/// The numbers of all threads at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) opened: u64,
    pub(super) failed: u64,
    pub(super) alive: u64,
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) bytes_out: u64,
    pub(super) bytes_in: u64,
}

impl Counts {
    /// What was sent and received since then; of the connections, what there is now.
    pub(super) const fn since(self, start: Self) -> Self {
        Self {
            sent: self.sent - start.sent,
            received: self.received - start.received,
            bytes_out: self.bytes_out - start.bytes_out,
            bytes_in: self.bytes_in - start.bytes_in,
            ..self
        }
    }

    /// What all threads show.
    pub(super) fn of(threads: &[Shown]) -> Self {
        let sum = |field: fn(&Shown) -> &AtomicU64| {
            threads.iter().map(|shown| field(shown).load(Ordering::Relaxed)).sum()
        };
        Self {
            opened: sum(|shown| &shown.opened),
            failed: sum(|shown| &shown.failed),
            alive: sum(|shown| &shown.alive),
            sent: sum(|shown| &shown.sent),
            received: sum(|shown| &shown.received),
            bytes_out: sum(|shown| &shown.bytes_out),
            bytes_in: sum(|shown| &shown.bytes_in),
        }
    }
}
