//! What is said on the native line, as docs/wire.md has it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use tieline::CloseCode;
use tieline_hub::{Epoch, Member, Missing, Outcome, Position, Publication, Recovered, Source};

use super::SUPERSEDED;
use crate::service::rpc::{Id, RpcError, written};

/// A position on the wire.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Place {
    epoch: String,
    offset: u64,
}

#[derive(Deserialize)]
pub(super) struct Connect {
    #[serde(default)]
    pub(super) token: Option<String>,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) session: Option<Resume>,
}

/// A session that is to go on.
#[derive(Deserialize)]
pub(super) struct Resume {
    pub(super) id: String,
    pub(super) secret: String,
    /// Answers and messages of it that have come.
    pub(super) seen: u64,
}

#[derive(Serialize)]
pub(super) struct Connected<'a> {
    pub(super) client: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<&'a str>,
    pub(super) session: Resumable<'a>,
    pub(super) recovered: bool,
    /// Requests of the session that were taken.
    pub(super) seen: u64,
    /// Seconds.
    pub(super) ping: u64,
}

#[derive(Serialize)]
pub(super) struct Resumable<'a> {
    pub(super) id: &'a str,
    pub(super) secret: &'a str,
    /// Seconds for which it is kept.
    pub(super) keep: u64,
}

#[derive(Deserialize)]
pub(super) struct Subscribe {
    pub(super) channel: String,
    #[serde(default)]
    pub(super) position: Option<Place>,
}

#[derive(Serialize)]
pub(super) struct Subscribed<'a> {
    position: Place,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovered: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest: Option<u64>,
    publications: Vec<Item<'a>>,
}

/// A publication in a list.
#[derive(Serialize)]
pub(super) struct Item<'a> {
    offset: u64,
    data: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
}

/// Only a channel is named.
#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) channel: String,
}

#[derive(Deserialize)]
pub(super) struct Publish {
    pub(super) channel: String,
    pub(super) data: Box<RawValue>,
    #[serde(default)]
    pub(super) key: Option<String>,
}

#[derive(Serialize)]
pub(super) struct PublishedAt {
    pub(super) position: Place,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) repeat: bool,
}

#[derive(Deserialize)]
pub(super) struct HistoryOf {
    pub(super) channel: String,
    #[serde(default)]
    pub(super) after: Option<u64>,
    #[serde(default)]
    pub(super) before: Option<u64>,
    #[serde(default)]
    pub(super) limit: Option<usize>,
}

#[derive(Serialize)]
pub(super) struct HistoryIs<'a> {
    pub(super) position: Place,
    pub(super) oldest: u64,
    pub(super) publications: Vec<Item<'a>>,
}

#[derive(Serialize)]
pub(super) struct MembersAre<'a> {
    pub(super) members: Vec<Who<'a>>,
}

/// Somebody who is there.
#[derive(Serialize)]
pub(super) struct Who<'a> {
    client: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

/// Only a device is named.
#[derive(Deserialize)]
pub(super) struct Device {
    pub(super) device: String,
}

/// Messages to a device that have come.
#[derive(Deserialize)]
pub(super) struct Received {
    pub(super) ids: Vec<u64>,
}

/// A message to a device, or without one to the client itself.
#[derive(Serialize)]
pub(super) struct Message<'a, D> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) device: Option<&'a str>,
    /// To a client the number that it has among all that counts in its session.
    pub(super) id: u64,
    pub(super) data: D,
}

/// A line is a device's no more, and not because its client said so.
#[derive(Serialize)]
pub(super) struct Unregistered<'a> {
    pub(super) device: &'a str,
    pub(super) code: i64,
    pub(super) reason: &'a str,
}

/// A method that is to be called, and what it is given.
#[derive(Deserialize)]
pub(super) struct Call {
    pub(super) method: String,
    #[serde(default)]
    pub(super) params: Option<Box<RawValue>>,
}

#[derive(Serialize)]
pub(super) struct Counted {
    pub(super) clients: usize,
    pub(super) users: usize,
}

/// What was published, to subscribers.
#[derive(Serialize)]
pub(super) struct Told<'a> {
    pub(super) channel: &'a str,
    #[serde(flatten)]
    pub(super) item: Item<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pattern: Option<&'a str>,
}

/// Somebody came or went.
#[derive(Serialize)]
pub(super) struct Moved<'a> {
    pub(super) channel: &'a str,
    #[serde(flatten)]
    pub(super) who: Who<'a>,
}

/// Publications of a channel are missing, or of any of a pattern, which has no position.
#[derive(Serialize)]
pub(super) struct Gap<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<Place>,
    reason: &'static str,
}

/// A subscription has ended, and not because its client said so.
#[derive(Serialize)]
pub(super) struct Unsubscribed<'a> {
    pub(super) channel: &'a str,
    pub(super) code: i64,
    pub(super) reason: &'a str,
}

/// The last that is said on a line which the server ends.
#[derive(Serialize)]
pub(super) struct Disconnect {
    code: u16,
    reason: &'static str,
    /// Whether its client should come back.
    reconnect: bool,
    /// Milliseconds that it waits before.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<u64>,
}

impl Disconnect {
    /// The server stops: those who come back do so one after the other.
    pub(super) fn stopping(after: Duration) -> Self {
        Self {
            code: CloseCode::GOING_AWAY.get(),
            reason: "the server stops",
            reconnect: true,
            after: Some(after.as_millis() as u64),
        }
    }

    /// The session has a newer line.
    pub(super) fn superseded() -> Self {
        Self {
            code: SUPERSEDED.get(),
            reason: "the session goes on over a newer line",
            reconnect: false,
            after: None,
        }
    }

    pub(super) fn text(&self) -> String {
        notification("disconnect", self)
    }
}

impl Place {
    /// The position that it means.
    pub(super) fn position(&self) -> Result<Position, RpcError> {
        let epoch: Result<Epoch, _> = self.epoch.parse();
        let epoch = epoch.map_err(|error| RpcError::invalid_params(error.to_string()))?;
        Ok(Position { epoch, offset: self.offset })
    }
}

impl From<Position> for Place {
    fn from(position: Position) -> Self {
        Self { epoch: position.epoch.to_string(), offset: position.offset }
    }
}

impl<'a> Subscribed<'a> {
    /// `None` for a pattern, which has no position.
    pub(super) fn of(recovered: &'a Recovered) -> Option<Self> {
        let (is_recovered, reason, oldest) = match recovered.outcome {
            None => (None, None, None),
            Some(Outcome::Gap { reason, oldest }) => {
                (Some(false), Some(self::reason(reason)), Some(oldest))
            }
            Some(_) => (Some(true), None, None),
        };
        Some(Self {
            position: recovered.position?.into(),
            recovered: is_recovered,
            reason,
            oldest,
            publications: recovered.publications.iter().map(|it| Item::of(it)).collect(),
        })
    }
}

impl<'a> Gap<'a> {
    pub(super) fn of(source: Source<'a>, position: Option<Position>, reason: &'static str) -> Self {
        let (channel, pattern) = match source {
            Source::Channel(channel) => (Some(channel.as_str()), None),
            Source::Pattern(pattern) => (None, Some(pattern.as_str())),
        };
        Self { channel, pattern, position: position.map(Place::from), reason }
    }
}

impl<'a> Item<'a> {
    pub(super) fn of(publication: &'a Publication) -> Self {
        let text = str::from_utf8(&publication.data).ok();
        // What comes in is JSON; what a store gives back of another program may be anything.
        let data = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(RawValue::NULL);
        Self { offset: publication.offset, data, from: publication.from.as_deref() }
    }
}

impl<'a> Who<'a> {
    pub(super) fn of(member: &'a Member) -> Self {
        let name = str::from_utf8(&member.info).ok().filter(|name| !name.is_empty());
        Self { client: &member.id, user: member.user.as_deref(), name }
    }
}

pub(super) fn reason(missing: Missing) -> &'static str {
    match missing {
        Missing::Expired => "expired",
        Missing::TooMany => "too_many",
        Missing::Unknown => "unknown",
        _ => "epoch",
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
const fn is_false(it: &bool) -> bool {
    !*it
}

/// The answer to a call.
pub(super) fn result(id: &Id, result: &impl Serialize) -> String {
    written::result(id, &to_raw_value(result).expect("our own words have their JSON"))
}

/// Something that nobody answers.
pub(super) fn notification(method: &str, params: &impl Serialize) -> String {
    written::notification(method, &to_raw_value(params).expect("our own words have their JSON"))
}
