//! Who of a worker's links hears what, and what brings it to them: the part of [`Lines`] that
//! topics need.

use super::id::LinkId;
use super::line::Cause;
use super::lines::{Lines, line, mark};
use super::topics::Subscription;
use crate::Message;

impl Lines {
    /// Has a link hear a topic from here on. Twice is once.
    pub(super) fn subscribe(&mut self, id: LinkId, name: &str) {
        self.deliver(false);
        let Self { slots, topics, .. } = self;
        let Some(line) = line(slots, id) else { return };
        let subscriptions = line.subscriptions.get_or_insert_default();
        let topic = topics.find_or_add(name);
        if subscriptions.iter().all(|heard| heard.topic != topic) {
            let place = topics.add_subscriber(topic, id);
            subscriptions.push(Subscription { topic, place });
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
        let topic = topics.find(name);
        let Some(at) = subscriptions.iter().position(|heard| Some(heard.topic) == topic) else {
            return;
        };
        let subscription = subscriptions.swap_remove(at);
        self.remove_subscription(subscription);
    }

    pub(super) fn unsubscribe_from_all(&mut self, id: LinkId) {
        let Some(line) = line(&mut self.slots, id) else { return };
        if let Some(subscriptions) = line.subscriptions.take() {
            self.deliver(false);
            for subscription in *subscriptions {
                self.remove_subscription(subscription);
            }
        }
    }

    /// Whoever was last among the subscribers takes the free place.
    fn remove_subscription(&mut self, Subscription { topic, place }: Subscription) {
        let Self { slots, topics, .. } = self;
        let Some(moved) = topics.remove_subscriber(topic, place) else { return };
        let theirs = line(slots, moved).and_then(|line| line.subscriptions.as_mut());
        let heard = theirs.and_then(|theirs| theirs.iter_mut().find(|heard| heard.topic == topic));
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
        for &id in &subscribers {
            let corked = self.corked == Some(id);
            let Self { slots, cork, dirty, waker, .. } = self;
            let Some(line) = line(slots, id).filter(|line| line.is_open()) else { continue };
            line.traffic.add(&frames.traffic(id));
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
        self.topics.give_back(subscribers);
    }
}
