//! What is said on the native line, as docs/wire.md has it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tieline_hub::{Epoch, Member, Missing, Outcome, Position, Publication, Recovered};

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

#[derive(Serialize)]
pub(super) struct Gap<'a> {
    pub(super) channel: &'a str,
    pub(super) position: Place,
    pub(super) reason: &'static str,
}

impl Place {
    /// The position, where it can be one.
    pub(super) fn position(&self) -> Option<Position> {
        let epoch: Epoch = self.epoch.parse().ok()?;
        Some(Position { epoch, offset: self.offset })
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
        Self { client: &member.id, user: member.user.as_deref() }
    }
}

fn reason(missing: Missing) -> &'static str {
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
