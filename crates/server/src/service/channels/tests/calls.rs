//! Calls and their answers.

use super::*;

#[test]
fn nothing_comes_before_connect_and_connect_comes_once() {
    run(async {
        let mut scene = Scene::new("");
        let mut end = scene.open();
        let error = scene.call(&mut end, "subscribe", json!({ "channel": "chat:a" })).await;
        assert_eq!(error["code"], 4001);
        let answer = scene.call(&mut end, "connect", json!({})).await;
        assert_eq!((&answer["recovered"], &answer["seen"]), (&json!(false), &json!(0)));
        assert_eq!(answer["client"], answer["session"]["id"]);
        assert_eq!(scene.call(&mut end, "connect", json!({})).await["code"], 4002);
    });
}

#[test]
fn a_line_on_which_nobody_connects_is_closed() {
    run(async {
        let mut scene = Scene::new("connect_within = '3s'");
        let (silent, (speaks, _)) = (scene.open(), scene.connect(json!({})).await);
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(scene.bench.ended(&silent.peer), Some(CloseCode::POLICY));
        assert_eq!(scene.bench.ended(&speaks.peer), None);
    });
}

#[test]
fn what_is_wrong_is_answered_and_the_line_lives() {
    run(async {
        let mut scene = Scene::new("max_batch = 2");
        let (mut end, _) = scene.connect(json!({})).await;
        for (text, code) in [
            ("{", -32700),
            ("[]", -32600),
            ("{\"id\":7}", -32600),
            (r#"{"jsonrpc":"2.0","id":7,"method":"nothing"}"#, -32601),
            (r#"{"jsonrpc":"2.0","id":7,"method":"publish","params":{}}"#, -32602),
            (r#"{"jsonrpc":"2.0","id":7,"method":"publish","params":[1]}"#, -32602),
            (r#"{"jsonrpc":"2.0","id":7,"method":"subscribe","params":{"channel":"chat"}}"#, 4005),
            (r#"{"jsonrpc":"2.0","id":7,"method":"subscribe","params":{"channel":"no:a"}}"#, 4005),
            (
                r#"{"jsonrpc":"2.0","id":7,"method":"unsubscribe","params":{"channel":"chat:a"}}"#,
                4006,
            ),
            (
                r#"{"jsonrpc":"2.0","id":7,"method":"presence","params":{"channel":"plain:a"}}"#,
                4009,
            ),
            (
                r#"{"jsonrpc":"2.0","id":7,"method":"subscribe","params":{"channel":"plain:*"}}"#,
                4010,
            ),
        ] {
            end.say(text);
            let heard = scene.heard(&end).await;
            assert_eq!(heard[0]["error"]["code"], code, "{text}: {heard:?}");
        }
        // A batch that is not read is answered as one.
        end.say("[1,2,3]");
        assert_eq!(scene.heard(&end).await[0][0]["error"]["code"], -32600);
        assert_eq!(scene.call(&mut end, "ping", json!({})).await, json!({}));
        end.conversation.message(&end.peer.clone(), Message::from(&b"x"[..]));
        assert_eq!(scene.bench.ended(&end.peer), Some(CloseCode::UNSUPPORTED));
    });
}

#[test]
fn what_is_published_is_heard_once_behind_the_answer_and_in_order() {
    run(async {
        let mut scene = Scene::new("");
        let (mut end, _) = scene.connect(json!({})).await;
        end.ask("subscribe", json!({ "channel": "plain:a" }));
        for number in 0..3 {
            end.ask("publish", json!({ "channel": "plain:a", "data": { "n": number } }));
        }
        let heard = scene.heard(&end).await;
        assert_eq!(heard[0]["result"]["position"]["offset"], 0);
        let told = told(&heard, "publication");
        let told: Vec<_> = told.iter().map(|it| (&it["offset"], &it["data"]["n"])).collect();
        assert_eq!(told, [(&json!(1), &json!(0)), (&json!(2), &json!(1)), (&json!(3), &json!(2))]);
        scene.call(&mut end, "unsubscribe", json!({ "channel": "plain:a" })).await;
        end.ask("publish", json!({ "channel": "plain:a", "data": 4 }));
        let heard = scene.heard(&end).await;
        assert_eq!(heard.len(), 1, "only the answer: {heard:?}");
    });
}

#[test]
fn a_batch_is_answered_call_by_call() {
    run(async {
        let mut scene = Scene::new("");
        let (mut end, _) = scene.connect(json!({})).await;
        end.say(
            r#"[{"jsonrpc":"2.0","id":"a","method":"ping"},{"jsonrpc":"2.0","id":"b","method":"x"}]"#,
        );
        let heard = scene.heard(&end).await;
        assert_eq!((&heard[0]["id"], &heard[0]["result"]), (&json!("a"), &json!({})));
        assert_eq!((&heard[1]["id"], &heard[1]["error"]["code"]), (&json!("b"), &json!(-32601)));
    });
}

#[test]
fn publishing_again_with_its_key_publishes_nothing() {
    run(async {
        let mut scene = Scene::new("");
        let mut end = scene.subscriber("plain:a").await;
        let call = json!({ "channel": "plain:a", "data": 1, "key": "k" });
        let first = scene.call(&mut end, "publish", call.clone()).await;
        let again = scene.call(&mut end, "publish", call).await;
        assert_eq!((&first["position"], &again["repeat"]), (&again["position"], &json!(true)));
        let long = json!({ "channel": "plain:a", "data": 1, "key": "k".repeat(1_000) });
        assert_eq!(scene.call(&mut end, "publish", long).await["code"], -32602);
        let history = scene.call(&mut end, "history", json!({ "channel": "plain:a" })).await;
        assert_eq!(history["position"]["offset"], 1);
    });
}

#[test]
fn whoever_comes_back_gets_what_was_missed_or_is_told_that_it_is_gone() {
    run(async {
        let mut scene = Scene::new("");
        let (mut end, _) = scene.connect(json!({})).await;
        let mut position = Value::Null;
        for number in 1..=5 {
            position = scene.publish(&mut end, "chat:a", json!(number)).await["position"].take();
        }
        let place = |offset| json!({ "epoch": position["epoch"], "offset": offset });
        let elsewhere = json!({ "epoch": "AAAAAAAAAAA", "offset": 5 });
        for (since, recovered, reason, offsets) in [
            (place(5), true, Value::Null, vec![]),
            (place(2), true, Value::Null, vec![3, 4, 5]),
            (place(1), false, json!("expired"), vec![]),
            (place(6), false, json!("unknown"), vec![]),
            (elsewhere, false, json!("epoch"), vec![]),
        ] {
            let call = json!({ "channel": "chat:a", "position": since });
            let answer = scene.call(&mut end, "subscribe", call).await;
            assert_eq!((&answer["recovered"], &answer["reason"]), (&json!(recovered), &reason));
            let given = answer["publications"].as_array().unwrap();
            let given: Vec<_> = given.iter().map(|it| it["offset"].as_u64().unwrap()).collect();
            assert_eq!((given, &answer["position"]), (offsets, &position), "{answer}");
            scene.call(&mut end, "unsubscribe", json!({ "channel": "chat:a" })).await;
        }
        let strange = json!({ "channel": "chat:a", "position": { "epoch": "?", "offset": 1 } });
        assert_eq!(scene.call(&mut end, "subscribe", strange).await["code"], -32602);
    });
}

#[test]
fn history_is_read_forwards_and_backwards() {
    run(async {
        let mut scene = Scene::new("");
        let (mut end, _) = scene.connect(json!({})).await;
        for number in 1..=5 {
            scene.publish(&mut end, "chat:a", json!(number)).await;
        }
        for (asked, offsets) in [
            (json!({}), vec![5, 4, 3]),
            (json!({ "limit": 1 }), vec![5]),
            (json!({ "after": 3 }), vec![4, 5]),
            (json!({ "after": 0 }), vec![3, 4, 5]),
            (json!({ "before": 5 }), vec![4, 3]),
        ] {
            let mut call = asked.clone();
            call["channel"] = json!("chat:a");
            let answer = scene.call(&mut end, "history", call).await;
            let given = answer["publications"].as_array().unwrap();
            let given: Vec<_> = given.iter().map(|it| it["offset"].as_u64().unwrap()).collect();
            assert_eq!((given, &answer["oldest"]), (offsets, &json!(3)), "{asked}");
        }
        let both = json!({ "channel": "chat:a", "after": 1, "before": 3 });
        assert_eq!(scene.call(&mut end, "history", both).await["code"], -32602);
    });
}

#[test]
fn a_pattern_hears_all_that_begin_alike_and_names_them() {
    run(async {
        let mut scene = Scene::new("");
        let mut end = scene.subscriber("chat:*").await;
        scene.publish(&mut end, "plain:a", json!(0)).await;
        end.ask("publish", json!({ "channel": "chat:b", "data": 1 }));
        let heard = scene.heard(&end).await;
        let told = told(&heard, "publication");
        assert_eq!(
            (&told[0]["channel"], &told[0]["pattern"]),
            (&json!("chat:b"), &json!("chat:*"))
        );
        assert_eq!(told.len(), 1);
        scene.call(&mut end, "unsubscribe", json!({ "channel": "chat:*" })).await;
        end.ask("publish", json!({ "channel": "chat:b", "data": 1 }));
        assert_eq!(scene.heard(&end).await.len(), 1);
    });
}

#[test]
fn a_line_has_so_many_subscriptions_and_each_once() {
    run(async {
        let mut scene = Scene::new("max_subscriptions = 2");
        let mut end = scene.subscriber("chat:a").await;
        let call = |channel: &str| json!({ "channel": channel });
        assert_eq!(scene.call(&mut end, "subscribe", call("chat:a")).await["code"], 4007);
        scene.call(&mut end, "subscribe", call("chat:*")).await;
        assert_eq!(scene.call(&mut end, "subscribe", call("chat:b")).await["code"], 4008);
        scene.call(&mut end, "unsubscribe", call("chat:a")).await;
        let answer = scene.call(&mut end, "subscribe", call("chat:b")).await;
        assert!(answer["position"].is_object(), "{answer}");
    });
}

#[test]
fn two_workers_hear_the_same() {
    run(async {
        let mut scene = Scene::new("");
        let mut here = scene.subscriber("plain:a").await;
        let mut there = scene.elsewhere();
        let end = there.subscriber("plain:a").await;
        for number in 0..3 {
            scene.publish(&mut here, "plain:a", json!(number)).await;
        }
        let heard = there.heard(&end).await;
        let told = told(&heard, "publication");
        let told: Vec<_> = told.iter().map(|it| it["offset"].as_u64().unwrap()).collect();
        assert_eq!(told, [1, 2, 3]);
    });
}

#[test]
fn what_happens_is_counted() {
    run(async {
        let mut scene = Scene::new("");
        let (mut end, first) = scene.connect(json!({})).await;
        let position = scene.publish(&mut end, "chat:a", json!(1)).await["position"].take();
        let call = json!({ "channel": "chat:a", "position": position });
        scene.call(&mut end, "subscribe", call).await;
        scene.call(&mut end, "subscribe", json!({ "channel": "chat:*" })).await;
        let session = json!({ "id": first["client"], "secret": "?", "seen": 0 });
        let (mut other, _) = scene.connect(json!({ "session": session })).await;
        scene.end(&mut other);
        let text = scene.metrics();
        for line in [
            "channels_publications_total{result=\"published\"} 1",
            "channels_publish_seconds_count 1",
            "channels_recoveries_total{result=\"complete\"} 1",
            "channels_resumed_total{result=\"refused\"} 1",
            "channels_sessions 1",
            "channels_subscriptions 2",
        ] {
            assert!(text.contains(&format!("\ntieline_{line}\n")), "{line}: {text}");
        }
        scene.end(&mut end);
        assert!(scene.metrics().contains("\ntieline_channels_subscriptions 0\n"));
    });
}
