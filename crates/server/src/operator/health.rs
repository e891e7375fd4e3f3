//! Whether the server lives, whether it takes connections, and what it has counted.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::Side;
use super::problem::Problem;

/// What Prometheus asks for.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[utoipa::path(
    get, path = "/healthz", tag = "health",
    responses((status = 200, description = "the process lives", body = String)),
)]
pub(super) async fn live() -> &'static str {
    "ok\n"
}

#[utoipa::path(
    get, path = "/readyz", tag = "health",
    responses(
        (status = 200, description = "it takes connections", body = String),
        (status = 503, description = "it stops", body = Problem),
    ),
)]
pub(super) async fn ready(State(side): State<Arc<Side>>) -> Result<&'static str, Problem> {
    if *side.stopping.borrow() {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the server stops"));
    }
    Ok("ready\n")
}

#[utoipa::path(
    get, path = "/metrics", tag = "health", security(("key" = [])),
    responses(
        (status = 200, description = "what is counted", body = String,
            content_type = "application/openmetrics-text"),
        (status = 401, description = "no key, or a wrong one", body = Problem),
    ),
)]
pub(super) async fn metrics(State(side): State<Arc<Side>>) -> Response {
    side.resources.counts.gather().await;
    ([(CONTENT_TYPE, OPENMETRICS)], side.resources.metrics.text()).into_response()
}
