//! The operator's side: health, metrics and the device API, on a listener of its own.
//!
//! It has a thread and a runtime of its own, so that it answers while the workers are busy, and
//! never shares a listener with the public. Everything but `/healthz`, `/readyz` and the description
//! of the API wants a key, where there is one; without one there is no device API.
//!
//! | path                                      | what                                               |
//! |-------------------------------------------|----------------------------------------------------|
//! | `/healthz`                                | 200 while the process lives                        |
//! | `/readyz`                                 | 200 while it takes connections, 503 once it stops  |
//! | `/metrics`                                | what is counted, as OpenMetrics has it             |
//! | `/`                                       | the page: devices, and a message to one of them    |
//! | `/api/v1/…`                               | channels, devices, messages: `openapi.json`        |

mod capture;
mod channels;
mod dead_events;
mod devices;
mod guard;
mod health;
mod lines;
mod listener;
mod listing;
mod look;
mod open_lines;
mod openapi;
mod page;
mod problem;
mod watching;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post};
use tokio::runtime::Builder;
use tokio::sync::watch;
use tracing::error;

use crate::config::PlannedOperator;
use crate::listen::Certificates;
use crate::resources::Resources;
use watching::Watches;

/// Longest body of a request, in bytes.
const MAX_BODY_BYTES: usize = 1 << 20;

/// The operator's side, bound; nothing is accepted before [`start`](Self::start).
#[derive(Debug)]
pub(crate) struct Operator {
    listener: TcpListener,
    address: SocketAddr,
    side: Arc<Side>,
}

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) plan: PlannedOperator,
    resources: Arc<Resources>,
    /// Becomes true when the server stops.
    stopping: watch::Receiver<bool>,
    watches: Watches,
}

/// Answers until it is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    _dropped_with_it: watch::Sender<()>,
}

impl Operator {
    /// Listens.
    pub(crate) fn bind(
        plan: PlannedOperator,
        resources: &Arc<Resources>,
        stopping: watch::Receiver<bool>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(plan.address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let side = Arc::new(Side {
            plan,
            resources: Arc::clone(resources),
            stopping,
            watches: Watches::default(),
        });
        Ok(Self { listener, address, side })
    }

    /// Where it listens, with the port that the system chose.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn side(&self) -> &Arc<Side> {
        &self.side
    }

    /// Answers from now on, by a thread of its own.
    pub(crate) fn start(self) -> io::Result<Running> {
        let (dropped, ended) = watch::channel(());
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let Self { listener, side, .. } = self;
        thread::Builder::new().name("operator".into()).spawn(move || {
            let served = runtime.block_on(listener::serve(listener, &side, ended));
            if let Err(error) = served {
                error!(%error, "the operator's side ended");
            }
        })?;
        Ok(Running { _dropped_with_it: dropped })
    }
}

impl Side {
    /// The certificates, where TLS is spoken.
    pub(crate) const fn certificates(&self) -> Option<&Certificates> {
        self.plan.certificates.as_ref()
    }
}

fn router(side: &Arc<Side>) -> Router {
    Router::new()
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/api/v1/openapi.json", get(openapi::document))
        .route("/", get(page::document))
        .route("/{name}", get(page::part))
        .route("/api/v1/publish", post(channels::publish))
        .route("/api/v1/broadcast", post(channels::broadcast))
        .route("/api/v1/channels", get(channels::list))
        .route("/api/v1/channels/{channel}/presence", get(channels::presence))
        .route("/api/v1/channels/{channel}/history", get(channels::history))
        .route("/api/v1/clients/{client}/messages", post(channels::tell))
        .route("/api/v1/clients/{client}/frames", get(open_lines::watch_client))
        .route("/api/v1/inspect", post(capture::inspect))
        .route("/api/v1/lines", get(open_lines::list))
        .route("/api/v1/lines/{line}/frames", get(open_lines::watch))
        .route("/api/v1/disconnect", post(lines::disconnect))
        .route("/api/v1/revoke", post(lines::revoke))
        .route("/api/v1/revoked", get(lines::list).delete(lines::take_back))
        .route("/api/v1/devices", get(devices::list))
        .route("/api/v1/devices/{id}", get(devices::find).delete(devices::forget))
        .route("/api/v1/devices/{id}/disconnect", post(devices::disconnect))
        .route("/api/v1/devices/{id}/messages", post(devices::send))
        .route("/api/v1/messages", post(devices::send_to_several))
        .route("/api/v1/dead-events", get(dead_events::list))
        .route("/api/v1/dead-events/{number}", delete(dead_events::forget))
        .route("/api/v1/dead-events/{number}/redeliver", post(dead_events::redeliver))
        .fallback(problem::nothing)
        .method_not_allowed_fallback(problem::not_so)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn_with_state(Arc::clone(side), guard::check))
        .with_state(Arc::clone(side))
}
