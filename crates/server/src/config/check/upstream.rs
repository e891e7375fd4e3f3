//! Checking where a node is, and what may be asked of it.

use super::Check;
use crate::config::error::{ConfigError, Problem};
use crate::config::source::Key;
use crate::config::upstream as file;
use crate::service::rpc::upstream::{Address, Options};

impl Check<'_> {
    /// The node written at `key`.
    pub(super) fn upstream(
        &self,
        written: &file::Upstream,
        key: &Key,
    ) -> Result<Options, ConfigError> {
        let url = &written.url;
        let Some(address) = self.node_address(url) else {
            return Err(self.fail(Problem::NodeUrl(url.clone()), &key.name("url")));
        };
        for (name, value, min, max) in [
            ("lines", written.lines, 1, 64),
            ("max_calls", written.max_calls, 1, 1 << 20),
            ("max_answer_bytes", written.max_answer_bytes, 1 << 10, 1 << 30),
            ("max_subscriptions", written.max_subscriptions, 1, 1 << 20),
            ("fill_blocks", written.fill_blocks, 0, 1_024),
        ] {
            self.in_range(value, min, max, &key.name(name))?;
        }
        for (name, span) in [("timeout", written.timeout), ("longest_wait", written.longest_wait)] {
            if span.get().is_zero() {
                return Err(self.fail(Problem::NoTime, &key.name(name)));
            }
        }
        Ok(Options {
            address,
            lines: written.lines,
            timeout: written.timeout.get(),
            longest_wait: written.longest_wait.get(),
            max_calls: written.max_calls,
            max_answer_bytes: written.max_answer_bytes,
            max_subscriptions: written.max_subscriptions,
            fill_blocks: written.fill_blocks as u64,
            repeatable: written.repeatable.clone(),
        })
    }

    fn node_address(&self, url: &str) -> Option<Address> {
        if let Some(path) = url.strip_prefix("unix:") {
            let path = self.source.resolve(std::path::Path::new(path));
            return (path.as_os_str().len() <= MAX_SOCKET_PATH).then_some(Address::Ipc(path));
        }
        let parsed: http::Uri = url.parse().ok()?;
        parsed.authority().filter(|authority| !authority.host().is_empty())?;
        match parsed.scheme_str()? {
            "http" | "https" => Some(Address::Http(url.to_owned())),
            "ws" | "wss" => Some(Address::WebSocket(url.to_owned())),
            _ => None,
        }
    }
}

/// The longest path of a Unix socket on Linux, in bytes.
const MAX_SOCKET_PATH: usize = 107;
