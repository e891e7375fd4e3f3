//! Lines that are ended, and tokens that hold no more.
#![expect(unused_qualifications, reason = "what describes the parameters writes them so")]

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tieline::CloseCode;
use utoipa::{IntoParams, ToSchema};

use super::Side;
use super::listing::paged;
use super::problem::Problem;
use crate::auth::{MAX_ID_BYTES, RevokeError, Revoked, Whose};
use crate::causes::Causes;

/// How long a revocation lasts unless told, in seconds: a month.
const LASTS: u64 = 30 * 24 * 3_600;

/// Longest that one may last, in seconds: ten years.
const MAX_LASTS: u64 = 10 * 365 * 24 * 3_600;

/// Longest reason of a close, in bytes.
const MAX_REASON_BYTES: usize = 123;

/// Whose lines are to end.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Disconnect {
    /// A client of channels, by the id under which others see it. Either this or `user`.
    client: Option<String>,
    /// All lines of this user, on whichever route.
    user: Option<String>,
    /// The close code: 1000, 1001, 1008, 1011 to 1014, or 3000 to 4999. Default 1012: it may come back.
    code: Option<u16>,
    /// What is said with it, up to 123 bytes.
    reason: Option<String>,
}

/// Whose tokens are to hold no more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Revoke {
    /// All tokens of this user that were made until now (`iat`), or do not say when. Either this or `token`.
    user: Option<String>,
    /// The token with this id (`jti`).
    token: Option<String>,
    /// For so long, which is to be longer than tokens live. Default 30 days.
    seconds: Option<u64>,
}

/// How many lines are ended.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Ended {
    lines: usize,
}

/// Whose revocation is meant.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfWhom {
    /// The user's. Either this or `token`.
    user: Option<String>,
    /// The token's.
    token: Option<String>,
}

/// Which revocations are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RevokedListing {
    /// Those behind this one: `token:ID` or `user:NAME`. Default: from the first.
    after: Option<String>,
    /// So many at most, 1 to 1000. Default 100.
    limit: Option<usize>,
}

/// Some of what is revoked: tokens, and then users.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RevokedPage {
    revoked: Vec<Revocation>,
    /// What to give as `after` for those that come next; null where there are no more.
    next: Option<String>,
}

/// Somebody whose tokens hold no more, or one token.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Revocation {
    user: Option<String>,
    token: Option<String>,
    /// Since when, in milliseconds since 1970.
    at_ms: u64,
    /// Until when.
    until_ms: u64,
}

#[utoipa::path(
    post, path = "/api/v1/disconnect", tag = "lines", security(("key" = [])),
    request_body = Disconnect,
    responses(
        (status = 200, description = "its lines end", body = Ended),
        (status = 400, description = "nobody is named, or no close that can be sent", body = Problem),
        (status = 404, description = "it has no line", body = Problem),
    ),
)]
pub(super) async fn disconnect(
    State(side): State<Arc<Side>>,
    asked: Result<Json<Disconnect>, JsonRejection>,
) -> Result<Json<Ended>, Problem> {
    let Json(Disconnect { client, user, code, reason }) = asked?;
    let code = code.map_or(CloseCode::RESTART, CloseCode::new);
    let reason = reason.as_deref().unwrap_or("disconnected by the operator");
    if !code.may_be_sent() || reason.len() > MAX_REASON_BYTES {
        let why = format!(
            "`code` is one that may be sent (see docs/codes.md), and `reason` at most \
             {MAX_REASON_BYTES} bytes"
        );
        return Err(Problem::new(StatusCode::BAD_REQUEST, why));
    }
    let (who, lines) = match (client, user) {
        (Some(client), None) => {
            let had_one = side.resources.clients.disconnect(&client, code, reason);
            (format!("the client {client:?}"), usize::from(had_one))
        }
        (None, Some(user)) => {
            let lines = side.resources.standing.disconnect(&user, code, reason);
            (format!("the user {user:?}"), lines)
        }
        _ => return Err(either("`client` or a `user`")),
    };
    match lines {
        0 => Err(Problem::new(StatusCode::NOT_FOUND, format!("{who} has no line"))),
        lines => Ok(Json(Ended { lines })),
    }
}

#[utoipa::path(
    post, path = "/api/v1/revoke", tag = "lines", security(("key" = [])), request_body = Revoke,
    description = "Refuses tokens from now on, and ends their lines with 4403.",
    responses(
        (status = 200, description = "they hold no more", body = Ended),
        (status = 400, description = "nobody is named", body = Problem),
        (status = 503, description = "the store does not take it", body = Problem),
        (status = 507, description = "too many are revoked", body = Problem),
    ),
)]
pub(super) async fn revoke(
    State(side): State<Arc<Side>>,
    asked: Result<Json<Revoke>, JsonRejection>,
) -> Result<Json<Ended>, Problem> {
    let Json(Revoke { user, token, seconds }) = asked?;
    let (whose, seconds) = (whose(user, token)?, seconds.unwrap_or(LASTS));
    if !(1..=MAX_LASTS).contains(&seconds) {
        let why = format!("`seconds` are 1 to {MAX_LASTS}, not {seconds}");
        return Err(Problem::new(StatusCode::BAD_REQUEST, why));
    }
    let lasts = Duration::from_secs(seconds);
    let lines = side.resources.standing.revoke(whose, SystemTime::now(), lasts).await?;
    Ok(Json(Ended { lines }))
}

#[utoipa::path(
    get, path = "/api/v1/revoked", tag = "lines", security(("key" = [])), params(RevokedListing),
    responses((status = 200, description = "what is revoked", body = RevokedPage)),
)]
pub(super) async fn list(
    State(side): State<Arc<Side>>,
    listing: Result<Query<RevokedListing>, QueryRejection>,
) -> Result<Json<RevokedPage>, Problem> {
    let Query(RevokedListing { after, limit }) = listing?;
    let after = after.map(|after| match after.split_once(':') {
        Some(("token", id)) => Ok(Whose::Token(id.to_owned())),
        Some(("user", user)) => Ok(Whose::User(user.to_owned())),
        _ => Err(Problem::new(StatusCode::BAD_REQUEST, "`after` is token:ID or user:NAME")),
    });
    let (after, now) = (after.transpose()?, SystemTime::now());
    let find = |most| side.resources.standing.list_revoked(after.as_ref(), most, now);
    let (found, next) = paged(limit, find, |(whose, _)| match whose {
        Whose::Token(id) => format!("token:{id}"),
        Whose::User(user) => format!("user:{user}"),
    })?;
    Ok(Json(RevokedPage { revoked: found.into_iter().map(Revocation::from).collect(), next }))
}

#[utoipa::path(
    delete, path = "/api/v1/revoked", tag = "lines", security(("key" = [])), params(OfWhom),
    description = "Lets tokens hold again that were revoked.",
    responses(
        (status = 204, description = "they hold again"),
        (status = 404, description = "they were not revoked", body = Problem),
        (status = 503, description = "the store does not let go of it", body = Problem),
    ),
)]
pub(super) async fn take_back(
    State(side): State<Arc<Side>>,
    asked: Result<Query<OfWhom>, QueryRejection>,
) -> Result<StatusCode, Problem> {
    let Query(OfWhom { user, token }) = asked?;
    match side.resources.standing.take_back(&whose(user, token)?).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::new(StatusCode::NOT_FOUND, "nothing of this name is revoked")),
    }
}

fn whose(user: Option<String>, token: Option<String>) -> Result<Whose, Problem> {
    let whose = match (user, token) {
        (Some(user), None) => Whose::User(user),
        (None, Some(token)) => Whose::Token(token),
        _ => return Err(either("`user` or a `token`")),
    };
    let (Whose::Token(name) | Whose::User(name)) = &whose;
    if name.is_empty() || name.len() > MAX_ID_BYTES {
        let why = format!("a name has 1 to {MAX_ID_BYTES} bytes");
        return Err(Problem::new(StatusCode::BAD_REQUEST, why));
    }
    Ok(whose)
}

fn either(names: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, format!("name either a {names}"))
}

impl From<(Whose, Revoked)> for Revocation {
    fn from((whose, Revoked { at, until }): (Whose, Revoked)) -> Self {
        let ms = |time: SystemTime| {
            time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
        };
        let (user, token) = match whose {
            Whose::Token(id) => (None, Some(id)),
            Whose::User(user) => (Some(user), None),
        };
        Self { user, token, at_ms: ms(at), until_ms: ms(until) }
    }
}

impl From<RevokeError> for Problem {
    fn from(error: RevokeError) -> Self {
        let status = match error {
            RevokeError::Full => StatusCode::INSUFFICIENT_STORAGE,
            RevokeError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, Causes(&error).to_string())
    }
}
