//! Whether a request opens a line: every check between its head and the 101.
//!
//! | in this order                              | where it fails       |
//! |--------------------------------------------|----------------------|
//! | one `Host`, and the target agrees with it  | 400                  |
//! | asks for a WebSocket                       | (an ordinary request)|
//! | `Host` is a name of the listener           | 403                  |
//! | the path has a service                     | 404                  |
//! | method, version, key, draft, protocol      | 405, 426, 400, 426, 501 |
//! | `Origin` is one of the route's             | 403                  |
//! | the [gate](crate::gate)                    | 401, 403, 429, 503, or a reset |
//! | the service takes the peer                 | what the service says|

use std::sync::Arc;

use http::header::HOST;
use http::uri::Authority;
use http::{Response, StatusCode, Version};
use hyper::ext::Protocol;
use tieline_proto::handshake::HandshakeError;
use tieline_proto::handshake::server::{Accept, Upgrade};
use tieline_proto::http::HeadError;

use crate::auth::{Identity, Jwks, Presented, redact_protocols};
use crate::config::PlannedListener;
use crate::counts::Counts;
pub(crate) use crate::entrance::{Entrance, allows_origin};
use crate::gate::{Gate, Halt};
use crate::limits::Held;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::routes::{Route, Routes};
use crate::service;

/// A request that opens a line, and how it is answered.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) upgrade: Upgrade,
    pub(crate) accept: Accept,
    pub(crate) route: Arc<Route>,
    pub(crate) request: Request,
    /// The line's places among those that may be open.
    pub(crate) held: Held,
    /// Where it arrived.
    pub(crate) listener: Arc<PlannedListener>,
}

/// Who was let in to a route.
#[derive(Debug)]
pub(crate) struct Entered {
    pub(crate) request: Request,
    /// How the service takes the peer.
    pub(crate) taken: service::Accept,
    /// The line's places among those that may be open.
    pub(crate) held: Held,
}

/// Who was not, and by whom.
#[derive(Debug)]
pub(crate) enum Outside {
    Halted(Halt),
    Refused(Refusal),
}

/// What a request is found to be.
#[derive(Debug)]
pub(crate) enum Admission {
    Line(Box<Admitted>),
    /// It asks for no WebSocket, and may be answered as such.
    Ordinary,
    /// It is refused for now, by a reset wherever the connection is its own.
    Reset(Box<Response<String>>),
    /// Its token names a key that is not known: look at it again once these were fetched.
    Waits(Arc<Jwks>),
}

impl From<Halt> for Outside {
    fn from(halt: Halt) -> Self {
        Self::Halted(halt)
    }
}

impl Admitted {
    /// Whether it is refused for now by a reset, where it has to be.
    pub(crate) fn refuses_by_reset(&self) -> bool {
        self.route.service.as_ref().is_some_and(|service| service.refuses_by_reset())
    }
}

/// Looks at a request; at one that has waited for keys for the last time.
pub(crate) fn admit(
    head: &http::Request<()>,
    entrance: &Entrance,
    routes: &Routes,
    counts: &Counts,
    has_waited: bool,
) -> Result<Admission, Box<Response<String>>> {
    check_host(head)?;
    // RFC 8441 §4: HTTP/2 asks by the protocol of a CONNECT.
    let asked = match head.extensions().get::<Protocol>() {
        Some(protocol) => Upgrade::of_connect(head, protocol.as_str()).map(Some),
        None => Upgrade::of(head, entrance.listener.legacy),
    };
    let upgrade = match asked {
        Ok(None) => return Ok(Admission::Ordinary),
        Ok(Some(upgrade)) => Ok(upgrade),
        Err(error) => Err(error),
    };
    if !entrance.allows_host(head) {
        return Err(HandshakeError::HostNotAllowed.response().into());
    }
    let path = head.uri().path();
    let Some((route, service)) = routes
        .serving(path)
        .and_then(|route| Some((Arc::clone(route), Arc::clone(route.service.as_ref()?))))
    else {
        return Err(
            refusal(StatusCode::NOT_FOUND, "there is no WebSocket service at this path").into()
        );
    };
    let upgrade = upgrade.map_err(|error| Box::new(error.response()))?;
    if !route.plan.origins.allows(&upgrade.claim(Some(entrance.scheme()))) {
        return Err(HandshakeError::OriginNotAllowed.response().into());
    }
    let gate = Gate { entrance, route: &route, counts };
    // Whose page asks was judged just now.
    let Entered { request, taken, held } =
        match enter(head, upgrade.protocols(), true, &gate, has_waited) {
            Ok(entered) => entered,
            Err(Outside::Halted(Halt::Waits(jwks))) => return Ok(Admission::Waits(jwks)),
            Err(Outside::Halted(halt)) => {
                let refused = Box::new(halt.response(counts));
                let is_for_now = matches!(
                    refused.status(),
                    StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
                );
                return if is_for_now && service.refuses_by_reset() {
                    Ok(Admission::Reset(refused))
                } else {
                    Err(refused)
                };
            }
            Err(Outside::Refused(refusal)) => return Err(Box::new(refusal.into_response())),
        };
    let preferred = || {
        let offered = |name: &&String| request.protocols().contains(name);
        route.plan.subprotocols.iter().find(offered).cloned()
    };
    let accept = Accept {
        protocol: taken.protocol.or_else(preferred),
        deflate: route.plan.deflate.clone(),
        headers: taken.headers,
        secure: entrance.is_secure(),
    };
    let listener = Arc::clone(&entrance.listener);
    let admitted = Admitted { upgrade, accept, route, request, held, listener };
    Ok(Admission::Line(Box::new(admitted)))
}

/// Has a request that opens a line pass the gate, take its place, and be taken by the service, whatever
/// will carry the line.
pub(crate) fn enter(
    head: &http::Request<()>,
    protocols: &[String],
    is_own_page: bool,
    gate: &Gate<'_>,
    has_waited: bool,
) -> Result<Entered, Outside> {
    let Gate { entrance, route, .. } = gate;
    let (headers, uri) = (head.headers(), head.uri());
    let presented = Presented { headers, uri, protocols, is_own_page };
    let identity = gate.pass(&presented, has_waited)?;
    let held = gate.hold(identity.as_deref())?;
    let (mut parts, ()) = head.clone().into_parts();
    let mut protocols = protocols.to_vec();
    redact_protocols(&mut parts.headers, &mut protocols);
    let request = seen(parts, &protocols, entrance, route, identity);
    // The route of a line has a service.
    let taken = route.service.as_ref().map(|service| service.admit(&request)).transpose();
    let taken = taken.map_err(Outside::Refused)?.unwrap_or_default();
    Ok(Entered { request, taken, held })
}

/// A request as its service sees it: with whose it is, and without the token that says so.
pub(crate) fn seen(
    mut parts: http::request::Parts,
    protocols: &[String],
    entrance: &Entrance,
    route: &Route,
    identity: Option<Arc<Identity>>,
) -> Request {
    if let Some(access) = &route.plan.access {
        access.sources.redact(&mut parts.headers, &mut parts.uri);
    }
    let request = Request::new(&parts, protocols, entrance.from, entrance.is_secure());
    match (identity, &route.plan.access) {
        (Some(identity), Some(access)) => request.of(identity, access),
        _ => request,
    }
}

/// A refusal with a line of text.
pub(crate) fn refusal(status: StatusCode, reason: &str) -> Response<String> {
    Refusal::new(status, reason).into_response()
}

/// The answer to who comes while the server stops.
pub(crate) fn stopping() -> Response<String> {
    refusal(StatusCode::SERVICE_UNAVAILABLE, "the server stops: come back later")
}

/// RFC 9112 §3.2: one `Host`, the same as in a whole target, so that nobody judges another name
/// than the one that is meant.
fn check_host(request: &http::Request<()>) -> Result<(), Box<Response<String>>> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let target = request.uri().authority().map(Authority::as_str);
    match (hosts.next(), hosts.next()) {
        (_, Some(_)) => Err(bad_head(HeadError::DuplicateHost)),
        (None, _) if request.version() == Version::HTTP_11 => Err(bad_head(HeadError::MissingHost)),
        // RFC 9113 §8.3.1: either of the two will do.
        (None, _) if request.version() == Version::HTTP_2 && target.is_none() => {
            Err(bad_head(HeadError::MissingHost))
        }
        (Some(host), None)
            if target.is_some_and(|it| !host.as_bytes().eq_ignore_ascii_case(it.as_bytes())) =>
        {
            let reason = "the target and the header `Host` name different hosts";
            Err(refusal(StatusCode::BAD_REQUEST, reason).into())
        }
        _ => Ok(()),
    }
}

fn bad_head(error: HeadError) -> Box<Response<String>> {
    HandshakeError::from(error).response().into()
}
