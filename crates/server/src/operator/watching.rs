//! What goes over a line that is watched, as an answer that goes on until the line ends.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tieline::serve::Watch;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::info;

use super::guard::Asker;
use super::look::Look;
use super::problem::Problem;
use crate::peer_id::PeerId;

/// Lines that are watched, and captures that are read, at a time.
const MAX_WATCHES: usize = 16;

/// Room for those who watch.
#[derive(Debug)]
pub(super) struct Watches(Arc<Semaphore>);

/// Keeps its place until it is dropped.
pub(super) type Place = OwnedSemaphorePermit;

/// A watch, from its beginning in the log to its end.
pub(super) struct Watched {
    line: PeerId,
    key: Arc<str>,
    since: Instant,
    _place: Place,
}

impl Watches {
    /// Has one more watch, if that may be.
    pub(super) fn enter(&self) -> Result<Place, Problem> {
        Arc::clone(&self.0).try_acquire_owned().map_err(|_| {
            let why = format!(
                "{MAX_WATCHES} lines are watched and captures read already: as many as may be"
            );
            Problem::new(StatusCode::TOO_MANY_REQUESTS, why)
        })
    }
}

impl Default for Watches {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_WATCHES)))
    }
}

impl Watched {
    pub(super) fn new(line: PeerId, route: &str, asker: &Asker, place: Place) -> Self {
        let key = Arc::clone(asker.name());
        info!(%key, peer = %line, route, "a line is watched");
        Self { line, key, since: Instant::now(), _place: place }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let duration_ms = self.since.elapsed().as_millis() as u64;
        info!(key = %self.key, peer = %self.line, duration_ms, "a line is no longer watched");
    }
}

/// The answer: one event a line, for as long as the line is open and somebody reads.
pub(super) fn answer(watch: Watch, watched: Watched) -> Response {
    let state = Some((watch, Look::default(), watched));
    let events = stream::unfold(state, |state| async {
        let (mut watch, mut look, watched) = state?;
        loop {
            let Some(seen) = watch.next().await else {
                return Some((Ok::<_, Infallible>(look.finish()), None));
            };
            let lines = look.take(seen);
            if !lines.is_empty() {
                return Some((Ok(lines), Some((watch, look, watched))));
            }
        }
    });
    let kind = HeaderValue::from_static("application/x-ndjson");
    ([(CONTENT_TYPE, kind)], Body::from_stream(events)).into_response()
}
