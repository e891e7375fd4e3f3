//! The own channels of services: what their peers hear, and what others do.

use tieline_hub::{Channel, New};

use super::*;
use crate::members::Full;
use crate::service::channels::own::{OwnChannel, Seat, member};
use crate::service::{Chat, Counter, Room};

const CHAT: &str = "[[route]]\npath = '/chat'\nservice = { kind = 'chat' }";

/// A channel of a service that says nothing by itself.
fn own(scene: &Scene) -> OwnChannel<()> {
    OwnChannel::new("room", "/", (), &scene.resources)
}

fn join(channel: &OwnChannel<()>, peer: &Peer, id: &str) -> Seat {
    channel.turn(|turn| turn.join(peer, member(id, None, &request(""))).unwrap())
}

fn publish(channel: &OwnChannel<()>, text: &str) -> Result<(), Full> {
    channel.turn(|turn| turn.publish_text(text))
}

fn count(channel: &OwnChannel<()>) -> usize {
    channel.turn(|turn| turn.count())
}

#[test]
fn all_workers_hear_the_turns_in_one_order() {
    run(async {
        let mut one = Scene::new("");
        let (mut two, channel) = (one.elsewhere(), own(&one));
        let (a, b) = (one.bench.peer(), two.bench.peer());
        let first = join(&channel, &a, "a");
        publish(&channel, "1").unwrap();
        let _second = join(&channel, &b, "b");
        publish(&channel, "2").unwrap();
        assert_eq!(count(&channel), 2);
        drop(first);
        publish(&channel, "3").unwrap();
        assert_eq!(count(&channel), 1);
        assert_eq!(one.bench.heard(&a), ["1", "2"]);
        assert_eq!(two.bench.heard(&b), ["2", "3"]);
    });
}

#[test]
fn one_message_is_shared_and_not_copied() {
    run(async {
        let mut one = Scene::new("");
        let (mut two, channel) = (one.elsewhere(), own(&one));
        let (a, b) = (one.bench.peer(), two.bench.peer());
        let _seats = (join(&channel, &a, "a"), join(&channel, &b, "b"));
        publish(&channel, &"x".repeat(100)).unwrap();
        one.bench.deliver();
        two.bench.deliver();
        let next = |peer: &Peer| peer.line().unwrap().borrow_mut().pop().unwrap().into_bytes();
        assert_eq!(next(&a).as_ptr(), next(&b).as_ptr());
    });
}

#[test]
fn a_worker_that_does_not_keep_up_turns_publications_away() {
    run(async {
        let mut scene = Scene::new("");
        let (channel, peer) = (own(&scene), scene.bench.peer());
        let _seat = join(&channel, &peer, "a");
        let big = "x".repeat(1 << 20);
        let said = (0..64).take_while(|_| publish(&channel, &big).is_ok()).count();
        assert_eq!(said, 16);
        scene.bench.deliver();
        assert_eq!(publish(&channel, "again"), Ok(()));
    });
}

#[test]
fn who_is_there_stays_present_and_who_is_gone_does_not() {
    run(async {
        let mut scene = Scene::new("");
        let (channel, peer) = (own(&scene), scene.bench.peer());
        let seat = join(&channel, &peer, "a");
        // Nobody has to say meanwhile that it is still there.
        let tomorrow = SystemTime::now() + Duration::from_secs(24 * 3_600);
        scene.resources.hub.sweep(tomorrow);
        assert_eq!(count(&channel), 1);
        drop(seat);
        assert_eq!(count(&channel), 0);
    });
}

#[test]
fn others_hear_a_service_where_its_namespace_is_written() {
    run(async {
        let mut scene = Scene::new(CHAT);
        let chat = Chat::new("/chat", &scene.resources);
        let mut other = scene.subscriber("chat:/chat").await;
        let pattern = scene.subscriber("chat:*").await;
        let peer = scene.bench.peer();
        let mut guest = chat.open(&peer, &request("192.0.2.1"));
        guest.message(&peer, Message::from("say \"hi\""));
        assert_eq!(scene.bench.heard(&peer), ["Welcome, 192.0.2.1 !", "192.0.2.1:say \"hi\""]);
        let heard = scene.heard(&other).await;
        assert_eq!(told(&heard, "join")[0]["name"], "192.0.2.1");
        let said: Vec<_> = told(&heard, "publication").iter().map(|it| &it["data"]).collect();
        assert_eq!(said, ["Welcome, 192.0.2.1 !", "192.0.2.1:say \"hi\""]);
        assert_eq!(told(&scene.heard(&pattern).await, "publication").len(), 2);
        let chat = json!({ "channel": "chat:/chat" });
        let stats = scene.call(&mut other, "presence_stats", chat.clone()).await;
        assert_eq!(stats["clients"], 2);
        let history = scene.call(&mut other, "history", chat).await;
        assert_eq!(history["publications"].as_array().unwrap().len(), 2);
        // Nobody speaks for the service.
        let refused = scene.publish(&mut other, "chat:/chat", json!("192.0.2.1:no")).await;
        assert_eq!(refused["code"], 4004);
        guest.close(&peer, &Closed::Lost(Lost::Eof));
        assert_eq!(told(&scene.heard(&other).await, "leave")[0]["name"], "192.0.2.1");
    });
}

#[test]
fn without_a_namespace_a_service_is_alone() {
    run(async {
        let mut scene = Scene::new("[[route]]\npath = '/n'\nservice = { kind = 'counter' }");
        let (mut other, _) = scene.connect(json!({})).await;
        for method in ["subscribe", "presence", "history"] {
            let refused = scene.call(&mut other, method, json!({ "channel": "counter:/n" })).await;
            assert_eq!(refused["code"], 4005, "{method}");
        }
    });
}

#[test]
fn a_service_is_in_memory_where_its_namespace_is_on_disk() {
    run(async {
        let route = "[[route]]\npath = '/r'\nservice = { kind = 'room' }";
        let disk = "[store]\npath = '/nowhere'\n[namespace.room]\ndurability = 'disk'";
        let mut scene = Scene::new(&format!("{route}\n{disk}"));
        let (room, peer) = (Room::new("/r", &scene.resources), scene.bench.peer());
        let _guest = room.open(&peer, &request(""));
        assert_eq!(scene.bench.heard(&peer).len(), 1);
        let mut other = scene.subscriber("room:/r").await;
        let history = scene.call(&mut other, "history", json!({ "channel": "room:/r" })).await;
        assert_eq!(history["position"]["offset"], 0, "{history}");
    });
}

#[test]
fn a_service_with_an_access_is_heard_by_right_alone() {
    run(async {
        let tokens = file("alice alice-0123456789\n");
        let access = format!("access = {{ kind = 'token', file = '{}' }}", tokens.display());
        let mut scene = Scene::new(&format!("{CHAT}\n{access}"));
        let chat = Chat::new("/chat", &scene.resources);
        let (mut other, _) = scene.connect(json!({})).await;
        let channel = json!({ "channel": "chat:/chat" });
        assert_eq!(scene.call(&mut other, "subscribe", channel.clone()).await["code"], 4004);
        assert_eq!(scene.call(&mut other, "presence", channel.clone()).await["code"], 4004);
        let pattern = scene.subscriber("chat:*").await;
        let rights = "bob bob-0123456789ab subscribe:chat:/chat\n";
        let mut bob = scene.open_as(&request_with(rights, "bob-0123456789ab"));
        scene.call(&mut bob, "connect", json!({})).await;
        scene.call(&mut bob, "subscribe", channel).await;
        let peer = scene.bench.peer();
        let _guest = chat.open(&peer, &request("192.0.2.1"));
        assert!(scene.heard(&pattern).await.is_empty());
        assert_eq!(told(&scene.heard(&bob).await, "publication").len(), 1);
    });
}

#[test]
fn what_the_operator_publishes_is_heard_as_it_is() {
    run(async {
        let mut scene = Scene::new(CHAT);
        let chat = Chat::new("/chat", &scene.resources);
        let peer = scene.bench.peer();
        let _guest = chat.open(&peer, &request("192.0.2.1"));
        scene.bench.heard(&peer);
        let channel = Channel::new("chat:/chat").unwrap();
        let keep = scene.resources.namespaces.keep(&channel).unwrap();
        for data in [r#""tea""#, r#"{"n":1.50}"#] {
            let new = New { data: data.into(), ..New::default() };
            scene.resources.hub.publish(&channel, keep, new).await.unwrap();
        }
        assert_eq!(scene.bench.heard(&peer), ["tea", r#"{"n":1.50}"#]);
    });
}

#[test]
fn whoever_is_present_in_the_channel_of_a_counter_is_a_user() {
    run(async {
        let route = "[[route]]\npath = '/n'\nservice = { kind = 'counter' }";
        let mut scene = Scene::new(&format!("{route}\n[namespace.counter]\npresence = true"));
        let counter = Counter::new("/n", &scene.resources);
        assert!(counter.attend(1).is_none());
        tokio::task::spawn_local(counter.attend(0).unwrap());
        let peer = scene.bench.peer();
        let _user = counter.open(&peer, &request(""));
        let users = |count| format!(r#"{{"type":"users","count":{count}}}"#);
        assert_eq!(scene.bench.heard(&peer)[0], users(1));
        let mut other = scene.subscriber("counter:/n").await;
        assert_eq!(scene.bench.heard(&peer), [users(2)]);
        scene.end(&mut other);
        scene.heard(&other).await;
        assert_eq!(scene.bench.heard(&peer), [users(1)]);
    });
}
