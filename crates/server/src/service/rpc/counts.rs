//! What is counted of JSON-RPC: of the nodes behind it, and of the answers that are kept. The names
//! are documented in `docs/operating.md` and stay.
//!
//! A label is a route's path, a node's address or one of our words: nothing that a client or a node
//! says makes up another.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The counters of all routes.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    calls: Family<CallsOf, Counter>,
    in_flight: Family<Of, Gauge>,
    lines_open: Family<Of, Gauge>,
    reconnects: Family<Of, Counter>,
    subscribers: Family<Of, Gauge>,
    subscriptions: Family<Of, Gauge>,
    up: Family<Of, Gauge>,
    cache: Family<CacheOf, Counter>,
}

/// Those of one node.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeCounts {
    /// By [`Outcome`].
    calls: [Counter; Outcome::ALL.len()],
    in_flight: Gauge,
    /// Lines that are open.
    pub(crate) lines_open: Gauge,
    /// Lines that were opened again.
    pub(crate) reconnects: Counter,
    /// Clients' subscriptions, those that wait to be placed among them.
    pub(crate) subscribers: Gauge,
    /// Subscriptions that the node has.
    pub(crate) subscriptions: Gauge,
    /// 1 where the node is reached, 0 where it is not.
    pub(crate) up: Gauge,
}

/// Those of one route's kept answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct CacheCounts {
    hits: Counter,
    misses: Counter,
}

/// What became of a call to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The node answered with a result.
    Answered,
    /// As many as may be were under way.
    Busy,
    /// The node answered with an error.
    Error,
    /// The client left, or its time was over.
    GivenUp,
    /// It was sent, and no answer came.
    Lost,
    /// The node did not answer in time.
    TimedOut,
    /// The answer was too large.
    TooLarge,
    /// It could not be sent.
    Unsent,
}

/// A call in flight, until it is dropped.
pub(crate) struct Flight<'c> {
    counts: &'c NodeCounts,
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    route: String,
    node: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallsOf {
    route: String,
    node: String,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CacheOf {
    route: String,
    result: &'static str,
}

impl Counts {
    /// Counters that `/metrics` shows.
    pub(crate) fn registered(registry: &mut Registry) -> Self {
        let this = Self::default();
        registry.register(
            "rpc_cache",
            "Calls whose answers are kept, by whether there was one",
            this.cache.clone(),
        );
        let registry = registry.sub_registry_with_prefix("node");
        registry.register("calls", "Calls, by what became of them", this.calls.clone());
        registry.register("in_flight", "Calls in flight", this.in_flight.clone());
        registry.register("lines_open", "Lines that are open", this.lines_open.clone());
        registry.register("reconnects", "Lines that were opened again", this.reconnects.clone());
        registry.register(
            "subscribers",
            "Subscriptions of clients to what the node pushes",
            this.subscribers.clone(),
        );
        registry.register(
            "subscriptions",
            "Subscriptions that the node has",
            this.subscriptions.clone(),
        );
        registry.register("up", "Whether the node is reached (1), or not (0)", this.up.clone());
        this
    }

    /// Those of one node of one route.
    pub(crate) fn node(&self, route: &str, node: &str) -> NodeCounts {
        let of = Of { route: route.to_owned(), node: node.to_owned() };
        let calls = |outcome: Outcome| {
            let Of { route, node } = of.clone();
            self.calls.get_or_create_owned(&CallsOf { route, node, result: outcome.word() })
        };
        NodeCounts {
            calls: Outcome::ALL.map(calls),
            in_flight: self.in_flight.get_or_create_owned(&of),
            lines_open: self.lines_open.get_or_create_owned(&of),
            reconnects: self.reconnects.get_or_create_owned(&of),
            subscribers: self.subscribers.get_or_create_owned(&of),
            subscriptions: self.subscriptions.get_or_create_owned(&of),
            up: self.up.get_or_create_owned(&of),
        }
    }

    /// Those of one route's kept answers.
    pub(crate) fn cache(&self, route: &str) -> CacheCounts {
        let of =
            |result| self.cache.get_or_create_owned(&CacheOf { route: route.to_owned(), result });
        CacheCounts { hits: of("hit"), misses: of("miss") }
    }
}

impl NodeCounts {
    /// A call is made, which was given up if nothing else is said of it.
    pub(crate) fn fly(&self) -> Flight<'_> {
        self.in_flight.inc();
        Flight { counts: self, outcome: Outcome::GivenUp }
    }

    /// There are as many calls under way as may be.
    pub(crate) fn busy(&self) {
        self.ended(Outcome::Busy);
    }

    fn ended(&self, outcome: Outcome) {
        self.calls[outcome as usize].inc();
    }
}

impl CacheCounts {
    /// A kept answer was looked for.
    pub(crate) fn looked(&self, is_there: bool) {
        if is_there {
            self.hits.inc()
        } else {
            self.misses.inc()
        };
    }
}

impl Outcome {
    /// In the order of their numbers.
    const ALL: [Self; 8] = [
        Self::Answered,
        Self::Busy,
        Self::Error,
        Self::GivenUp,
        Self::Lost,
        Self::TimedOut,
        Self::TooLarge,
        Self::Unsent,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Busy => "busy",
            Self::Error => "error",
            Self::GivenUp => "given_up",
            Self::Lost => "lost",
            Self::TimedOut => "timed_out",
            Self::TooLarge => "too_large",
            Self::Unsent => "unsent",
        }
    }
}

impl Flight<'_> {
    /// The call has ended.
    pub(crate) fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.counts.in_flight.dec();
        self.counts.ended(self.outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_stand_in_the_order_of_their_numbers() {
        for (number, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, number);
        }
    }
}
