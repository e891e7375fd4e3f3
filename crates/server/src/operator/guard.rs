//! Who may ask: by a name that is ours, for no other site's page, with a key, and not for ever.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tieline_proto::handshake::{Claim, Legacy, Origins};
use tokio::time::timeout;

use super::Side;
use super::problem::Problem;
use crate::auth::bearer;
use crate::http::harden;

/// How long a request may take, its body included.
const WITHIN: Duration = Duration::from_secs(30);

/// How long one may take that hands a capture in.
const CAPTURE_WITHIN: Duration = Duration::from_secs(600);

/// What everybody may ask: health, the description of the API, and the page, which asks for a key.
const OPEN: [&str; 9] = [
    "/",
    "/api/v1/openapi.json",
    "/charts.css",
    "/charts.js",
    "/console.css",
    "/console.js",
    "/favicon.svg",
    "/healthz",
    "/readyz",
];

/// Who asks, by the name of the key; nameless where none is needed.
#[derive(Clone, Debug)]
pub(super) struct Asker(Arc<str>);

/// The gate of the operator's side.
pub(super) async fn check(
    State(side): State<Arc<Side>>,
    mut request: Request<Body>,
    next: Next,
) -> Response {
    let allowed = allow(&side, &request).map(|asker| request.extensions_mut().insert(asker));
    let mut response = match allowed {
        Err(problem) => problem.into_response(),
        Ok(_) => match timeout(within(&request), next.run(request)).await {
            Ok(response) => response,
            Err(_) => Problem::new(StatusCode::REQUEST_TIMEOUT, "the request took too long")
                .into_response(),
        },
    };
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    harden(headers);
    response
}

fn within(request: &Request<Body>) -> Duration {
    if request.uri().path() == "/api/v1/inspect" { CAPTURE_WITHIN } else { WITHIN }
}

impl Asker {
    /// The name of the key.
    pub(super) const fn name(&self) -> &Arc<str> {
        &self.0
    }
}

/// Who asks, where that may be.
fn allow(side: &Side, request: &Request<Body>) -> Result<Asker, Problem> {
    let nobody = || Asker("".into());
    // A page that is shown under a name of its own must not reach what listens on this machine.
    let headers = request.headers();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    if !side.plan.hosts.allows(host) {
        let reason = "this name is not one of the operator's side (setting operator.hosts)";
        return Err(Problem::new(StatusCode::FORBIDDEN, reason));
    }
    if !is_own_page(headers, host) {
        let reason = "a page of another site may not ask here: `Origin` is not this `Host`";
        return Err(Problem::new(StatusCode::FORBIDDEN, reason));
    }
    let path = request.uri().path();
    if OPEN.contains(&path) {
        return Ok(nobody());
    }
    match &side.plan.keys {
        Some(keys) => {
            let presented = bearer(headers)
                .map_err(|denied| Problem::new(denied.status(), denied.to_string()))?;
            let Some(key) = presented else {
                return Err(Problem::unauthorized("this needs a key: Authorization: Bearer KEY"));
            };
            match keys.check(&key) {
                Ok(whose) => Ok(Asker(whose.user.as_str().into())),
                Err(_) => Err(Problem::unauthorized("the key is not a valid one")),
            }
        }
        None if path.starts_with("/api/") => {
            let reason = "without a key there is no API (setting operator.api_key_file)";
            Err(Problem::new(StatusCode::FORBIDDEN, reason))
        }
        None => Ok(nobody()),
    }
}

/// Whether the request is a program's or our own page's. The scheme is not compared: TLS may end in
/// front of this server.
fn is_own_page(headers: &HeaderMap, host: Option<&str>) -> bool {
    headers.get_all(ORIGIN).iter().all(|origin| {
        let origin = Some(origin.to_str().unwrap_or_default());
        Origins::SameOrigin.allows(&Claim { origin, host, scheme: None, legacy: Legacy::Off })
    })
}
