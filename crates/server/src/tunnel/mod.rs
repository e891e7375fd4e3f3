//! A route that is handed on to upstream servers.
//!
//! ```text
//!               ┌─▶ requests   asked and answered                 ──▶ pool ─┐
//! admission ────┤                                                          ├─▶ dial ─▶ upstream
//!               └─▶ handshake  an upgrade, agreed on first ─▶ copy ────────┘
//! ```
//!
//! To the routes it is a service, so that every check of a route holds for it, too. Its lines stay
//! below the services: they are streamed as bytes, and nobody here knows their messages.

mod asking;
#[cfg(test)]
mod by_hand;
mod choose;
mod copy;
mod dial;
mod download;
mod fault;
mod flow;
mod frames;
mod handshake;
mod headers;
mod health;
mod line;
mod metrics;
mod network;
mod pace;
mod path;
mod plan;
mod pool;
mod requests;
mod upload;
mod upstream;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::future::join_all;
use http::header::RETRY_AFTER;
use http::{HeaderValue, Method, Response, StatusCode};
use tokio::time::interval;
use tracing::debug;

pub(crate) use metrics::Families;
pub(crate) use network::Network;
pub(crate) use plan::{Health, Plan, Secure, Target};

use crate::causes::Causes;
use crate::exchange::{Answer, Body, Exchange};
use crate::peer::Peer;
use crate::request::Request;
use crate::service::{Conversation, Service};
use choose::Choice;
use fault::Fault;
use upstream::Upstream;

/// A proxied route. Clones are the same.
#[derive(Clone)]
pub(crate) struct Tunnel {
    plan: Arc<Plan>,
    choice: Arc<Choice>,
}

impl Tunnel {
    /// A tunnel for the route with this path.
    pub(crate) fn new(plan: Arc<Plan>, route: &str, counted: &Families) -> Self {
        let upstreams = plan.upstreams.iter().map(|target| {
            let counts = counted.of(route, &target.name);
            Arc::new(Upstream::new(target.clone(), &plan, counts))
        });
        let choice = Arc::new(Choice::new(upstreams.collect()));
        Self { plan, choice }
    }

    /// The answer where an upstream gave none.
    fn refuse(&self, fault: &Fault) -> Response<Body> {
        debug!(error = %Causes(fault), status = fault.status().as_u16(), "not handed on");
        let mut response = fault.refusal().into_response().map(Body::from);
        if fault.status() == StatusCode::SERVICE_UNAVAILABLE {
            let seconds = self.plan.down_for.as_secs().max(1);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl Service for Tunnel {
    fn takes_below(&self) -> bool {
        true
    }

    fn answers(&self, _method: &Method) -> bool {
        true
    }

    fn answer(&self, exchange: Exchange) -> Answer {
        let this = self.clone();
        Box::pin(async move {
            let (request, method, body) = exchange.into_parts();
            this.respond(method, &request, body).await
        })
    }

    /// Each worker looks after its own connections, and the first asks for the health of all.
    fn attend(&self, worker: usize) -> Option<Pin<Box<dyn Future<Output = ()>>>> {
        let this = self.clone();
        Some(Box::pin(async move {
            let watched = this.plan.health.iter().filter(|_| worker == 0).flat_map(|health| {
                let watch = |upstream: &Arc<Upstream>| {
                    health::watch(Arc::clone(upstream), Arc::clone(&this.plan), health.clone())
                };
                this.choice.all().iter().map(watch).collect::<Vec<_>>()
            });
            let mut sweeps = interval(pool::KEPT_FOR / 2);
            let sweep = async {
                loop {
                    sweeps.tick().await;
                    pool::sweep();
                }
            };
            tokio::join!(join_all(watched), sweep);
        }))
    }

    fn open(&self, _peer: &Peer, _request: &Request) -> Box<dyn Conversation> {
        unreachable!("its upgrades are tunnelled by http1 and http2, which see them all")
    }
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunnel").field("plan", &self.plan).finish_non_exhaustive()
    }
}
