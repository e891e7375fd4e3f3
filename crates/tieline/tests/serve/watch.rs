//! Does whoever watches a link see the bytes that go over it, and nobody else notice?

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use tieline::serve::{Direction, Handler, Link, Message, Seen, Tap, Watch, Worker};
use tieline::{Agreement, Request};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::spawn_local;

use crate::raw::*;
use crate::served::*;

/// Answers with what it hears; a tap that a task is given is put on all links.
struct Watched {
    taps: Arc<Mutex<Option<UnboundedReceiver<Tap>>>>,
    waiting: Rc<RefCell<Vec<Tap>>>,
    tell: UnboundedSender<usize>,
}

impl Handler for Watched {
    type State = ();

    fn start(&mut self, worker: &Worker) {
        let mut taps = self.taps.lock().unwrap().take().unwrap();
        let (worker, waiting) = (worker.clone(), Rc::clone(&self.waiting));
        spawn_local(async move {
            while let Some(tap) = taps.recv().await {
                waiting.borrow_mut().push(tap);
                worker.survey();
            }
        });
    }

    fn survey(&mut self, links: &mut dyn Iterator<Item = (Link, &())>) {
        let links: Vec<_> = links.map(|(link, ())| link).collect();
        for (link, tap) in links.iter().zip(self.waiting.borrow_mut().drain(..)) {
            assert!(link.address().unwrap().ip().is_loopback());
            link.tap(tap);
        }
        self.tell.send(links.len()).unwrap();
    }

    fn open(&mut self, _: &Link, _: &Request, _: &Agreement) {}

    fn message(&mut self, (): &mut (), link: &Link, message: Message<'_>) {
        link.send(message);
    }
}

struct Scene {
    server: Served,
    taps: UnboundedSender<Tap>,
    /// How many links each survey has shown.
    surveys: UnboundedReceiver<usize>,
}

fn scene() -> Scene {
    let (taps, given) = unbounded_channel();
    let (tell, surveys) = unbounded_channel();
    let given = Arc::new(Mutex::new(Some(given)));
    let server = served(move || Watched {
        taps: Arc::clone(&given),
        waiting: Rc::default(),
        tell: tell.clone(),
    });
    Scene { server, taps, surveys }
}

impl Scene {
    /// Watches the one link from here on.
    async fn watch(&mut self) -> Watch {
        let (tap, mut watch) = Watch::new(4 << 20);
        self.taps.send(tap).unwrap();
        assert_eq!(heard(&mut self.surveys).await, 1);
        let Some(Seen::Begins(agreement)) = soon(watch.next()).await else { panic!("no link") };
        assert_eq!(agreement, Agreement::default());
        watch
    }
}

/// So many bytes of a direction, as they come.
async fn seen(watch: &mut Watch, expected: Direction, len: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < len {
        match soon(watch.next()).await.expect("the link is open") {
            Seen::Bytes { direction, bytes, .. } if direction == expected => {
                all.extend_from_slice(&bytes);
            }
            other => panic!("{other:?}"),
        }
    }
    all
}

#[tokio::test]
async fn whoever_watches_sees_the_bytes_of_both_directions_until_the_link_ends() {
    let mut scene = scene();
    let mut raw = Raw::open(scene.server.address);
    let mut watch = scene.watch().await;
    let mut second = scene.watch().await;
    let hello = masked(TEXT, b"hello");
    raw.say(&hello);
    raw.expect(TEXT, "hello");
    for watch in [&mut watch, &mut second] {
        assert_eq!(seen(watch, Direction::In, hello.len()).await, hello);
        assert_eq!(seen(watch, Direction::Out, 7).await, b"\x81\x05hello");
    }
    // One who leaves takes nothing from the other.
    drop(second);
    let bye = masked(CLOSE, b"\x03\xe8");
    raw.say(&bye);
    assert_eq!(seen(&mut watch, Direction::In, bye.len()).await, bye);
    assert_eq!(seen(&mut watch, Direction::Out, 4).await, b"\x88\x02\x03\xe8");
    drop(raw);
    assert!(soon(watch.next()).await.is_none());
}

#[tokio::test]
async fn a_watch_that_begins_within_a_large_message_begins_behind_it() {
    let mut scene = scene();
    let mut raw = Raw::open(scene.server.address);
    let (hello, payload) = (masked(TEXT, b"hello"), vec![7; 600 << 10]);
    let large = masked(BINARY, &payload);
    let (first, rest) = large.split_at(100);
    // What comes in one segment is read at once: the answer tells that it was.
    raw.say([&hello, first].concat());
    raw.expect(TEXT, "hello");
    let mut watch = scene.watch().await;
    raw.say(rest);
    raw.expect(BINARY, &payload);
    raw.say(&hello);
    raw.expect(TEXT, "hello");
    let expected = 10 + payload.len() + 7;
    let (mut missing, mut received, mut sent) = (0, Vec::new(), 0);
    while sent < expected || received.is_empty() {
        match soon(watch.next()).await.expect("the link is open") {
            Seen::Bytes { direction: Direction::In, bytes, .. } => received.extend(bytes),
            Seen::Bytes { direction: Direction::Out, bytes, .. } => sent += bytes.len(),
            Seen::Missing { direction: Direction::In, bytes, .. } => missing += bytes,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((missing, received, sent), (rest.len() as u64, hello, expected));
}
