//! Who may ask: a `Host` that is ours, a key, and not for ever.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::Side;
use super::problem::Problem;
use crate::http::harden;

/// How long a request may take, its body included.
const WITHIN: Duration = Duration::from_secs(30);

/// What everybody may ask: health, the description of the API, and the page, which asks for a key.
const OPEN: [&str; 7] = [
    "/",
    "/api/v1/openapi.json",
    "/console.css",
    "/console.js",
    "/favicon.svg",
    "/healthz",
    "/readyz",
];

/// The gate of the operator's side.
pub(super) async fn check(
    State(side): State<Arc<Side>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let mut response = match allow(&side, &request) {
        Err(problem) => problem.into_response(),
        Ok(()) => match timeout(WITHIN, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Problem::new(StatusCode::REQUEST_TIMEOUT, "the request took too long")
                .into_response(),
        },
    };
    harden(response.headers_mut());
    response
}

fn allow(side: &Side, request: &Request<Body>) -> Result<(), Problem> {
    // A page that is shown under a name of its own must not reach what listens on this machine.
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    if !side.plan.hosts.allows(host) {
        let reason = "this name is not one of the operator's side (setting operator.hosts)";
        return Err(Problem::new(StatusCode::FORBIDDEN, reason));
    }
    let path = request.uri().path();
    if OPEN.contains(&path) {
        return Ok(());
    }
    match &side.plan.keys {
        Some(keys) => match bearer(request.headers()) {
            None => Err(Problem::unauthorized("this needs a key: Authorization: Bearer KEY")),
            Some(key) if keys.check(key).is_err() => {
                Err(Problem::unauthorized("the key is not a valid one"))
            }
            Some(_) => Ok(()),
        },
        None if path.starts_with("/api/") => {
            let reason = "without a key there is no API (setting operator.api_key_file)";
            Err(Problem::new(StatusCode::FORBIDDEN, reason))
        }
        None => Ok(()),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}
