//! A connection that speaks HTTP/2: many requests at a time, and lines among them.
//!
//! ```text
//! stream 1   GET /               ─▶ 200, the page
//! stream 3   CONNECT /counter    ─▶ 200, and frames both ways  ─▶ carrier::carry
//!            :protocol websocket
//! ```
//!
//! A line owns its stream and nothing else: it ends with it, and all others go on. A connection on
//! which nothing is open for as long as a head may take is ended, the first time included.
//!
//! Spec: RFC 9113; RFC 8441.

use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, COOKIE, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use tieline::serve::Handoff;
use tieline::{Agreement, HandshakeError, WebSocket};
use tieline_proto::Limits;
use tieline_proto::http::HeadError;
use tokio::select;
use tokio::task::spawn_local;
use tracing::debug;

use super::answer::text;
use super::harden::harden_own;
use super::requests::{Lead, ask, ask_emulated, awake, lead_to};
use super::tasks::{Held, Tasks};
use crate::admission::{Admitted, Entrance};
use crate::carrier::carry;
use crate::exchange::Body;
use crate::patient::{Patient, silence};
use crate::tunnel::Tunnel;
use crate::worker::Worker;

/// Most streams that a client may have open: requests and lines together.
const MAX_STREAMS: u32 = 100;

/// What a client may send on one stream before it is read.
const STREAM_WINDOW: u32 = 64 << 10;

/// The same for all together: a line that is not read from holds up no other.
const CONNECTION_WINDOW: u32 = MAX_STREAMS * STREAM_WINDOW;

/// Most bytes of one stream that wait for the client's window.
const MAX_SEND_BUFFER: usize = 64 << 10;

/// Most streams that a client resets before they are looked at (CVE-2023-44487).
const MAX_PENDING_RESETS: usize = 20;

/// Most streams of a connection that break the protocol (CVE-2025-8671).
const MAX_ERROR_RESETS: usize = 100;

/// How long a client may take to leave when it is told to and has nothing open.
const LINGER: Duration = Duration::from_secs(2);

/// Serves requests until the client leaves, keeps silent too long, or the server stops.
pub(super) async fn serve(worker: Rc<Worker>, entrance: Entrance, stream: Patient<Handoff>) {
    let from = entrance.from;
    let within = entrance.listener.limits.handshake_within;
    let tasks = Tasks::new(within);
    let builder = builder(&entrance.listener.limits, tasks.clone());
    let stopping = worker.stopping();
    let service = service_fn(|request| {
        let (worker, entrance, tasks) = (Rc::clone(&worker), entrance.clone(), tasks.clone());
        // In the stream's own task: what is started next is the line that it grants.
        async move { Ok::<_, Infallible>(respond(&worker, &entrance, &tasks, request).await) }
    });
    // A connection full of lines is waited for as long as a single one.
    let io = TokioIo::new(stream.with_patience(silence(&entrance.listener.limits)));
    let mut connection = pin!(builder.serve_connection(io, service));
    let ended = select! {
        ended = connection.as_mut() => Some(ended),
        () = stopping => None,
        () = tasks.idle(within) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            select! {
                ended = connection => ended,
                () = tasks.idle(LINGER) => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        debug!(?from, %error, "HTTP connection failed");
    }
}

fn builder(limits: &Limits, tasks: Tasks) -> http2::Builder<Tasks> {
    let mut builder = http2::Builder::new(tasks);
    builder
        .timer(TokioTimer::new())
        .enable_connect_protocol()
        .max_header_list_size(u32::try_from(limits.max_head_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .max_local_error_reset_streams(MAX_ERROR_RESETS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(MAX_SEND_BUFFER)
        .keep_alive_interval(limits.ping_after)
        .keep_alive_timeout(limits.pong_within);
    builder
}

async fn respond(
    worker: &Rc<Worker>,
    entrance: &Entrance,
    tasks: &Tasks,
    mut request: Request<Incoming>,
) -> Response<Body> {
    let upgrade = hyper::upgrade::on(&mut request);
    let (mut parts, body) = request.into_parts();
    join_cookies(&mut parts.headers);
    let head = Request::from_parts(parts, ());
    let is_head = head.method() == Method::HEAD;
    let mut is_line = head.method() == Method::CONNECT;
    let alive = entrance.listener.limits.handshake_within / 2;
    let limit = entrance.listener.limits.max_headers;
    let lead = if head.headers().len() > limit {
        let error = HandshakeError::from(HeadError::TooManyHeaders { limit });
        Lead::Refusal(error.response())
    } else {
        lead_to(&head, worker, entrance).await
    };
    let mut response = match lead {
        Lead::Line(admitted) => {
            let opened = match admitted.route.tunnel.clone() {
                Some(tunnel) => {
                    open_tunnel(worker, &tunnel, *admitted, tasks, upgrade, alive).await
                }
                None => {
                    open(worker, *admitted, tasks, upgrade).map_err(|error| text(error.response()))
                }
            };
            match opened {
                // Counted when it begins.
                Ok(granted) => return granted,
                Err(refused) => refused,
            }
        }
        Lead::Emulated(emulated) => {
            is_line |= emulated.opens;
            ask_emulated(worker, *emulated, &head, body, entrance, alive).await
        }
        Lead::Page(page) => page,
        // Other streams of the connection go on.
        Lead::Refusal(refusal) | Lead::Reset(refusal) => text(refusal),
        Lead::Service(route, identity) => ask(&route, identity, head, body, entrance, alive).await,
    };
    without_upgrade(&mut response);
    worker.answered(is_line, response.status());
    harden_own(&mut response);
    if is_head {
        response = without_body(response);
    }
    response
}

/// Answers an extended CONNECT; the line is carried by a task of its own on what was its stream.
fn open(
    worker: &Rc<Worker>,
    admitted: Admitted,
    tasks: &Tasks,
    upgrade: OnUpgrade,
) -> Result<Response<Body>, HandshakeError> {
    let (response, agreement) = admitted.upgrade.respond(&admitted.accept)?;
    let held = tasks.grant();
    spawn_local(carry_stream(Rc::clone(worker), admitted, agreement, upgrade, held));
    Ok(response.map(|()| Body::empty()))
}

/// Has an upstream answer an extended CONNECT.
async fn open_tunnel(
    worker: &Rc<Worker>,
    tunnel: &Tunnel,
    admitted: Admitted,
    tasks: &Tasks,
    upgrade: OnUpgrade,
    alive: Duration,
) -> Result<Response<Body>, Response<Body>> {
    let (response, line) = awake(tunnel.open(admitted), alive).await?;
    let (worker, held) = (Rc::clone(worker), tasks.grant());
    spawn_local(async move {
        match upgrade.await {
            Ok(stream) => line.carry(worker, TokioIo::new(stream), Bytes::new()).await,
            Err(error) => debug!(%error, "stream lost before its line began"),
        }
        drop(held);
    });
    Ok(response)
}

async fn carry_stream(
    worker: Rc<Worker>,
    admitted: Admitted,
    agreement: Agreement,
    upgrade: OnUpgrade,
    held: Held,
) {
    let stream = match upgrade.await {
        Ok(stream) => TokioIo::new(stream),
        Err(error) => return debug!(%error, "stream lost before its line began"),
    };
    let limits = Arc::clone(&admitted.route.plan.limits);
    let socket = WebSocket::server(stream, &agreement, limits, &[]);
    carry(&worker, admitted, &agreement, socket).await;
    // A line that ended well has ended its stream; what is left of another is reset.
    drop(held);
}

/// RFC 9113 §8.2.3: cookies may come in pieces; whoever reads them expects them in one.
fn join_cookies(headers: &mut HeaderMap) {
    let crumbs: Vec<_> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if crumbs.len() > 1 {
        let whole = crumbs.join(&b"; "[..]);
        let whole = HeaderValue::from_bytes(&whole).expect("each piece was a value");
        headers.insert(COOKIE, whole);
    }
}

/// RFC 9113 §8.2.2: there is no `Upgrade`, and so no 426, which must have one.
fn without_upgrade(response: &mut Response<Body>) {
    response.headers_mut().remove(UPGRADE);
    if response.status() == StatusCode::UPGRADE_REQUIRED {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
}

/// The answer to HEAD: hyper leaves the body out over HTTP/1 alone.
fn without_body(mut response: Response<Body>) -> Response<Body> {
    if let Some(len) = response.body().len() {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert_with(|| len.into());
    }
    response.map(|_| Body::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_in_pieces_become_one() {
        let mut headers = HeaderMap::new();
        join_cookies(&mut headers);
        assert!(headers.is_empty());
        for crumb in ["a=1", "b=2", "c=3"] {
            headers.append(COOKIE, HeaderValue::from_static(crumb));
        }
        join_cookies(&mut headers);
        let joined: Vec<_> = headers.get_all(COOKIE).iter().collect();
        assert_eq!(joined, ["a=1; b=2; c=3"]);
    }
}
