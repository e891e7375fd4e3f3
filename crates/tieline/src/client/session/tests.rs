//! What the session says and hears, with a clock that is moved by hand.

use std::task::{Context, Poll, Waker};

use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::sync::oneshot::Receiver;

use super::*;
use crate::client::event::Event;

struct Scene {
    session: Session,
    now: Instant,
}

type Answered = Receiver<Result<Box<RawValue>, Error>>;

impl Scene {
    fn new() -> Self {
        Self { session: Session::new(None, Duration::from_secs(30)), now: Instant::now() }
    }

    /// A session on its first line.
    fn connected() -> Self {
        let mut scene = Self::new();
        scene.connect(false, 0);
        scene
    }

    /// A line opens, and the server knows the session, of which it has taken so many requests.
    fn connect(&mut self, recovered: bool, seen: u64) -> Value {
        self.session.opened(self.now);
        let connect = self.says();
        assert_eq!(connect["method"], "connect");
        self.hears(&json!({ "id": connect["id"], "result": {
            "client": "c", "session": { "id": "s", "secret": "x", "keep": 120 },
            "recovered": recovered, "seen": seen, "ping": 25,
        }}));
        assert!(matches!(self.session.take_news(), Some(News::Connected { .. })));
        connect["params"].clone()
    }

    fn call(&mut self, method: &str, may_repeat: bool) -> Answered {
        let (answer, answered) = oneshot::channel();
        let params = to_raw_value(&json!({})).unwrap();
        self.session.call(method, &params, may_repeat, answer, self.now);
        answered
    }

    fn subscribe(&mut self, channel: &str) -> Arc<Queue> {
        let queue = Queue::new(100, 1 << 20);
        let (asker, answer) = oneshot::channel();
        self.session.subscribe(&channel.into(), &queue, asker, self.now);
        // The owner waits for it as long as the scene lasts.
        std::mem::forget(answer);
        queue
    }

    fn says(&mut self) -> Value {
        serde_json::from_str(&self.session.take_text().expect("nothing is said")).unwrap()
    }

    /// The methods of all that is said.
    fn says_all(&mut self) -> Vec<String> {
        let texts = std::iter::from_fn(|| self.session.take_text());
        let texts = texts.map(|text| serde_json::from_str::<Value>(&text).unwrap());
        texts.map(|said| said["method"].as_str().unwrap().to_owned()).collect()
    }

    fn hears(&mut self, said: &Value) {
        let mut said = said.clone();
        said["jsonrpc"] = "2.0".into();
        self.session.receive(&said.to_string(), self.now);
    }

    fn publishes(&mut self, offset: u64) {
        let params = json!({ "channel": "a", "offset": offset, "data": offset });
        self.hears(&json!({ "method": "publication", "params": params }));
    }

    fn later(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.session.handle_timeout(self.now);
    }
}

fn position(offset: u64) -> Value {
    json!({ "epoch": "e", "offset": offset })
}

/// What waits for a reader: offsets, and words for the rest.
fn events(queue: &Queue) -> Vec<String> {
    let mut cx = Context::from_waker(Waker::noop());
    let next = || match queue.poll_next(&mut cx) {
        Poll::Ready(Some(Event::Publication(publication))) => Some(publication.offset.to_string()),
        Poll::Ready(Some(Event::Gap(gap))) => Some(gap.reason.as_str().to_owned()),
        Poll::Ready(Some(event)) => Some(format!("{event:?}")),
        Poll::Ready(None) | Poll::Pending => None,
    };
    std::iter::from_fn(next).collect()
}

#[test]
fn what_the_server_has_not_taken_is_said_again_in_its_order() {
    let mut scene = Scene::connected();
    let calls: Vec<_> =
        ["one", "two", "three"].iter().map(|method| scene.call(method, false)).collect();
    assert_eq!(scene.says_all(), ["one", "two", "three"]);
    scene.session.lost(None);
    let four = scene.call("four", true);
    let connect = scene.connect(true, 1);
    assert_eq!(connect["session"], json!({ "id": "s", "secret": "x", "seen": 0 }));
    assert_eq!(scene.says_all(), ["two", "three", "four"]);
    // The first was taken: its answer comes by itself.
    scene.hears(&json!({ "id": 2, "result": 1 }));
    let mut answers = calls.into_iter().chain([four]);
    assert_eq!(answers.next().unwrap().try_recv().unwrap().unwrap().get(), "1");
    assert!(answers.all(|mut answer| answer.try_recv().is_err()));
}

#[test]
fn where_the_session_is_gone_only_what_may_be_done_twice_is_said_again() {
    let mut scene = Scene::connected();
    let (mut once, _often) = (scene.call("once", false), scene.call("often", true));
    scene.says_all();
    scene.session.lost(None);
    let mut unsaid = scene.call("unsaid", false);
    scene.connect(false, 0);
    assert!(matches!(once.try_recv(), Ok(Err(Error::Lost))));
    assert_eq!(scene.says_all(), ["often", "unsaid"]);
    assert!(unsaid.try_recv().is_err());
}

#[test]
fn answers_are_counted_and_acknowledged_in_time() {
    let mut scene = Scene::connected();
    let _calls: Vec<_> = (0..40).map(|_| scene.call("x", true)).collect();
    scene.says_all();
    for id in 2..42 {
        scene.hears(&json!({ "id": id, "result": null }));
    }
    let ack = scene.says();
    assert_eq!((ack["method"].as_str(), &ack["params"]["seen"]), (Some("ack"), &json!(32)));
    assert_eq!(scene.session.deadline(), Some(scene.now + ACK_WITHIN));
    scene.later(1);
    assert_eq!(scene.says()["params"]["seen"], 40);
    scene.session.lost(None);
    assert_eq!(scene.connect(true, 40)["session"]["seen"], 40);
}

#[test]
fn a_call_that_takes_too_long_ends_and_its_answer_still_counts() {
    let mut scene = Scene::connected();
    let mut call = scene.call("slow", true);
    let id = scene.says()["id"].clone();
    scene.later(30);
    assert!(matches!(call.try_recv(), Ok(Err(Error::TimedOut))));
    scene.hears(&json!({ "id": id, "result": 1 }));
    scene.session.lost(None);
    assert_eq!(scene.connect(true, 1)["session"]["seen"], 1);
    assert_eq!(scene.says_all(), Vec::<String>::new());
}

#[test]
fn a_subscription_goes_on_from_where_it_was_and_nothing_is_given_twice() {
    let mut scene = Scene::connected();
    let queue = scene.subscribe("a");
    let asked = scene.says();
    assert_eq!(asked["params"], json!({ "channel": "a" }));
    let answer = json!({ "position": position(5), "publications": [] });
    scene.hears(&json!({ "id": asked["id"], "result": answer }));
    scene.publishes(6);
    scene.session.lost(None);
    scene.connect(true, 1);
    let asked = scene.says();
    assert_eq!(asked["params"], json!({ "channel": "a", "position": position(6) }));
    // What comes before the answer is not this subscription's.
    scene.publishes(8);
    let missed = [6, 7, 8].map(|offset| json!({ "offset": offset, "data": 0, "from": "alice" }));
    let answer = json!({ "position": position(8), "recovered": true, "publications": missed });
    scene.hears(&json!({ "id": asked["id"], "result": answer }));
    scene.publishes(8);
    scene.publishes(9);
    assert_eq!(events(&queue), ["6", "7", "8", "9"]);
}

#[test]
fn a_hole_is_mended_or_told() {
    let mut scene = Scene::connected();
    let queue = scene.subscribe("a");
    let id = scene.says()["id"].clone();
    let answer = json!({ "position": position(0), "publications": [] });
    scene.hears(&json!({ "id": id, "result": answer }));
    scene.publishes(1);
    scene.publishes(3);
    assert_eq!(scene.says()["method"], "unsubscribe");
    let asked = scene.says();
    assert_eq!(asked["params"]["position"], position(1));
    let answer = json!({ "position": position(9), "recovered": false, "reason": "too_many",
                         "oldest": 2, "publications": [] });
    scene.hears(&json!({ "id": asked["id"], "result": answer }));
    scene.publishes(10);
    assert_eq!(events(&queue), ["1", "too_many", "10"]);
}

#[test]
fn a_line_that_was_too_slow_is_told_so_and_goes_on_behind_the_gap() {
    let mut scene = Scene::connected();
    let (queue, all) = (scene.subscribe("a"), scene.subscribe("a*"));
    let answers = [json!({ "position": position(0), "publications": [] }), json!({})];
    for answer in answers {
        let id = scene.says()["id"].clone();
        scene.hears(&json!({ "id": id, "result": answer }));
    }
    scene.publishes(1);
    let gap = json!({ "channel": "a", "position": position(7), "reason": "slow" });
    scene.hears(&json!({ "method": "gap", "params": gap }));
    scene.publishes(8);
    assert_eq!(events(&queue), ["1", "slow", "8"]);
    let gap = json!({ "pattern": "a*", "reason": "slow" });
    scene.hears(&json!({ "method": "gap", "params": gap }));
    assert_eq!(events(&all), ["slow"]);
    assert_eq!(scene.says_all(), Vec::<String>::new(), "nothing is asked for again");
    // A channel has a position, and a pattern has none.
    for wrong in [json!({ "channel": "a" }), json!({ "pattern": "a*", "position": position(1) })] {
        let mut scene = Scene::connected();
        let mut params = wrong.clone();
        params["reason"] = "slow".into();
        scene.hears(&json!({ "method": "gap", "params": params }));
        assert!(matches!(scene.session.take_news(), Some(News::Failed(Error::Answer))), "{wrong}");
    }
}

#[test]
fn whoever_leaves_while_it_is_asked_for_leaves_when_it_is_answered() {
    let mut scene = Scene::connected();
    let queue = scene.subscribe("a");
    let id = scene.says()["id"].clone();
    scene.session.leave("a", &queue);
    assert_eq!(scene.says_all(), Vec::<String>::new());
    let answer = json!({ "position": position(0), "publications": [] });
    scene.hears(&json!({ "id": id, "result": answer }));
    assert_eq!(scene.says_all(), ["unsubscribe"]);
    let again = scene.subscribe("a");
    assert_eq!(scene.says_all(), ["subscribe"]);
    // The old one is gone already.
    scene.session.leave("a", &queue);
    assert_eq!(scene.says_all(), Vec::<String>::new());
    scene.session.end(&Error::Closed);
    assert!(matches!(again.error(), Some(Error::Closed)));
}

#[test]
fn a_server_that_is_busy_is_asked_again_for_what_was_there_before() {
    let mut scene = Scene::connected();
    let queue = scene.subscribe("a");
    let id = scene.says()["id"].clone();
    let answer = json!({ "position": position(0), "publications": [] });
    scene.hears(&json!({ "id": id, "result": answer }));
    scene.session.lost(None);
    scene.connect(true, 1);
    let busy = json!({ "code": 4011, "message": "overloaded" });
    let id = scene.says()["id"].clone();
    scene.hears(&json!({ "id": id, "error": busy }));
    assert_eq!(scene.says_all(), Vec::<String>::new());
    scene.later(1);
    let said = scene.says_all();
    assert!(said.contains(&"subscribe".to_owned()), "{said:?}");
    assert!(queue.error().is_none());
}

#[test]
fn what_is_not_of_the_language_ends_the_client() {
    for wrong in ["", "[]", "{\"result\":1}", "{\"method\":\"publication\",\"params\":{}}"] {
        let mut scene = Scene::new();
        scene.session.opened(scene.now);
        scene.session.receive(wrong, scene.now);
        assert!(matches!(scene.session.take_news(), Some(News::Failed(Error::Answer))), "{wrong}");
    }
    // A word that is newer than the client is none of its business.
    let mut scene = Scene::connected();
    scene.hears(&json!({ "method": "weather", "params": { "is": "fine" } }));
    assert!(scene.session.take_news().is_none());
}

#[test]
fn an_error_is_told_with_all_that_is_said_of_it() {
    let mut scene = Scene::connected();
    let mut call = scene.call("call", false);
    let id = scene.says()["id"].clone();
    let error = json!({ "code": 7, "message": "no", "data": { "at": 1 } });
    scene.hears(&json!({ "id": id, "error": error }));
    let Err(Error::Fault(fault)) = call.try_recv().unwrap() else { panic!("it is an error") };
    assert_eq!((fault.code, fault.data.as_deref()), (7, Some(r#"{"at":1}"#)));
}

/// What is said of a device, and the mailbox of it.
fn registered(scene: &mut Scene) -> Arc<Mailbox> {
    let mailbox = Mailbox::new(100, 1 << 20);
    let (asker, mut answer) = oneshot::channel();
    scene.session.register(&"d".into(), &mailbox, asker, scene.now);
    let said = scene.says();
    assert_eq!((&said["method"], &said["params"]), (&json!("register"), &json!({ "device": "d" })));
    scene.hears(&json!({ "id": said["id"], "result": {} }));
    answer.try_recv().unwrap().unwrap();
    mailbox
}

fn message(id: u64) -> Value {
    json!({ "method": "message", "params": { "device": "d", "id": id, "data": [id] } })
}

/// The ids of what its owner is given and deals with.
fn dealt_with(mailbox: &Mailbox) -> Vec<u64> {
    let mut cx = Context::from_waker(Waker::noop());
    let next = || match mailbox.poll_next(&mut cx) {
        Poll::Ready(message) => message.map(|message| message.id),
        Poll::Pending => None,
    };
    std::iter::from_fn(next).inspect(|id| assert_eq!(mailbox.finish(), Some(*id))).collect()
}

#[test]
fn a_device_registers_on_every_line_and_a_message_that_comes_again_is_only_acknowledged() {
    let mut scene = Scene::connected();
    let mailbox = registered(&mut scene);
    for id in [1, 2] {
        scene.hears(&message(id));
    }
    assert_eq!(dealt_with(&mailbox), [1, 2]);
    scene.session.received("d", 1);
    let said = scene.says();
    assert_eq!((&said["method"], &said["params"]), (&json!("received"), &json!({ "ids": [1] })));
    scene.session.lost(None);
    scene.session.received("d", 2);
    // Neither the messages nor what is said of them counts in the session: the answer to `register` does.
    let connect = scene.connect(true, 1);
    assert_eq!(connect["session"]["seen"], 1);
    let again = scene.says();
    assert_eq!(again["method"], "register");
    scene.hears(&json!({ "id": again["id"], "result": {} }));
    scene.hears(&message(2));
    assert_eq!(scene.says()["params"], json!({ "ids": [2] }));
    scene.hears(&message(3));
    assert_eq!(dealt_with(&mailbox), [3]);
}

#[test]
fn what_comes_before_a_device_is_registered_again_is_taken_behind_the_answer_in_its_order() {
    let mut scene = Scene::connected();
    let before = registered(&mut scene);
    scene.session.quit("d", &before);
    let mailbox = Mailbox::new(100, 1 << 20);
    let (asker, _answer) = oneshot::channel();
    scene.session.register(&"d".into(), &mailbox, asker, scene.now);
    let said = scene.says();
    // Of two that were sent to the owner before, the second comes now.
    scene.hears(&message(2));
    assert_eq!(dealt_with(&mailbox), [0; 0]);
    scene.hears(&json!({ "id": said["id"], "result": {} }));
    for id in [1, 2] {
        scene.hears(&message(id));
    }
    assert_eq!(dealt_with(&mailbox), [1, 2]);
}

#[test]
fn a_device_that_goes_on_elsewhere_is_not_registered_again() {
    let mut scene = Scene::connected();
    let mailbox = registered(&mut scene);
    let params = json!({ "device": "d", "code": 4017, "reason": "elsewhere" });
    scene.hears(&json!({ "method": "unregistered", "params": params }));
    assert!(matches!(mailbox.error(), Some(Error::Fault(Fault { code: 4017, .. }))));
    scene.session.lost(None);
    scene.connect(true, 1);
    assert_eq!(scene.says_all(), [""; 0]);
}

#[test]
fn a_device_is_forgotten_also_where_the_line_is_lost_meanwhile() {
    let mut scene = Scene::connected();
    let mailbox = registered(&mut scene);
    let (asker, mut answer) = oneshot::channel();
    scene.session.unregister("d", &mailbox, asker);
    // Its owner is dropped with that.
    scene.session.quit("d", &mailbox);
    assert_eq!(scene.says_all(), ["unregister"]);
    scene.session.lost(None);
    scene.connect(true, 1);
    let said = scene.says();
    assert_eq!(said["method"], "register");
    scene.hears(&json!({ "id": said["id"], "result": {} }));
    let said = scene.says();
    assert_eq!(said["method"], "unregister");
    scene.hears(&json!({ "id": said["id"], "result": {} }));
    answer.try_recv().unwrap().unwrap();
    assert!(mailbox.error().is_none());
    scene.session.lost(None);
    scene.connect(true, 3);
    assert_eq!(scene.says_all(), [""; 0]);
}

#[test]
fn a_message_to_the_client_counts_in_the_session() {
    let mut scene = Scene::connected();
    scene.hears(&json!({ "method": "message", "params": { "id": 1, "data": { "a": 1 } } }));
    let Some(News::Message(1, data)) = scene.session.take_news() else { panic!("it is told") };
    assert_eq!(data.get(), r#"{"a":1}"#);
    scene.session.lost(None);
    assert_eq!(scene.connect(true, 0)["session"]["seen"], 1);
}
