//! What may be written of a route: its service, its page, and who may come.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::Access;
use super::channels::Channels;
use super::command::Command;
use super::gateway::Gateway;
use super::proxy::Proxy;
use super::rate::Rate;
use super::rpc::Rpc;
use super::shell::Shell;
use super::span::Span;
use super::tail::Tail;
use super::terminal::Terminal;

/// Where the server says that it lives, whatever the routes are.
pub(crate) const HEALTH_PATH: &str = "/healthz";

/// What stands at one path: a service for WebSockets, a page for browsers, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Route {
    /// The path, such as "/" or "/chat". It is compared letter for letter.
    pub path: String,

    /// What answers a WebSocket here. Default nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,

    /// What a browser is shown here. Default nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<Page>,

    /// Who may come to the service. Default { kind = "none" }: everybody.
    #[serde(default)]
    pub access: Access,

    /// Pages that may open a WebSocket here, and call JSON-RPC by POST: `https://example.com`,
    /// `null` for pages opened from disk, `same-origin` for the server's own. The list is exact. A
    /// request without an origin does not come from a page and is let in. Default ["same-origin"].
    #[serde(default = "same_origin")]
    pub origins: Vec<String>,

    /// Lets any page open a WebSocket here, with the rights of whoever looks at it. Default false.
    #[serde(default)]
    pub danger_accept_any_origin: bool,

    /// Lets everybody come to a command, a shell, a tail or a terminal where other machines reach it, and
    /// `access` asks nobody who they are. Default false.
    #[serde(default)]
    pub danger_without_access: bool,

    /// Lets lines be carried over HTTP requests as well, to `open`, `events`, `stream`, `poll`, `send` and
    /// `close` below the path, where a WebSocket does not get through. Default true for channels, and
    /// false for every other service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carriers: Option<bool>,

    /// Subprotocols spoken here, the preferred first; the first that the client offers is chosen.
    /// Default none.
    #[serde(default)]
    pub subprotocols: Vec<String>,

    /// permessage-deflate for clients that offer it; `{}` switches it on. Default off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,

    /// What one line may cost.
    #[serde(default)]
    pub limits: Limits,
}

/// What answers a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Service {
    /// Channels that clients publish to and subscribe to.
    Channels(Channels),
    /// A chat in plain text, where the server knows everybody by address.
    Chat {},
    /// A program's input and output.
    Command(Box<Command>),
    /// A shared counter, with the number of users.
    Counter {},
    /// What arrives goes back.
    Echo {},
    /// Devices call backends, and backends notify devices.
    Gateway(Box<Gateway>),
    /// What upstream servers answer, everything below the path included.
    Proxy(Box<Proxy>),
    /// A chat where the server gives everybody an id.
    Room {},
    /// JSON-RPC 2.0 in both directions.
    Rpc(Box<Rpc>),
    /// A shared counter, and commands whose results all hear.
    Shell(Box<Shell>),
    /// Lines of files, of commands and of files of other machines, as they are written.
    Tail(Box<Tail>),
    /// A program in a terminal, which lives on when nobody watches.
    Terminal(Box<Terminal>),
}

impl Service {
    /// The namespace of the channel that is its own, where it has one.
    pub(crate) const fn own_namespace(&self) -> Option<&'static str> {
        match self {
            Self::Chat {} => Some("chat"),
            Self::Counter {} => Some("counter"),
            Self::Room {} => Some("room"),
            _ => None,
        }
    }
}

/// What a browser is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Page {
    /// The built-in page of a command, a shell, a tail or a terminal, below a path that ends with `/`.
    Bridge {
        /// The path of the route whose service that is.
        route: String,
    },
    /// The page that is built into the server.
    Console {},
    /// One file from disk.
    File {
        /// The file.
        path: PathBuf,
    },
    /// A folder from disk and what lies in it, below the route's path; `index.html` at the path
    /// itself. Nothing outside the folder is served, and no link that leads out of it is followed.
    Folder {
        /// The folder.
        path: PathBuf,
    },
}

/// permessage-deflate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Compression {
    /// Whether it is spoken. Default true, where the table is there.
    pub enabled: bool,

    /// Effort, from 1 (fastest) to 9 (smallest). Default 4.
    #[schemars(range(min = 1, max = 9))]
    pub level: u32,

    /// Shortest message that is compressed, in bytes. Default 128.
    pub min_bytes: usize,

    /// Whether windows are kept from message to message, which costs memory for every line.
    /// Default true.
    pub context_takeover: bool,

    /// Largest window of the server's compressor, as a power of two, 9 to 15. Default 15.
    #[schemars(range(min = 9, max = 15))]
    pub max_window_bits: u8,
}

/// What one line may cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Limits {
    /// Largest message, after inflation, in bytes. Default 65536.
    #[schemars(range(min = 1))]
    pub max_message_bytes: usize,

    /// Most fragments of one message, empty ones counted. Default 4096.
    #[schemars(range(min = 1))]
    pub max_fragments: usize,

    /// Most bytes that wait for a peer that does not read. Default 1048576.
    #[schemars(range(min = 1))]
    pub backlog_bytes: usize,

    /// Silence after which a peer is pinged; "0s" never pings. Default "25s".
    pub ping_after: Span,

    /// How long it may then stay silent; more than "0s". Default "10s".
    pub pong_within: Span,

    /// How long it may take to answer a close. Default "5s".
    pub close_within: Span,

    /// Messages of one line, such as "100/1s": as many at once, and then evenly. Default no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Rate>,

    /// Bytes of one line's messages, such as "1048576/1s". Default no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Rate>,

    /// Messages of all lines of one address together; an address of IPv6 stands for its /64. Not
    /// counted over Unix sockets. Default no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages_per_address: Option<Rate>,

    /// Bytes of the messages of all lines of one address together. Default no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_address: Option<Rate>,

    /// Messages of all lines together of one user of a route with `access`. Default no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages_per_user: Option<Rate>,

    /// Bytes of the messages of all lines together of one user. Default no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_user: Option<Rate>,

    /// What happens to a line above one of these: "pause" reads nothing from it until it
    /// is within them again, or ends it with 1008 where that would take more than a minute; "close"
    /// ends it at once. Default "pause".
    pub excess: Excess,

    /// Lines opened and requests made from one address, such as "60/1m"; an address of IPv6 stands
    /// for its /64. Not counted over Unix sockets. Default no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connects_per_address: Option<Rate>,

    /// Lines opened and requests made by one user of a route with `access`. Default no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connects_per_user: Option<Rate>,

    /// Lines open at a time from one address. Default no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub lines_per_address: Option<u32>,

    /// Lines open at a time of one user of a route with `access`. Default no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub lines_per_user: Option<u32>,
}

/// What happens to a line that says too much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Excess {
    /// It is closed with 1008.
    Close,
    /// It is not read from until it is within its limits again.
    #[default]
    Pause,
}

impl Default for Compression {
    fn default() -> Self {
        Self {
            enabled: true,
            level: 4,
            min_bytes: 128,
            context_takeover: true,
            max_window_bits: 15,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message_bytes: 64 << 10,
            max_fragments: 4_096,
            backlog_bytes: 1 << 20,
            ping_after: Span::from_secs(25),
            pong_within: Span::from_secs(10),
            close_within: Span::from_secs(5),
            messages: None,
            bytes: None,
            messages_per_address: None,
            bytes_per_address: None,
            messages_per_user: None,
            bytes_per_user: None,
            excess: Excess::default(),
            connects_per_address: None,
            connects_per_user: None,
            lines_per_address: None,
            lines_per_user: None,
        }
    }
}

fn same_origin() -> Vec<String> {
    vec![SAME_ORIGIN.to_owned()]
}

/// The word that stands for the server's own pages in a list of origins.
pub(super) const SAME_ORIGIN: &str = "same-origin";
