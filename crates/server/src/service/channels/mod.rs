//! Channels in the native language, `tieline.v1`, as docs/wire.md has it: over whatever carries a peer.
//!
//! ```text
//! a line ─▶ line.rs: a call ─▶ hub ─▶ broker ─▶ outlet.rs: each worker ─▶ its topic ─▶ the lines
//!           subscriptions.rs, calls.rs
//!              │                                   └─ the answer to `subscribe`, or the gap of who was too slow, in
//!              │                                      the same order
//!              └─ session.rs: answers that may have to be said again
//! devices.rs: a line is a device's ─▶ crate::devices, the same as the gateway's
//! ```
//!
//! A service with words of its own uses the same hub (own.rs); an outlet is a worker in a dialect.

mod calls;
mod clients;
mod counts;
mod devices;
mod dialect;
mod fault;
mod line;
mod namespaces;
mod outlet;
pub(crate) mod own;
mod session;
mod subscription;
mod subscriptions;
mod words;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tieline::CloseCode;
use tieline_hub::Most;
use tokio::time::{Interval, MissedTickBehavior, interval};

pub(crate) use self::clients::Clients;
pub(crate) use self::counts::Counts;
use self::devices::DIALECT;
use self::line::Line;
pub(crate) use self::namespaces::Namespaces;
use self::outlet::Worker;
use self::session::Sessions;
use super::rpc::Callable;
use super::{Accept, Conversation, Refusal, Service};
use crate::config;
use crate::devices::{Devices, Rules};
use crate::peer::Peer;
use crate::request::Request;
use crate::resources::Resources;

/// The channels of a server.
pub(crate) type Hub = tieline_hub::Hub<Worker>;

/// The subprotocol.
pub(crate) const PROTOCOL: &str = "tieline.v1";

/// The code that ends a line whose session goes on over a newer one.
const SUPERSEDED: CloseCode = CloseCode::new(4409);

/// The most that is given of a channel in one message.
const MOST: Most = Most { publications: 1_000, bytes: 512 << 10 };

/// How often is looked for what is too old.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// The channels of a server, spoken of at one route.
#[derive(Debug)]
pub(crate) struct Channels(Arc<Shared>);

/// What the lines of a route share.
#[derive(Debug)]
struct Shared {
    hub: Hub,
    namespaces: Arc<Namespaces>,
    counts: Counts,
    sessions: Sessions,
    limits: config::Channels,
    /// What `call` calls.
    methods: Option<Callable>,
    devices: Devices,
    /// What holds for devices, where the route has any.
    rules: Option<Arc<Rules>>,
}

impl Channels {
    /// The channels of a route, with what its devices left in the store; `asks_who` is whether the route does.
    pub(crate) fn new(
        route: &str,
        asks_who: bool,
        written: &config::Channels,
        resources: &Resources,
    ) -> Self {
        let rules = written.devices.as_ref().map(|devices| {
            let lasting = (devices.max_devices, devices.forget_after);
            let rules = Rules::of(route, DIALECT, asks_who, &devices.inbox, lasting);
            Arc::new(rules)
        });
        if let Some(rules) = &rules {
            resources.devices.adopt(rules);
        }
        let counts = resources.channels.clone();
        let sessions = Sessions::new(written, &counts);
        let shared = Arc::new(Shared {
            hub: resources.hub.clone(),
            namespaces: Arc::clone(&resources.namespaces),
            counts,
            sessions,
            limits: written.clone(),
            methods: written.methods.as_ref().map(|path| {
                resources.methods.find(path).expect("its route was checked, and started before")
            }),
            devices: resources.devices.clone(),
            rules,
        });
        resources.clients.add(&shared);
        Self(shared)
    }
}

impl Service for Channels {
    fn admit(&self, request: &Request) -> Result<Accept, Refusal> {
        // Whoever offers nothing is believed to speak it: a program that a person wrote by hand.
        let offers = request.protocols().iter().any(|offered| offered == PROTOCOL);
        Ok(Accept { protocol: offers.then(|| PROTOCOL.to_owned()), ..Accept::default() })
    }

    fn speaks_json(&self) -> bool {
        true
    }

    fn attend(&self, worker: usize) -> Option<Pin<Box<dyn Future<Output = ()>>>> {
        if worker != 0 {
            return None;
        }
        let shared = Arc::clone(&self.0);
        Some(Box::pin(async move {
            let sweep = async {
                let mut ticks = ticks();
                loop {
                    ticks.tick().await;
                    shared.sessions.sweep();
                }
            };
            let tidy = async {
                if shared.rules.is_some() {
                    shared.devices.tidy().await;
                }
            };
            tokio::join!(sweep, tidy);
        }))
    }

    fn open(&self, peer: &Peer, request: &Request) -> Box<dyn Conversation> {
        Box::new(Line::new(&self.0, peer, request))
    }
}

/// Has the hub of a server let go what is too old, for as long as it runs.
pub(crate) async fn attend(hub: &Hub) {
    let mut ticks = ticks();
    loop {
        ticks.tick().await;
        hub.sweep(SystemTime::now());
    }
}

fn ticks() -> Interval {
    let mut ticks = interval(SWEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

#[cfg(test)]
mod tests;
