//! What every broker has to pass: each function is one part of the contract of [`Broker`].
//!
//! A broker is handed over as a function that makes one, with nothing in it; each check uses a new one.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::{Broker, BrokerError, Listener};
use crate::channel::Channel;
use crate::history::Range;
use crate::keep::{KEYS_KNOWN, Keep};
use crate::member::Member;
use crate::position::{Epoch, Position};
use crate::publication::{New, Publication, Published};

/// Runs all of it.
///
/// # Panics
///
/// Where the broker does not keep the contract.
pub async fn check<B: Broker>(make: impl Fn() -> B) {
    let keep = Arc::new(Keep { publications: 1_000, ..Keep::default() });
    places_are_counted_without_holes(make(), &keep).await;
    each_channel_counts_for_itself(make(), &keep).await;
    the_listener_is_told_in_order_before_the_publisher(make(), &keep).await;
    many_publishers_leave_no_hole(make(), &keep).await;
    a_key_publishes_once(make(), &keep).await;
    the_same_key_at_the_same_time_publishes_once(make(), &keep).await;
    bounds_keep_the_newest(make()).await;
    age_is_a_bound(make(), &keep).await;
    history_is_read_from_both_ends(make(), &keep).await;
    a_channel_that_is_heard_keeps_its_epoch(make(), &keep).await;
    a_channel_that_nobody_published_on_keeps_its_epoch(make(), &keep).await;
    a_forgotten_channel_begins_anew(make(), &keep).await;
    a_namespace_has_no_more_channels_than_it_may(make()).await;
    a_namespace_keeps_no_more_bytes_than_it_may(make()).await;
    members_come_and_go(make()).await;
    leases_end(make()).await;
}

/// What a listener heard.
#[derive(Default)]
struct Heard {
    publications: Mutex<Vec<(String, Epoch, Arc<Publication>)>>,
    presence: Mutex<Vec<String>>,
}

impl Heard {
    fn offsets(&self, channel: &Channel) -> Vec<u64> {
        let heard = self.publications.lock().unwrap_or_else(PoisonError::into_inner);
        let of_channel = heard.iter().filter(|(name, _, _)| name == channel.as_str());
        of_channel.map(|(_, _, publication)| publication.offset).collect()
    }

    fn take_presence(&self) -> Vec<String> {
        std::mem::take(&mut self.presence.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, what: &str, channel: &Channel, member: &Member) {
        let mut heard = self.presence.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(format!("{what} {channel} {}", member.id));
    }
}

impl Listener for Heard {
    fn published(&self, channel: &Channel, epoch: Epoch, publication: &Arc<Publication>) {
        let mut heard = self.publications.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push((channel.to_string(), epoch, Arc::clone(publication)));
    }

    fn lost(&self, channel: &Channel, position: Position) {
        panic!("nothing of {channel} was lost, but it goes on at {position:?}");
    }

    fn entered(&self, channel: &Channel, member: &Member) {
        self.note("entered", channel, member);
    }

    fn left(&self, channel: &Channel, member: &Member) {
        self.note("left", channel, member);
    }
}

fn channel(name: &str) -> Channel {
    Channel::new(name).expect("a name")
}

fn new(data: impl Into<String>) -> New {
    New { data: data.into().into(), ..New::default() }
}

fn keyed(data: &str, key: &str) -> New {
    New { key: Some(key.into()), from: Some("alice".into()), ..new(data) }
}

fn member(id: &str) -> Member {
    Member { id: id.into(), user: None, info: "{}".into() }
}

async fn publish(broker: &impl Broker, channel: &Channel, keep: &Arc<Keep>, new: New) -> Published {
    broker.publish(channel, keep, new).await.expect("published")
}

async fn offsets(
    broker: &impl Broker,
    channel: &Channel,
    keep: &Arc<Keep>,
    range: Range,
) -> Vec<u64> {
    let history = broker.read(channel, keep, range, usize::MAX).await.expect("read");
    history.publications.iter().map(|it| it.offset).collect()
}

async fn places_are_counted_without_holes(broker: impl Broker, keep: &Arc<Keep>) {
    let channel = channel("chat:a");
    let start = broker.listen(&channel, keep).await.expect("a position");
    assert_eq!(start.offset, 0);
    for offset in 1..=5 {
        let published = publish(&broker, &channel, keep, new(offset.to_string())).await;
        let position = Position { epoch: start.epoch, offset };
        assert_eq!(published, Published { position, is_repeat: false });
    }
    let history = broker.read(&channel, keep, Range::ALL, 9).await.expect("read");
    assert_eq!((history.position.offset, history.oldest), (5, 1));
    let said: Vec<_> = history.publications.iter().map(|it| it.data.clone()).collect();
    assert_eq!(said, ["1", "2", "3", "4", "5"]);
}

async fn each_channel_counts_for_itself(broker: impl Broker, keep: &Arc<Keep>) {
    let (a, b) = (channel("a"), channel("b"));
    publish(&broker, &a, keep, new("x")).await;
    publish(&broker, &a, keep, new("x")).await;
    assert_eq!(publish(&broker, &b, keep, new("x")).await.position.offset, 1);
    assert_eq!(offsets(&broker, &b, keep, Range::ALL).await, [1]);
    assert_eq!(offsets(&broker, &channel("c"), keep, Range::ALL).await, [0; 0]);
}

async fn the_listener_is_told_in_order_before_the_publisher(broker: impl Broker, keep: &Arc<Keep>) {
    let (heard, channel) = (Arc::new(Heard::default()), channel("a"));
    broker.start(Arc::clone(&heard) as _);
    broker.listen(&channel, keep).await.expect("a position");
    for offset in 1..=20 {
        publish(&broker, &channel, keep, new("x")).await;
        assert_eq!(heard.offsets(&channel).last(), Some(&offset));
    }
    assert!(heard.offsets(&channel).into_iter().eq(1..=20));
}

async fn many_publishers_leave_no_hole(broker: impl Broker, keep: &Arc<Keep>) {
    let (heard, channel) = (Arc::new(Heard::default()), channel("a"));
    let broker = Arc::new(broker);
    broker.start(Arc::clone(&heard) as _);
    broker.listen(&channel, keep).await.expect("a position");
    let publishers: Vec<_> = (0..8)
        .map(|_| {
            let (broker, channel, keep) = (Arc::clone(&broker), channel.clone(), keep.clone());
            tokio::spawn(async move {
                let mut mine = Vec::new();
                for _ in 0..50 {
                    mine.push(publish(&*broker, &channel, &keep, new("x")).await.position.offset);
                }
                assert!(mine.is_sorted(), "one publisher's order is kept");
                mine
            })
        })
        .collect();
    let mut all = HashSet::new();
    for publisher in publishers {
        all.extend(publisher.await.expect("it did not panic"));
    }
    assert_eq!(all, (1..=400).collect());
    assert!(heard.offsets(&channel).into_iter().eq(1..=400));
}

async fn a_key_publishes_once(broker: impl Broker, keep: &Arc<Keep>) {
    let (a, b) = (channel("a"), channel("b"));
    let first = publish(&broker, &a, keep, keyed("x", "k")).await;
    publish(&broker, &a, keep, keyed("y", "l")).await;
    let again = publish(&broker, &a, keep, keyed("z", "k")).await;
    assert_eq!(again, Published { is_repeat: true, ..first });
    assert!(!publish(&broker, &b, keep, keyed("x", "k")).await.is_repeat, "of another channel");
    assert_eq!(offsets(&broker, &a, keep, Range::ALL).await, [1, 2]);
    let history = broker.read(&a, keep, Range::ALL, 1).await.expect("read");
    assert_eq!(history.publications[0].from.as_deref(), Some("alice"));

    // Also when what was published with it is kept no more.
    let little = Arc::new(Keep { publications: 1, ..Keep::clone(keep) });
    publish(&broker, &a, &little, new("x")).await;
    broker.sweep(SystemTime::now() + KEYS_KNOWN / 2);
    assert!(publish(&broker, &a, &little, keyed("z", "k")).await.is_repeat);
    broker.sweep(SystemTime::now() + KEYS_KNOWN * 2);
    assert!(!publish(&broker, &a, &little, keyed("z", "k")).await.is_repeat, "forgotten");
}

async fn the_same_key_at_the_same_time_publishes_once(broker: impl Broker, keep: &Arc<Keep>) {
    let (broker, channel) = (Arc::new(broker), channel("a"));
    let tries: Vec<_> = (0..16)
        .map(|_| {
            let (broker, channel, keep) = (Arc::clone(&broker), channel.clone(), keep.clone());
            tokio::spawn(async move { publish(&*broker, &channel, &keep, keyed("x", "k")).await })
        })
        .collect();
    let mut firsts = 0;
    for published in tries {
        let published = published.await.expect("it did not panic");
        assert_eq!(published.position.offset, 1);
        firsts += usize::from(!published.is_repeat);
    }
    assert_eq!(firsts, 1);
}

async fn bounds_keep_the_newest(broker: impl Broker) {
    let channel = channel("a");
    let keep = Arc::new(Keep { publications: 3, ..Keep::default() });
    for _ in 0..10 {
        publish(&broker, &channel, &keep, new("x")).await;
    }
    assert_eq!(offsets(&broker, &channel, &keep, Range::ALL).await, [8, 9, 10]);
    let history = broker.read(&channel, &keep, Range::After(2), 9).await.expect("read");
    assert_eq!((history.oldest, history.position.offset), (8, 10));

    let none = Arc::default();
    assert_eq!(publish(&broker, &channel, &none, new("x")).await.position.offset, 11);
    assert_eq!(offsets(&broker, &channel, &none, Range::ALL).await, [0; 0]);
    let bytes = Arc::new(Keep { bytes: 3_000, publications: 9, ..Keep::default() });
    for _ in 0..9 {
        publish(&broker, &channel, &bytes, new("x".repeat(1_000))).await;
    }
    assert_eq!(offsets(&broker, &channel, &bytes, Range::ALL).await, [19, 20]);
}

async fn age_is_a_bound(broker: impl Broker, keep: &Arc<Keep>) {
    let channel = channel("a");
    let position = broker.listen(&channel, keep).await.expect("a position");
    publish(&broker, &channel, keep, new("x")).await;
    broker.sweep(SystemTime::now() + keep.age * 2);
    let history = broker.read(&channel, keep, Range::ALL, 9).await.expect("read");
    assert_eq!((history.publications.len(), history.oldest), (0, 2));
    assert_eq!(history.position, Position { offset: 1, ..position });
}

async fn history_is_read_from_both_ends(broker: impl Broker, keep: &Arc<Keep>) {
    let channel = channel("a");
    for _ in 0..5 {
        publish(&broker, &channel, keep, new("x")).await;
    }
    for (range, expected) in [
        (Range::After(3), &[4, 5][..]),
        (Range::After(5), &[]),
        (Range::After(u64::MAX), &[]),
        (Range::NEWEST, &[5, 4, 3, 2, 1]),
        (Range::Before(3), &[2, 1]),
        (Range::Before(0), &[]),
    ] {
        assert_eq!(offsets(&broker, &channel, keep, range).await, expected, "{range:?}");
    }
    let two = broker.read(&channel, keep, Range::NEWEST, 2).await.expect("read");
    assert_eq!(two.publications.iter().map(|it| it.offset).collect::<Vec<_>>(), [5, 4]);
    let none = broker.read(&channel, keep, Range::ALL, 0).await.expect("read");
    assert_eq!((none.publications.len(), none.position.offset), (0, 5));
}

async fn a_channel_that_is_heard_keeps_its_epoch(broker: impl Broker, keep: &Arc<Keep>) {
    let channel = channel("a");
    let start = broker.listen(&channel, keep).await.expect("a position");
    publish(&broker, &channel, keep, new("x")).await;
    broker.sweep(SystemTime::now() + KEYS_KNOWN * 10);
    let published = publish(&broker, &channel, keep, new("x")).await;
    assert_eq!(published.position, Position { offset: 2, ..start });
}

async fn a_channel_that_nobody_published_on_keeps_its_epoch(broker: impl Broker, keep: &Arc<Keep>) {
    let channel = channel("a");
    let start = broker.listen(&channel, keep).await.expect("a position");
    broker.unlisten(&channel);
    broker.sweep(SystemTime::now());
    let history = broker.read(&channel, keep, Range::ALL, 9).await.expect("read");
    assert_eq!(history.position, start);
    assert_eq!(broker.listen(&channel, keep).await.expect("a position"), start);
}

async fn a_forgotten_channel_begins_anew(broker: impl Broker, keep: &Arc<Keep>) {
    let channel = channel("a");
    let first = publish(&broker, &channel, keep, new("x")).await.position;
    broker.sweep(SystemTime::now() + KEYS_KNOWN * 10);
    let start = broker.listen(&channel, keep).await.expect("a position");
    assert_eq!(start.offset, 0);
    assert_ne!(start.epoch, first.epoch, "what was published is gone");
}

async fn a_namespace_has_no_more_channels_than_it_may(broker: impl Broker) {
    let keep = Arc::new(Keep { publications: 9, channels: 2, ..Keep::default() });
    publish(&broker, &channel("a:1"), &keep, new("x")).await;
    broker.listen(&channel("a:2"), &keep).await.expect("a position");
    let third = channel("a:3");
    let refused = broker.publish(&third, &keep, new("x")).await;
    assert!(matches!(refused, Err(BrokerError::Overloaded)), "{refused:?}");
    let refused = broker.listen(&third, &keep).await;
    assert!(matches!(refused, Err(BrokerError::Overloaded)), "{refused:?}");
    assert_eq!(offsets(&broker, &third, &keep, Range::ALL).await, [0; 0]);
    publish(&broker, &channel("a:1"), &keep, new("x")).await;
    publish(&broker, &channel("b:1"), &keep, new("x")).await;
    broker.unlisten(&channel("a:2"));
    broker.sweep(SystemTime::now());
    publish(&broker, &third, &keep, new("x")).await;
}

async fn a_namespace_keeps_no_more_bytes_than_it_may(broker: impl Broker) {
    let keep = Arc::new(Keep { publications: 9, total_bytes: 5_000, ..Keep::default() });
    let (a, b) = (channel("a:1"), channel("a:2"));
    for _ in 0..3 {
        publish(&broker, &a, &keep, new("x".repeat(1_000))).await;
    }
    for number in 0..9 {
        publish(&broker, &b, &keep, keyed(&"y".repeat(1_000), &number.to_string())).await;
    }
    assert_eq!(offsets(&broker, &a, &keep, Range::ALL).await, [1, 2, 3], "another's are let be");
    assert_eq!(offsets(&broker, &b, &keep, Range::ALL).await.last(), None, "its keys go last");
    assert!(publish(&broker, &b, &keep, keyed("z", "8")).await.is_repeat);
    let more = publish(&broker, &b, &keep, new("z".repeat(9_000))).await;
    assert_eq!(more.position.offset, 10, "what is too large to be kept is published");
}

async fn members_come_and_go(broker: impl Broker) {
    let (heard, channel) = (Arc::new(Heard::default()), channel("a"));
    broker.start(Arc::clone(&heard) as _);
    let lease = Duration::from_secs(60);
    for id in ["x", "y", "x"] {
        broker.enter(&channel, member(id), lease).await.expect("entered");
    }
    assert_eq!(heard.take_presence(), ["entered a x", "entered a y"]);
    let mut members = broker.members(&channel).await.expect("members");
    members.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(members, [member("x"), member("y")]);
    broker.leave(&channel, "x").await.expect("left");
    broker.leave(&channel, "x").await.expect("not there");
    assert_eq!(heard.take_presence(), ["left a x"]);
    assert_eq!(broker.members(&channel).await.expect("members"), [member("y")]);
}

async fn leases_end(broker: impl Broker) {
    let (heard, channel) = (Arc::new(Heard::default()), channel("a"));
    broker.start(Arc::clone(&heard) as _);
    broker.enter(&channel, member("x"), Duration::from_secs(60)).await.expect("entered");
    broker.enter(&channel, member("y"), Duration::from_secs(600)).await.expect("entered");
    broker.sweep(SystemTime::now() + Duration::from_secs(120));
    assert_eq!(broker.members(&channel).await.expect("members"), [member("y")]);
    assert_eq!(heard.take_presence(), ["entered a x", "entered a y", "left a x"]);
}
