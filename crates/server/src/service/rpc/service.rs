//! The service: what is configured, made into what answers.

use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use tieline::serve::Overflow;
use tokio::time::{MissedTickBehavior, interval};

use super::backend::Behind;
use super::cache::Cache;
use super::conversation::Talk;
use super::counts::CacheCounts;
use super::demo;
use super::dialect::{Rules, Seat};
use super::dispatch::{Dispatch, Shared};
use super::limits::Limits;
use super::methods::Methods;
use super::names::Names;
use super::post;
use super::rates::{Rate, Rates};
use super::upstream::Upstream;
use crate::config::{self, RateOf, RpcDialect};
use crate::http::{Answer, Exchange};
use crate::peer::Peer;
use crate::request::Request;
use crate::resources::Resources;
use crate::service::{Conversation, Service};

/// JSON-RPC at one route.
#[derive(Debug)]
pub(crate) struct Rpc {
    dispatch: Shared,
    dialect: Dialect,
}

/// How a line is spoken on.
#[derive(Debug)]
enum Dialect {
    Bidirectional,
    Plain,
    RpcWebsockets(Arc<Rules>),
}

/// What a node is asked for everybody where nothing says more: no debugging, and nothing that only
/// its owner should do.
const OF_NODES: [&str; 3] = ["eth_*", "net_*", "web3_*"];

/// How often what is counted of addresses that no longer call is forgotten.
const TIDY_EVERY: Duration = Duration::from_secs(60);

impl Rpc {
    /// What a checked configuration asks for, with methods of the program's own.
    pub(crate) fn new(
        config: &config::Rpc,
        mut methods: Methods,
        path: &str,
        resources: &Resources,
    ) -> Self {
        if config.demo {
            demo::add(&mut methods);
        }
        let dialect = match config.dialect {
            RpcDialect::JsonrpcBidirectional => Dialect::Bidirectional,
            RpcDialect::Plain => Dialect::Plain,
            RpcDialect::RpcWebsockets => {
                let written = &config.rpc_websockets;
                for name in &written.events {
                    methods.events().declare(name);
                }
                for name in &written.protected_events {
                    methods.events().declare_protected(name);
                }
                let protected = Names::of(&written.protected_methods);
                Dialect::RpcWebsockets(Arc::new(Rules::new(path, protected)))
            }
        };
        let rates = config.rate.iter().filter_map(rate).collect();
        let kept = |rule: &config::RpcCache| (Names::of(&rule.methods), rule.within.get());
        let upstream = config.upstream.as_ref().map(|node| {
            let options = node.options().expect("a node's address is checked with the rest");
            let counts = resources.rpc().node(path, &options.address.to_string());
            Upstream::new(options, counts)
        });
        let cache = config.cache.iter().map(kept).collect();
        let cache_counts = match config.cache.is_empty() {
            true => CacheCounts::default(),
            false => resources.rpc().cache(path),
        };
        let dispatch = Dispatch {
            methods,
            allow: config.allow.as_ref().map_or_else(|| names(&["*"]), Names::of),
            allow_node: config.allow.as_ref().map_or_else(|| names(&OF_NODES), Names::of),
            deny: Names::of(&config.deny),
            rates: Rates::new(rates),
            cache: Cache::new(cache, config.cache_bytes, cache_counts),
            limits: limits(&config.limits),
            backend: config.backend.as_ref().and_then(|written| {
                let backend = resources.backends.find(&written.name)?;
                let methods = Names::of(&written.methods);
                Some(Behind::new(&written.name, backend, &written.path, methods))
            }),
            upstream,
        };
        Self { dispatch: Arc::new(dispatch), dialect }
    }
}

fn names(patterns: &[&str]) -> Names {
    Names::of(&patterns.iter().map(ToString::to_string).collect::<Vec<_>>())
}

fn rate(written: &config::RpcRate) -> Option<Rate> {
    let methods = Names::of(&written.methods);
    let by_address = written.of == RateOf::Address;
    Some(Rate::new(methods, NonZeroU32::new(written.calls)?, written.within.get(), by_address))
}

const fn limits(written: &config::RpcLimits) -> Limits {
    Limits {
        max_answer_bytes: written.max_answer_bytes,
        max_batch: written.max_batch,
        max_body_bytes: written.max_body_bytes,
        max_client_calls: written.max_client_calls,
        max_in_flight: written.max_in_flight,
        max_subscriptions: written.max_subscriptions,
        call_within: written.call_within.get(),
        client_call_within: written.client_call_within.get(),
    }
}

impl Service for Rpc {
    /// Who does not read its answers has no right to more of them. What is pushed beside them may
    /// come to as much again; then the line is closed with 1013.
    fn overflow(&self) -> Overflow {
        Overflow::Wait
    }

    fn takes_below(&self) -> bool {
        matches!(self.dialect, Dialect::RpcWebsockets(_))
    }

    fn answers(&self, _method: &Method) -> bool {
        true
    }

    fn answer(&self, exchange: Exchange) -> Answer {
        Box::pin(post::answer(Arc::clone(&self.dispatch), exchange))
    }

    fn attend(&self, worker: usize) -> Option<Pin<Box<dyn Future<Output = ()>>>> {
        if worker != 0 {
            return None;
        }
        let dispatch = Arc::clone(&self.dispatch);
        Some(Box::pin(async move {
            tokio::join!(tidy(&dispatch.rates), keep_lines(dispatch.upstream.as_ref()));
        }))
    }

    fn open(&self, peer: &Peer, request: &Request) -> Box<dyn Conversation> {
        match &self.dialect {
            Dialect::Bidirectional => {
                Box::new(Talk::new(&self.dispatch, peer, request).bidirectional())
            }
            Dialect::Plain => Box::new(Talk::new(&self.dispatch, peer, request)),
            Dialect::RpcWebsockets(rules) => {
                Box::new(Seat::new(&self.dispatch, rules, peer, request))
            }
        }
    }
}

async fn tidy(rates: &Rates) {
    if rates.is_empty() {
        return;
    }
    let mut minutes = interval(TIDY_EVERY);
    minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        minutes.tick().await;
        rates.tidy();
    }
}

/// Keeps the lines to a node open, where there is one.
async fn keep_lines(upstream: Option<&Upstream>) {
    if let Some(upstream) = upstream {
        upstream.run().await;
    }
}
