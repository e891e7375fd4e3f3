//! What may be written of a route that is handed on to upstream servers.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::span::Span;

/// A route that is handed on, everything below its path included: HTTP and WebSocket alike, each
/// streamed both ways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Proxy {
    /// The servers behind it, such as "http://127.0.0.1:9001": `http` or `https` (`ws` and `wss` mean
    /// the same), host, port, and a path that is put in front of each request's. The one with the
    /// fewest open requests and lines is asked.
    pub upstreams: Vec<String>,

    /// The beginning of paths that the upstreams do not see, such as "/app". Default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strip_prefix: Option<String>,

    /// The `Host` that upstreams see. Default: the one the client asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,

    /// Proxies in front of this server whose `Forwarded` and `X-Forwarded-…` are believed and added
    /// to: addresses, networks such as "10.0.0.0/8", and `unix` for whoever comes by a Unix socket.
    /// What anybody else sends under these names is replaced. Default none.
    #[serde(default)]
    pub trusted_proxies: Vec<String>,

    /// How long TCP and TLS to an upstream may take. Default "5s".
    #[serde(default = "connect_within")]
    pub connect_within: Span,

    /// How long an upstream may take until its answer begins, and how long it may take nothing of a
    /// request. Default "30s".
    #[serde(default = "answer_within")]
    pub answer_within: Span,

    /// How long a line or an answer may be silent in both directions; "0s" for ever. Default "1h".
    #[serde(default = "idle_within")]
    pub idle_within: Span,

    /// Most requests and lines that one upstream has at a time. Default 10000.
    #[serde(default = "max_open")]
    #[schemars(range(min = 1))]
    pub max_open: usize,

    /// Largest body of a request, in bytes; it is streamed, not kept. Default 1073741824.
    #[serde(default = "max_body_bytes")]
    pub max_body_bytes: u64,

    /// Connections in a row that could not be made, after which an upstream is not asked for a
    /// while; 0 to ask it always. Default 3.
    #[serde(default = "max_failures")]
    pub max_failures: u32,

    /// How long it is then not asked. Default "5s".
    #[serde(default = "down_for")]
    pub down_for: Span,

    /// Asks each upstream in turn whether it lives. Default off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,

    /// Whom to believe when an upstream speaks TLS.
    #[serde(default)]
    pub tls: UpstreamTls,
}

/// How upstreams are asked whether they live: by a GET that must be answered 2xx.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Health {
    /// The path, such as "/healthz", behind the upstream's own.
    pub path: String,

    /// The time between two questions. Default "10s".
    #[serde(default = "every")]
    pub every: Span,

    /// How long the answer may take. Default "2s".
    #[serde(default = "within")]
    pub within: Span,

    /// Good answers in a row that bring an upstream back. Default 2.
    #[serde(default = "rise")]
    #[schemars(range(min = 1))]
    pub rise: u32,

    /// Bad answers in a row that take it out. Default 3.
    #[serde(default = "fall")]
    #[schemars(range(min = 1))]
    pub fall: u32,
}

/// Whom to believe when an upstream speaks TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct UpstreamTls {
    /// Roots of upstreams' certificates, a PEM file, and no others. Default: the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,

    /// The name that certificates must have. Default: the upstream's host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

const fn connect_within() -> Span {
    Span::from_secs(5)
}

const fn answer_within() -> Span {
    Span::from_secs(30)
}

const fn idle_within() -> Span {
    Span::from_secs(3_600)
}

const fn max_open() -> usize {
    10_000
}

const fn max_body_bytes() -> u64 {
    1 << 30
}

const fn max_failures() -> u32 {
    3
}

const fn down_for() -> Span {
    Span::from_secs(5)
}

const fn every() -> Span {
    Span::from_secs(10)
}

const fn within() -> Span {
    Span::from_secs(2)
}

const fn rise() -> u32 {
    2
}

const fn fall() -> u32 {
    3
}
