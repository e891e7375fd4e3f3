//! The configuration as it is written: every key, its meaning and its default.
//!
//! The comments of the fields become the descriptions of `tieline config schema`. Nothing here is
//! checked beyond its shape; [`Plan`](super::Plan) is what comes out of checking it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::backend::Backend;
use super::error::{ConfigError, Problem};
use super::namespace::Namespace;
use super::operator::Operator;
use super::rate::Rate;
use super::route::Route;
use super::source::Source;
use super::span::Span;
use super::store::Store;
use super::tls::Tls;

/// A configuration file of `tieline serve`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct File {
    /// Threads that serve, each with its own connections. Default: one for each core.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1024))]
    pub workers: Option<usize>,

    /// How long open lines may take to end when the server stops, such as "10s". Default "10s".
    pub drain: Span,

    /// What is logged, and how.
    pub log: Log,

    /// Where it is kept what must outlive the server. Default: nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<Store>,

    /// HTTP servers behind this one, which services call by their names. Default none.
    pub backend: Vec<Backend>,

    /// The operator's side: metrics, health, the device API. Default off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<Operator>,

    /// What holds for channels, by their namespace: what stands before the first colon of their names,
    /// and "" for those without one. There are no channels of other namespaces. Default none.
    pub namespace: BTreeMap<String, Namespace>,

    /// Where the server listens. Default: one listener at 127.0.0.1:8080.
    pub listener: Vec<Listener>,

    /// What the server serves, and where.
    pub route: Vec<Route>,
}

/// What is logged, and how. Logs go to standard error; payloads are never among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Log {
    /// "text" or "json". Default: text on a terminal, JSON otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<LogFormat>,

    /// The least important level that is logged. Default "info".
    pub level: LogLevel,
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// One line of text, for people.
    Text,
}

/// How important a line of the log is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "the levels are those of every logger")]
pub enum LogLevel {
    /// What kept the server from doing its work.
    Error,
    /// What an operator should look at.
    Warn,
    /// Who came, who left, and why.
    #[default]
    Info,
    /// What was refused or ignored, and why.
    Debug,
    /// Everything.
    Trace,
}

/// A place where the server listens: an address or a Unix socket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Listener {
    /// IP address and port, such as `127.0.0.1:8080` or `[::]:443`. Port 0 takes a free one.
    ///
    /// `0.0.0.0` is all of IPv4 and `[::]` all of IPv6 only: for both, write two listeners. A
    /// connection that has been silent for a minute is probed by TCP (keep-alive), and given up
    /// when the other end has not answered for another minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,

    /// Path of a Unix socket, instead of an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unix: Option<PathBuf>,

    /// Path of a Unix socket that speaks JSON-RPC without HTTP, instead of an address: JSON values
    /// one behind the other, each answer on a line. It is its owner's alone (mode 0600), and its path
    /// at most 107 bytes long. `route` says what is spoken to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipc: Option<PathBuf>,

    /// The path of the route that is spoken to at `ipc`; its service is of the kind "rpc".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,

    /// A socket that systemd has opened (socket activation), instead of an address: its
    /// `FileDescriptorName=`, or the name of the socket unit where that has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub systemd: Option<String>,

    /// Whether the old drafts hixie-75 and hixie-76 are spoken here. Default false.
    ///
    /// They do not mask what clients send: never behind a caching proxy.
    pub legacy: bool,

    /// Names that requests may give as `Host`. A listener on a loopback address answers to
    /// `localhost`, `127.0.0.1`, `[::1]` and to these; another one to every name, or where some are
    /// listed to the same. Default none.
    pub hosts: Vec<String>,

    /// TLS: https and wss instead of http and ws. Default off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,

    /// What a connection may cost before it has said what it wants.
    pub limits: HandshakeLimits,
}

/// What a connection may cost before it has said what it wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct HandshakeLimits {
    /// From the connection to the answer: TLS, head and handshake together; more than "0s". Default
    /// "10s".
    pub handshake_within: Span,

    /// Longest request head, in bytes. Default 16384.
    #[schemars(range(min = 256))]
    pub max_head_bytes: usize,

    /// Most header lines in a request. Default 100.
    #[schemars(range(min = 1))]
    pub max_headers: usize,

    /// Lines opened and requests made to services from one address, whatever the route, such as
    /// "60/1m"; an address of IPv6 stands for its /64. Not counted over Unix sockets. Default no
    /// limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connects_per_address: Option<Rate>,

    /// Lines open at a time from one address, whatever the route. Default no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub lines_per_address: Option<u32>,
}

impl File {
    /// The address listened at where nothing says another.
    pub const DEFAULT_ADDRESS: &str = "127.0.0.1:8080";

    /// What is served where no file says otherwise: the page and the demos.
    pub fn builtin() -> (Self, Source) {
        let source = Source::new("built-in configuration", include_str!("builtin.toml"));
        let file = Self::parse(&source).expect("the built-in configuration is tested");
        (file, source)
    }

    /// Reads a configuration.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for text that is not TOML, a key that is unknown or missing, and a value of
    /// the wrong type; it knows the line, the column and the key.
    pub fn parse(source: &Source) -> Result<Self, ConfigError> {
        toml::from_str(source.text()).map_err(|error| Problem::of_toml(&error, source))
    }

    /// The configuration as TOML text, defaults written out.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("every value of a configuration has its TOML")
    }

    /// The JSON schema of configuration files, with what each key means.
    pub fn schema() -> schemars::Schema {
        schemars::schema_for!(Self)
    }
}

impl Default for File {
    fn default() -> Self {
        Self {
            workers: None,
            drain: Span::from_secs(10),
            log: Log::default(),
            store: None,
            backend: Vec::new(),
            operator: None,
            namespace: BTreeMap::new(),
            listener: Vec::new(),
            route: Vec::new(),
        }
    }
}

impl Default for HandshakeLimits {
    fn default() -> Self {
        Self {
            handshake_within: Span::from_secs(10),
            max_head_bytes: 16 << 10,
            max_headers: 100,
            connects_per_address: None,
            lines_per_address: None,
        }
    }
}
