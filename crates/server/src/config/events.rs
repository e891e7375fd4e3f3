//! What may be written of the events of a route: who is told, and what waits meanwhile.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::span::Span;

/// Who is told when devices come and go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Events {
    /// The backend that is told.
    pub backend: String,

    /// The path of the POST, below the backend's own. Default "/events".
    #[serde(default = "path")]
    pub path: String,

    /// Whether they outlive the server, in its store. Default: where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub durable: Option<bool>,

    /// A device that is back within this time was never away: neither its `disconnected` nor its
    /// `connected` is told. "0s" tells all. Default "0s".
    #[serde(default = "grace")]
    pub grace: Span,

    /// Most events that wait; of one more the oldest is put on the list of the dead. Default 100000.
    #[serde(default = "max_waiting")]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_waiting: usize,

    /// How often one event is sent before it is put on the list of the dead. Default 50.
    #[serde(default = "max_tries")]
    #[schemars(range(min = 1))]
    pub max_tries: u32,

    /// The age at which it is put there in any case. Default "24h".
    #[serde(default = "max_age")]
    pub max_age: Span,

    /// Most dead events that are kept; of one more the oldest is forgotten. Default 10000.
    #[serde(default = "max_dead")]
    #[schemars(range(max = 1_000_000))]
    pub max_dead: usize,
}

fn path() -> String {
    "/events".to_owned()
}

const fn grace() -> Span {
    Span::from_secs(0)
}

const fn max_waiting() -> usize {
    100_000
}

const fn max_tries() -> u32 {
    50
}

const fn max_age() -> Span {
    Span::from_secs(24 * 3_600)
}

const fn max_dead() -> usize {
    10_000
}
