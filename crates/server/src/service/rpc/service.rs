//! The service: what is configured, made into what answers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::Method;
use tieline::serve::Overflow;

use super::backend::Behind;
use super::cache::Cache;
use super::callable::Callable;
use super::conversation::Talk;
use super::counts::CacheCounts;
use super::demo;
use super::dialect::Seat;
use super::dispatch::{Dispatch, Shared};
use super::methods::Methods;
use super::names::Names;
use super::post;
use super::rates::Rates;
use super::upstream::Upstream;
use crate::auth::Access;
use crate::config::{self, RpcDialect};
use crate::exchange::{Answer, Exchange};
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
    /// With the route's path, below which the namespaces are.
    RpcWebsockets(Box<str>),
}

/// What a node is asked for everybody where nothing says more: no debugging, and nothing that only
/// its owner should do.
const OF_NODES: [&str; 3] = ["eth_*", "net_*", "web3_*"];

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
                Dialect::RpcWebsockets(path.into())
            }
        };
        let kept = |rule: &config::RpcCache| (Names::of(&rule.methods), rule.within.get());
        let upstream = config.upstream.as_ref().map(|node| {
            let options = node.options().expect("a node's address is checked with the rest");
            let counts = resources.rpc.node(path, &options.address.to_string());
            Upstream::new(options, counts)
        });
        let cache = config.cache.iter().map(kept).collect();
        let cache_counts = match config.cache.is_empty() {
            true => CacheCounts::default(),
            false => resources.rpc.cache(path),
        };
        let dispatch = Dispatch {
            methods,
            allow: config.allow.as_ref().map_or_else(|| Names::of(["*"]), Names::of),
            allow_node: config.allow.as_ref().map_or_else(|| Names::of(OF_NODES), Names::of),
            deny: Names::of(&config.deny),
            protected: match dialect {
                Dialect::RpcWebsockets(_) => Names::of(&config.rpc_websockets.protected_methods),
                Dialect::Bidirectional | Dialect::Plain => Names::default(),
            },
            rates: Rates::new(&config.rate),
            cache: Cache::new(cache, config.cache_bytes, cache_counts),
            limits: Arc::new(config.limits.clone()),
            backend: config.backend.as_ref().and_then(|written| {
                let backend = resources.backends.find(&written.name)?;
                let methods = Names::of(&written.methods);
                Some(Behind::new(&written.name, backend, &written.path, methods))
            }),
            upstream,
        };
        Self { dispatch: Arc::new(dispatch), dialect }
    }

    /// Its methods, for another service; whoever calls there is let in as `access` says.
    pub(crate) fn callable(&self, access: Option<Arc<Access>>) -> Callable {
        Callable::new(Arc::clone(&self.dispatch), access)
    }
}

impl Service for Rpc {
    /// Who does not read its answers has no right to more of them. What is pushed beside them may
    /// come to as much again; then the line is closed with 1013.
    fn overflow(&self) -> Overflow {
        Overflow::Wait
    }

    fn speaks_json(&self) -> bool {
        true
    }

    fn takes_below(&self) -> bool {
        matches!(self.dialect, Dialect::RpcWebsockets(_))
    }

    fn answers(&self, _method: &Method) -> bool {
        true
    }

    fn cross_origin_methods(&self) -> Option<&'static str> {
        Some("GET, HEAD, POST")
    }

    fn answer(&self, exchange: Exchange) -> Answer {
        Box::pin(post::answer(Arc::clone(&self.dispatch), exchange))
    }

    fn attend(&self, worker: usize) -> Option<Pin<Box<dyn Future<Output = ()>>>> {
        if worker != 0 {
            return None;
        }
        // The lines to a node are kept open, where there is one.
        self.dispatch.upstream.as_ref()?;
        let dispatch = Arc::clone(&self.dispatch);
        Some(Box::pin(async move {
            if let Some(upstream) = &dispatch.upstream {
                upstream.run().await;
            }
        }))
    }

    fn open(&self, peer: &Peer, request: &Request) -> Box<dyn Conversation> {
        match &self.dialect {
            Dialect::Bidirectional => {
                Box::new(Talk::new(&self.dispatch, peer, request).bidirectional())
            }
            Dialect::Plain => Box::new(Talk::new(&self.dispatch, peer, request)),
            Dialect::RpcWebsockets(path) => {
                Box::new(Seat::new(&self.dispatch, path, peer, request))
            }
        }
    }
}
