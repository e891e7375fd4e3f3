//! What brings peers to services, and carries what they say.
//!
//! Most lines are links of the engine. One that opens on a connection which hyper serves already,
//! kept alive or HTTP/2, is a task with a socket of its own; one made of requests is a task without any.

mod conversation;
pub(crate) mod emulated;
mod ipc;
mod limited;
mod line;
mod link;
mod log;
mod stream;

use std::rc::Rc;

use http::StatusCode;
pub(crate) use ipc::MAX_PATH_BYTES;
pub(crate) use link::Carrier;
use tieline::{Agreement, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::admission::Admitted;
use crate::peer::Peer;
use crate::worker::Worker;

/// Carries an open line to its end: the one way for all upgrades that hyper sees.
pub(crate) async fn carry<S>(
    worker: &Rc<Worker>,
    admitted: Admitted,
    agreement: &Agreement,
    socket: WebSocket<S>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Admitted { route, request, held: _held, listener, .. } = admitted;
    let Some(service) = route.service.as_deref() else { return };
    let peer = Peer::of_line(worker.inbox(), &route.backlog);
    let _registered = worker.register(&peer);
    log::connected(&peer, &request, agreement);
    // Whatever answered it: over HTTP/2 that is 200.
    let _open = worker.opened(&listener, &route, StatusCode::SWITCHING_PROTOCOLS);
    let flow = route.flow(&request);
    stream::carry(worker, socket, peer, service, &request, flow).await;
}
