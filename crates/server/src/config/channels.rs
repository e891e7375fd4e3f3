//! What may be written of a route on which channels are spoken of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gateway::{DeviceInbox, GatewayLimits};
use super::span::Span;

/// Channels that clients publish to and subscribe to, in the native language `tieline.v1`. Which there are
/// is said by `[namespace.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Channels {
    /// How long a session waits whose line is gone. Default "2m".
    pub keep_session: Span,

    /// Most bytes that wait for a session whose line is gone. Default 1048576.
    #[schemars(range(min = 1))]
    pub keep_session_bytes: usize,

    /// Most sessions whose line is gone; of any more, each ends with its line. Default 100000.
    #[schemars(range(min = 1))]
    pub max_kept_sessions: usize,

    /// Most bytes that wait for all sessions together; beyond it, a session for which more would wait
    /// cannot go on over another line. Default 268435456.
    #[schemars(range(min = 1))]
    pub max_kept_bytes: usize,

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

    /// Over how long clients come back when the server stops: each is told to wait for a random part
    /// of it. Default "5s".
    pub leave_over: Span,

    /// The path of a route of the kind "rpc", whose methods `call` calls. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub methods: Option<String>,

    /// Lets lines register as devices, which are sent messages also while they are away. Default off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devices: Option<LineDevices>,
}

/// Devices on the native line. They are in one directory with those of gateways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct LineDevices {
    /// What is kept for devices that are away.
    pub inbox: DeviceInbox,

    /// Devices that are known, on line or registered. Default 100000.
    #[schemars(range(min = 1))]
    pub max_devices: usize,

    /// How long a registration is kept for a device that does not come back. Default "720h".
    pub forget_after: Span,
}

impl Default for Channels {
    fn default() -> Self {
        Self {
            keep_session: Span::from_secs(120),
            keep_session_bytes: 1 << 20,
            max_kept_sessions: 100_000,
            max_kept_bytes: 256 << 20,
            max_subscriptions: 100,
            max_in_flight: 100,
            max_batch: 100,
            connect_within: Span::from_secs(10),
            leave_over: Span::from_secs(5),
            methods: None,
            devices: None,
        }
    }
}

impl Default for LineDevices {
    fn default() -> Self {
        let limits = GatewayLimits::default();
        Self {
            inbox: DeviceInbox::default(),
            max_devices: limits.max_devices,
            forget_after: limits.forget_after,
        }
    }
}
