//! What may be written of channels, by their namespaces: for all routes, and for whoever publishes otherwise.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::span::Span;

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

    /// Most bytes that are kept of all channels together, keys of publications included; beyond it, the
    /// channel that is published to keeps less. Default 268435456.
    #[schemars(range(min = 1))]
    pub max_bytes: usize,

    /// Most channels that somebody hears, or of which something is kept; whoever asks for another is
    /// answered 4011. Default 1000000.
    #[schemars(range(min = 1))]
    pub max_channels: usize,

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

    /// What becomes of a subscriber that reads too slowly. "close": its line is closed with 1013 when its
    /// backlog is full, and it is given what it missed when it is back; "skip": its line lives, it is told
    /// nothing more of the channel until it has read, and then of the gap. Default "close".
    pub slow: Slow,

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

/// What becomes of a subscriber that reads too slowly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Slow {
    /// Its line is closed with 1013 when its backlog is full.
    #[default]
    Close,
    /// It is told nothing more of the channel until it has read, and then of the gap.
    Skip,
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

impl Default for Namespace {
    fn default() -> Self {
        Self {
            history: 0,
            history_bytes: 1 << 20,
            max_bytes: 256 << 20,
            max_channels: 1_000_000,
            history_age: Span::from_secs(300),
            durability: Durability::Memory,
            presence: false,
            join_leave: false,
            patterns: false,
            slow: Slow::Close,
            subscribe: Who::All,
            publish: Who::Right,
        }
    }
}
