//! Ordinary requests below the route: what runs, and what was recorded.
//!
//! | GET                     | answer                                                             |
//! |-------------------------|--------------------------------------------------------------------|
//! | `ROUTE/sessions`        | JSON: id, command, since, columns, rows, who watches, recorded     |
//! | `ROUTE/recordings`      | JSON: name and bytes of each, the newest first                     |
//! | `ROUTE/recordings/NAME` | asciicast v2                                                       |
//! | `ROUTE/audit`           | JSON: what was noted, the newest first                             |
//! | `ROUTE`                 | 426                                                                |

use std::io;
use std::sync::Arc;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, UPGRADE};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use tokio::task::spawn_blocking;
use tracing::warn;

use super::Shared;
use super::recordings::Recordings;
use crate::exchange::{Body, Exchange};
use crate::refusal::Refusal;

const JSON: &str = "application/json; charset=utf-8";
const ASCIICAST: &str = "application/x-asciicast";

/// Whether this path below the route is the service's, also where a page is shown there.
pub(super) fn owns(rest: &str) -> bool {
    matches!(rest, "audit" | "recordings" | "sessions") || rest.starts_with("recordings/")
}

/// Answers a request, GET or HEAD.
pub(super) async fn answer(shared: Arc<Shared>, exchange: Exchange) -> Response<Body> {
    let path = exchange.request.path();
    match shared.below(path) {
        Some("") => speaks_websocket(),
        Some("sessions") => json(&shared.sessions.list()),
        Some("audit") => match &shared.trail {
            Some(trail) => json(&trail.list()),
            None => nothing(),
        },
        Some(rest) => match (&shared.recordings, rest.strip_prefix("recordings")) {
            (Some(recordings), Some("")) => listed(recordings.clone()).await,
            (Some(recordings), Some(rest)) => match rest.strip_prefix('/') {
                Some(name) => fetched(recordings.clone(), name.to_owned()).await,
                None => nothing(),
            },
            _ => nothing(),
        },
        None => nothing(),
    }
}

async fn listed(recordings: Recordings) -> Response<Body> {
    match blocking(move || recordings.list()).await {
        Ok(list) => json(&list),
        Err(error) => broken(&error),
    }
}

async fn fetched(recordings: Recordings, name: String) -> Response<Body> {
    match blocking(move || recordings.open(&name)).await {
        Ok(Some((file, len))) => said(Body::file(file, len), ASCIICAST),
        Ok(None) => nothing(),
        Err(error) => broken(&error),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

fn json(value: &impl Serialize) -> Response<Body> {
    let text = serde_json::to_string(value).expect("lists of texts and numbers encode");
    said(Body::from(text), JSON)
}

fn said(body: Body, kind: &'static str) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn nothing() -> Response<Body> {
    refused(Refusal::new(StatusCode::NOT_FOUND, "there is nothing at this path"))
}

fn speaks_websocket() -> Response<Body> {
    let reason = "this path speaks WebSocket: ask for an upgrade";
    let mut refusal = Refusal::new(StatusCode::UPGRADE_REQUIRED, reason);
    refusal.headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    refused(refusal)
}

fn broken(error: &io::Error) -> Response<Body> {
    warn!(%error, "recordings cannot be read");
    refused(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "recordings cannot be read"))
}

fn refused(refusal: Refusal) -> Response<Body> {
    let mut response = refusal.into_response().map(Body::from);
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}
