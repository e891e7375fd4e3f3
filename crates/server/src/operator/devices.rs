//! Devices, and messages to them.
#![expect(unused_qualifications, reason = "what describes the parameters writes them so")]

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use tieline::CloseCode;
use utoipa::{IntoParams, ToSchema};

use super::Side;
use super::listing::{MAX_LIMIT, paged};
use super::problem::Problem;
use crate::devices::{DeviceInfo, Notified};

/// A device.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Device {
    /// As it calls itself.
    #[schema(example = "ab12cd34@12344133")]
    id: String,
    /// The route that it came by.
    route: String,
    /// Whether it has a line now.
    online: bool,
    /// Whether its backend has let it register.
    registered: bool,
    /// The user whose token its line had.
    user: Option<String>,
    /// Since when it has had its line, in milliseconds since 1970.
    since_ms: Option<u64>,
    /// What waits for it.
    waiting: Waiting,
}

/// What an inbox holds.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Waiting {
    messages: usize,
    bytes: usize,
}

/// Some devices, by their ids.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DevicePage {
    devices: Vec<Device>,
    /// What to give as `after` for those that come next; null where there are no more.
    next: Option<String>,
}

/// Which devices are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeviceListing {
    /// Those whose ids come behind this one. Default: from the first.
    after: Option<String>,
    /// So many at most, 1 to 1000. Default 100.
    limit: Option<usize>,
}

/// A message to one device.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMessage {
    /// What the device hears.
    text: String,
    /// The same key for the same device within ten minutes is the same message.
    idempotency_key: Option<String>,
}

/// A message to several devices, or to all of a user's.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMessages {
    /// The devices, 1000 at most. Either these or `user`.
    devices: Option<Vec<String>>,
    /// The user to whom they belong.
    user: Option<String>,
    /// What the devices hear.
    text: String,
    /// The same key for the same device within ten minutes is the same message.
    idempotency_key: Option<String>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Became {
    /// It was sent on its line.
    Delivered,
    /// What waits for it cannot take it.
    Full,
    /// It waits until it is back.
    Stored,
    /// There is no such device or client.
    Unknown,
}

/// What became of a message to one device, or one client.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Outcome {
    outcome: Became,
}

/// What became of a message to each device.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Outcomes {
    outcomes: Vec<OutcomeOf>,
}

/// What became of a message to this device.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OutcomeOf {
    device: String,
    outcome: Became,
}

#[utoipa::path(
    get, path = "/api/v1/devices", tag = "devices", security(("key" = [])), params(DeviceListing),
    responses((status = 200, description = "devices, in the order of their ids", body = DevicePage)),
)]
pub(super) async fn list(
    State(side): State<Arc<Side>>,
    listing: Result<Query<DeviceListing>, QueryRejection>,
) -> Result<Json<DevicePage>, Problem> {
    let Query(DeviceListing { after, limit }) = listing?;
    let find = |most| side.resources.devices.list(after.as_deref(), most);
    let (found, next) = paged(limit, find, |device| device.id.clone())?;
    Ok(Json(DevicePage { devices: found.into_iter().map(Device::from).collect(), next }))
}

#[utoipa::path(
    get, path = "/api/v1/devices/{id}", tag = "devices", security(("key" = [])),
    params(("id" = String, Path, description = "the device")),
    responses(
        (status = 200, description = "the device", body = Device),
        (status = 404, description = "no such device", body = Problem),
    ),
)]
pub(super) async fn find(
    State(side): State<Arc<Side>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Device>, Problem> {
    let Path(id) = id?;
    let device = side.resources.devices.find(&id).ok_or_else(|| unknown(&id))?;
    Ok(Json(device.into()))
}

#[utoipa::path(
    delete, path = "/api/v1/devices/{id}", tag = "devices", security(("key" = [])),
    params(("id" = String, Path, description = "the device")),
    description = "Takes back a device's registration, empties its inbox, and ends its line.",
    responses(
        (status = 204, description = "it is forgotten"),
        (status = 404, description = "no such device", body = Problem),
        (status = 503, description = "the store does not let go of it", body = Problem),
    ),
)]
pub(super) async fn forget(
    State(side): State<Arc<Side>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let (Path(id), devices) = (id?, &side.resources.devices);
    let was_known = devices.forget(&id).await;
    devices.disconnect(&id, CloseCode::POLICY, "revoked by the operator");
    if was_known? { Ok(StatusCode::NO_CONTENT) } else { Err(unknown(&id)) }
}

#[utoipa::path(
    post, path = "/api/v1/devices/{id}/disconnect", tag = "devices", security(("key" = [])),
    params(("id" = String, Path, description = "the device")),
    description = "Ends a device's line with 1012. It may come back.",
    responses(
        (status = 204, description = "its line ends"),
        (status = 404, description = "no such device, or it has no line", body = Problem),
    ),
)]
pub(super) async fn disconnect(
    State(side): State<Arc<Side>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let (Path(id), reason) = (id?, "disconnected by the operator");
    if side.resources.devices.disconnect(&id, CloseCode::RESTART, reason) {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::new(StatusCode::NOT_FOUND, format!("the device {id:?} has no line")))
}

#[utoipa::path(
    post, path = "/api/v1/devices/{id}/messages", tag = "devices", security(("key" = [])),
    params(("id" = String, Path, description = "the device")), request_body = NewMessage,
    responses(
        (status = 200, description = "sent on the device's line", body = Outcome),
        (status = 202, description = "the device is away: stored in its inbox", body = Outcome),
        (status = 404, description = "no such device", body = Problem),
        (status = 507, description = "its inbox cannot take it", body = Problem),
    ),
)]
pub(super) async fn send(
    State(side): State<Arc<Side>>,
    id: Result<Path<String>, PathRejection>,
    message: Result<Json<NewMessage>, JsonRejection>,
) -> Result<(StatusCode, Json<Outcome>), Problem> {
    let (Path(id), Json(NewMessage { text, idempotency_key })) = (id?, message?);
    let notified = side.resources.devices.notify(&id, &text, idempotency_key.as_deref()).await;
    let status = match notified {
        Notified::Delivered => StatusCode::OK,
        Notified::Stored => StatusCode::ACCEPTED,
        Notified::Unknown => return Err(unknown(&id)),
        Notified::Full => {
            let reason = format!("the inbox of the device {id:?} cannot take it");
            return Err(Problem::new(StatusCode::INSUFFICIENT_STORAGE, reason));
        }
    };
    Ok((status, Json(notified.into())))
}

#[utoipa::path(
    post, path = "/api/v1/messages", tag = "devices", security(("key" = [])),
    request_body = NewMessages,
    responses(
        (status = 200, description = "what became of it, for each device", body = Outcomes),
        (status = 400, description = "to nobody, or to too many", body = Problem),
    ),
)]
pub(super) async fn send_to_several(
    State(side): State<Arc<Side>>,
    message: Result<Json<NewMessages>, JsonRejection>,
) -> Result<Json<Outcomes>, Problem> {
    let Json(NewMessages { devices, user, text, idempotency_key }) = message?;
    let to = match (devices, user) {
        (Some(devices), None) => devices,
        (None, Some(user)) => side.resources.devices.of_user(&user),
        _ => {
            let reason = "name either `devices` or a `user`";
            return Err(Problem::new(StatusCode::BAD_REQUEST, reason));
        }
    };
    if to.len() > MAX_LIMIT {
        let reason = format!("{} devices are more than {MAX_LIMIT}: send in parts", to.len());
        return Err(Problem::new(StatusCode::BAD_REQUEST, reason));
    }
    // All at once: those that are stored share what the disk writes.
    let (devices, key) = (&side.resources.devices, idempotency_key.as_deref());
    let outcomes = join_all(to.iter().map(|device| devices.notify(device, &text, key))).await;
    let outcomes = to.into_iter().zip(outcomes);
    let outcomes = outcomes.map(|(device, it)| OutcomeOf { device, outcome: it.into() });
    Ok(Json(Outcomes { outcomes: outcomes.collect() }))
}

impl From<DeviceInfo> for Device {
    fn from(info: DeviceInfo) -> Self {
        let since = info.since.and_then(|since: SystemTime| since.duration_since(UNIX_EPOCH).ok());
        Self {
            id: info.id,
            route: info.route,
            online: info.is_online,
            registered: info.is_registered,
            user: info.user,
            since_ms: since.map(|since| since.as_millis() as u64),
            waiting: Waiting { messages: info.waiting_messages, bytes: info.waiting_bytes },
        }
    }
}

impl From<Notified> for Outcome {
    fn from(notified: Notified) -> Self {
        Self { outcome: notified.into() }
    }
}

impl From<Notified> for Became {
    fn from(notified: Notified) -> Self {
        match notified {
            Notified::Delivered => Self::Delivered,
            Notified::Full => Self::Full,
            Notified::Stored => Self::Stored,
            Notified::Unknown => Self::Unknown,
        }
    }
}

fn unknown(id: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is no device {id:?}"))
}
