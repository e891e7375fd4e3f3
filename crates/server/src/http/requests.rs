//! What a request leads to, in whichever version it came.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::header::ORIGIN;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tieline::HandshakeError;
use tokio::time::interval;
use tracing::error;

use super::answer::{answer, text};
use super::body::Body;
use super::exchange::Exchange;
use crate::admission::{Admitted, Entrance, admit, allows_origin, refusal, stopping};
use crate::routes::Route;
use crate::worker::Worker;

/// Where a request leads.
pub(super) enum Lead {
    Line(Box<Admitted>),
    Page(Response<Body>),
    Refusal(Response<String>),
    Service(Arc<Route>),
}

/// Looks at a request and decides.
pub(super) fn lead_to(head: &Request<()>, worker: &Worker, entrance: &Entrance) -> Lead {
    match admit(head, entrance, worker.routes()) {
        Err(refused) => return Lead::Refusal(*refused),
        Ok(Some(_)) if worker.is_stopping() => return Lead::Refusal(stopping()),
        Ok(Some(admitted)) => return Lead::Line(admitted),
        Ok(None) => {}
    }
    if !entrance.allows_host(head) {
        return Lead::Refusal(HandshakeError::HostNotAllowed.response());
    }
    let Some(route) = worker.routes().answering(head.uri().path(), head.method()) else {
        return Lead::Page(answer(head, worker.routes(), worker.is_stopping()));
    };
    if worker.is_stopping() {
        return Lead::Refusal(stopping());
    }
    // Whoever looks at another site's page must not be made to do something here.
    let is_safe = matches!(*head.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !is_safe && head.headers().contains_key(ORIGIN) && !allows_origin(head, entrance, route) {
        return Lead::Refusal(HandshakeError::OriginNotAllowed.response());
    }
    Lead::Service(Arc::clone(route))
}

/// What the service of a route answers. A service that panics answers 500; a stream is kept awake
/// every `alive` while it works on its answer.
pub(super) async fn ask(
    route: &Route,
    head: Request<()>,
    body: Incoming,
    entrance: &Entrance,
    alive: Duration,
) -> Response<Body> {
    let Some(service) = &route.service else { unreachable!("it said that it answers") };
    let method = head.method().clone();
    let (parts, ()) = head.into_parts();
    let request = crate::Request::new(&parts, &[], entrance.from, entrance.is_secure());
    let exchange = Exchange::new(request, method, body);
    let broken = || {
        error!(path = route.plan.path, "a service panicked: it answers 500");
        text(refusal(StatusCode::INTERNAL_SERVER_ERROR, "internal error"))
    };
    let Ok(mut answer) = catch_unwind(AssertUnwindSafe(|| service.answer(exchange))) else {
        return broken();
    };
    let answered =
        poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(cx))) {
            Ok(polled) => polled,
            Err(_) => Poll::Ready(broken()),
        });
    awake(answered, alive).await.map(|body| body.awake(alive))
}

/// Keeps the stream of a request awake every `alive` while it waits for something.
pub(super) async fn awake<T>(waiting: impl Future<Output = T>, alive: Duration) -> T {
    let (mut waiting, mut ticks) = (pin!(waiting), interval(alive));
    poll_fn(|cx| {
        while ticks.poll_tick(cx).is_ready() {}
        waiting.as_mut().poll(cx)
    })
    .await
}
