//! What holds for the channels of each namespace, and who may do what there.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tieline_hub::{Channel, Durability, Keep, Pattern, Source};

use super::fault::Fault;
use crate::auth::Identity;
use crate::config::{self, Slow, Who};

/// All of a server.
#[derive(Debug, Default)]
pub(crate) struct Namespaces {
    written: HashMap<String, Arc<Namespace>>,
    /// What holds for the channels that are the own ones of services.
    own: HashMap<Channel, Arc<Namespace>>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Namespace {
    pub(super) keep: Arc<Keep>,
    pub(super) has_presence: bool,
    tells_presence: bool,
    has_patterns: bool,
    slow: Slow,
    subscribe: Who,
    publish: Who,
}

/// What somebody wants to do with a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Publish,
    Subscribe,
}

impl Namespaces {
    pub(crate) fn new(written: &BTreeMap<String, config::Namespace>) -> Self {
        let written = written.iter();
        let written = written.map(|(name, it)| (name.clone(), Arc::new(Namespace::new(it))));
        Self { written: written.collect(), own: HashMap::new() }
    }

    /// A channel is a service's own: it is in memory, and but for the operator nobody else publishes there.
    /// Others hear it where its namespace is written; where the service's route has an access, which they
    /// have not passed, only those who have the right to it.
    pub(crate) fn add_own(
        &mut self,
        channel: Channel,
        written: Option<&config::Namespace>,
        access: &config::Access,
    ) {
        let written = written.cloned().unwrap_or_default();
        let (subscribe, patterns) = match (access, written.subscribe) {
            (config::Access::None {}, who) => (who, written.patterns),
            (_, Who::None) => (Who::None, false),
            (_, Who::All | Who::Right) => (Who::Right, false),
        };
        let (durability, publish) = (config::Durability::Memory, Who::None);
        let namespace = config::Namespace { durability, patterns, publish, subscribe, ..written };
        self.own.insert(channel, Arc::new(Namespace::new(&namespace)));
    }

    /// The namespace of a channel, where this caller may do that there.
    pub(super) fn for_channel(
        &self,
        channel: &Channel,
        act: Act,
        caller: Option<&Identity>,
    ) -> Result<&Arc<Namespace>, Fault> {
        let written = self.written.get(channel.namespace()).ok_or(Fault::UnknownChannel)?;
        let namespace = self.own.get(channel).unwrap_or(written);
        namespace.check(act, channel.as_str(), caller)?;
        Ok(namespace)
    }

    /// What is kept of a channel, whoever asks.
    pub(crate) fn keep(&self, channel: &Channel) -> Option<&Arc<Keep>> {
        self.find(channel).map(|namespace| &namespace.keep)
    }

    /// Whether it is known who is in a channel: of a service's own always.
    pub(crate) fn has_presence(&self, channel: &Channel) -> bool {
        self.own.contains_key(channel) || self.find(channel).is_some_and(|it| it.has_presence)
    }

    /// Whether those who hear a channel are told who comes and goes.
    pub(super) fn tell_presence(&self, channel: &Channel) -> bool {
        self.find(channel).is_some_and(|it| it.tells_presence)
    }

    /// Whether those hear a channel who have subscribed to a pattern that matches it.
    pub(super) fn is_in_patterns(&self, channel: &Channel) -> bool {
        self.own.get(channel).is_none_or(|namespace| namespace.has_patterns)
    }

    fn find(&self, channel: &Channel) -> Option<&Arc<Namespace>> {
        self.own.get(channel).or_else(|| self.written.get(channel.namespace()))
    }

    /// What becomes of who hears a channel, or all of a pattern, too slowly.
    pub(super) fn slow(&self, source: Source<'_>) -> Slow {
        let namespace = match source {
            Source::Channel(channel) => self.find(channel),
            Source::Pattern(pattern) => self.written.get(pattern.namespace()),
        };
        namespace.map_or(Slow::Close, |it| it.slow)
    }

    /// The namespace of a pattern, where this caller may subscribe to all of it.
    pub(super) fn for_pattern(
        &self,
        pattern: &Pattern,
        caller: Option<&Identity>,
    ) -> Result<&Arc<Namespace>, Fault> {
        let namespace = self.written.get(pattern.namespace()).filter(|it| it.has_patterns);
        let namespace = namespace.ok_or(Fault::NoPatterns)?;
        namespace.check(Act::Subscribe, pattern.as_str(), caller)?;
        Ok(namespace)
    }
}

impl Namespace {
    fn new(written: &config::Namespace) -> Self {
        let keep = Keep {
            publications: written.history,
            bytes: written.history_bytes,
            age: written.history_age.get(),
            durability: match written.durability {
                config::Durability::Disk => Durability::Disk,
                config::Durability::Memory => Durability::Memory,
            },
            channels: written.max_channels,
            total_bytes: written.max_bytes,
        };
        Self {
            keep: Arc::new(keep),
            has_presence: written.presence,
            tells_presence: written.presence && written.join_leave,
            has_patterns: written.patterns,
            slow: written.slow,
            subscribe: written.subscribe,
            publish: written.publish,
        }
    }

    fn check(&self, act: Act, name: &str, caller: Option<&Identity>) -> Result<(), Fault> {
        let (who, verb) = match act {
            Act::Publish => (self.publish, "publish"),
            Act::Subscribe => (self.subscribe, "subscribe"),
        };
        let may = match who {
            Who::All => true,
            Who::None => false,
            Who::Right => caller.is_some_and(|it| it.rights.iter().any(|it| gives(it, verb, name))),
        };
        if may { Ok(()) } else { Err(Fault::Forbidden) }
    }
}

/// Whether a right such as `publish:chat:*` lets do that with what has this name. To subscribe to a pattern
/// takes a right to at least as much.
fn gives(right: &str, verb: &str, name: &str) -> bool {
    let named = right.strip_prefix(verb).and_then(|rest| rest.strip_prefix(':'));
    named.is_some_and(|named| match named.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == named,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_is_to_one_channel_or_to_all_that_begin_alike() {
        for (right, name, is_given) in [
            ("publish:chat:lobby", "chat:lobby", true),
            ("publish:chat:lobby", "chat:lobby2", false),
            ("publish:chat:*", "chat:lobby", true),
            ("publish:*", "chat:lobby", true),
            ("publish:chat:*", "chat:*", true),
            ("publish:chat:a*", "chat:*", false),
            ("publish:chat:lobby", "chat:*", false),
            ("publish", "chat:lobby", false),
            ("publish:", "chat:lobby", false),
            ("subscribe:chat:lobby", "chat:lobby", false),
        ] {
            assert_eq!(gives(right, "publish", name), is_given, "{right} {name}");
        }
    }
}
