//! What outlives a line.

use serde_json::value::RawValue;

use super::*;
use crate::devices::Notified;
use crate::outbox::held_bytes;

/// What `connect` names to go on with a session.
fn resume(answer: &Value, seen: u64) -> Value {
    let session = &answer["session"];
    json!({ "session": { "id": session["id"], "secret": session["secret"], "seen": seen } })
}

#[test]
fn answers_that_were_lost_with_a_line_come_on_the_next_and_nothing_is_done_twice() {
    run(async {
        let mut scene = Scene::new("");
        let (mut end, first) = scene.connect(json!({})).await;
        scene.call(&mut end, "ping", json!({})).await;
        // The answers to these two are lost.
        end.ask("publish", json!({ "channel": "plain:a", "data": 1 }));
        end.ask("publish", json!({ "channel": "plain:a", "data": 2 }));
        scene.lose(&mut end);
        let mut next = scene.open();
        next.ask("connect", resume(&first, 1));
        let heard = scene.heard(&next).await;
        let answer = &heard[0]["result"];
        assert_eq!((&answer["recovered"], &answer["seen"]), (&json!(true), &json!(3)));
        assert_eq!(answer["client"], first["client"]);
        let again: Vec<_> = heard[1..].iter().map(|it| it["id"].as_u64().unwrap()).collect();
        assert_eq!(again, [3, 4]);
        // What was acknowledged is not said again.
        next.say(r#"{"jsonrpc":"2.0","method":"ack","params":{"seen":3}}"#);
        scene.lose(&mut next);
        let (_, answer) = scene.connect(resume(&first, 3)).await;
        assert_eq!((&answer["recovered"], &answer["seen"]), (&json!(true), &json!(3)));
    });
}

#[test]
fn the_newest_line_of_a_session_wins() {
    run(async {
        let mut scene = Scene::new("");
        let (end, first) = scene.connect(json!({})).await;
        let (_, answer) = scene.connect(resume(&first, 0)).await;
        assert_eq!(answer["recovered"], true);
        let heard = scene.heard(&end).await;
        let told = told(&heard, "disconnect");
        assert_eq!((&told[0]["code"], &told[0]["reconnect"]), (&json!(4409), &json!(false)));
        assert_eq!(scene.bench.ended(&end.peer), Some(SUPERSEDED));
    });
}

#[test]
fn a_session_is_only_whose_it_is_and_only_for_so_long() {
    run(async {
        let mut scene = Scene::new("keep_session = '60s'");
        let (mut end, first) = scene.connect(json!({})).await;
        scene.lose(&mut end);
        let wrong = json!({ "session": { "id": first["client"], "secret": "?", "seen": 0 } });
        let unknown = json!({ "session": { "id": "?", "secret": "?", "seen": 0 } });
        for params in [wrong, unknown, resume(&first, 1)] {
            let (_, answer) = scene.connect(params.clone()).await;
            assert_eq!(answer["recovered"], false, "{params}");
            assert_ne!(answer["client"], first["client"]);
        }
        let (mut end, answer) = scene.connect(resume(&first, 0)).await;
        assert_eq!(answer["recovered"], true);
        scene.end(&mut end);
        let (_, answer) = scene.connect(resume(&first, 0)).await;
        assert_eq!(answer["recovered"], false, "its client has ended it");
    });
}

#[tokio::test]
async fn a_session_that_nobody_comes_back_for_is_forgotten() {
    let test = async {
        let mut scene = Scene::new("keep_session = '0s'");
        let (mut end, first) = scene.connect(json!({})).await;
        scene.channels.0.sessions.sweep();
        scene.lose(&mut end);
        scene.channels.0.sessions.sweep();
        let (_, answer) = scene.connect(resume(&first, 0)).await;
        assert_eq!(answer["recovered"], false);
    };
    LocalSet::new().run_until(test).await;
}

#[test]
fn what_waits_for_an_absent_client_is_bounded() {
    run(async {
        let mut scene = Scene::new("keep_session_bytes = 200");
        let (mut end, first) = scene.connect(json!({})).await;
        for _ in 0..10 {
            scene.call(&mut end, "ping", json!({})).await;
        }
        // The line goes on; but nobody can say any more what its client has not heard.
        assert_eq!(scene.call(&mut end, "ping", json!({})).await, json!({}));
        scene.lose(&mut end);
        let (_, answer) = scene.connect(resume(&first, 11)).await;
        assert_eq!(answer["recovered"], false);
    });
}

#[test]
fn a_client_that_acknowledges_is_never_bounded_by_it() {
    run(async {
        let mut scene = Scene::new("keep_session_bytes = 200");
        let (mut end, first) = scene.connect(json!({})).await;
        for number in 1..=20 {
            scene.call(&mut end, "ping", json!({})).await;
            end.say(&format!(r#"{{"jsonrpc":"2.0","method":"ack","params":{{"seen":{number}}}}}"#));
        }
        scene.lose(&mut end);
        let (_, answer) = scene.connect(resume(&first, 20)).await;
        assert_eq!(answer["recovered"], true);
    });
}

#[test]
fn when_the_server_stops_clients_are_told_to_come_back_over_some_time() {
    run(async {
        let mut scene = Scene::new("leave_over = '10s'");
        let (mut end, _) = scene.connect(json!({})).await;
        let peer = end.peer.clone();
        end.conversation.drain(&peer);
        let heard = scene.heard(&end).await;
        let told = told(&heard, "disconnect");
        assert_eq!((&told[0]["code"], &told[0]["reconnect"]), (&json!(1001), &json!(true)));
        assert!(told[0]["after"].as_u64().unwrap() <= 10_000);
    });
}

#[test]
fn sessions_without_a_line_are_as_many_as_may_be() {
    run(async {
        let mut scene = Scene::new("max_kept_sessions = 1");
        let (mut first_end, first) = scene.connect(json!({})).await;
        let (mut second_end, second) = scene.connect(json!({})).await;
        scene.lose(&mut first_end);
        scene.lose(&mut second_end);
        let (mut first_end, answer) = scene.connect(resume(&first, 0)).await;
        assert_eq!(answer["recovered"], true);
        let (_, answer) = scene.connect(resume(&second, 0)).await;
        assert_eq!(answer["recovered"], false, "there was no room for a second");
        scene.lose(&mut first_end);
        let (_, answer) = scene.connect(resume(&first, 0)).await;
        assert_eq!(answer["recovered"], true, "whoever comes back makes room");
    });
}

#[test]
fn a_message_to_a_client_is_its_sessions_and_comes_once() {
    run(async {
        let mut scene = Scene::new("");
        let say = |scene: &Scene, id: &str, data: &str| {
            let data: Box<RawValue> = serde_json::from_str(data).unwrap();
            scene.resources.clients.tell(id, &data)
        };
        assert_eq!(say(&scene, "nobody", "1"), Notified::Unknown);
        let (mut end, first) = scene.connect(json!({})).await;
        let id = first["client"].as_str().unwrap().to_owned();
        scene.call(&mut end, "ping", json!({})).await;
        assert_eq!(say(&scene, &id, "[1.50]"), Notified::Delivered);
        let text = r#"{"jsonrpc":"2.0","method":"message","params":{"id":2,"data":[1.50]}}"#;
        assert_eq!(scene.bench.heard(&end.peer), [text], "numbered behind the answer");
        scene.lose(&mut end);
        assert_eq!(say(&scene, &id, "2"), Notified::Stored);
        let mut next = scene.open();
        next.ask("connect", resume(&first, 1));
        let heard = scene.heard(&next).await;
        let told: Vec<_> = told(&heard, "message").iter().map(|it| &it["id"]).collect();
        assert_eq!(told, [2, 3], "the first may not have come");
        scene.lose(&mut next);
        let (mut next, answer) = scene.connect(resume(&first, 3)).await;
        assert_eq!(answer["recovered"], true);
        scene.end(&mut next);
        assert_eq!(say(&scene, &id, "3"), Notified::Unknown, "its client has ended it");
    });
}

#[test]
fn what_waits_for_all_clients_together_is_bounded() {
    run(async {
        let mut scene = Scene::new("max_kept_bytes = 1000");
        let (mut quiet_end, quiet) = scene.connect(json!({})).await;
        let (mut loud_end, loud) = scene.connect(json!({})).await;
        scene.call(&mut quiet_end, "ping", json!({})).await;
        for _ in 0..10 {
            scene.call(&mut loud_end, "ping", json!({})).await;
        }
        scene.lose(&mut quiet_end);
        scene.lose(&mut loud_end);
        let (_, answer) = scene.connect(resume(&quiet, 0)).await;
        assert_eq!(answer["recovered"], true, "it did not take what was another's");
        let (_, answer) = scene.connect(resume(&loud, 0)).await;
        assert_eq!(answer["recovered"], false);
    });
}

#[test]
fn a_message_for_which_there_is_no_room_is_refused_and_ends_no_session() {
    run(async {
        let text = r#"{"jsonrpc":"2.0","method":"message","params":{"id":1,"data":true}}"#;
        let room = 3 * held_bytes(text.len());
        let mut scene = Scene::new(&format!("keep_session_bytes = {room}"));
        let (mut end, first) = scene.connect(json!({})).await;
        let id = first["client"].as_str().unwrap().to_owned();
        let long: Box<RawValue> =
            serde_json::from_str(&format!("\"{}\"", "x".repeat(room))).unwrap();
        assert_eq!(scene.resources.clients.tell(&id, &long), Notified::Full);
        let tell = |scene: &Scene| scene.resources.clients.tell(&id, RawValue::TRUE);
        assert_eq!((tell(&scene), tell(&scene)), (Notified::Delivered, Notified::Delivered));
        assert_eq!((tell(&scene), tell(&scene)), (Notified::Delivered, Notified::Full));
        assert_eq!(scene.heard(&end).await.len(), 3, "what was refused was not said");
        end.say(r#"{"jsonrpc":"2.0","method":"ack","params":{"seen":3}}"#);
        assert_eq!(tell(&scene), Notified::Delivered);
        scene.lose(&mut end);
        let (mut end, answer) = scene.connect(resume(&first, 4)).await;
        assert_eq!(answer["recovered"], true);
        // Answers are never refused: a session that more waits for is not to be had again.
        for _ in 0..10 {
            scene.call(&mut end, "ping", json!({})).await;
        }
        scene.lose(&mut end);
        assert_eq!(tell(&scene), Notified::Unknown);
    });
}
