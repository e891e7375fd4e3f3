//! Devices on the native line, and on a gateway's beside it.

use super::*;
use crate::config::PlannedGateway;
use crate::devices::Notified;
use crate::service::Gateway;

const DEVICES: &str = "devices = {}";

/// Bob has no right to what is alice's.
const TOKENS: &str = "alice alice-0123456789\nalice alice-9876543210\nbob bob-0123456789ab\n";

fn device(id: &str) -> Value {
    json!({ "device": id })
}

impl Scene {
    /// A line that is this device's.
    async fn registered(&mut self, id: &str) -> End {
        let (mut end, _) = self.connect(json!({})).await;
        assert_eq!(self.call(&mut end, "register", device(id)).await, json!({}));
        end
    }

    async fn notify(&self, id: &str, text: &str) -> Notified {
        self.resources.devices.notify(id, text, None).await
    }

    /// What the messages that a line hears are about, and their numbers.
    async fn messages(&mut self, end: &End) -> Vec<(Value, u64)> {
        let heard = self.heard(end).await;
        let told = told(&heard, "message");
        told.iter().map(|it| (it["data"].clone(), it["id"].as_u64().unwrap())).collect()
    }

    fn waiting(&self, id: &str) -> usize {
        self.resources.devices.find(id).unwrap().waiting_messages
    }
}

impl End {
    fn received(&mut self, ids: &[u64]) {
        let params = json!({ "ids": ids });
        let received = json!({ "jsonrpc": "2.0", "method": "received", "params": params });
        self.say(&received.to_string());
    }
}

fn data(messages: &[(Value, u64)]) -> Vec<&Value> {
    messages.iter().map(|(data, _)| data).collect()
}

#[test]
fn what_waits_for_a_device_comes_behind_the_answer_and_stays_until_it_is_acknowledged() {
    run(async {
        let mut scene = Scene::new(DEVICES);
        assert_eq!(scene.notify("d", "0").await, Notified::Unknown);
        let mut end = scene.registered("d").await;
        scene.lose(&mut end);
        assert_eq!(scene.notify("d", "[1]").await, Notified::Stored);
        let (mut end, _) = scene.connect(json!({})).await;
        assert!(scene.messages(&end).await.is_empty(), "it has not registered on this line");
        let call = end.ask("register", device("d"));
        let heard = scene.heard(&end).await;
        assert_eq!((&heard[0]["id"], &heard[1]["method"]), (&json!(call), &json!("message")));
        assert_eq!(
            (&heard[1]["params"]["device"], &heard[1]["params"]["data"]),
            (&json!("d"), &json!([1]))
        );
        assert_eq!(scene.notify("d", "2").await, Notified::Delivered);
        let second = scene.messages(&end).await;
        assert_eq!(data(&second), [&json!("2")], "what is neither an object nor an array is text");
        // In whichever order, and nothing that was not sent.
        end.received(&[second[0].1, second[0].1, 7]);
        assert_eq!(scene.waiting("d"), 1);
        end.received(&[heard[1]["params"]["id"].as_u64().unwrap()]);
        assert_eq!(scene.waiting("d"), 0);
        for wrong in [r#"{"ids":7}"#, r#"{"ids":[-1]}"#, "{}"] {
            end.say(&format!(r#"{{"jsonrpc":"2.0","method":"received","params":{wrong}}}"#));
        }
        assert_eq!(scene.call(&mut end, "ping", json!({})).await, json!({}));
    });
}

#[test]
fn what_was_not_acknowledged_comes_again_with_the_same_id_to_the_session_that_registers_again() {
    run(async {
        let mut scene = Scene::new(DEVICES);
        let (mut end, first) = scene.connect(json!({})).await;
        scene.call(&mut end, "register", device("d")).await;
        for text in ["{\"n\":1}", "{\"n\":2}", "{\"n\":3}"] {
            assert_eq!(scene.notify("d", text).await, Notified::Delivered);
        }
        let sent = scene.messages(&end).await;
        end.received(&[sent[1].1]);
        scene.lose(&mut end);
        let session = &first["session"];
        let resume = json!({ "id": session["id"], "secret": session["secret"], "seen": 1 });
        let (mut next, answer) = scene.connect(json!({ "session": resume })).await;
        // Neither messages nor what is said of them counts in the session.
        assert_eq!((&answer["recovered"], &answer["seen"]), (&json!(true), &json!(1)));
        next.calls = 9;
        next.ask("register", device("d"));
        assert_eq!(scene.messages(&next).await, [sent[0].clone(), sent[2].clone()]);
    });
}

#[test]
fn the_newest_line_is_the_devices_and_the_older_goes_on_without_it() {
    run(async {
        let mut scene = Scene::new(DEVICES);
        let mut old = scene.registered("d").await;
        let mut new = scene.registered("d").await;
        let heard = scene.heard(&old).await;
        let told = told(&heard, "unregistered");
        assert_eq!((&told[0]["device"], &told[0]["code"]), (&json!("d"), &json!(4017)));
        assert_eq!(scene.notify("d", "a").await, Notified::Delivered);
        assert_eq!(scene.messages(&old).await, []);
        let sent = scene.messages(&new).await;
        // What the older says is of no account any more, its end included.
        old.received(&[sent[0].1]);
        assert_eq!(scene.call(&mut old, "unregister", device("d")).await["code"], 4016);
        // It may be another device's.
        assert_eq!(scene.call(&mut old, "register", device("e")).await, json!({}));
        scene.lose(&mut old);
        assert_eq!(scene.waiting("d"), 1);
        assert!(scene.resources.devices.find("d").unwrap().is_online);
        assert!(!scene.resources.devices.find("e").unwrap().is_online);
        // Once more on the same line is no other line, and begins with what was not acknowledged.
        new.ask("register", device("d"));
        let heard = scene.heard(&new).await;
        let said: Vec<_> = heard[1..].iter().map(|it| &it["method"]).collect();
        assert_eq!(said, ["message"], "{heard:?}");
        assert_eq!(heard[1]["params"]["id"], sent[0].1);
    });
}

#[test]
fn what_cannot_be_is_answered_with_its_code() {
    run(async {
        let mut scene = Scene::new("");
        let (mut end, _) = scene.connect(json!({})).await;
        assert_eq!(scene.call(&mut end, "register", device("d")).await["code"], 4013);
        assert_eq!(scene.call(&mut end, "unregister", device("d")).await["code"], 4016);
        let mut scene = Scene::new("devices = { max_devices = 1 }");
        let (mut end, _) = scene.connect(json!({})).await;
        let long = "d".repeat(129);
        for id in ["", "a b", "a#b", "\u{7}", &long] {
            let error = scene.call(&mut end, "register", device(id)).await;
            assert_eq!(error["code"], -32602, "{id:?}");
        }
        scene.call(&mut end, "register", device("d")).await;
        assert_eq!(scene.call(&mut end, "register", device("e")).await["code"], 4015);
        assert_eq!(scene.call(&mut end, "unregister", device("e")).await["code"], 4016);
        let (mut other, _) = scene.connect(json!({})).await;
        assert_eq!(scene.call(&mut other, "register", device("e")).await["code"], 4011);
        scene.notify("d", "x").await;
        assert_eq!(scene.call(&mut end, "unregister", device("d")).await, json!({}));
        assert_eq!(scene.notify("d", "x").await, Notified::Unknown);
        assert!(scene.resources.devices.find("d").is_none());
        assert_eq!(scene.call(&mut end, "register", device("e")).await, json!({}));
    });
}

#[test]
fn a_device_is_its_users_and_nobodys_who_does_not_say_who_it_is() {
    run(async {
        let mut scene = Scene::asking(DEVICES);
        let alice = |token| request_with(TOKENS, token);
        let mut first = scene.open_as(&alice("alice-0123456789"));
        let mut second = scene.open_as(&alice("alice-9876543210"));
        let mut bob = scene.open_as(&request_with(TOKENS, "bob-0123456789ab"));
        let mut nobody = scene.open();
        for end in [&mut first, &mut second, &mut bob, &mut nobody] {
            scene.call(end, "connect", json!({})).await;
        }
        assert_eq!(scene.call(&mut first, "register", device("d")).await, json!({}));
        for is_away in [false, true] {
            if is_away {
                scene.lose(&mut first);
            }
            for end in [&mut bob, &mut nobody] {
                assert_eq!(scene.call(end, "register", device("d")).await["code"], 4014);
            }
        }
        assert_eq!(scene.resources.devices.of_user("alice"), ["d"]);
        assert_eq!(scene.call(&mut second, "register", device("d")).await, json!({}));
        assert_eq!(scene.notify("d", "x").await, Notified::Delivered);
        assert_eq!(scene.messages(&second).await.len(), 1);
    });
}

#[test]
fn an_inbox_is_bounded_in_messages_and_bytes() {
    run(async {
        let mut scene = Scene::new("devices = { inbox = { max_messages = 2, max_bytes = 10 } }");
        let end = scene.registered("d").await;
        assert_eq!(scene.notify("d", "12345678901").await, Notified::Full);
        // They are not acknowledged: they were sent, and stay.
        for _ in 0..2 {
            assert_eq!(scene.notify("d", "x").await, Notified::Delivered);
        }
        assert_eq!(scene.notify("d", "x").await, Notified::Full);
        assert_eq!(scene.messages(&end).await.len(), 2);
    });
}

#[test]
fn a_device_goes_from_a_gateway_to_the_native_line_and_back_with_what_waits_for_it() {
    run(async {
        let mut scene = Scene::new(&format!(
            "{DEVICES}\n[[backend]]\nname = 'shop'\nurl = 'http://127.0.0.1:1'\n\
             [[route]]\npath = '/gateway'\n[route.service]\nkind = 'gateway'\n\
             inbox = {{ until_acknowledged = true }}\n\
             [[route.service.api]]\npath = '/a'\nbackend = 'shop'\nsigned = false\n"
        ));
        let gateway = scene.gateway.take().expect("there is one");
        let speak = |scene: &mut Scene| {
            let peer = scene.bench.peer();
            let mut conversation = gateway.open(&peer, &request("192.0.2.7"));
            conversation.message(&peer, Message::from("RG#d"));
            (peer, conversation)
        };
        let (peer, mut conversation) = speak(&mut scene);
        let said = scene.said(&peer).await;
        assert!(said[0].starts_with("RO#"), "{said:?}");
        assert_eq!(scene.notify("d", "[1]").await, Notified::Delivered);
        assert_eq!(scene.said(&peer).await, ["NF#[1]"]);

        let (mut end, _) = scene.connect(json!({})).await;
        end.ask("register", device("d"));
        assert_eq!(scene.bench.ended(&peer), Some(CloseCode::NORMAL), "it has a newer line");
        conversation.close(&peer, &Closed::Lost(Lost::Eof));
        assert_eq!(scene.notify("d", "[2]").await, Notified::Delivered);
        let sent = scene.messages(&end).await;
        assert_eq!(data(&sent), [&json!([1]), &json!([2])]);
        end.received(&[sent[0].1]);

        let (peer, mut conversation) = speak(&mut scene);
        let said = scene.said(&peer).await;
        assert_eq!(said[1..], ["NF#[2]"]);
        let heard = scene.heard(&end).await;
        assert_eq!(told(&heard, "unregistered").len(), 1);
        conversation.message(&peer, Message::from("NO"));
        assert_eq!(scene.waiting("d"), 0);
        assert_eq!(scene.call(&mut end, "ping", json!({})).await, json!({}), "its line goes on");
    });
}

impl Scene {
    /// What a line hears that speaks no JSON.
    async fn said(&mut self, peer: &Peer) -> Vec<String> {
        // Each that is bound has its turn.
        tokio::time::sleep(Duration::from_millis(10)).await;
        let mut said = Vec::new();
        for _ in 0..50 {
            yield_now().await;
            said.extend(self.bench.heard(peer));
        }
        said
    }
}

/// The gateway of a plan, where it has one.
pub(super) fn gateway(
    path: &str,
    plan: Option<&PlannedGateway>,
    resources: &Resources,
) -> Option<Gateway> {
    plan.map(|plan| Gateway::new(path, false, plan, resources))
}
