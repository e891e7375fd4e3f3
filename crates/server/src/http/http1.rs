//! A connection that speaks HTTP/1: requests one after the other, the last perhaps an upgrade.

use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::{OnUpgrade, Parts};
use hyper_util::rt::{TokioIo, TokioTimer};
use tieline::serve::Handoff;
use tieline::{Agreement, HandshakeError, WebSocket};
use tokio::select;
use tokio::task::spawn_local;
use tracing::debug;

use super::answer::text;
use super::harden::harden_own;
use super::requests::{Lead, Unanswered, ask, ask_emulated, lead_to};
use crate::admission::{Admitted, Entrance};
use crate::carrier::carry;
use crate::exchange::Body;
use crate::patient::Patient;
use crate::tunnel::Tunnel;
use crate::worker::Worker;

type Io = TokioIo<Patient<Handoff>>;

/// What hyper needs at least for its buffer.
const MIN_BUFFER: usize = 8 << 10;

/// Serves requests until the client leaves, keeps silent too long, or the server stops.
pub(super) async fn serve(worker: Rc<Worker>, entrance: Entrance, stream: Patient<Handoff>) {
    let limits = &entrance.listener.limits;
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.handshake_within)
        .max_buf_size(limits.max_head_bytes.max(MIN_BUFFER))
        .max_headers(limits.max_headers);
    let stopping = worker.stopping();
    let service = service_fn(|request| {
        let (worker, entrance) = (Rc::clone(&worker), entrance.clone());
        async move { respond(&worker, &entrance, request).await }
    });
    let mut connection =
        pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let ended = select! {
        ended = connection.as_mut() => ended,
        () = stopping => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(from = ?entrance.from, %error, "HTTP connection failed");
    }
}

async fn respond(
    worker: &Rc<Worker>,
    entrance: &Entrance,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Unanswered> {
    let upgrade = hyper::upgrade::on(&mut request);
    let (parts, body) = request.into_parts();
    let head = Request::from_parts(parts, ());
    let mut is_line = head.headers().contains_key(UPGRADE);
    let alive = entrance.listener.limits.handshake_within / 2;
    let mut response = match lead_to(&head, worker, entrance).await {
        Lead::Line(admitted) => match admitted.route.tunnel.clone() {
            Some(tunnel) => open_tunnel(worker, &tunnel, *admitted, upgrade).await,
            None => open(worker, *admitted, upgrade),
        },
        Lead::Emulated(emulated) => {
            is_line |= emulated.opens;
            ask_emulated(worker, *emulated, &head, body, entrance, alive).await
        }
        Lead::Page(page) => page,
        Lead::Refusal(refused) => last(refused),
        Lead::Reset(_) => return Err(Unanswered),
        Lead::Service(route, identity) => ask(&route, identity, head, body, entrance, alive).await,
    };
    worker.answered(is_line, response.status());
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        harden_own(&mut response);
    }
    Ok(response)
}

/// Answers an upgrade; the line is carried by a task of its own once hyper has let go of it.
fn open(worker: &Rc<Worker>, admitted: Admitted, upgrade: OnUpgrade) -> Response<Body> {
    match admitted.upgrade.respond(&admitted.accept) {
        Err(error) => {
            let mut response = error.response();
            // Let in by the listener, or it would not have been admitted.
            if let HandshakeError::LegacyOff(dialect) = error {
                *response.body_mut() = format!("draft {dialect} needs a new connection\n");
            }
            last(response)
        }
        Ok((response, agreement)) => {
            spawn_local(carry_upgraded(Rc::clone(worker), admitted, agreement, upgrade));
            response.map(|()| Body::empty())
        }
    }
}

/// Has an upstream answer an upgrade; the line is carried by a task of its own.
async fn open_tunnel(
    worker: &Rc<Worker>,
    tunnel: &Tunnel,
    admitted: Admitted,
    upgrade: OnUpgrade,
) -> Response<Body> {
    match tunnel.open(admitted).await {
        Err(refused) => ending(refused),
        Ok((response, line)) => {
            let worker = Rc::clone(worker);
            spawn_local(async move {
                let Some((stream, ahead)) = transport(upgrade).await else { return };
                line.carry(worker, stream, ahead).await;
            });
            response
        }
    }
}

/// A refusal that ends the connection, as that of a first request does.
fn last(refused: Response<String>) -> Response<Body> {
    ending(text(refused))
}

/// An answer that ends the connection: what follows a refused upgrade is not to be understood.
fn ending(mut response: Response<Body>) -> Response<Body> {
    let is_upgrade = response.headers().contains_key(UPGRADE);
    // RFC 9110 §7.8: whoever sends `Upgrade` MUST name it in `Connection`, too.
    let close = if is_upgrade { "close, upgrade" } else { "close" };
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static(close));
    response
}

async fn carry_upgraded(
    worker: Rc<Worker>,
    admitted: Admitted,
    agreement: Agreement,
    upgrade: OnUpgrade,
) {
    let Some((stream, ahead)) = transport(upgrade).await else { return };
    let limits = Arc::clone(&admitted.route.plan.limits);
    let socket = WebSocket::server(stream, &agreement, limits, &ahead);
    carry(&worker, admitted, &agreement, socket).await;
}

/// The transport of a line, and what was read of it already, once hyper has let go of it.
async fn transport(upgrade: OnUpgrade) -> Option<(Handoff, Bytes)> {
    let upgraded = match upgrade.await {
        Ok(upgraded) => upgraded,
        Err(error) => {
            debug!(%error, "connection lost before its upgrade");
            return None;
        }
    };
    let Ok(Parts { io, read_buf, .. }) = upgraded.downcast::<Io>() else {
        unreachable!("hyper was given this stream and gives it back");
    };
    // The line has deadlines of its own.
    Some((io.into_inner().into_inner(), read_buf))
}
