//! Checking channels and their namespaces.

use std::sync::Arc;
use std::time::Duration;

use super::gateway::MAX_DEVICES;
use super::{Check, SECOND, YEAR};
use crate::config::channels::Channels;
use crate::config::error::{ConfigError, Problem};
use crate::config::file::File;
use crate::config::namespace::Durability;
use crate::config::route::{Route, Service};
use crate::config::source::Key;
use crate::service::Namespaces;

/// Longest that anything is kept.
const MAX_KEPT: Duration = Duration::from_secs(365 * 24 * 3_600);

impl Check<'_> {
    /// What holds for the channels of each namespace.
    pub(super) fn namespaces(&self, file: &File) -> Result<Arc<Namespaces>, ConfigError> {
        for (name, written) in &file.namespace {
            let key = Key::top("namespace").name(name);
            let is_wrong = |c: char| c == ':' || c == '*' || c.is_whitespace() || c.is_control();
            if name.len() > 64 || name.chars().any(is_wrong) {
                return Err(self.fail(Problem::Namespace(name.clone()), &key));
            }
            self.in_range(written.history, 0, 1_000_000, &key.name("history"))?;
            self.in_range(written.history_bytes, 1, 1 << 30, &key.name("history_bytes"))?;
            self.kept(written.history_age.get(), &key.name("history_age"))?;
            if written.durability == Durability::Disk && file.store.is_none() {
                return Err(self.fail(Problem::NoStore, &key.name("durability")));
            }
            if written.join_leave && !written.presence {
                return Err(self.fail(Problem::NoPresence, &key.name("join_leave")));
            }
        }
        Ok(Arc::new(Namespaces::new(&file.namespace)))
    }

    /// A route on which channels are spoken of.
    pub(super) fn channels(
        &self,
        written: &Channels,
        route: &Route,
        file: &File,
        key: &Key,
    ) -> Result<(), ConfigError> {
        self.kept(written.keep_session.get(), &key.name("keep_session"))?;
        for (name, value, max) in [
            ("keep_session_bytes", written.keep_session_bytes, 1 << 30),
            ("max_subscriptions", written.max_subscriptions, 100_000),
            ("max_in_flight", written.max_in_flight, 100_000),
            ("max_batch", written.max_batch, 100_000),
        ] {
            self.in_range(value, 1, max, &key.name(name))?;
        }
        if let Some(devices) = &written.devices {
            let key = key.name("devices");
            self.inbox(&devices.inbox, true, file, &key.name("inbox"))?;
            self.in_range(devices.max_devices, 1, MAX_DEVICES, &key.name("max_devices"))?;
            self.time_in_range(devices.forget_after, SECOND, YEAR, &key.name("forget_after"))?;
        }
        if let Some(path) = &written.methods {
            self.methods(path, route, file, &key.name("methods"))?;
        }
        self.some_time(written.connect_within, &key.name("connect_within"))
    }

    /// The route whose methods are called: it is there, and nobody comes to it by another's tokens.
    fn methods(&self, path: &str, from: &Route, file: &File, key: &Key) -> Result<(), ConfigError> {
        let is_rpc = |route: &&Route| matches!(route.service, Some(Service::Rpc(_)));
        let found = file.route.iter().filter(is_rpc).find(|route| route.path == path);
        let Some(found) = found else {
            return Err(self.fail(Problem::NoRpcRoute(path.to_owned()), key));
        };
        if found.access.is_judged_like(&from.access) {
            Ok(())
        } else {
            Err(self.fail(Problem::OtherTokens(path.to_owned()), key))
        }
    }

    fn kept(&self, span: Duration, key: &Key) -> Result<(), ConfigError> {
        let seconds = usize::try_from(span.as_secs()).unwrap_or(usize::MAX);
        self.in_range(seconds, 0, MAX_KEPT.as_secs() as usize, key)
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{File, Overrides, Plan, Source};

    #[test]
    fn what_cannot_be_is_told_with_its_key() {
        for (lines, key, words) in [
            ("[namespace.'a:b']", "namespace.a:b", "is not the name of a namespace"),
            ("[namespace.a]\nhistory = 1000001", "history", "is not between 0 and 1000000"),
            ("[namespace.a]\ndurability = 'disk'", "durability", "store"),
            ("[namespace.a]\njoin_leave = true", "join_leave", "presence"),
            ("[namespace.a]\nsubscribe = 'some'", "subscribe", "`right`"),
            ("[route.service]\nmethods = '/rpc'", "service.methods", "kind = \"rpc\""),
            (
                "[route.service]\nmethods = '/echo'\n[[route]]\npath = '/echo'\nservice = { kind = 'echo' }",
                "service.methods",
                "no route has the path \"/echo\"",
            ),
            (
                "[route.service]\ndevices = { inbox = { durable = true } }",
                "devices.inbox.durable",
                "[store]",
            ),
            (
                "[route.service]\ndevices = { inbox = { max_messages = 0 } }",
                "devices.inbox.max_messages",
                "between 1 and",
            ),
            (
                "[route.service]\ndevices = { max_devices = 0 }",
                "devices.max_devices",
                "between 1 and",
            ),
            (
                "[route.service]\ndevices = { forget_after = '0s' }",
                "devices.forget_after",
                "between 1s and",
            ),
            (
                "[route.service]\nmethods = '/rpc'\n[[route]]\npath = '/rpc'\nservice = { kind = 'rpc' }\n\
                 access = { kind = 'ticket' }",
                "service.methods",
                "the same `access`",
            ),
        ] {
            let lines = match lines.strip_prefix("[route.service]") {
                Some(more) => format!("[route.service]\nkind = 'channels'{more}"),
                None => format!("service = {{ kind = 'channels' }}\n{lines}"),
            };
            let text = format!("[[route]]\npath = '/'\n{lines}\n");
            let source = Source::new("x.toml", text);
            let plan = File::parse(&source)
                .and_then(|file| Plan::new(file, &source, &Overrides::default()));
            let report = plan.unwrap_err().report();
            assert!(report.contains(key) && report.contains(words), "{lines}: {report}");
        }
    }
}
