//! A peer carried by requests: a line for who has HTTP and nothing else, as docs/wire.md has it ("Over
//! HTTP").
//!
//! ```text
//! request ─▶ look: origin, gate, what is wanted ─▶ answer ─┬─▶ opening: a line, on this worker
//!                                                          └─▶ Ask ─▶ inbox of the line's worker
//!                                                                      └─▶ emulation ─▶ Peer
//! ```
//!
//! Whichever worker a request comes to, it is asked in the same way of the worker that has the line: its own
//! inbox, or another's.

mod answer;
mod cookie;
mod emulation;
mod format;
mod kept;
mod messages;
mod opening;
#[cfg(test)]
mod tests;
mod wanted;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ALLOW, ORIGIN};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use tieline::HandshakeError;
use tokio::sync::oneshot;

use self::wanted::{Deed, Wanted};
use crate::admission::{Entered, Entrance, Outside, allows_origin, enter, refusal, stopping};
use crate::ask::{Answer, Ask, Fault, LineId, LineSecret, What};
use crate::auth::Jwks;
use crate::exchange::{Body, whole};
use crate::gate::{Gate, Halt};
use crate::inbox::Order;
use crate::routes::{Route, Routes};
use crate::worker::Worker;

pub(crate) use self::wanted::Part;

/// How long the body of a request may take to come.
const BODY_WITHIN: Duration = Duration::from_secs(30);

/// What a request asks of the emulated lines of a route.
#[derive(Debug)]
pub(crate) struct Asked {
    route: Arc<Route>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// A line, for who was let in.
    Open(Box<Entered>),
    /// Something of a line that there is.
    Wanted(Wanted),
}

/// Why a request is not answered with what it asked for.
#[derive(Debug)]
pub(crate) enum Unasked {
    Refused(Box<Response<Body>>),
    /// Its token names a key that is not known: look at it again once these were fetched.
    Waits(Arc<Jwks>),
}

/// The route whose lines a request to this path is about, and what it is.
pub(crate) fn find<'r>(routes: &'r Routes, path: &str) -> Option<(&'r Arc<Route>, Part)> {
    let (route, part) = routes.carrying(path)?;
    Some((route, Part::named(part)?))
}

/// Looks at a request whose `Host` was looked at.
pub(crate) fn look(
    head: &Request<()>,
    (route, part): (&Arc<Route>, Part),
    worker: &Worker,
    entrance: &Entrance,
    has_waited: bool,
) -> Result<Asked, Unasked> {
    if *head.method() != part.method() {
        let allowed = part.method();
        let reason = format!("only {allowed} is answered at this path");
        let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, &reason);
        let allowed = HeaderValue::from_str(allowed.as_str()).expect("the name of a method");
        response.headers_mut().insert(ALLOW, allowed);
        return Err(response.into());
    }
    // Whose page asks is judged of every request, as it is of every handshake.
    if head.headers().contains_key(ORIGIN) && !allows_origin(head, entrance, route) {
        return Err(HandshakeError::OriginNotAllowed.response().into());
    }
    let gate = Gate { entrance, route, counts: worker.counts() };
    let is_own_page = gate.is_own_page(head);
    let wanted = Wanted::of(part, head, is_own_page).map_err(|fault| Unasked::from(&fault))?;
    let kind = match wanted {
        Some(wanted) => Kind::Wanted(wanted),
        None if worker.is_stopping() => return Err(stopping().into()),
        None => match enter(&at_route(head, route), &[], is_own_page, &gate, has_waited) {
            Ok(entered) => Kind::Open(Box::new(entered)),
            Err(Outside::Halted(Halt::Waits(jwks))) => return Err(Unasked::Waits(jwks)),
            Err(Outside::Halted(halt)) => return Err(halt.response(worker.counts()).into()),
            Err(Outside::Refused(refusal)) => return Err(refusal.into_response().into()),
        },
    };
    Ok(Asked { route: Arc::clone(route), kind })
}

/// The request that a handshake for the same line would be: services know nothing of the parts.
fn at_route(head: &Request<()>, route: &Route) -> Request<()> {
    let mut head = head.clone();
    let path = &route.plan.path;
    let target = match head.uri().query() {
        Some(query) => format!("{path}?{query}"),
        None => path.clone(),
    };
    let mut parts = head.uri().clone().into_parts();
    parts.path_and_query = Some(target.parse().expect("the path of a route is one: checked"));
    *head.uri_mut() = Uri::from_parts(parts).expect("its other parts are as they were");
    head
}

/// Answers a request.
pub(crate) async fn answer(
    worker: &Rc<Worker>,
    asked: Asked,
    headers: &HeaderMap,
    body: Incoming,
    entrance: &Entrance,
) -> Response<Body> {
    let Asked { route, kind } = asked;
    match kind {
        Kind::Open(mut entered) => {
            let more = std::mem::take(&mut entered.taken.headers);
            let (line, secret) = opening::open(worker, &route, &entrance.listener, *entered);
            let heartbeat = opening::heartbeat(&route).as_secs_f64().ceil() as u64;
            let mut response = answer::opened(line, &secret, heartbeat);
            let answered = response.headers_mut();
            answered.extend(more);
            cookie::set(headers, answered, line, &secret, &route.plan.path, entrance.is_secure());
            response
        }
        Kind::Wanted(wanted) => ask(worker, &route, wanted, body).await,
    }
}

async fn ask(worker: &Worker, route: &Route, wanted: Wanted, mut body: Incoming) -> Response<Body> {
    let Wanted { line, secret, what } = wanted;
    let mut how = None;
    let what = match what {
        Deed::Close => What::Close,
        Deed::Receive { seen, how: asked } => {
            how = Some(asked);
            What::Receive { seen, how: asked }
        }
        Deed::Send { from, seen } => {
            let limit = route.plan.limits.max_message_bytes;
            let body = whole(&mut body, messages::most_bytes(limit), BODY_WITHIN).await;
            let read = body.and_then(|body| messages::read(&body, limit));
            match read {
                Ok(messages) => What::Send { from, messages, seen },
                Err(refusal) => return answer::refused(refusal.into_response()),
            }
        }
    };
    let is_close = matches!(what, What::Close);
    let mut response = match put(worker, route, line, secret, what).await {
        Ok(answer) => answer::answered(answer, how),
        Err(fault) => answer::fault(&fault),
    };
    if is_close && response.status() == StatusCode::OK {
        cookie::clear(response.headers_mut(), line, &route.plan.path);
    }
    response
}

/// Asks it of the worker that has the line.
async fn put(
    worker: &Worker,
    route: &Route,
    line: LineId,
    secret: LineSecret,
    what: What,
) -> Result<Answer, Fault> {
    let inbox = worker.inbox_of(line).ok_or(Fault::Unknown)?;
    if inbox.is_full() {
        return Err(Fault::Overloaded);
    }
    let (answer, answered) = oneshot::channel();
    let route = Arc::clone(&route.label);
    inbox.give(Order::Ask(Box::new(Ask { line, route, secret, what, answer })));
    // A line that ends has nothing more to say.
    answered.await.unwrap_or(Err(Fault::Unknown))
}

impl From<Response<String>> for Unasked {
    fn from(refused: Response<String>) -> Self {
        Self::Refused(Box::new(answer::refused(refused)))
    }
}

impl From<&Fault> for Unasked {
    fn from(fault: &Fault) -> Self {
        Self::Refused(Box::new(answer::fault(fault)))
    }
}
