//! A worker as the hub sees it: it hands on what is published to all of its peers that have subscribed.

use std::sync::Arc;

use serde::Serialize;
use tieline_hub::{Channel, Epoch, Member, Outlet, Position, Publication, Recovered, Source};

use super::counts::Counts;
use super::namespaces::Namespaces;
use super::session::Session;
use super::words::{Gap, Item, Moved, Subscribed, Told, Who, notification, result};
use crate::inbox::{Inbox, Order, Topic};
use crate::service::rpc::Id;
use crate::target::Target;

/// Why publications are missing for who has read too slowly.
const SLOW: &str = "slow";

/// All peers of one worker.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    inbox: Inbox,
    namespaces: Arc<Namespaces>,
}

/// A peer that subscribes, or does so no more, and what it is answered.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(super) session: Arc<Session>,
    pub(super) target: Target,
    pub(super) told: Beginning,
    pub(super) counts: Counts,
}

/// How a subscriber is told where its channel begins, or goes on.
#[derive(Debug)]
pub(super) enum Beginning {
    /// By the answer to its call, where it waits for one.
    Answer(Option<Id>),
    /// By a gap: it was too slow for what was published until then.
    Gap,
}

impl Worker {
    pub(super) fn new(inbox: &Inbox, namespaces: &Arc<Namespaces>) -> Self {
        Self { inbox: inbox.clone(), namespaces: Arc::clone(namespaces) }
    }

    fn tell(&self, source: Source<'_>, method: &str, params: &impl Serialize) {
        self.inbox.give(Order::Publish(topic(source), notification(method, params).into()));
    }

    /// Somebody came or went.
    fn tell_presence(&self, channel: &Channel, method: &str, member: &Member) {
        if self.namespaces.tell_presence(channel) {
            let moved = Moved { channel: channel.as_str(), who: Who::of(member) };
            self.tell(Source::Channel(channel), method, &moved);
        }
    }
}

impl PartialEq for Worker {
    fn eq(&self, other: &Self) -> bool {
        self.inbox.is_same(&other.inbox)
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
            Beginning::Answer(Some(id)) => {
                let answer = match Subscribed::of(&recovered) {
                    Some(subscribed) => result(id, &subscribed),
                    None => result(id, &serde_json::Map::new()),
                };
                member.session.say(answer);
            }
            Beginning::Gap => {
                member.counts.gap(SLOW);
                let gap = Gap::of(source, recovered.position, SLOW);
                self.inbox.give(Order::Send(member.target, notification("gap", &gap).into()));
            }
        }
        let slow = self.namespaces.slow(source);
        self.inbox.give(Order::Subscribe(topic(source), member.target, slow));
    }

    fn left(&self, source: Source<'_>, member: Subscriber) {
        self.inbox.give(Order::Unsubscribe(topic(source), member.target));
    }

    fn published(
        &self,
        source: Source<'_>,
        channel: &Channel,
        _epoch: Epoch,
        publication: &Arc<Publication>,
    ) {
        let pattern = match source {
            Source::Channel(_) => None,
            Source::Pattern(pattern) => Some(pattern.as_str()),
        };
        let item = Item::of(publication);
        let told = Told { channel: channel.as_str(), item, pattern };
        self.tell(source, "publication", &told);
    }

    fn lost(&self, channel: &Channel, position: Position) {
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

fn topic(source: Source<'_>) -> Topic {
    Topic::named(match source {
        Source::Channel(channel) => channel.as_str(),
        Source::Pattern(pattern) => pattern.as_str(),
    })
}
