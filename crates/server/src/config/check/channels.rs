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
use crate::service::channels::own;

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
            self.in_range(written.max_bytes, 1, 1 << 40, &key.name("max_bytes"))?;
            self.in_range(written.max_channels, 1, 1 << 32, &key.name("max_channels"))?;
            self.kept(written.history_age.get(), &key.name("history_age"))?;
            if written.durability == Durability::Disk && file.store.is_none() {
                return Err(self.fail(Problem::NoStore, &key.name("durability")));
            }
            if written.join_leave && !written.presence {
                return Err(self.fail(Problem::NoPresence, &key.name("join_leave")));
            }
        }
        let mut namespaces = Namespaces::new(&file.namespace);
        for (index, route) in file.route.iter().enumerate() {
            let service = route.service.as_ref();
            let Some(namespace) = service.and_then(Service::own_namespace) else { continue };
            let channel = own::name(namespace, &route.path).map_err(|why| {
                let key = Key::top("route").index(index).name("path");
                self.fail(Problem::OwnChannel { path: route.path.clone(), why }, &key)
            })?;
            let written = file.namespace.get(namespace);
            namespaces.add_own(channel, written, &route.access);
        }
        Ok(Arc::new(namespaces))
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
            ("max_kept_sessions", written.max_kept_sessions, 1 << 32),
            ("max_kept_bytes", written.max_kept_bytes, 1 << 40),
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
            ("[namespace.a]\nmax_channels = 0", "max_channels", "is not between 1 and"),
            ("[namespace.a]\ndurability = 'disk'", "durability", "store"),
            ("[namespace.a]\njoin_leave = true", "join_leave", "presence"),
            ("[namespace.a]\nsubscribe = 'some'", "subscribe", "`right`"),
            (
                "[[route]]\npath = '/a*'\nservice = { kind = 'room' }",
                "route[1].path",
                "cannot be in the name of the service's channel",
            ),
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
