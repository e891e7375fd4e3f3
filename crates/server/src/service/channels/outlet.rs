//! A worker as the hub sees it: it hands on what is published to all of its peers that have subscribed.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::to_raw_value;
use tieline_hub::{Channel, Epoch, Member, Outlet, Position, Publication, Recovered, Source};

use super::session::Session;
use super::words::{Gap, Item, Moved, Subscribed, Told, Who};
use crate::inbox::{Inbox, Order, Topic};
use crate::service::rpc::{Id, written};
use crate::target::Target;

/// All peers of one worker.
#[derive(Clone, Debug)]
pub(crate) struct Worker(Inbox);

/// A peer that subscribes, or does so no more, and what it is answered.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(super) session: Arc<Session>,
    pub(super) target: Target,
    /// The call, where somebody waits for its answer.
    pub(super) id: Option<Id>,
}

impl Worker {
    pub(super) fn of(inbox: &Inbox) -> Self {
        Self(inbox.clone())
    }

    fn tell(&self, topic: Topic, method: &str, params: &impl Serialize) {
        self.0.give(Order::Publish(topic, notification(method, params).into()));
    }
}

impl PartialEq for Worker {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_same(&other.0)
    }
}

impl Outlet for Worker {
    type Member = Subscriber;

    /// The answer goes first, and then what is published: both by the worker's inbox.
    fn joined(&self, source: Source<'_>, member: Subscriber, recovered: Recovered) {
        if let Some(id) = &member.id {
            let answer = match Subscribed::of(&recovered) {
                Some(subscribed) => result(id, &subscribed),
                None => result(id, &serde_json::Map::new()),
            };
            member.session.say(answer);
        }
        self.0.give(Order::Subscribe(topic(source), member.target));
    }

    fn left(&self, source: Source<'_>, member: Subscriber) {
        self.0.give(Order::Unsubscribe(topic(source), member.target));
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
        self.tell(topic(source), "publication", &told);
    }

    fn lost(&self, channel: &Channel, position: Position) {
        let gap = Gap { channel: channel.as_str(), position: position.into(), reason: "lost" };
        self.tell(topic(Source::Channel(channel)), "gap", &gap);
    }

    fn present(&self, channel: &Channel, member: &Member) {
        let moved = Moved { channel: channel.as_str(), who: Who::of(member) };
        self.tell(topic(Source::Channel(channel)), "join", &moved);
    }

    fn absent(&self, channel: &Channel, member: &Member) {
        let moved = Moved { channel: channel.as_str(), who: Who::of(member) };
        self.tell(topic(Source::Channel(channel)), "leave", &moved);
    }

    fn is_full(&self) -> bool {
        self.0.is_full()
    }
}

fn topic(source: Source<'_>) -> Topic {
    Topic::named(match source {
        Source::Channel(channel) => channel.as_str(),
        Source::Pattern(pattern) => pattern.as_str(),
    })
}

/// The answer to a call.
pub(super) fn result(id: &Id, result: &impl Serialize) -> String {
    written::result(id, &to_raw_value(result).expect("our own words have their JSON"))
}

/// Something that nobody answers.
pub(super) fn notification(method: &str, params: &impl Serialize) -> String {
    written::notification(method, &to_raw_value(params).expect("our own words have their JSON"))
}
