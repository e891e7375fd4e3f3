//! What may be written of a route with channels.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::span::Span;

/// Channels that clients publish to and subscribe to, in the native language `tieline.v1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Channels {
    /// What holds for the channels of each namespace, by its name: what stands before the first colon
    /// of theirs, and "" for those without one. There are no channels of other namespaces. Default
    /// none.
    pub namespace: BTreeMap<String, Namespace>,

    /// How long a session waits whose line is gone. Default "2m".
    pub keep_session: Span,

    /// Most bytes that wait for a session whose line is gone. Default 1048576.
    #[schemars(range(min = 1))]
    pub keep_session_bytes: usize,

    /// Most channels and patterns that one line has subscribed to. Default 100.
    #[schemars(range(min = 1))]
    pub max_subscriptions: usize,

    /// Most calls of one line that are not answered yet; then nothing more is read from it. Default
    /// 100.
    #[schemars(range(min = 1))]
    pub max_in_flight: usize,

    /// Most calls in one message. Default 100.
    #[schemars(range(min = 1))]
    pub max_batch: usize,

    /// How long a client may take to say who it is. Default "10s".
    pub connect_within: Span,
}

/// What holds for the channels of a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Namespace {
    /// Publications that are kept of each channel for who comes back; 0: nobody is given what was
    /// missed. Default 0.
    pub history: usize,

    /// Most bytes of them. Default 1048576.
    #[schemars(range(min = 1))]
    pub history_bytes: usize,

    /// How long each is kept. Default "5m".
    pub history_age: Span,

    /// "memory": what is published is gone with the server; "disk": it is acknowledged when it is on
    /// disk, and there after a loss of power. Default "memory".
    pub durability: Durability,

    /// Whether clients can ask who has subscribed. Default false.
    pub presence: bool,

    /// Whether subscribers are told who comes and goes; only with `presence`. Default false.
    pub join_leave: bool,

    /// Whether all channels that begin alike can be subscribed to at once, as `news:*`. Default false.
    pub patterns: bool,

    /// Who may subscribe. Default "all".
    pub subscribe: Who,

    /// Who may publish. Default "right".
    pub publish: Who,
}

/// Where publications are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Durability {
    /// On disk, in the server's store.
    Disk,
    /// In memory.
    #[default]
    Memory,
}

/// Who may do something in a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Who {
    /// Whoever the route lets in.
    All,
    /// Nobody but the operator.
    None,
    /// Whoever has the right `subscribe:CHANNEL` or `publish:CHANNEL`, in which a `*` at the end stands
    /// for any letters.
    Right,
}

impl Default for Channels {
    fn default() -> Self {
        Self {
            namespace: BTreeMap::new(),
            keep_session: Span::from_secs(120),
            keep_session_bytes: 1 << 20,
            max_subscriptions: 100,
            max_in_flight: 100,
            max_batch: 100,
            connect_within: Span::from_secs(10),
        }
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self {
            history: 0,
            history_bytes: 1 << 20,
            history_age: Span::from_secs(300),
            durability: Durability::Memory,
            presence: false,
            join_leave: false,
            patterns: false,
            subscribe: Who::All,
            publish: Who::Right,
        }
    }
}
