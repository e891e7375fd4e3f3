//! What may be written of a route that speaks JSON-RPC.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::span::Span;
use super::upstream::Upstream;

/// JSON-RPC 2.0 over WebSocket, HTTP POST and, where a listener says `ipc`, a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Rpc {
    /// How a line is spoken on. Default "plain".
    pub dialect: RpcDialect,

    /// Whether there are methods to try a client with. Default false.
    pub demo: bool,

    /// Methods that may be called: names in which `*` stands for any letters. Default all, of a node
    /// ["eth_*", "net_*", "web3_*"].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<String>>,

    /// Methods that may not be called, whatever `allow` says. Default none.
    pub deny: Vec<String>,

    /// An HTTP backend that answers methods. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend: Option<RpcBackend>,

    /// A node that answers every method, and takes every subscription, that nothing else does.
    /// Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Upstream>,

    /// How often methods may be called. Default as often as the limits allow.
    pub rate: Vec<RpcRate>,

    /// Answers that are given again for a while. Default none.
    pub cache: Vec<RpcCache>,

    /// What all kept answers may take together, in bytes. Default 67108864.
    #[schemars(range(min = 1))]
    pub cache_bytes: usize,

    /// Events, logins and namespaces of the dialect `rpc_websockets`.
    pub rpc_websockets: RpcWebsockets,

    /// What calls may cost.
    pub limits: RpcLimits,
}

/// How a line is spoken on, also without HTTP (`ipc`). By POST it is always plain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RpcDialect {
    /// As npm `jsonrpc-bidirectional`: no batches, parameters in an array.
    JsonrpcBidirectional,
    /// JSON-RPC 2.0.
    #[default]
    Plain,
    /// As npm `rpc-websockets`: events, logins, and a namespace for each path below the route's.
    RpcWebsockets,
}

/// An HTTP backend that answers methods: each call is a POST of JSON-RPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RpcBackend {
    /// The name of a `[[backend]]`.
    pub name: String,

    /// What is appended to the backend's path. Default "/".
    #[serde(default = "root")]
    pub path: String,

    /// The methods that it answers: names in which `*` stands for any letters.
    pub methods: Vec<String>,
}

/// How often some methods may be called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RpcRate {
    /// The methods: names in which `*` stands for any letters.
    pub methods: Vec<String>,

    /// How many calls, at once or spread.
    #[schemars(range(min = 1))]
    pub calls: u32,

    /// Within how long. Default "1s".
    #[serde(default = "second")]
    pub within: Span,

    /// Whose calls are counted together. Default "address".
    #[serde(default)]
    pub of: RateOf,
}

/// Whose calls are counted together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RateOf {
    /// Those of one IP address; of IPv6 its first 64 bits. All Unix sockets are one.
    #[default]
    Address,
    /// Those of everybody.
    Route,
}

/// Answers that are given again for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RpcCache {
    /// The methods: names in which `*` stands for any letters.
    pub methods: Vec<String>,

    /// For how long.
    pub within: Span,
}

/// Events, logins and namespaces of the dialect `rpc_websockets`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RpcWebsockets {
    /// Events that can be listened to, in every namespace. Default none.
    pub events: Vec<String>,

    /// Events that can be listened to after a login: an `rpc.login` that answers true, or where the
    /// program has none and the route asks for tokens, a newer token. Default none.
    pub protected_events: Vec<String>,

    /// Methods that can be called after a login, and not by POST: names in which `*` stands for any
    /// letters. Default none.
    pub protected_methods: Vec<String>,
}

/// What calls may cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RpcLimits {
    /// Largest result or error of a call, and all answers of a batch together, in bytes. Default
    /// 25000000.
    #[schemars(range(min = 1))]
    pub max_answer_bytes: usize,

    /// Most calls in a batch. Default 1000.
    #[schemars(range(min = 1))]
    pub max_batch: usize,

    /// Largest body of a POST, in bytes. Default 5242880.
    #[schemars(range(min = 1))]
    pub max_body_bytes: usize,

    /// Most calls to a client that it has not answered. Default 64.
    #[schemars(range(min = 1))]
    pub max_client_calls: usize,

    /// Most calls of one line at a time, a batch counted as one; then it is not read from. Default
    /// 64.
    #[schemars(range(min = 1))]
    pub max_in_flight: usize,

    /// Most subscriptions of one line. Default 128.
    #[schemars(range(min = 1))]
    pub max_subscriptions: usize,

    /// How long a call, a batch or the body of a POST may take. Default "30s".
    pub call_within: Span,

    /// How long a client may take to answer a call. Default "30s".
    pub client_call_within: Span,
}

impl Default for Rpc {
    fn default() -> Self {
        Self {
            dialect: RpcDialect::Plain,
            demo: false,
            allow: None,
            deny: Vec::new(),
            backend: None,
            upstream: None,
            rate: Vec::new(),
            cache: Vec::new(),
            cache_bytes: 64 << 20,
            rpc_websockets: RpcWebsockets::default(),
            limits: RpcLimits::default(),
        }
    }
}

impl Default for RpcLimits {
    fn default() -> Self {
        Self {
            max_answer_bytes: 25_000_000,
            max_batch: 1_000,
            max_body_bytes: 5 << 20,
            max_client_calls: 64,
            max_in_flight: 64,
            max_subscriptions: 128,
            call_within: Span::from_secs(30),
            client_call_within: Span::from_secs(30),
        }
    }
}

fn root() -> String {
    "/".to_owned()
}

const fn second() -> Span {
    Span::from_secs(1)
}
