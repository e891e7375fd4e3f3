//! What may be written of a node behind a route of JSON-RPC.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::span::Span;
use crate::service::rpc::upstream::{Address, Options};

/// A node: where it is, and what may be asked of it at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Upstream {
    /// Where the node is: "ws://127.0.0.1:8545", "wss://…", "http://…", "https://…", or
    /// "unix:/run/node.ipc" for its Unix socket; a relative path starts from the folder of this
    /// file. Over HTTP there are no subscriptions.
    pub url: String,

    /// Lines to the node, shared by all clients; over HTTP, connections that are kept open while
    /// nobody needs them. Default 1.
    #[serde(default = "lines")]
    #[schemars(range(min = 1, max = 64))]
    pub lines: usize,

    /// How long the node may take to answer one call, the wait for a node that is away included.
    /// Default "30s".
    #[serde(default = "timeout")]
    pub timeout: Span,

    /// Longest wait before a node that is away is tried again. The first is at most 250 ms; each
    /// is twice as long, and a random part of it is waited. Default "10s".
    #[serde(default = "longest_wait")]
    pub longest_wait: Span,

    /// Most calls that wait for the node's answer at a time; one more is refused with -32005.
    /// Default 1024.
    #[serde(default = "max_calls")]
    #[schemars(range(min = 1, max = 1_048_576))]
    pub max_calls: usize,

    /// Largest answer of the node, in bytes. Default 33554432.
    #[serde(default = "max_answer_bytes")]
    #[schemars(range(min = 1_024, max = 1_073_741_824))]
    pub max_answer_bytes: usize,

    /// Most different subscriptions at the node, however many clients share each. Default 1000.
    #[serde(default = "max_subscriptions")]
    #[schemars(range(min = 1, max = 1_048_576))]
    pub max_subscriptions: usize,

    /// Most blocks that are read from a node that comes back, so that subscribers to `newHeads`
    /// and `logs` miss nothing; they are told of a gap where there are more. 0 reads none, and
    /// tells every gap. Default 128.
    #[serde(default = "fill_blocks")]
    #[schemars(range(min = 0, max = 1_024))]
    pub fill_blocks: usize,

    /// Methods of this node that only read, beside those that are known: they wait for a node that
    /// is away, and are asked again where their answer was lost. Default none.
    #[serde(default)]
    pub repeatable: Vec<String>,

    /// What becomes of a client that has missed something which cannot be read afterwards, and has
    /// not asked to be told with the method `tieline_gaps`. Default "go_on".
    #[serde(default)]
    pub on_gap: OnGap,
}

/// What becomes of a client that has missed something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnGap {
    /// Its line is closed with 1013, so that it subscribes anew.
    Close,
    /// It goes on with what comes next.
    #[default]
    GoOn,
}

/// What a node's Unix socket begins with.
pub(super) const UNIX: &str = "unix:";

/// The longest path of a Unix socket on Linux, in bytes.
const MAX_SOCKET_PATH: usize = 107;

impl Upstream {
    /// What is written, for who uses it; `None` where `url` is none of a node.
    pub(crate) fn options(&self) -> Option<Options> {
        Some(Options {
            address: self.address()?,
            lines: self.lines,
            timeout: self.timeout.get(),
            longest_wait: self.longest_wait.get(),
            max_calls: self.max_calls,
            max_answer_bytes: self.max_answer_bytes,
            max_subscriptions: self.max_subscriptions,
            fill_blocks: self.fill_blocks as u64,
            repeatable: self.repeatable.clone(),
            on_gap: self.on_gap,
        })
    }

    fn address(&self) -> Option<Address> {
        let url = &self.url;
        if let Some(path) = url.strip_prefix(UNIX) {
            let fits = (1..=MAX_SOCKET_PATH).contains(&path.len());
            return fits.then(|| Address::Ipc(path.into()));
        }
        let parsed: http::Uri = url.parse().ok()?;
        parsed.authority().filter(|authority| !authority.host().is_empty())?;
        match parsed.scheme_str()? {
            "http" | "https" => Some(Address::Http(url.clone())),
            "ws" | "wss" => Some(Address::WebSocket(url.clone())),
            _ => None,
        }
    }
}

const fn lines() -> usize {
    1
}

const fn timeout() -> Span {
    Span::from_secs(30)
}

const fn longest_wait() -> Span {
    Span::from_secs(10)
}

const fn max_calls() -> usize {
    1_024
}

const fn max_answer_bytes() -> usize {
    32 << 20
}

const fn max_subscriptions() -> usize {
    1_000
}

const fn fill_blocks() -> usize {
    128
}
