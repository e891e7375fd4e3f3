//! The API gateway: what devices say over their lines becomes HTTP calls to backends, and what
//! backends say becomes messages to devices.
//!
//! ```text
//! text ─▶ conversation ─┬─ word ─────────────────▶ RO, HO, an inbox that is answered
//!                       └─ envelope ─▶ api ─▶ signature ─┬─▶ line's queue ─▶ call ─▶ backend
//!                                                        └─▶ notify ─▶ devices ─▶ NF on another line
//! HTTP ─▶ notify ───────────────────────────────────────────▶ devices
//! ```
//!
//! | file           | holds                                                     |
//! |----------------|-----------------------------------------------------------|
//! | `word`         | `RG RO RF H1 HO NF NO OS CR`                              |
//! | `envelope`     | requests and responses as JSON                            |
//! | `signature`    | what is signed, made and checked; `nonces` are good once  |
//! | `api`          | what may be called; `pattern` its paths                   |
//! | `conversation` | what one text leads to                                    |
//! | `line`         | one line: whose it is, how long it may last               |
//! | `work`         | what a line does one after the other; `job` is one thing  |
//! | `lines`        | the lines of a worker, looked at once a second            |
//! | `call`         | a call to a backend and its answer; `function` is a form  |
//! | `notify`       | a backend's message, over HTTP or a line                  |

mod api;
mod bucket;
mod call;
mod conversation;
mod envelope;
mod error;
mod function;
mod job;
mod line;
mod lines;
mod nonces;
mod notify;
mod pace;
mod parameters;
mod pattern;
mod signature;
#[cfg(test)]
mod tests;
mod word;
mod work;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use http::Method;
use tieline::CloseCode;
use tokio::time::Instant;

pub(crate) use pattern::Pattern;

use self::api::Apis;
use self::conversation::Talk;
use self::pace::Pace;
use self::signature::Signatures;
use self::word::Word;
use crate::config::{self, PlannedGateway};
use crate::devices::{Devices, Dialect, Rules};
use crate::events::Events;
use crate::exchange::{Answer, Exchange};
use crate::peer::Peer;
use crate::request::Request;
use crate::resources::Resources;
use crate::service::{Conversation, Service};

/// The gateway of one route.
pub(crate) struct Gateway(Arc<Shared>);

/// What all its lines share.
struct Shared {
    /// Which gateway of the process it is.
    number: u64,
    plan: config::Gateway,
    apis: Apis,
    signatures: Signatures,
    devices: Devices,
    rules: Arc<Rules>,
    /// Where it is told that devices come and go.
    events: Option<Events>,
    /// The turns of those who bind their lines.
    binds: Mutex<Pace>,
}

/// How devices are spoken to: answers count by their order.
const DIALECT: Dialect = Dialect {
    say: |said| Word::Notify(said.text).to_string().into(),
    let_go: |line, _| line.close(CloseCode::NORMAL, "taken over by the device's newer line"),
    acknowledges: false,
};

impl Gateway {
    /// The gateway of a route, with what its devices left in the store; `asks_who` is whether the route does.
    pub(crate) fn new(
        route: &str,
        asks_who: bool,
        plan: &PlannedGateway,
        resources: &Resources,
    ) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let PlannedGateway { plan, secrets, events } = plan;
        let limits = &plan.limits;
        let lasting = (limits.max_devices, limits.forget_after);
        let rules = Arc::new(Rules::of(route, DIALECT, asks_who, &plan.inbox, lasting));
        resources.devices.adopt(&rules);
        let events = events.as_ref().map(|plan| {
            let backend = resources.backends.find(&plan.backend).expect("its name was checked");
            resources.outboxes.start(route, plan.clone(), backend)
        });
        Self(Arc::new(Shared {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            apis: Apis::new(plan, &resources.backends),
            signatures: Signatures::new(secrets.clone()),
            devices: resources.devices.clone(),
            rules,
            events,
            binds: Mutex::new(Pace::new(plan.limits.binds_per_second, Instant::now())),
            plan: plan.clone(),
        }))
    }
}

impl Service for Gateway {
    fn refuses_by_reset(&self) -> bool {
        true
    }

    fn takes_below(&self) -> bool {
        true
    }

    fn answers(&self, method: &Method) -> bool {
        self.0.apis.is_notified_by(method)
    }

    fn answer(&self, exchange: Exchange) -> Answer {
        let shared = Arc::clone(&self.0);
        Box::pin(async move { notify::answer(&shared, exchange).await })
    }

    fn attend(&self, worker: usize) -> Option<Pin<Box<dyn Future<Output = ()>>>> {
        let shared = Arc::clone(&self.0);
        Some(Box::pin(async move {
            let watch = lines::watch(shared.number);
            // What is one for all workers.
            let first = async {
                let tell = async {
                    if let Some(events) = &shared.events {
                        events.deliver().await;
                    }
                };
                if worker == 0 {
                    tokio::join!(shared.devices.tidy(), tell);
                }
            };
            tokio::join!(watch, first);
        }))
    }

    fn open(&self, peer: &Peer, request: &Request) -> Box<dyn Conversation> {
        Box::new(Talk::new(&self.0, peer, request))
    }
}
