//! The lines that are open, and what goes over one of them.
#![expect(unused_qualifications, reason = "what describes the parameters writes them so")]

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use tieline::serve::{Traffic, Watch};
use utoipa::{IntoParams, ToSchema};

use super::Side;
use super::guard::Asker;
use super::listing::{LIMIT, checked, paged};
use super::problem::Problem;
use super::watching::{Watched, answer};
use crate::peer_id::PeerId;
use crate::survey::{self, Found, OpenLine, Silent};

/// Bytes that wait for whoever watches a line; then some are left out, and that is told.
const WAITING_BYTES: usize = 4 << 20;

/// Which lines are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LineListing {
    /// Those with numbers behind this one. Default: from the first.
    after: Option<u64>,
    /// So many at most, 1 to 1000. Default 100.
    limit: Option<usize>,
}

/// Some of the lines that can be watched, by their numbers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LinePage {
    lines: Vec<LineInfo>,
    /// What to give as `after` for those that come next; null where there are no more.
    next: Option<u64>,
}

/// A line that is open.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LineInfo {
    /// Its number, which the log calls `peer`.
    line: u64,
    listener: String,
    route: String,
    /// Address and port at the other end of its connection; null over a Unix socket.
    from: Option<String>,
    /// The user, where one is known.
    user: Option<String>,
    /// Since when it has been open, in milliseconds since 1970.
    since_ms: u64,
    messages_in: u64,
    bytes_in: u64,
    messages_out: u64,
    bytes_out: u64,
    /// What waits for its peer.
    waiting_bytes: usize,
}

#[utoipa::path(
    get, path = "/api/v1/lines", tag = "lines", security(("key" = [])), params(LineListing),
    description = "Lines that can be watched: those that are tasks, over HTTP/2 and made of requests, \
                   are not among them, and no tunnels.",
    responses(
        (status = 200, description = "lines that are open", body = LinePage),
        (status = 503, description = "a worker does not answer", body = Problem),
    ),
)]
pub(super) async fn list(
    State(side): State<Arc<Side>>,
    listing: Result<Query<LineListing>, QueryRejection>,
) -> Result<Json<LinePage>, Problem> {
    let Query(LineListing { after, limit }) = listing?;
    let most = checked(limit.unwrap_or(LIMIT))? + 1;
    let found = survey::list(&side.resources.workers, after.map(PeerId::of), most).await?;
    let (found, next) = paged(limit, |_| found, |line| line.id.get())?;
    Ok(Json(LinePage { lines: found.iter().map(|line| side.info(line)).collect(), next }))
}

#[utoipa::path(
    get, path = "/api/v1/lines/{line}/frames", tag = "lines", security(("key" = [])),
    params(("line" = u64, Path, description = "the line, by its number")),
    description = "What goes over the line from now on, until it ends: JSON, one event a line. Payloads \
                   are shown as they are: whoever asks is logged.",
    responses(
        (status = 200, description = "its frames", body = String, content_type = "application/x-ndjson"),
        (status = 404, description = "no such line", body = Problem),
        (status = 409, description = "a line that cannot be watched", body = Problem),
        (status = 429, description = "too many are watched", body = Problem),
        (status = 503, description = "a worker does not answer", body = Problem),
    ),
)]
pub(super) async fn watch(
    State(side): State<Arc<Side>>,
    Extension(asker): Extension<Asker>,
    line: Result<Path<u64>, PathRejection>,
) -> Result<Response, Problem> {
    let Path(line) = line?;
    side.watch(PeerId::of(line), format!("line {line}"), &asker).await
}

#[utoipa::path(
    get, path = "/api/v1/clients/{client}/frames", tag = "channels", security(("key" = [])),
    params(("client" = String, Path, description = "the client, by the id under which others see it")),
    description = "As `/api/v1/lines/{line}/frames`, for the line that a client of channels has now.",
    responses(
        (status = 200, description = "its frames", body = String, content_type = "application/x-ndjson"),
        (status = 404, description = "no such client, or it has no line", body = Problem),
        (status = 409, description = "a line that cannot be watched", body = Problem),
        (status = 429, description = "too many are watched", body = Problem),
        (status = 503, description = "a worker does not answer", body = Problem),
    ),
)]
pub(super) async fn watch_client(
    State(side): State<Arc<Side>>,
    Extension(asker): Extension<Asker>,
    client: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let Path(client) = client?;
    let nobody = |why| Problem::new(StatusCode::NOT_FOUND, format!("the client {client:?} {why}"));
    let line = side.resources.clients.line_of(&client).ok_or_else(|| nobody("is unknown"))?;
    let line = line.ok_or_else(|| nobody("has no line now"))?;
    side.watch(line, format!("the line of client {client:?}"), &asker).await
}

impl Side {
    async fn watch(&self, id: PeerId, name: String, asker: &Asker) -> Result<Response, Problem> {
        let place = self.watches.enter()?;
        let line = match survey::find(&self.resources.workers, id).await? {
            Found::Link(line) => line,
            Found::Task => {
                let why = format!(
                    "{name} cannot be watched: HTTP/2, HTTP requests or a connection that was asked \
                     for something before carry it, and not the engine"
                );
                return Err(Problem::new(StatusCode::CONFLICT, why));
            }
            Found::Nowhere => {
                let why = format!("{name} is not open: see /api/v1/lines");
                return Err(Problem::new(StatusCode::NOT_FOUND, why));
            }
        };
        let (tap, watch) = Watch::new(WAITING_BYTES);
        line.tap(tap);
        Ok(answer(watch, Watched::new(id, &line.route, asker, place)))
    }

    fn info(&self, line: &OpenLine) -> LineInfo {
        let Traffic { bytes_in, bytes_out, messages_in, messages_out } = line.traffic;
        let since = SystemTime::now() - Duration::from_millis(line.age_ms);
        LineInfo {
            line: line.id.get(),
            listener: line.listener.as_ref().to_owned(),
            route: line.route.as_ref().to_owned(),
            from: line.from.map(|from| from.to_string()),
            user: self.resources.standing.user_of(line.id),
            since_ms: since.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64,
            messages_in,
            bytes_in,
            messages_out,
            bytes_out,
            waiting_bytes: line.waiting_bytes,
        }
    }
}

impl From<Silent> for Problem {
    fn from(_: Silent) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "a worker does not answer: ask again")
    }
}
