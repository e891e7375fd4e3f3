//! Events that no backend took, and having them sent again.
#![expect(unused_qualifications, reason = "what describes the parameters writes them so")]

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::Side;
use super::listing::paged;
use super::problem::Problem;
use crate::causes::Causes;
use crate::events::Events;
use tieline_store::StoreError;

/// An event that was given up.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeadEvent {
    /// The route whose event it is.
    route: String,
    /// Its number there.
    number: u64,
    /// The event as the backend was to be told, with `tries`, `error` and `died_at`.
    event: Value,
}

/// Some events, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page {
    events: Vec<DeadEvent>,
    /// What to give as `after` for those that come next; null where there are no more.
    next: Option<u64>,
}

/// Which events are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Listing {
    /// The route whose events.
    route: String,
    /// Those behind this number. Default: from the oldest.
    after: Option<u64>,
    /// So many at most, 1 to 1000. Default 100.
    limit: Option<usize>,
}

/// Which route's event it is.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Whose {
    /// The route.
    route: String,
}

#[utoipa::path(
    get, path = "/api/v1/dead-events", tag = "events", security(("key" = [])), params(Listing),
    responses(
        (status = 200, description = "events that were given up", body = Page),
        (status = 404, description = "the route tells no events", body = Problem),
    ),
)]
pub(super) async fn list(
    State(side): State<Arc<Side>>,
    listing: Result<Query<Listing>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let Query(Listing { route, after, limit }) = listing?;
    let outbox = side.outbox(&route)?;
    let (dead, next) = paged(limit, |most| outbox.dead(after, most), |(number, _)| *number)?;
    let events = dead.into_iter().map(|(number, dead)| DeadEvent {
        route: route.clone(),
        number,
        event: serde_json::to_value(dead).expect("an event is texts and numbers"),
    });
    Ok(Json(Page { events: events.collect(), next }))
}

#[utoipa::path(
    post, path = "/api/v1/dead-events/{number}/redeliver", tag = "events",
    security(("key" = [])), params(("number" = u64, Path, description = "the event"), Whose),
    description = "Has an event sent again, behind what waits of its device.",
    responses(
        (status = 202, description = "it will be sent again"),
        (status = 404, description = "no such event", body = Problem),
        (status = 503, description = "the store does not take it", body = Problem),
    ),
)]
pub(super) async fn redeliver(
    State(side): State<Arc<Side>>,
    number: Result<Path<u64>, PathRejection>,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<StatusCode, Problem> {
    let (Path(number), Query(Whose { route })) = (number?, whose?);
    match side.outbox(&route)?.redeliver(number).await? {
        true => Ok(StatusCode::ACCEPTED),
        false => Err(unknown(&route, number)),
    }
}

#[utoipa::path(
    delete, path = "/api/v1/dead-events/{number}", tag = "events",
    security(("key" = [])), params(("number" = u64, Path, description = "the event"), Whose),
    description = "Takes an event off the list: no backend will hear of it.",
    responses(
        (status = 204, description = "it is forgotten"),
        (status = 404, description = "no such event", body = Problem),
        (status = 503, description = "the store does not let go of it", body = Problem),
    ),
)]
pub(super) async fn forget(
    State(side): State<Arc<Side>>,
    number: Result<Path<u64>, PathRejection>,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<StatusCode, Problem> {
    let (Path(number), Query(Whose { route })) = (number?, whose?);
    match side.outbox(&route)?.forget(number).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(unknown(&route, number)),
    }
}

impl Side {
    fn outbox(&self, route: &str) -> Result<Events, Problem> {
        self.resources.outboxes.find(route).ok_or_else(|| {
            Problem::new(StatusCode::NOT_FOUND, format!("the route {route:?} tells no events"))
        })
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, Causes(&error).to_string())
    }
}

fn unknown(route: &str, number: u64) -> Problem {
    let reason = format!("{route:?} has no dead event {number}");
    Problem::new(StatusCode::NOT_FOUND, reason)
}
