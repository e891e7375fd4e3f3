//! Channels: publishing to them, and what there is to see of them.
#![expect(unused_qualifications, reason = "what describes the parameters writes them so")]

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use bytes::Bytes;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tieline_hub::{BrokerError, Channel, Keep, Most, New, Range};
use utoipa::{IntoParams, ToSchema};

use super::Side;
use super::devices::Outcome;
use super::listing::{LIMIT, MAX_LIMIT, checked, paged};
use super::problem::Problem;
use crate::causes::Causes;
use crate::devices::Notified;

/// Most bytes of data in one answer.
const MAX_BYTES: usize = 1 << 20;

/// Something to be published on a channel.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPublication {
    /// The channel.
    #[schema(example = "chat:lobby")]
    channel: String,
    /// What is said: any JSON.
    #[schema(value_type = Object)]
    data: Box<RawValue>,
    /// The same key on the same channel is published once, for ten minutes at least. Up to 128 bytes.
    key: Option<String>,
}

/// Something to be published on several channels.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewBroadcast {
    /// The channels, 1000 at most.
    channels: Vec<String>,
    /// What is said: any JSON.
    #[schema(value_type = Object)]
    data: Box<RawValue>,
    /// The same key on the same channel is published once, for ten minutes at least. Up to 128 bytes.
    key: Option<String>,
}

/// Something to be said to one client.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewClientMessage {
    /// What is said: any JSON.
    #[schema(value_type = Object)]
    data: Box<RawValue>,
}

/// A place in the log of a channel.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Position {
    /// Which life of the log.
    epoch: String,
    /// Counted from 1, without holes.
    offset: u64,
}

/// Where a publication is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Published {
    position: Position,
    /// Whether its key was there already: nothing was published now.
    repeat: bool,
}

/// What became of a publication on each channel.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Broadcast {
    outcomes: Vec<PublishedOn>,
}

/// What became of a publication on this channel: it has a position, or an error.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PublishedOn {
    channel: String,
    #[serde(flatten)]
    published: Option<Published>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
}

/// Which channels are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ChannelListing {
    /// Those whose names come behind this one. Default: from the first.
    after: Option<String>,
    /// So many at most, 1 to 1000. Default 100.
    limit: Option<usize>,
}

/// Some channels that somebody has subscribed to, by their names.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChannelPage {
    channels: Vec<ChannelInfo>,
    /// What to give as `after` for those that come next; null where there are no more.
    next: Option<String>,
}

/// A channel.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChannelInfo {
    channel: String,
    /// Lines that have subscribed to it, patterns not counted.
    subscribers: usize,
}

/// Who has subscribed to a channel.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Presence {
    members: Vec<Member>,
}

/// Somebody who has.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Member {
    /// The client, one of its kind.
    client: String,
    /// The user, where one is known.
    user: Option<String>,
    /// What it calls itself.
    name: Option<String>,
}

/// Which publications are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Span {
    /// Those behind this offset, the oldest first.
    after: Option<u64>,
    /// Those before this offset, the newest first. Default: the newest.
    before: Option<u64>,
    /// So many at most, 1 to 1000. Default 100.
    limit: Option<usize>,
}

/// What is kept of a channel, all at one moment.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct History {
    /// Where the log ends.
    position: Position,
    /// The offset of the oldest publication that is kept, or of the next to come.
    oldest: u64,
    publications: Vec<Publication>,
}

/// Something that was published.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Publication {
    offset: u64,
    #[schema(value_type = Object)]
    data: Box<RawValue>,
    /// The user who said it, where one is known.
    from: Option<String>,
}

#[utoipa::path(
    post, path = "/api/v1/publish", tag = "channels", security(("key" = [])),
    request_body = NewPublication,
    responses(
        (status = 200, description = "it is published", body = Published),
        (status = 400, description = "no name of a channel, or no key", body = Problem),
        (status = 404, description = "no such namespace", body = Problem),
        (status = 503, description = "the server is overloaded, or the disk failed", body = Problem),
    ),
)]
pub(super) async fn publish(
    State(side): State<Arc<Side>>,
    publication: Result<Json<NewPublication>, JsonRejection>,
) -> Result<Json<Published>, Problem> {
    let Json(NewPublication { channel, data, key }) = publication?;
    Ok(Json(side.publish(&channel, &text(&data), key.as_deref()).await?))
}

#[utoipa::path(
    post, path = "/api/v1/broadcast", tag = "channels", security(("key" = [])),
    request_body = NewBroadcast,
    responses(
        (status = 200, description = "what became of it, for each channel", body = Broadcast),
        (status = 400, description = "on no channel, or on too many", body = Problem),
    ),
)]
pub(super) async fn broadcast(
    State(side): State<Arc<Side>>,
    publication: Result<Json<NewBroadcast>, JsonRejection>,
) -> Result<Json<Broadcast>, Problem> {
    let Json(NewBroadcast { channels, data, key }) = publication?;
    if !(1..=MAX_LIMIT).contains(&channels.len()) {
        let reason = format!("`channels` are 1 to {MAX_LIMIT}, not {}", channels.len());
        return Err(Problem::new(StatusCode::BAD_REQUEST, reason));
    }
    // All at once: those that are stored share what the disk writes.
    let (data, key) = (text(&data), key.as_deref());
    let all = channels.iter().map(|channel| side.publish(channel, &data, key));
    let outcomes = join_all(all).await.into_iter().zip(channels);
    let outcomes = outcomes.map(|(outcome, channel)| match outcome {
        Ok(published) => PublishedOn { channel, published: Some(published), error: None },
        Err(problem) => PublishedOn { channel, published: None, error: Some(problem) },
    });
    Ok(Json(Broadcast { outcomes: outcomes.collect() }))
}

#[utoipa::path(
    get, path = "/api/v1/channels", tag = "channels", security(("key" = [])),
    params(ChannelListing),
    responses((
        status = 200, description = "channels that somebody has subscribed to", body = ChannelPage,
    )),
)]
pub(super) async fn list(
    State(side): State<Arc<Side>>,
    listing: Result<Query<ChannelListing>, QueryRejection>,
) -> Result<Json<ChannelPage>, Problem> {
    let Query(ChannelListing { after, limit }) = listing?;
    let find = |most| {
        let mut channels = side.resources.hub.channels();
        channels.retain(|(channel, subscribers)| {
            *subscribers > 0 && after.as_deref().is_none_or(|after| channel.as_str() > after)
        });
        channels.sort_unstable();
        channels.truncate(most);
        channels
    };
    let (found, next) = paged(limit, find, |(channel, _)| channel.as_str().to_owned())?;
    let channels = found.into_iter().map(|(channel, subscribers)| ChannelInfo {
        channel: channel.as_str().to_owned(),
        subscribers,
    });
    Ok(Json(ChannelPage { channels: channels.collect(), next }))
}

#[utoipa::path(
    get, path = "/api/v1/channels/{channel}/presence", tag = "channels", security(("key" = [])),
    params(("channel" = String, Path, description = "the channel")),
    responses(
        (status = 200, description = "who has subscribed to it", body = Presence),
        (status = 404, description = "no such namespace, or it does not tell", body = Problem),
    ),
)]
pub(super) async fn presence(
    State(side): State<Arc<Side>>,
    channel: Result<Path<String>, PathRejection>,
) -> Result<Json<Presence>, Problem> {
    let Path(name) = channel?;
    let (channel, keep) = side.channel(&name)?;
    if !side.resources.namespaces.has_presence(&channel) {
        let reason = format!("the namespace of {name:?} has no presence (setting presence)");
        return Err(Problem::new(StatusCode::NOT_FOUND, reason));
    }
    let members = side.resources.hub.broker(&keep)?.members(&channel).await?;
    let members = members.into_iter().map(|member| Member {
        client: member.id.as_ref().to_owned(),
        user: member.user.as_deref().map(str::to_owned),
        name: str::from_utf8(&member.info).ok().filter(|name| !name.is_empty()).map(str::to_owned),
    });
    Ok(Json(Presence { members: members.collect() }))
}

#[utoipa::path(
    get, path = "/api/v1/channels/{channel}/history", tag = "channels", security(("key" = [])),
    params(("channel" = String, Path, description = "the channel"), Span),
    responses(
        (status = 200, description = "what is kept of it", body = History),
        (status = 404, description = "no such namespace", body = Problem),
    ),
)]
pub(super) async fn history(
    State(side): State<Arc<Side>>,
    channel: Result<Path<String>, PathRejection>,
    span: Result<Query<Span>, QueryRejection>,
) -> Result<Json<History>, Problem> {
    let (Path(name), Query(Span { after, before, limit })) = (channel?, span?);
    let range = match (after, before) {
        (Some(after), None) => Range::After(after),
        (None, Some(before)) => Range::Before(before),
        (None, None) => Range::NEWEST,
        (Some(_), Some(_)) => {
            let reason = "name either `after` or `before`";
            return Err(Problem::new(StatusCode::BAD_REQUEST, reason));
        }
    };
    let most = Most { publications: checked(limit.unwrap_or(LIMIT))?, bytes: MAX_BYTES };
    let (channel, keep) = side.channel(&name)?;
    let history = side.resources.hub.history(&channel, &keep, range, most).await?;
    let publications = history.publications.iter().map(|publication| Publication {
        offset: publication.offset,
        data: json(&publication.data),
        from: publication.from.as_deref().map(str::to_owned),
    });
    Ok(Json(History {
        position: history.position.into(),
        oldest: history.oldest,
        publications: publications.collect(),
    }))
}

#[utoipa::path(
    post, path = "/api/v1/clients/{client}/messages", tag = "channels", security(("key" = [])),
    params(("client" = String, Path, description = "the client, by the id under which others see it")),
    request_body = NewClientMessage,
    description = "Says something to one client. It waits in its session, and comes once, also over a lost line.",
    responses(
        (status = 200, description = "sent on its line", body = Outcome),
        (status = 202, description = "it has no line: said when it is back, while its session is kept", body = Outcome),
        (status = 404, description = "no such client", body = Problem),
        (status = 507, description = "more waits for it than may (keep_session_bytes)", body = Problem),
    ),
)]
pub(super) async fn tell(
    State(side): State<Arc<Side>>,
    client: Result<Path<String>, PathRejection>,
    message: Result<Json<NewClientMessage>, JsonRejection>,
) -> Result<(StatusCode, Json<Outcome>), Problem> {
    let (Path(client), Json(NewClientMessage { data })) = (client?, message?);
    let notified = side.resources.clients.tell(&client, &data);
    side.resources.channels.told(notified);
    let status = match notified {
        Notified::Delivered => StatusCode::OK,
        Notified::Stored => StatusCode::ACCEPTED,
        Notified::Unknown => {
            let reason = format!("there is no client {client:?}");
            return Err(Problem::new(StatusCode::NOT_FOUND, reason));
        }
        Notified::Full => {
            let reason = format!(
                "the session of the client {client:?} cannot take it (setting keep_session_bytes)"
            );
            return Err(Problem::new(StatusCode::INSUFFICIENT_STORAGE, reason));
        }
    };
    Ok((status, Json(notified.into())))
}

impl Side {
    /// A channel, and what is kept of it.
    fn channel(&self, name: &str) -> Result<(Channel, Arc<Keep>), Problem> {
        let channel = Channel::new(name)
            .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("{error}")))?;
        let keep = self.resources.namespaces.keep(&channel).ok_or_else(|| {
            let reason = format!("there is no namespace {:?}", channel.namespace());
            Problem::new(StatusCode::NOT_FOUND, reason)
        })?;
        Ok((channel, Arc::clone(keep)))
    }

    async fn publish(
        &self,
        channel: &str,
        data: &Bytes,
        key: Option<&str>,
    ) -> Result<Published, Problem> {
        let (channel, keep) = self.channel(channel)?;
        if key.is_some_and(|key| key.is_empty() || key.len() > New::MAX_KEY_BYTES) {
            let reason = format!("`key` has 1 to {} bytes", New::MAX_KEY_BYTES);
            return Err(Problem::new(StatusCode::BAD_REQUEST, reason));
        }
        let new = New { data: data.clone(), from: None, key: key.map(Arc::from) };
        let since = Instant::now();
        let published = self.resources.hub.publish(&channel, &keep, new).await;
        self.resources.channels.published(since, &published);
        let published = published?;
        Ok(Published { position: published.position.into(), repeat: published.is_repeat })
    }
}

impl From<tieline_hub::Position> for Position {
    fn from(position: tieline_hub::Position) -> Self {
        Self { epoch: position.epoch.to_string(), offset: position.offset }
    }
}

impl From<BrokerError> for Problem {
    fn from(error: BrokerError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, Causes(&error).to_string())
    }
}

fn text(data: &RawValue) -> Bytes {
    Bytes::copy_from_slice(data.get().as_bytes())
}

/// What a channel keeps is JSON: it was when it was published.
fn json(data: &Bytes) -> Box<RawValue> {
    serde_json::from_slice(data).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
