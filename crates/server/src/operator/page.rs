//! The operator's page: open to everybody who reaches the operator's side, since it shows nothing
//! before it has a key.

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};

use super::problem;
use crate::http::{console_asset, harden_console};

/// The document.
pub(super) async fn document() -> Response {
    file("operator.html").await
}

/// What the document loads.
pub(super) async fn part(Path(name): Path<String>) -> Response {
    file(&name).await
}

async fn file(name: &str) -> Response {
    let is_other = matches!(name, "bridge.html" | "index.html");
    let Some((bytes, kind)) = console_asset(name).filter(|_| !is_other) else {
        return problem::nothing().await.into_response();
    };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    harden_console(&mut headers);
    (headers, bytes).into_response()
}
