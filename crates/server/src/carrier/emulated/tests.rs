//! What time does to an emulated line: with a clock that is moved by hand.

use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use tieline::Closed;
use tieline::serve::{Backlog, Message, Overflow};
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};

use super::emulation::{Emulation, Rules};
use crate::ask::{Answer, Ask, Fault, How, LineId, LineSecret, Reader, What};
use crate::by_hand::{request, shared};
use crate::carrier::line::Line;
use crate::peer::Peer;
use crate::request::Request;
use crate::service::{Conversation, Service};
use crate::worker::Worker;

const SILENCE: Duration = Duration::from_secs(35);
const HEARTBEAT: Duration = Duration::from_secs(25);
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// Echoes; says something binary, or ends, where the message says so. Writes down how its lines ended.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Service for Told {
    fn open(&self, _peer: &Peer, _request: &Request) -> Box<dyn Conversation> {
        Box::new(self.clone())
    }
}

impl Conversation for Told {
    fn message(&mut self, peer: &Peer, message: Message<'_>) {
        match message.text() {
            Some("binary") => peer.send(vec![1, 2, 3]),
            Some("end") => peer.close(tieline::CloseCode::NORMAL, "enough"),
            Some("pause") => peer.pause(),
            Some("fill") => fill(peer),
            _ => peer.send(message),
        }
    }

    fn writable(&mut self, peer: &Peer) {
        self.0.lock().unwrap().push("writable".into());
        fill(peer);
    }

    fn close(&mut self, _peer: &Peer, how: &Closed) {
        self.0.lock().unwrap().push(how.to_string());
    }
}

/// Says as much as there is room for.
fn fill(peer: &Peer) {
    while !peer.is_full() {
        peer.send("x".repeat(1_000));
    }
}

/// The client of one line.
struct Client {
    asks: mpsc::UnboundedSender<Ask>,
    secret: LineSecret,
    told: Told,
    peer: Peer,
}

impl Client {
    fn ask(&self, what: What) -> oneshot::Receiver<Result<Answer, Fault>> {
        let (answer, answered) = oneshot::channel();
        let (line, route) = (LineId::random(0), Arc::from("/"));
        // Where the line has ended, nobody answers.
        let _ = self.asks.send(Ask { line, route, secret: self.secret, what, answer });
        answered
    }

    async fn send(&self, from: u64, texts: &[&'static str]) -> Result<Answer, Fault> {
        let messages = texts.iter().map(|text| (*text).into()).collect();
        self.ask(What::Send { from, messages, seen: None }).await.unwrap()
    }

    async fn poll(&self, seen: u64, wait: Duration) -> Result<String, Fault> {
        let answer = self.ask(What::Receive { seen, how: How::Poll(wait) }).await.unwrap();
        answer.map(|answer| match answer {
            Answer::Messages(array) => String::from_utf8(array.to_vec()).unwrap(),
            other => panic!("{other:?}"),
        })
    }

    async fn stream(&self, seen: u64) -> Reader {
        match self.ask(What::Receive { seen, how: How::Lines }).await.unwrap() {
            Ok(Answer::Stream(reader)) => reader,
            other => panic!("{other:?}"),
        }
    }

    fn told(&self) -> Vec<String> {
        self.told.0.lock().unwrap().clone()
    }
}

async fn piece(reader: &mut Reader) -> Option<Bytes> {
    Some(reader.frame().await?.unwrap().into_data().unwrap())
}

/// A line, and its client.
async fn with_line(test: impl AsyncFnOnce(Client)) {
    with_overflow(Overflow::default(), test).await;
}

async fn with_overflow(overflow: Overflow, test: impl AsyncFnOnce(Client)) {
    let tasks = LocalSet::new();
    let worker = Rc::new(Worker::new(shared()));
    let told = Told::default();
    let (secret, backlog) = (LineSecret::random(), Backlog { max_bytes: 10_000, overflow });
    let peer = Peer::of_line(worker.inbox(), &backlog);
    let (asks, asked) = mpsc::unbounded_channel();
    let client = Client { asks, secret, told: told.clone(), peer: peer.clone() };
    tasks.spawn_local(async move {
        let _registered = worker.register(&peer);
        let rules = Rules {
            route: "/".into(),
            secret,
            is_json: false,
            window: 5_000,
            heartbeat: HEARTBEAT,
            silence: SILENCE,
            close_within: CLOSE_WITHIN,
        };
        let line = Line::open(&worker, peer, &told, &request(""), None, true);
        let mut emulation = Emulation::new(rules, line, asked);
        let closed = std::future::poll_fn(|cx| emulation.poll(cx)).await;
        emulation.line.end(&closed);
    });
    tasks.run_until(test(client)).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_for_so_long_and_the_line_is_lost() {
    with_line(async |client| {
        let second = Duration::from_secs(1);
        for seen in [0, 0, 0] {
            sleep(SILENCE - second).await;
            assert_eq!(client.poll(seen, Duration::ZERO).await.unwrap(), "[]");
        }
        // While somebody waits, it is not silent.
        assert_eq!(client.poll(0, SILENCE * 2).await.unwrap(), "[]");
        assert!(client.told().is_empty());
        sleep(SILENCE - second).await;
        assert!(client.told().is_empty());
        sleep(second * 2).await;
        assert_eq!(client.told().len(), 1);
        assert!(client.ask(What::Close).await.is_err(), "it is gone");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_poll_is_held_until_something_comes_and_no_longer_than_it_asked() {
    with_line(async |client| {
        let began = Instant::now();
        assert_eq!(client.poll(0, HEARTBEAT).await.unwrap(), "[]");
        assert_eq!(began.elapsed().as_secs(), 25);
        let held = client.ask(What::Receive { seen: 0, how: How::Poll(HEARTBEAT) });
        sleep(Duration::from_secs(7)).await;
        client.peer.send("now");
        let Answer::Messages(array) = held.await.unwrap().unwrap() else { panic!("no array") };
        assert_eq!((&array[..], began.elapsed().as_secs()), (&b"[\"now\"]"[..], 32));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_says_something_now_and_then_and_ends_with_who_reads_it() {
    with_line(async |client| {
        let began = Instant::now();
        let mut stream = client.stream(0).await;
        assert_eq!(piece(&mut stream).await.unwrap(), "\n");
        for count in 1..4 {
            assert_eq!(piece(&mut stream).await.unwrap(), "\n");
            assert_eq!(began.elapsed(), HEARTBEAT * count);
        }
        client.peer.send("a");
        assert_eq!(piece(&mut stream).await.unwrap(), "\"a\"\n");
        assert_eq!(piece(&mut stream).await.unwrap(), "\n");
        assert_eq!(began.elapsed(), HEARTBEAT * 4, "counted from what was said last");
        drop(stream);
        sleep(SILENCE + Duration::from_secs(1)).await;
        assert_eq!(client.told().len(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_end_is_told_again_for_a_while() {
    with_line(async |client| {
        client.send(1, &["a", "end", "never heard"]).await.unwrap();
        let expected = "[\"a\",{\"close\":{\"code\":1000,\"reason\":\"enough\"}}]";
        assert!(client.told().is_empty(), "the client has not been told yet");
        assert_eq!(client.poll(0, HEARTBEAT).await.unwrap(), expected);
        assert_eq!(client.told(), ["closed with 1000 (normal closure): enough"]);
        sleep(CLOSE_WITHIN - Duration::from_secs(1)).await;
        assert_eq!(client.poll(0, HEARTBEAT).await.unwrap(), expected, "its answer was lost");
        let last = "[{\"close\":{\"code\":1000,\"reason\":\"enough\"}}]";
        assert_eq!(client.poll(1, HEARTBEAT).await.unwrap(), last);
        assert_eq!(client.send(3, &["x"]).await.unwrap_err(), Fault::Ended);
        sleep(CLOSE_WITHIN + Duration::from_secs(1)).await;
        assert!(client.ask(What::Close).await.is_err(), "it is gone");
        assert_eq!(client.told().len(), 1, "told once");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_end_that_nobody_asks_for_is_not_kept_for_long() {
    with_line(async |client| {
        client.peer.close(tieline::CloseCode::NORMAL, "");
        sleep(CLOSE_WITHIN + Duration::from_secs(1)).await;
        assert!(client.told()[0].contains("did not answer the close frame"), "{:?}", client.told());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_told_that_the_server_stops() {
    with_line(async |client| {
        let held = client.ask(What::Receive { seen: 0, how: How::Poll(HEARTBEAT) });
        tokio::task::yield_now().await;
        client.peer.line().unwrap().borrow_mut().drain();
        let Answer::Messages(array) = held.await.unwrap().unwrap() else { panic!("no array") };
        assert_eq!(array, "[{\"close\":{\"code\":1001,\"reason\":\"the server stops\"}}]");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_service_says_more_once_what_it_said_has_arrived() {
    with_overflow(Overflow::Wait, async |client| {
        client.send(1, &["fill"]).await.unwrap();
        let (mut seen, mut before) = (0, 0);
        while seen < 50 {
            let array = client.poll(seen, HEARTBEAT).await.unwrap();
            let texts: Vec<String> = serde_json::from_str(&array).unwrap();
            assert!(!texts.is_empty(), "after {seen}");
            seen += texts.len() as u64;
            let writable = client.told().len();
            assert!(writable >= before);
            before = writable;
        }
        assert!(before > 3, "{before}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_binary_is_not_carried() {
    with_line(async |client| {
        client.send(1, &["a", "binary"]).await.unwrap();
        assert_eq!(
            client.poll(0, HEARTBEAT).await.unwrap(),
            "[\"a\",{\"close\":{\"code\":1003,\"reason\":\"binary messages need a WebSocket\"}}]"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_hears_nothing_for_now_is_waited_for() {
    with_line(async |client| {
        let began = Instant::now();
        let answer = client.send(1, &["a", "pause", "b", "c"]).await;
        assert!(matches!(answer, Ok(Answer::Taken(2))), "{answer:?}");
        assert_eq!(began.elapsed().as_secs(), 25);
        let first = client.ask(What::Send { from: 3, messages: vec!["b".into()], seen: None });
        // A client that has given up says it again, and the service hears it once.
        let again = client.ask(What::Send { from: 3, messages: vec!["b".into()], seen: None });
        assert!(matches!(first.await.unwrap(), Ok(Answer::Taken(2))));
        client.peer.resume();
        assert!(matches!(again.await.unwrap(), Ok(Answer::Taken(3))));
        assert_eq!(client.poll(0, HEARTBEAT).await.unwrap(), "[\"a\",\"b\"]");
    })
    .await;
}
