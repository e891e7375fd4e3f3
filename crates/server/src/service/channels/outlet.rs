//! A worker as the hub sees it: it hands on what is published to all of its peers that have subscribed.

use std::sync::Arc;

use serde::Serialize;
use tieline_hub::{Channel, Epoch, Member, Outlet, Position, Publication, Recovered, Source};

use super::counts::Counts;
use super::dialect::{Dialect, plain};
use super::namespaces::Namespaces;
use super::session::Session;
use super::words::{Gap, Item, Moved, Subscribed, Told, Who, notification, result};
use crate::config::Slow;
use crate::inbox::{Inbox, Order, Topic};
use crate::service::rpc::Id;
use crate::target::Target;

/// Why publications are missing for who has read too slowly.
const SLOW: &str = "slow";

/// All peers of one worker that are told in the same words.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    inbox: Inbox,
    namespaces: Arc<Namespaces>,
    dialect: Dialect,
}

/// A peer that subscribes, or does so no more, and what it is answered.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(super) target: Target,
    pub(super) told: Beginning,
    pub(super) counts: Counts,
}

/// How a subscriber is told where its channel begins, or goes on.
#[derive(Debug)]
pub(super) enum Beginning {
    /// By the answer to its call, where somebody waits for one.
    Answer(Option<(Arc<Session>, Id)>),
    /// By a gap: it was too slow for what was published until then.
    Gap,
}

impl Worker {
    pub(super) fn new(inbox: &Inbox, namespaces: &Arc<Namespaces>, dialect: Dialect) -> Self {
        Self { inbox: inbox.clone(), namespaces: Arc::clone(namespaces), dialect }
    }

    fn topic(&self, source: Source<'_>) -> Topic {
        match (&self.dialect, source) {
            (Dialect::Native, Source::Channel(channel)) => Topic::named(channel.as_str()),
            (Dialect::Native, Source::Pattern(pattern)) => Topic::named(pattern.as_str()),
            (Dialect::Plain(audience), _) => audience.topic.clone(),
        }
    }

    /// Tells those who speak the native language.
    fn tell(&self, source: Source<'_>, method: &str, params: &impl Serialize) {
        let message = notification(method, params).into();
        self.inbox.give(Order::Publish(self.topic(source), message));
    }

    /// Somebody came or went.
    fn tell_presence(&self, channel: &Channel, method: &str, member: &Member) {
        if let Dialect::Plain(audience) = &self.dialect {
            audience.moved.notify_one();
        } else if self.namespaces.tell_presence(channel) {
            let moved = Moved { channel: channel.as_str(), who: Who::of(member) };
            self.tell(Source::Channel(channel), method, &moved);
        }
    }
}

impl PartialEq for Worker {
    fn eq(&self, other: &Self) -> bool {
        self.inbox.is_same(&other.inbox) && self.dialect == other.dialect
    }
}

impl Outlet for Worker {
    type Member = Subscriber;

    /// The answer, or the gap, goes first, and then what is published: both by the worker's inbox.
    fn joined(&self, source: Source<'_>, member: Subscriber, recovered: Recovered) {
        if let Some(outcome) = recovered.outcome {
            member.counts.recovered(outcome);
        }
        match &member.told {
            Beginning::Answer(None) => {}
            Beginning::Answer(Some((session, id))) => {
                let answer = match Subscribed::of(&recovered) {
                    Some(subscribed) => result(id, &subscribed),
                    None => result(id, &serde_json::Map::new()),
                };
                session.say(answer);
            }
            Beginning::Gap => {
                member.counts.gap(SLOW);
                let gap = Gap::of(source, recovered.position, SLOW);
                self.inbox.give(Order::Send(member.target, notification("gap", &gap).into()));
            }
        }
        let slow = match self.dialect {
            Dialect::Native => self.namespaces.slow(source),
            // Nobody can be told of a gap who has no word for it.
            Dialect::Plain(_) => Slow::Close,
        };
        self.inbox.give(Order::Subscribe(self.topic(source), member.target, slow));
    }

    fn left(&self, source: Source<'_>, member: Subscriber) {
        self.inbox.give(Order::Unsubscribe(self.topic(source), member.target));
    }

    fn published(
        &self,
        source: Source<'_>,
        channel: &Channel,
        _epoch: Epoch,
        publication: &Arc<Publication>,
    ) {
        if let Dialect::Plain(_) = self.dialect {
            let message = plain(&publication.data);
            return self.inbox.give(Order::Publish(self.topic(source), message));
        }
        let pattern = match source {
            Source::Channel(_) => None,
            Source::Pattern(_) if !self.namespaces.is_in_patterns(channel) => return,
            Source::Pattern(pattern) => Some(pattern.as_str()),
        };
        let item = Item::of(publication);
        let told = Told { channel: channel.as_str(), item, pattern };
        self.tell(source, "publication", &told);
    }

    fn lost(&self, channel: &Channel, position: Position) {
        // The others have no word for it.
        let Dialect::Native = self.dialect else { return };
        let source = Source::Channel(channel);
        self.tell(source, "gap", &Gap::of(source, Some(position), "lost"));
    }

    fn present(&self, channel: &Channel, member: &Member) {
        self.tell_presence(channel, "join", member);
    }

    fn absent(&self, channel: &Channel, member: &Member) {
        self.tell_presence(channel, "leave", member);
    }

    fn is_full(&self) -> bool {
        self.inbox.is_full()
    }
}
