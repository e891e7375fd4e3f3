//! Checking what a route that speaks JSON-RPC answers.

use super::Check;
use super::route::is_path;
use crate::config::error::{ConfigError, Problem};
use crate::config::file::File;
use crate::config::route::Service;
use crate::config::rpc::Rpc;
use crate::config::source::Key;
use crate::service::rpc::Pattern;

/// Most calls that a rate may allow at once.
const MAX_CALLS: usize = 1_000_000;

impl Check<'_> {
    pub(super) fn rpc(&self, written: &Rpc, key: &Key) -> Result<(), ConfigError> {
        self.patterns(written.allow.as_deref().unwrap_or_default(), &key.name("allow"))?;
        if let Some(backend) = &written.backend {
            let key = key.name("backend");
            self.patterns(&backend.methods, &key.name("methods"))?;
            if !is_path(&backend.path) {
                return Err(self.fail(Problem::Path(backend.path.clone()), &key.name("path")));
            }
        }
        self.patterns(&written.deny, &key.name("deny"))?;
        let protected = &written.rpc_websockets.protected_methods;
        self.patterns(protected, &key.name("rpc_websockets").name("protected_methods"))?;
        if let Some(upstream) = &written.upstream {
            self.upstream(upstream, &key.name("upstream"))?;
        }
        for (index, rate) in written.rate.iter().enumerate() {
            let key = key.name("rate").index(index);
            self.patterns(&rate.methods, &key.name("methods"))?;
            self.in_range(rate.calls as usize, 1, MAX_CALLS, &key.name("calls"))?;
            self.lasting(rate.within, &key.name("within"))?;
        }
        for (index, cache) in written.cache.iter().enumerate() {
            let key = key.name("cache").index(index);
            self.patterns(&cache.methods, &key.name("methods"))?;
            self.lasting(cache.within, &key.name("within"))?;
        }
        self.in_range(written.cache_bytes, 1, 1 << 34, &key.name("cache_bytes"))?;
        let (limits, key) = (&written.limits, key.name("limits"));
        self.in_range(limits.max_answer_bytes, 1, 1 << 30, &key.name("max_answer_bytes"))?;
        self.in_range(limits.max_batch, 1, 1 << 20, &key.name("max_batch"))?;
        self.in_range(limits.max_body_bytes, 1, 1 << 30, &key.name("max_body_bytes"))?;
        self.in_range(limits.max_client_calls, 1, 1 << 20, &key.name("max_client_calls"))?;
        self.in_range(limits.max_in_flight, 1, 1 << 20, &key.name("max_in_flight"))?;
        self.in_range(limits.max_subscriptions, 1, 1 << 20, &key.name("max_subscriptions"))?;
        self.lasting(limits.call_within, &key.name("call_within"))?;
        self.lasting(limits.client_call_within, &key.name("client_call_within"))
    }

    /// Each backend that answers methods is there.
    pub(super) fn rpc_backends(&self, file: &File) -> Result<(), ConfigError> {
        for (index, route) in file.route.iter().enumerate() {
            let Some(Service::Rpc(rpc)) = &route.service else { continue };
            let Some(backend) = &rpc.backend else { continue };
            let key = Key::top("route").index(index).name("service").name("backend").name("name");
            self.has_backend(&backend.name, &file.backend, &key)?;
        }
        Ok(())
    }

    fn patterns(&self, patterns: &[String], key: &Key) -> Result<(), ConfigError> {
        for (index, pattern) in patterns.iter().enumerate() {
            if Pattern::parse(pattern).is_none() {
                return Err(self.fail(Problem::Pattern(pattern.clone()), &key.index(index)));
            }
        }
        Ok(())
    }
}
