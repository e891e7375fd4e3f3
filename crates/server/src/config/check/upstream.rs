//! Checking where a node is, and what may be asked of it.

use std::path::Path;

use super::Check;
use crate::config::error::{ConfigError, Problem};
use crate::config::route::Service;
use crate::config::source::Key;
use crate::config::upstream::{UNIX, Upstream};

impl Check<'_> {
    /// The node written at `key`.
    pub(super) fn upstream(&self, written: &Upstream, key: &Key) -> Result<(), ConfigError> {
        let url = &written.url;
        if self.resolved(written).options().is_none() {
            return Err(self.fail(Problem::NodeUrl(url.clone()), &key.name("url")));
        }
        for (name, value, min, max) in [
            ("lines", written.lines, 1, 64),
            ("max_calls", written.max_calls, 1, 1 << 20),
            ("max_answer_bytes", written.max_answer_bytes, 1 << 10, 1 << 30),
            ("max_subscriptions", written.max_subscriptions, 1, 1 << 20),
            ("fill_blocks", written.fill_blocks, 0, 1_024),
        ] {
            self.in_range(value, min, max, &key.name(name))?;
        }
        self.lasting(written.timeout, &key.name("timeout"))?;
        self.lasting(written.longest_wait, &key.name("longest_wait"))
    }

    /// The service with the paths in it as they are seen from anywhere.
    pub(super) fn service(&self, written: &Service) -> Service {
        let mut service = written.clone();
        if let Service::Rpc(rpc) = &mut service
            && let Some(upstream) = &mut rpc.upstream
        {
            *upstream = self.resolved(upstream);
        }
        service
    }

    fn resolved(&self, written: &Upstream) -> Upstream {
        let mut upstream = written.clone();
        if let Some(path) = written.url.strip_prefix(UNIX) {
            let path = self.source.resolve(Path::new(path));
            upstream.url = format!("{UNIX}{}", path.display());
        }
        upstream
    }
}
