//! What may be written of a gateway: its APIs, who may sign, its inboxes and its limits.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events::Events;
use super::span::Span;

/// An API gateway: what devices say becomes HTTP calls to backends, and what backends say becomes
/// messages to devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Gateway {
    /// What devices and backends may call.
    pub api: Vec<Api>,

    /// Applications, which sign their calls. Default none.
    pub app: Vec<GatewayApp>,

    /// What is kept for devices that are away.
    pub inbox: DeviceInbox,

    /// Where it is told that devices come and go. Default nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Events>,

    /// How often a device says that it lives; after three times as long it is given up. Default "25s".
    pub keep_alive: Span,

    /// From the open line to `RG`, or to the first notification of a backend. Default "10s".
    pub bind_within: Span,

    /// From `RG` to a REGISTER that succeeds, where there is a REGISTER API; "0s" for ever. Default "60s".
    pub register_within: Span,

    /// How long a device may keep one line; then it is told `CR`. Up to a tenth less, at random, so
    /// that devices which came together do not leave together; "0s" for ever. Default "24h".
    pub line_life: Span,

    /// How long a device may take to leave after `CR` or `OS`; at least 10 s. Default "15s".
    pub leave_within: Span,

    /// Over which time devices are told to leave when the server stops, each in its turn; shorter for
    /// a few, and never more than three quarters of `drain`. "0s" tells all at once. Default "5s".
    pub leave_over: Span,

    /// From a call to its answer, waiting for those before it included; then an error is answered.
    /// Devices wait 10 s. Default "9s".
    pub answer_within: Span,

    /// What one device, and all of them, may cost.
    pub limits: GatewayLimits,
}

/// One API: what is called by a device or a backend, and what happens then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Api {
    /// "common", "register", "unregister" or "notify". Default "common".
    #[serde(default, rename = "type")]
    pub kind: ApiKind,

    /// The method of the call. Default "POST".
    #[serde(default = "post")]
    pub method: String,

    /// The path of the call, such as "/orders/{id}"; a name in braces is one segment.
    pub path: String,

    /// The backend that is called, by its name; not for "notify".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,

    /// The path at the backend, with the names in braces that the path has. Default the call's path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_path: Option<String>,

    /// The method at the backend. Default that of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_method: Option<String>,

    /// How the backend is spoken to. Default "http".
    #[serde(default)]
    pub speaks: BackendSpeaks,

    /// How long the backend may take. Default the backend's own timeout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,

    /// Whether calls must be signed by an application. Default true.
    #[serde(default = "yes")]
    pub signed: bool,

    /// The keys of the applications that may call it. Default all; "notify" must name its own, since
    /// every device has the key of some application.
    #[serde(default)]
    pub apps: Vec<String>,

    /// Whether a device's calls go to the backend one after the other, in the device's order.
    /// Calls without order run beside them. Default true.
    #[serde(default = "yes")]
    pub ordered: bool,
}

/// What an API is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "the dialect has these four")]
pub enum ApiKind {
    /// A call of a device to a backend.
    #[default]
    Common,
    /// A backend's message to a device.
    Notify,
    /// A device can be reached from now on, if the backend answers 200.
    Register,
    /// It cannot any more, if the backend answers 200.
    Unregister,
}

/// How a backend is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum BackendSpeaks {
    /// As a function: the call is posted as a JSON object, and one comes back.
    Function,
    /// As the device spoke: method, path, query, headers and body.
    #[default]
    Http,
}

/// An application: a key that is known, and a secret that signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct GatewayApp {
    /// `x-ca-key` of its calls.
    pub key: String,

    /// A file with the secret, white space around it left out.
    pub secret_file: PathBuf,
}

/// What is kept for a device that is away, and until it has answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct DeviceInbox {
    /// Messages that wait for one device; 0 keeps none. Default 100.
    pub max_messages: usize,

    /// Their bytes. Default 262144.
    pub max_bytes: usize,

    /// How long a message waits. Default "24h".
    pub time_to_live: Span,

    /// Whether inboxes and registrations outlive the server; needs `[store]`. Default false.
    pub durable: bool,

    /// Whether a message stays until the device has acknowledged it (by `NO` at a gateway, by `received` on
    /// the native line), and is sent again when it registers on a new line: a device may then see it
    /// twice. Default: at a gateway false, on the native line true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_acknowledged: Option<bool>,
}

/// What one device, and all of them, may cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct GatewayLimits {
    /// Devices that are known, on line or registered; beyond, a new one is told `OS`. Default 100000.
    pub max_devices: usize,

    /// How long a registration is kept for a device that does not come back. Default "720h".
    pub forget_after: Span,

    /// `RG` that are answered in a second, all workers together; more wait, up to 8 s. Default 1000.
    pub binds_per_second: u32,

    /// Texts in a second of one device, in the long run; beyond twice as many at once it is told `OS`.
    /// Default 50.
    pub texts_per_second: u32,

    /// Heartbeats in a second of one device that are answered, in the long run. Default 2.
    pub beats_per_second: u32,

    /// Calls of one device without order that run at a time. Default 8.
    pub max_running: usize,

    /// Calls of one device that wait; then nothing more is read from it. Default 32.
    pub max_waiting: usize,

    /// Notifications of one backend's line that run at a time; then nothing more is read from it. Default 256.
    pub max_notifying: usize,

    /// Largest notification, in bytes. Default 65536.
    pub max_notify_bytes: usize,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            api: Vec::new(),
            app: Vec::new(),
            inbox: DeviceInbox::default(),
            events: None,
            keep_alive: Span::from_secs(25),
            bind_within: Span::from_secs(10),
            register_within: Span::from_secs(60),
            line_life: Span::from_secs(24 * 60 * 60),
            leave_within: Span::from_secs(15),
            leave_over: Span::from_secs(5),
            answer_within: Span::from_secs(9),
            limits: GatewayLimits::default(),
        }
    }
}

impl Default for DeviceInbox {
    fn default() -> Self {
        Self {
            max_messages: 100,
            max_bytes: 256 << 10,
            time_to_live: Span::from_secs(24 * 60 * 60),
            durable: false,
            until_acknowledged: None,
        }
    }
}

impl Default for GatewayLimits {
    fn default() -> Self {
        Self {
            max_devices: 100_000,
            forget_after: Span::from_secs(720 * 60 * 60),
            binds_per_second: 1_000,
            texts_per_second: 50,
            beats_per_second: 2,
            max_running: 8,
            max_waiting: 32,
            max_notifying: 256,
            max_notify_bytes: 64 << 10,
        }
    }
}

fn post() -> String {
    "POST".to_owned()
}

const fn yes() -> bool {
    true
}
