//! Where a node is and how it is used, checked.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::backoff::{Random, Waits};
pub(crate) use crate::config::OnGap;

/// Longest wait after the first failure, and how long a line must have been open for the doubling to
/// start anew.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const STABLE: Duration = Duration::from_secs(5);

/// How a node is used. Made from the configuration, which says what each means.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) address: Address,
    pub(crate) lines: usize,
    pub(crate) timeout: Duration,
    pub(crate) longest_wait: Duration,
    pub(crate) max_calls: usize,
    pub(crate) max_answer_bytes: usize,
    pub(crate) max_subscriptions: usize,
    pub(crate) fill_blocks: u64,
    pub(crate) repeatable: Vec<String>,
    pub(crate) on_gap: OnGap,
}

impl Options {
    /// How long to wait before the node is tried again.
    pub(super) const fn waits(&self) -> Waits {
        let (first, longest) = (FIRST_WAIT, self.longest_wait);
        Waits { first, longest, stable: STABLE, random: Random::Whole }
    }
}

/// Where a node is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// `http://` or `https://`: calls only.
    Http(String),
    /// A Unix socket.
    Ipc(PathBuf),
    /// `ws://` or `wss://`.
    WebSocket(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipc(path) => write!(f, "unix:{}", path.display()),
            // What follows the host is often a key, and what precedes it a password.
            Self::Http(url) | Self::WebSocket(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
                let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
                let host = authority.rsplit('@').next().unwrap_or_default();
                write!(f, "{scheme}://{host}")
            }
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        let shown = |url: &str| Address::WebSocket(url.to_owned()).to_string();
        assert_eq!(shown("wss://user:word@node.example/v3/key?k=1"), "wss://node.example");
        assert_eq!(shown("ws://[::1]:8545"), "ws://[::1]:8545");
        assert_eq!(Address::Ipc("/run/node.ipc".into()).to_string(), "unix:/run/node.ipc");
    }
}
