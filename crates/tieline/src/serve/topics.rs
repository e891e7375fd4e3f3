//! Who hears what: topics of one worker, and what was published to one of them in this turn.
//!
//! What is published one after the other to the same topic is one batch: it is encoded once for
//! each format among the subscribers, and each of them is sent it in one write.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tieline_proto::Outgoing;
use tieline_proto::connection::Format;

use super::id::LinkId;
use super::traffic::Traffic;
use crate::Message;

/// A batch is delivered when it has grown to this size.
const BATCH_BYTES: u64 = 128 << 10;

/// How long it takes to bring a batch to its subscribers is measured where there are so many: two looks at
/// the clock are little beside as many writes.
const MANY: usize = 16;

/// The topics of one worker. One exists while somebody hears it.
#[derive(Debug, Default)]
pub(super) struct Topics {
    names: HashMap<Arc<str>, u32>,
    topics: Vec<Topic>,
    free: Vec<u32>,
    batch: Option<Batch>,
}

#[derive(Debug)]
struct Topic {
    name: Arc<str>,
    subscribers: Vec<LinkId>,
    /// Whether one of them would rather miss some of it than lose its line.
    may_skip: bool,
}

/// That a line hears a topic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subscription {
    pub(super) topic: u32,
    /// Where the line stands among the subscribers.
    pub(super) place: u32,
    pub(super) slow: Slow,
}

/// What becomes of a subscriber that reads too slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slow {
    /// What becomes of its link, whatever it is told.
    AsItsLink,
    /// It skips what is published until it has read.
    Skips,
}

/// What was published to one topic, in order.
#[derive(Debug)]
pub(super) struct Batch {
    topic: u32,
    /// When its first was published, where there are many subscribers.
    since: Option<Instant>,
    messages: Vec<(Message, Option<LinkId>)>,
    /// What each of those hears who are left out of none of it.
    traffic: Traffic,
    /// Whether somebody is left out of some of it.
    has_exceptions: bool,
}

/// Those who hear a batch; to be given back.
#[derive(Debug)]
pub(super) struct Subscribers {
    pub(super) topic: u32,
    /// Whether one of them would rather miss some of it than lose its line.
    pub(super) may_skip: bool,
    ids: Vec<LinkId>,
}

impl<'a> IntoIterator for &'a Subscribers {
    type Item = &'a LinkId;
    type IntoIter = std::slice::Iter<'a, LinkId>;

    fn into_iter(self) -> Self::IntoIter {
        self.ids.iter()
    }
}

/// The frames of a batch, in every format that was asked for so far.
pub(super) struct Frames {
    batch: Batch,
    encoded: Vec<(Format, Bytes)>,
}

impl Topics {
    pub(super) fn find(&self, name: &str) -> Option<u32> {
        self.names.get(name).copied()
    }

    pub(super) fn find_or_add(&mut self, name: &str) -> u32 {
        if let Some(topic) = self.find(name) {
            return topic;
        }
        let name: Arc<str> = name.into();
        let topic = Topic { name: Arc::clone(&name), subscribers: Vec::new(), may_skip: false };
        let index = match self.free.pop() {
            Some(index) => {
                self.topics[index as usize] = topic;
                index
            }
            None => {
                self.topics.push(topic);
                u32::try_from(self.topics.len() - 1).expect("topics fit into the memory")
            }
        };
        self.names.insert(name, index);
        index
    }

    /// Adds a subscriber; answers its place.
    pub(super) fn add_subscriber(&mut self, topic: u32, id: LinkId, slow: Slow) -> u32 {
        let Topic { subscribers, may_skip, .. } = &mut self.topics[topic as usize];
        *may_skip |= slow == Slow::Skips;
        subscribers.push(id);
        u32::try_from(subscribers.len() - 1).expect("fewer links than there are descriptors")
    }

    /// Removes the subscriber at a place; answers who stands there now instead. The last to leave
    /// ends the topic.
    pub(super) fn remove_subscriber(&mut self, topic: u32, place: u32) -> Option<LinkId> {
        let Topic { name, subscribers, .. } = &mut self.topics[topic as usize];
        subscribers.swap_remove(place as usize);
        if subscribers.is_empty() {
            self.names.remove(name);
            self.free.push(topic);
        }
        subscribers.get(place as usize).copied()
    }

    pub(super) fn name(&self, topic: u32) -> &Arc<str> {
        &self.topics[topic as usize].name
    }

    /// Whether nothing waits to be delivered.
    pub(super) const fn is_settled(&self) -> bool {
        self.batch.is_none()
    }

    /// Whether the batch goes on with a message to this topic.
    pub(super) fn takes(&self, topic: u32) -> bool {
        self.batch
            .as_ref()
            .is_none_or(|batch| batch.topic == topic && batch.traffic.bytes_out < BATCH_BYTES)
    }

    pub(super) fn add_to_batch(&mut self, topic: u32, message: Message, except: Option<LinkId>) {
        let Self { batch, topics, .. } = self;
        let batch = batch.get_or_insert_with(|| Batch {
            topic,
            since: (topics[topic as usize].subscribers.len() >= MANY).then(Instant::now),
            messages: Vec::new(),
            traffic: Traffic::default(),
            has_exceptions: false,
        });
        batch.traffic.sent(message.len());
        batch.has_exceptions |= except.is_some();
        batch.messages.push((message, except));
    }

    /// What was published since the last call, and who hears it.
    pub(super) fn take_batch(&mut self) -> Option<(Batch, Subscribers)> {
        let batch = self.batch.take()?;
        let topic = batch.topic;
        let Topic { subscribers, may_skip, .. } = &mut self.topics[topic as usize];
        let subscribers =
            Subscribers { topic, may_skip: *may_skip, ids: std::mem::take(subscribers) };
        Some((batch, subscribers))
    }

    pub(super) fn give_back(&mut self, subscribers: Subscribers) {
        self.topics[subscribers.topic as usize].subscribers = subscribers.ids;
    }
}

impl Batch {
    pub(super) const fn frames(self) -> Frames {
        Frames { batch: self, encoded: Vec::new() }
    }

    fn is_for_all(&self, id: LinkId) -> bool {
        !self.has_exceptions || self.messages.iter().all(|(_, except)| *except != Some(id))
    }
}

impl Frames {
    /// What is sent to one link: shared by all who are spoken to alike. What may be left out again
    /// is written apart from what was sent before.
    pub(super) fn of(&mut self, id: LinkId, outgoing: &mut Outgoing, apart: bool) -> Option<Bytes> {
        let for_all = self.batch.is_for_all(id);
        let format = outgoing.format().filter(|_| for_all);
        let known = |(it, _): &&(Format, Bytes)| Some(*it) == format;
        let bytes = match self.encoded.iter().find(known) {
            Some((_, bytes)) => bytes.clone(),
            None => {
                let bytes = self.encode(id, outgoing, apart);
                if let Some(format) = format {
                    self.encoded.push((format, bytes.clone()));
                }
                bytes
            }
        };
        (!bytes.is_empty()).then_some(bytes)
    }

    /// How long ago its first was published, where that is measured.
    pub(super) fn age(&self) -> Option<Duration> {
        self.batch.since.map(|since| since.elapsed())
    }

    /// What one link hears of it.
    pub(super) fn traffic(&self, id: LinkId) -> Traffic {
        if self.batch.is_for_all(id) {
            return self.batch.traffic;
        }
        let mut traffic = Traffic::default();
        let messages = self.batch.messages.iter().filter(|(_, except)| *except != Some(id));
        messages.for_each(|(message, _)| traffic.sent(message.len()));
        traffic
    }

    fn encode(&self, id: LinkId, outgoing: &mut Outgoing, apart: bool) -> Bytes {
        let mut out = Vec::with_capacity(
            self.batch.traffic.bytes_out as usize + 16 * self.batch.messages.len(),
        );
        for (message, except) in &self.batch.messages {
            if *except == Some(id) {
                continue;
            }
            let (kind, bytes) = (message.kind(), message.as_bytes());
            // A binary message to a draft that has none is left out.
            let _ = match apart {
                true => outgoing.send_apart(kind, bytes, &mut out),
                false => outgoing.send(kind, bytes, &mut out),
            };
        }
        out.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(slot: u32) -> LinkId {
        LinkId { generation: 0, slot }
    }

    #[test]
    fn the_last_subscriber_takes_the_place_of_one_who_leaves() {
        let mut topics = Topics::default();
        let topic = topics.find_or_add("news");
        let places: Vec<_> =
            (0..4).map(|slot| topics.add_subscriber(topic, id(slot), Slow::AsItsLink)).collect();
        assert_eq!(places, [0, 1, 2, 3]);
        assert_eq!(topics.remove_subscriber(topic, 1), Some(id(3)));
        assert_eq!(topics.remove_subscriber(topic, 2), None, "it was the last by then");
        assert_eq!(topics.remove_subscriber(topic, 0), Some(id(3)));
        assert_eq!(topics.find("news"), Some(topic));
        assert_eq!(topics.remove_subscriber(topic, 0), None);
    }

    #[test]
    fn a_topic_ends_with_its_last_subscriber_and_another_takes_its_number() {
        let mut topics = Topics::default();
        let [news, sports] = ["news", "sports"].map(|name| topics.find_or_add(name));
        for topic in [news, sports] {
            topics.add_subscriber(topic, id(7), Slow::AsItsLink);
        }
        topics.remove_subscriber(news, 0);
        assert_eq!((topics.find("news"), topics.find("sports")), (None, Some(sports)));
        assert_eq!(topics.find_or_add("weather"), news);
        assert_eq!(topics.find_or_add("news"), 2);
    }

    #[test]
    fn a_batch_is_of_one_topic_and_of_bounded_size() {
        let mut topics = Topics::default();
        let [news, sports] = ["news", "sports"].map(|name| topics.find_or_add(name));
        topics.add_subscriber(news, id(1), Slow::AsItsLink);
        assert!(topics.is_settled() && topics.takes(news) && topics.takes(sports));
        topics.add_to_batch(news, "short".into(), None);
        assert!(!topics.is_settled() && topics.takes(news) && !topics.takes(sports));
        topics.add_to_batch(news, vec![0; BATCH_BYTES as usize].into(), Some(id(1)));
        assert!(!topics.takes(news));

        let (batch, subscribers) = topics.take_batch().unwrap();
        assert!(topics.is_settled() && !batch.is_for_all(id(1)) && batch.is_for_all(id(2)));
        assert_eq!(subscribers.into_iter().collect::<Vec<_>>(), [&id(1)]);
        topics.give_back(subscribers);
        assert_eq!(topics.remove_subscriber(news, 0), None);
    }

    #[test]
    fn a_topic_remembers_that_one_of_its_subscribers_may_skip() {
        let mut topics = Topics::default();
        let news = topics.find_or_add("news");
        for (slot, slow) in [(1, Slow::Skips), (2, Slow::AsItsLink)] {
            topics.add_subscriber(news, id(slot), slow);
        }
        topics.add_to_batch(news, "1".into(), None);
        let (_, subscribers) = topics.take_batch().unwrap();
        assert!(subscribers.may_skip);
        topics.give_back(subscribers);
        for _ in 0..2 {
            topics.remove_subscriber(news, 0);
        }
        let again = topics.find_or_add("news");
        topics.add_subscriber(again, id(2), Slow::AsItsLink);
        topics.add_to_batch(again, "2".into(), None);
        assert!(!topics.take_batch().unwrap().1.may_skip, "it is another topic by that name");
    }

    #[test]
    fn only_where_there_are_many_subscribers_is_the_clock_looked_at() {
        let mut topics = Topics::default();
        let news = topics.find_or_add("news");
        for slot in 0..MANY {
            topics.add_to_batch(news, "1".into(), None);
            let (batch, subscribers) = topics.take_batch().unwrap();
            assert_eq!(batch.frames().age(), None, "{slot}");
            topics.give_back(subscribers);
            topics.add_subscriber(news, id(slot as u32), Slow::AsItsLink);
        }
        topics.add_to_batch(news, "1".into(), None);
        assert!(topics.take_batch().unwrap().0.frames().age().is_some());
    }
}
