//! Who of a worker's links hears what, and what brings it to them: the part of [`Lines`] that
//! topics need.

use std::sync::Arc;

use super::id::LinkId;
use super::line::Cause;
use super::lines::{Lines, line, mark};
use super::topics::{Slow, Subscription};
use crate::Message;

impl Lines {
    /// Has a link hear a topic from here on. Twice is once.
    pub(super) fn subscribe(&mut self, id: LinkId, name: &str, slow: Slow) {
        self.deliver(false);
        let Self { slots, topics, .. } = self;
        let Some(line) = line(slots, id) else { return };
        let subscriptions = line.subscriptions.get_or_insert_default();
        subscriptions.forget_skipped(name);
        let topic = topics.find_or_add(name);
        if subscriptions.find(topic).is_none() {
            let place = topics.add_subscriber(topic, id, slow);
            subscriptions.heard.push(Subscription { topic, place, slow });
        }
    }

    /// Has a link hear a topic no more.
    pub(super) fn unsubscribe(&mut self, id: LinkId, name: &str) {
        self.deliver(false);
        let Self { slots, topics, .. } = self;
        let Some(subscriptions) = line(slots, id).and_then(|line| line.subscriptions.as_mut())
        else {
            return;
        };
        subscriptions.forget_skipped(name);
        if let Some(subscription) = topics.find(name).and_then(|topic| subscriptions.take(topic)) {
            self.remove_subscription(subscription);
        }
    }

    pub(super) fn unsubscribe_from_all(&mut self, id: LinkId) {
        let Some(line) = line(&mut self.slots, id) else { return };
        if let Some(subscriptions) = line.subscriptions.take() {
            self.deliver(false);
            for subscription in subscriptions.heard {
                self.remove_subscription(subscription);
            }
        }
    }

    /// Whoever was last among the subscribers takes the free place.
    fn remove_subscription(&mut self, Subscription { topic, place, .. }: Subscription) {
        let Self { slots, topics, .. } = self;
        let Some(moved) = topics.remove_subscriber(topic, place) else { return };
        let theirs = line(slots, moved).and_then(|line| line.subscriptions.as_mut());
        let heard =
            theirs.and_then(|theirs| theirs.heard.iter_mut().find(|heard| heard.topic == topic));
        heard.expect("who is among the subscribers has the subscription").place = place;
    }

    /// Has all subscribers of a topic on this worker told, but one; in the order of the calls.
    pub(super) fn publish(&mut self, name: &str, message: Message, except: Option<LinkId>) {
        let Some(topic) = self.topics.find(name) else { return };
        if !self.topics.takes(topic) {
            self.deliver(false);
        }
        self.topics.add_to_batch(topic, message, except);
        self.wake();
    }

    /// Puts what was published and not yet delivered in front of what is said next to a link.
    #[inline]
    pub(super) fn deliver_before(&mut self, id: LinkId) {
        if self.topics.is_settled() {
            return;
        }
        if line(&mut self.slots, id).is_some_and(|line| line.subscriptions.is_some()) {
            self.deliver(false);
        }
    }

    /// Brings what was published to its subscribers: into their queues, or out at once.
    pub(super) fn deliver(&mut self, at_once: bool) {
        let Some((batch, subscribers)) = self.topics.take_batch() else { return };
        let mut frames = batch.frames();
        let mut behind = Vec::new();
        for &id in &subscribers {
            let corked = self.corked == Some(id);
            let Self { slots, cork, dirty, waker, .. } = self;
            let Some(line) = line(slots, id).filter(|line| line.is_open()) else { continue };
            let traffic = frames.traffic(id);
            // Before it is encoded: what a compressor has seen, its peer must be sent.
            if subscribers.may_skip && line.falls_behind(subscribers.topic, traffic.bytes_out) {
                behind.push(id);
                continue;
            }
            line.traffic.add(&traffic);
            let apart = line.may_drop();
            let Some(bytes) = frames.of(id, &mut line.outgoing, apart) else { continue };
            if corked && !line.has_queue() {
                cork.extend_from_slice(&bytes);
            } else if at_once && !line.has_queue() {
                let written = line.write_some(&bytes, &[]);
                if written < bytes.len() && !line.is_broken() {
                    match written {
                        0 => line.queue().append_shared(bytes, apart),
                        _ => line.queue().append_rest(bytes.slice(written..)),
                    }
                    line.pause_if_full();
                }
            } else {
                if line.make_room(bytes.len(), Cause::News) {
                    line.queue().append_shared(bytes, apart);
                    line.pause_if_full();
                }
                mark(dirty, line, id, waker);
            }
        }
        let topic = subscribers.topic;
        self.topics.give_back(subscribers);
        if let Some(age) = frames.age() {
            self.fan_outs.note(age);
        }
        for id in behind {
            self.skip(id, topic);
        }
    }

    /// Has a link hear nothing of a topic until it has read.
    fn skip(&mut self, id: LinkId, topic: u32) {
        let Self { slots, topics, .. } = self;
        let theirs = line(slots, id).and_then(|line| line.subscriptions.as_mut());
        let Some(theirs) = theirs else { return };
        if let Some(subscription) = theirs.take(topic) {
            theirs.skipped.push(Arc::clone(topics.name(topic)));
            self.remove_subscription(subscription);
        }
    }

    /// One of the topics that a link has skipped; each is told once.
    pub(super) fn next_skipped(&mut self, id: LinkId) -> Option<Arc<str>> {
        line(&mut self.slots, id)?.subscriptions.as_mut()?.skipped.pop()
    }
}
