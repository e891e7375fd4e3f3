//! What brings peers to services, and carries what they say.

mod conversation;
mod websocket;

use std::rc::Rc;

use tieline::WebSocket;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::admission::Admitted;
use crate::peer::Peer;
use crate::worker::Worker;

/// Carries an open line to its end: the one way for all upgrades.
pub(crate) async fn carry<S>(worker: &Rc<Worker>, admitted: Admitted, socket: WebSocket<S>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Admitted { route, request, .. } = admitted;
    let Some(service) = route.service.as_deref() else { return };
    let overflow = service.overflow();
    let peer = Peer::new(request, worker.inbox().clone(), route.plan.backlog_bytes, overflow);
    let _registered = worker.register(&peer);
    websocket::carry(worker, socket, peer, service).await;
}
