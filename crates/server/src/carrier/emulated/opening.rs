//! How an emulated line opens: named, given a secret, and carried by a task of its own.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::spawn_local;

use super::emulation::{Emulation, Rules};
use crate::admission::Entered;
use crate::ask::{Ask, LineId, LineSecret};
use crate::carrier::line::Line;
use crate::carrier::log;
use crate::config::PlannedListener;
use crate::patient::silence;
use crate::peer::Peer;
use crate::routes::Route;
use crate::worker::{Emulates, Worker};

/// How often something is said where a route does not ping.
const HEARTBEAT: Duration = Duration::from_secs(25);

/// Opens a line for who was let in.
pub(super) fn open(
    worker: &Rc<Worker>,
    route: &Arc<Route>,
    listener: &Arc<PlannedListener>,
    entered: Entered,
) -> (LineId, LineSecret) {
    let (id, asks, known) = worker.emulate();
    let secret = LineSecret::random();
    let (worker, route, listener) = (Rc::clone(worker), Arc::clone(route), Arc::clone(listener));
    spawn_local(carry(worker, route, listener, entered, secret, asks, known));
    (id, secret)
}

/// How often something is said on a route's lines.
pub(super) fn heartbeat(route: &Route) -> Duration {
    route.plan.limits.ping_after.unwrap_or(HEARTBEAT)
}

async fn carry(
    worker: Rc<Worker>,
    route: Arc<Route>,
    listener: Arc<PlannedListener>,
    entered: Entered,
    secret: LineSecret,
    asks: mpsc::UnboundedReceiver<Ask>,
    _known: Emulates,
) {
    let Some(service) = route.service.as_deref() else { return };
    let Entered { request, held: _held, .. } = entered;
    let peer = Peer::of_line(worker.inbox(), &route.backlog);
    let _registered = worker.register(&peer);
    log::attached(&peer, &request, request.via());
    let _open = worker.counts().opened(&listener.label, &route.label);
    let flow = route.flow(&request);
    let rules = Rules {
        route: Arc::clone(&route.label),
        secret,
        is_json: service.speaks_json(),
        window: (route.backlog.max_bytes / 2).max(1),
        heartbeat: heartbeat(&route),
        silence: silence(&route.plan.limits),
        close_within: route.plan.limits.close_within,
    };
    let line = Line::open(&worker, peer, service, &request, flow, true);
    let mut emulation = Emulation::new(rules, line, asks);
    let closed = poll_fn(|cx| emulation.poll(cx)).await;
    emulation.line.end(&closed);
}
