//! The hub, through outlets that write down what each subscriber hears.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tieline_hub::{
    BrokerError, Channel, Durability, Epoch, Hub, Keep, Member, Memory, Missing, Most, New,
    Outcome, Outlet, Pattern, Position, Publication, Range, Recovered, Source,
};

/// A worker with any number of subscribers, each with a number.
#[derive(Clone)]
struct Worker(Arc<Desk>);

#[derive(Default)]
struct Desk {
    heard: Mutex<HashMap<u32, Vec<Heard>>>,
    sources: Mutex<HashMap<u32, String>>,
    is_full: AtomicBool,
}

#[derive(Clone, Debug, PartialEq)]
enum Heard {
    Begin(Recovered),
    Publication(String, u64, String),
    Present(String),
    Absent(String),
}

impl Worker {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn heard(&self, member: u32) -> Vec<Heard> {
        self.0.heard.lock().unwrap().get_mut(&member).map(std::mem::take).unwrap_or_default()
    }

    fn begin(&self, member: u32) -> Recovered {
        match self.heard(member).into_iter().next() {
            Some(Heard::Begin(recovered)) => recovered,
            other => panic!("it began with {other:?}"),
        }
    }

    fn tell(&self, source: Option<Source<'_>>, heard: &Heard) {
        let sources = self.0.sources.lock().unwrap();
        let is_one = |name: &String| source.is_none_or(|source| *name == name_of(source));
        for (member, _) in sources.iter().filter(|(_, name)| is_one(name)) {
            self.0.heard.lock().unwrap().entry(*member).or_default().push(heard.clone());
        }
    }
}

fn name_of(source: Source<'_>) -> String {
    match source {
        Source::Channel(channel) => channel.to_string(),
        Source::Pattern(pattern) => pattern.to_string(),
    }
}

impl PartialEq for Worker {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Outlet for Worker {
    type Member = u32;

    fn joined(&self, source: Source<'_>, member: u32, recovered: Recovered) {
        self.0.sources.lock().unwrap().insert(member, name_of(source));
        self.0.heard.lock().unwrap().entry(member).or_default().push(Heard::Begin(recovered));
    }

    fn left(&self, _source: Source<'_>, member: u32) {
        self.0.sources.lock().unwrap().remove(&member);
    }

    fn published(
        &self,
        source: Source<'_>,
        channel: &Channel,
        _epoch: Epoch,
        publication: &Arc<Publication>,
    ) {
        let data = String::from_utf8_lossy(&publication.data).into_owned();
        let heard = Heard::Publication(channel.to_string(), publication.offset, data);
        self.tell(Some(source), &heard);
    }

    fn lost(&self, channel: &Channel, position: Position) {
        panic!("nothing of {channel} is lost at {position:?}");
    }

    fn present(&self, channel: &Channel, member: &Member) {
        self.tell(Some(Source::Channel(channel)), &Heard::Present(member.id.to_string()));
    }

    fn absent(&self, channel: &Channel, member: &Member) {
        self.tell(Some(Source::Channel(channel)), &Heard::Absent(member.id.to_string()));
    }

    fn is_full(&self) -> bool {
        self.0.is_full.load(Ordering::SeqCst)
    }
}

fn hub() -> Hub<Worker> {
    Hub::new(Arc::new(Memory::new()), None)
}

fn keep() -> Arc<Keep> {
    Arc::new(Keep { publications: 100, ..Keep::default() })
}

fn channel(name: &str) -> Channel {
    Channel::new(name).unwrap()
}

fn new(data: &str) -> New {
    New { data: data.to_owned().into(), ..New::default() }
}

fn said(channel: &str, offset: u64, data: &str) -> Heard {
    Heard::Publication(channel.into(), offset, data.into())
}

/// So many publications of any size.
const fn most(publications: usize) -> Most {
    Most { publications, bytes: usize::MAX }
}

#[tokio::test]
async fn who_has_subscribed_hears_and_who_has_left_does_not() {
    let (hub, keep, a) = (hub(), keep(), channel("chat:a"));
    let (one, other) = (Worker::new(), Worker::new());
    for (worker, member) in [(&one, 1), (&one, 2), (&other, 3)] {
        hub.subscribe(&a, &keep, None, most(0), worker, member).await.unwrap();
        assert_eq!(worker.begin(member).position.unwrap().offset, 0);
    }
    assert_eq!(hub.channels(), [(a.clone(), 3)]);
    hub.publish(&a, &keep, new("x")).await.unwrap();
    hub.publish(&channel("chat:b"), &keep, new("of another")).await.unwrap();
    for (worker, member) in [(&one, 1), (&one, 2), (&other, 3)] {
        assert_eq!(worker.heard(member), [said("chat:a", 1, "x")]);
    }
    hub.unsubscribe(&a, &keep, &one, 1);
    hub.publish(&a, &keep, new("y")).await.unwrap();
    assert_eq!((one.heard(1), one.heard(2)), (vec![], vec![said("chat:a", 2, "y")]));
    hub.unsubscribe(&a, &keep, &one, 2);
    hub.unsubscribe(&a, &keep, &other, 3);
    assert_eq!(hub.channels(), []);
}

#[test]
fn in_memory_everything_is_done_at_once() {
    fn now<T>(answer: impl Future<Output = Result<T, BrokerError>>) -> T {
        match pin!(answer).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer.unwrap(),
            Poll::Pending => panic!("it waits"),
        }
    }
    let (hub, keep, a, worker) = (hub(), keep(), channel("a"), Worker::new());
    let start = now(hub.publish(&a, &keep, new("x"))).position;
    now(hub.subscribe(&a, &keep, None, most(9), &worker, 1));
    now(hub.subscribe(&a, &keep, Some(Position { offset: 0, ..start }), most(9), &worker, 2));
    assert_eq!(worker.begin(2).publications.len(), 1);
    assert_eq!(now(hub.history(&a, &keep, Range::ALL, most(9))).publications.len(), 1);
    let broker = hub.broker(&keep).unwrap();
    let member = Member { id: "m".into(), user: None, info: "".into() };
    now(broker.enter(&a, member, Duration::from_secs(60)));
    assert_eq!(now(broker.members(&a)).len(), 1);
    now(broker.leave(&a, "m"));
    assert_eq!(now(broker.members(&a)).len(), 0);
}

#[tokio::test]
async fn who_comes_back_is_given_what_was_missed_or_told_why_not() {
    let (hub, worker, a) = (hub(), Worker::new(), channel("a"));
    let keep = Arc::new(Keep { publications: 5, ..Keep::default() });
    let mut position = hub.publish(&a, &keep, new("1")).await.unwrap().position;
    for offset in 2..=8 {
        hub.publish(&a, &keep, new(&offset.to_string())).await.unwrap();
    }
    let gap = |reason| Some(Outcome::Gap { reason, oldest: 4 });
    let complete = Some(Outcome::Complete);
    for (member, (offset, limit, outcome, given)) in [
        (8, 100, complete, 0),
        (5, 100, complete, 3),
        (3, 100, complete, 5),
        (3, 4, gap(Missing::TooMany), 0),
        (2, 100, gap(Missing::Expired), 0),
        (0, 100, gap(Missing::Expired), 0),
        (9, 100, gap(Missing::Unknown), 0),
    ]
    .into_iter()
    .enumerate()
    {
        position.offset = offset;
        let member = member as u32;
        hub.subscribe(&a, &keep, Some(position), most(limit), &worker, member).await.unwrap();
        let begin = worker.begin(member);
        assert_eq!((begin.outcome, begin.publications.len()), (outcome, given), "{offset} {limit}");
        assert_eq!(begin.position.unwrap().offset, 8);
        let offsets: Vec<_> = begin.publications.iter().map(|it| it.offset).collect();
        assert!(offsets.into_iter().eq(offset + 1..offset + 1 + given as u64));
    }
    position.epoch = Epoch::random();
    hub.subscribe(&a, &keep, Some(position), most(9), &worker, 99).await.unwrap();
    assert_eq!(worker.begin(99).outcome, gap(Missing::Epoch));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_or_doubled_between_what_was_missed_and_what_is_live() {
    let keep = Arc::new(Keep { publications: 100_000, bytes: 1 << 30, ..Keep::default() });
    let hub = hub();
    let a = channel("a");
    let start = hub.publish(&a, &keep, new("0")).await.unwrap().position;
    let publisher = tokio::spawn({
        let (hub, keep, a) = (hub.clone(), keep.clone(), a.clone());
        async move {
            for number in 0..20_000 {
                hub.publish(&a, &keep, new(&number.to_string())).await.unwrap();
                tokio::task::yield_now().await;
            }
        }
    });
    // Each comes and goes and comes back from where it was, while it is published.
    let readers = (0..4).map(|_| {
        let (hub, keep, a) = (hub.clone(), keep.clone(), a.clone());
        tokio::spawn(async move {
            let mut position = start;
            for member in 0.. {
                let worker = Worker::new();
                hub.subscribe(&a, &keep, Some(position), most(usize::MAX), &worker, member)
                    .await
                    .unwrap();
                tokio::task::yield_now().await;
                hub.unsubscribe(&a, &keep, &worker, member);
                for heard in worker.heard(member) {
                    let offsets = match heard {
                        Heard::Begin(recovered) => {
                            assert_eq!(recovered.outcome, Some(Outcome::Complete));
                            recovered.publications.iter().map(|it| it.offset).collect()
                        }
                        Heard::Publication(_, offset, _) => vec![offset],
                        other => panic!("{other:?}"),
                    };
                    for offset in offsets {
                        assert_eq!(offset, position.offset + 1, "once, and in order");
                        position.offset = offset;
                    }
                }
                if position.offset == 20_001 {
                    return member;
                }
            }
            unreachable!()
        })
    });
    let readers: Vec<_> = readers.collect();
    publisher.await.unwrap();
    for reader in readers {
        assert!(reader.await.unwrap() > 1, "it came back while it was published");
    }
}

#[tokio::test]
async fn a_pattern_hears_all_channels_of_its_namespace_from_now_on() {
    let (hub, keep, worker) = (hub(), keep(), Worker::new());
    let pattern = Pattern::new("news:*").unwrap();
    hub.publish(&channel("news:a"), &keep, new("before")).await.unwrap();
    hub.subscribe_all(&pattern, &worker, 1);
    assert_eq!(worker.begin(1).position, None);
    for name in ["news:a", "news:b", "sport:a", "news"] {
        hub.publish(&channel(name), &keep, new("x")).await.unwrap();
    }
    assert_eq!(worker.heard(1), [said("news:a", 2, "x"), said("news:b", 1, "x")]);
    hub.unsubscribe_all(&pattern, &worker, 1);
    hub.publish(&channel("news:a"), &keep, new("x")).await.unwrap();
    assert_eq!(worker.heard(1), []);
}

#[tokio::test]
async fn an_outlet_that_does_not_keep_up_turns_publications_away() {
    let (hub, keep, worker, a) = (hub(), keep(), Worker::new(), channel("a"));
    hub.subscribe(&a, &keep, None, most(0), &worker, 1).await.unwrap();
    worker.0.is_full.store(true, Ordering::SeqCst);
    let refused = hub.publish(&a, &keep, new("x")).await;
    assert!(matches!(refused, Err(BrokerError::Overloaded)));
    worker.0.is_full.store(false, Ordering::SeqCst);
    assert_eq!(hub.publish(&a, &keep, new("x")).await.unwrap().position.offset, 1);
}

#[tokio::test]
async fn who_is_there_is_told_to_the_channel() {
    let (hub, keep, worker, a) = (hub(), keep(), Worker::new(), channel("a"));
    hub.subscribe(&a, &keep, None, most(0), &worker, 1).await.unwrap();
    worker.begin(1);
    let member = Member { id: "x".into(), user: None, info: "{}".into() };
    let broker = hub.broker(&keep).unwrap();
    broker.enter(&a, member, Duration::from_secs(9)).await.unwrap();
    broker.leave(&a, "x").await.unwrap();
    assert_eq!(worker.heard(1), [Heard::Present("x".into()), Heard::Absent("x".into())]);
}

#[tokio::test]
async fn without_a_store_nothing_is_kept_on_disk() {
    let (hub, keep, worker, a) = (hub(), keep(), Worker::new(), channel("a"));
    let keep = Arc::new(Keep { durability: Durability::Disk, ..Keep::clone(&keep) });
    assert!(matches!(hub.publish(&a, &keep, new("x")).await, Err(BrokerError::NoStore)));
    let refused = hub.subscribe(&a, &keep, None, most(0), &worker, 1).await;
    assert!(matches!(refused, Err(BrokerError::NoStore)));
    assert_eq!(hub.channels(), []);
}

#[tokio::test]
async fn a_subscription_that_is_dropped_half_way_leaves_nothing() {
    let (hub, keep, worker, a) = (hub(), keep(), Worker::new(), channel("a"));
    drop(hub.subscribe(&a, &keep, None, most(0), &worker, 1));
    assert_eq!(hub.channels(), []);
    hub.subscribe(&a, &keep, None, most(0), &worker, 1).await.unwrap();
    hub.publish(&a, &keep, new("x")).await.unwrap();
    assert_eq!(worker.heard(1).len(), 2);
}

#[tokio::test]
async fn what_is_given_at_once_is_bounded_in_bytes_too() {
    let (hub, worker, a) = (hub(), Worker::new(), channel("a"));
    let keep = Arc::new(Keep { publications: 9, ..Keep::default() });
    let mut position = hub.publish(&a, &keep, new("12345")).await.unwrap().position;
    for _ in 0..2 {
        hub.publish(&a, &keep, new("12345")).await.unwrap();
    }
    position.offset = 0;
    for (bytes, given) in [(15, 3), (14, 0)] {
        let most = Most { publications: 9, bytes };
        hub.subscribe(&a, &keep, Some(position), most, &worker, given).await.unwrap();
        assert_eq!(worker.begin(given).publications.len(), given as usize);
    }
    for (bytes, given) in [(14, 2), (0, 1)] {
        let most = Most { publications: 9, bytes };
        let history = hub.history(&a, &keep, Range::ALL, most).await.unwrap();
        assert_eq!(history.publications.len(), given);
    }
}

#[tokio::test]
async fn who_goes_on_begins_behind_all_that_was_published_until_then() {
    let (hub, keep, a, worker) = (hub(), keep(), channel("a"), Worker::new());
    hub.subscribe(&a, &keep, None, most(0), &worker, 1).await.unwrap();
    let start = worker.begin(1).position;
    // Nothing was published: the channel goes on where it began.
    hub.go_on(&a, &worker, 1);
    assert_eq!(worker.begin(1).position, start);
    for data in ["x", "y"] {
        hub.publish(&a, &keep, new(data)).await.unwrap();
    }
    worker.heard(1);
    hub.go_on(&a, &worker, 1);
    assert_eq!(worker.begin(1).position.unwrap().offset, 2);
    hub.publish(&a, &keep, new("z")).await.unwrap();
    assert_eq!(worker.heard(1), [said("a", 3, "z")]);
    // It has subscribed once, and lets go once.
    hub.unsubscribe(&a, &keep, &worker, 1);
    assert_eq!(hub.channels(), []);
    hub.go_on(&a, &worker, 1);
    assert_eq!(worker.heard(1), []);
}
