//! What is said on the native line, as this end writes and reads it.

use std::borrow::Cow;
use std::sync::Arc;

use bytestring::ByteString;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::error::Fault;
use super::event::{Member, Publication};
use super::position::Position;

/// The subprotocol.
pub(super) const PROTOCOL: &str = "tieline.v1";

/// A call, or a notification where it has no id.
#[derive(Serialize)]
struct Ask<'a, P> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    method: &'a str,
    params: &'a P,
}

/// Whatever the server says.
#[derive(Deserialize)]
pub(super) struct Heard<'a> {
    #[serde(borrow)]
    pub(super) jsonrpc: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) params: Option<&'a RawValue>,
    /// A result may be null.
    #[serde(borrow, default, deserialize_with = "there")]
    pub(super) result: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) error: Option<Refused>,
}

#[derive(Deserialize)]
pub(super) struct Refused {
    code: i64,
    message: Arc<str>,
    #[serde(default)]
    data: Option<Box<RawValue>>,
}

#[derive(Serialize)]
pub(super) struct Connect<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session: Option<Resume<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Refresh<'a> {
    pub(super) token: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Refreshed {
    /// Seconds.
    #[serde(default)]
    pub(super) expires_in: Option<u64>,
}

#[derive(Serialize)]
pub(super) struct Resume<'a> {
    pub(super) id: &'a str,
    pub(super) secret: &'a str,
    pub(super) seen: u64,
}

#[derive(Deserialize)]
pub(super) struct Connected {
    pub(super) client: Arc<str>,
    #[serde(default)]
    pub(super) user: Option<Arc<str>>,
    pub(super) session: Resumable,
    pub(super) recovered: bool,
    #[serde(default)]
    pub(super) seen: u64,
}

#[derive(Deserialize)]
pub(super) struct Resumable {
    pub(super) id: String,
    pub(super) secret: String,
}

#[derive(Serialize)]
pub(super) struct Subscribe<'a> {
    pub(super) channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) position: Option<&'a Position>,
}

#[derive(Deserialize)]
pub(super) struct Subscribed {
    #[serde(default)]
    pub(super) position: Option<Position>,
    #[serde(default)]
    pub(super) recovered: Option<bool>,
    #[serde(default)]
    pub(super) reason: Option<String>,
    #[serde(default)]
    pub(super) oldest: Option<u64>,
    #[serde(default)]
    pub(super) publications: Vec<Item>,
}

/// A publication in a list.
#[derive(Deserialize)]
pub(super) struct Item {
    pub(super) offset: u64,
    data: Box<RawValue>,
    #[serde(default)]
    from: Option<Arc<str>>,
}

/// A channel, and nothing else.
#[derive(Serialize, Deserialize)]
pub(super) struct Named<'a> {
    pub(super) channel: Cow<'a, str>,
}

#[derive(Serialize)]
pub(super) struct Publish<'a> {
    pub(super) channel: &'a str,
    pub(super) data: &'a RawValue,
    pub(super) key: &'a str,
}

#[derive(Serialize)]
pub(super) struct HistoryOf<'a> {
    pub(super) channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limit: Option<usize>,
}

#[derive(Deserialize)]
pub(super) struct HistoryIs {
    pub(super) position: Position,
    pub(super) oldest: u64,
    pub(super) publications: Vec<Item>,
}

#[derive(Deserialize)]
pub(super) struct Members {
    pub(super) members: Vec<Member>,
}

/// A device, and nothing else.
#[derive(Serialize)]
pub(super) struct OfDevice<'a> {
    pub(super) device: Cow<'a, str>,
}

/// Messages to a device that have come.
#[derive(Serialize)]
pub(super) struct Received {
    pub(super) ids: [u64; 1],
}

/// A message to a device, or without one to this client.
#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow, default)]
    pub(super) device: Option<Cow<'a, str>>,
    pub(super) id: u64,
    pub(super) data: Box<RawValue>,
}

/// A line is a device's no more.
#[derive(Deserialize)]
pub(super) struct Unregistered<'a> {
    #[serde(borrow)]
    pub(super) device: Cow<'a, str>,
    pub(super) code: i64,
    #[serde(default)]
    pub(super) reason: Arc<str>,
}

#[derive(Serialize)]
pub(super) struct Call<'a, P> {
    pub(super) method: &'a str,
    pub(super) params: &'a P,
}

#[derive(Serialize)]
pub(super) struct Ack {
    pub(super) seen: u64,
}

/// Something was published.
#[derive(Deserialize)]
pub(super) struct Told<'a> {
    #[serde(borrow)]
    pub(super) channel: Cow<'a, str>,
    pub(super) offset: u64,
    data: Box<RawValue>,
    #[serde(default)]
    from: Option<Arc<str>>,
    #[serde(borrow, default)]
    pub(super) pattern: Option<Cow<'a, str>>,
}

/// Somebody came or went.
#[derive(Deserialize)]
pub(super) struct Moved<'a> {
    #[serde(borrow)]
    pub(super) channel: Cow<'a, str>,
    client: Arc<str>,
    #[serde(default)]
    user: Option<Arc<str>>,
    #[serde(default)]
    name: Option<Arc<str>>,
}

/// Publications are missing: of a channel, which goes on behind a position, or of a pattern.
#[derive(Deserialize)]
pub(super) struct Lost<'a> {
    #[serde(borrow, default)]
    channel: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pattern: Option<Cow<'a, str>>,
    #[serde(default)]
    position: Option<Position>,
    #[serde(borrow)]
    pub(super) reason: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct Unsubscribed<'a> {
    #[serde(borrow)]
    pub(super) channel: Cow<'a, str>,
    pub(super) code: i64,
    #[serde(default)]
    pub(super) reason: Arc<str>,
}

#[derive(Deserialize)]
pub(super) struct Disconnect {
    pub(super) code: u16,
    #[serde(default)]
    pub(super) reason: Arc<str>,
    #[serde(default)]
    pub(super) reconnect: bool,
    /// Milliseconds.
    #[serde(default)]
    pub(super) after: Option<u64>,
}

/// Whatever is there, null as well.
fn there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// A call as it is written; without an id a notification.
pub(super) fn ask(id: Option<u64>, method: &str, params: &impl Serialize) -> ByteString {
    let ask = Ask { jsonrpc: "2.0", id, method, params };
    serde_json::to_string(&ask).expect("our own words have their JSON").into()
}

impl Refused {
    /// What the caller is told.
    pub(super) fn fault(&self) -> Fault {
        let data = self.data.as_ref().map(|data| data.get().into());
        Fault { code: self.code, message: Arc::clone(&self.message), data }
    }
}

impl Item {
    /// It, of a channel.
    pub(super) fn of(self, channel: &Arc<str>, epoch: &Arc<str>) -> Publication {
        let Self { offset, data, from } = self;
        let (channel, epoch) = (Arc::clone(channel), Some(Arc::clone(epoch)));
        Publication { channel, epoch, offset, data, from }
    }
}

impl Lost<'_> {
    /// What was subscribed to, and where it goes on; `None` where it is not of the language.
    pub(super) fn place(&self) -> Option<(&str, Option<&Position>)> {
        match (&self.channel, &self.pattern, &self.position) {
            (Some(channel), None, Some(position)) => Some((channel, Some(position))),
            (None, Some(pattern), None) => Some((pattern, None)),
            _ => None,
        }
    }
}

impl Moved<'_> {
    pub(super) fn member(self) -> Member {
        Member { client: self.client, user: self.user, name: self.name }
    }
}

impl Told<'_> {
    /// It, of a channel whose log is in that life, where it is known.
    pub(super) fn of(self, channel: Arc<str>, epoch: Option<Arc<str>>) -> Publication {
        Publication { channel, epoch, offset: self.offset, data: self.data, from: self.from }
    }
}
