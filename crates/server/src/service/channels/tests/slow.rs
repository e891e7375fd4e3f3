//! Subscribers that do not keep up, where they would rather miss something than lose their lines.

use super::*;

/// What is more than fits into a backlog, in publications of this size.
const MANY: u64 = 40;
const BYTES: usize = 32 << 10;

/// Offsets of the publications among these, those to a pattern or those that are not.
fn offsets(heard: &[Value], pattern: &Value) -> Vec<u64> {
    let publications = told(heard, "publication").into_iter();
    let ours = publications.filter(|it| it["pattern"] == *pattern);
    ours.map(|it| it["offset"].as_u64().unwrap()).collect()
}

/// Publishes more than who does not read can be told.
async fn flood(scene: &mut Scene, writer: &mut End, channel: &str) {
    for _ in 0..MANY {
        scene.publish(writer, channel, json!("x".repeat(BYTES))).await;
    }
}

impl End {
    /// What its carrier does once its peer has read; whether there was anything to do.
    fn relieve(&mut self) -> bool {
        let peer = self.peer.clone();
        let is_relieved = peer.line().unwrap().borrow_mut().take_relief();
        if is_relieved {
            self.conversation.writable(&peer);
        }
        is_relieved
    }
}

#[test]
fn it_is_told_of_the_gap_once_it_has_read_and_goes_on_behind_it() {
    run(async {
        let mut scene = Scene::new("");
        let mut slow = scene.subscriber("news:a").await;
        scene.call(&mut slow, "subscribe", json!({ "channel": "chat:lobby" })).await;
        let fast = scene.subscriber("news:a").await;
        let (mut writer, _) = scene.connect(json!({})).await;
        for offset in 1..=MANY {
            scene.publish(&mut writer, "news:a", json!("x".repeat(BYTES))).await;
            assert_eq!(offsets(&scene.heard(&fast).await, &Value::Null), [offset]);
        }
        assert!(!slow.peer.is_closing() && !slow.relieve());
        // All else it hears as before.
        let ping = slow.ask("ping", json!({}));
        scene.publish(&mut writer, "chat:lobby", json!("hello")).await;
        let heard = scene.heard(&slow).await;
        assert_eq!(heard[heard.len() - 2]["id"], ping);
        assert_eq!(heard[heard.len() - 1]["params"]["data"], "hello");
        let before = offsets(&heard[..heard.len() - 1], &Value::Null);
        assert!((1..MANY).contains(&(before.len() as u64)), "{before:?}");
        assert!(before.iter().copied().eq(1..=before.len() as u64), "none is missing before it");
        assert!(slow.relieve());
        scene.publish(&mut writer, "news:a", json!(1)).await;
        let heard = scene.heard(&slow).await;
        let gap = &heard[0];
        assert_eq!((&gap["method"], heard.len()), (&json!("gap"), 2));
        assert_eq!(gap["params"]["channel"], "news:a");
        assert_eq!(gap["params"]["reason"], "slow");
        assert_eq!(gap["params"]["position"]["offset"], MANY);
        assert_eq!(heard[1]["params"]["offset"], MANY + 1);
        assert!(!slow.relieve());
        assert!(scene.metrics().contains("tieline_channels_gaps_total{reason=\"slow\"} 1\n"));
    });
}

#[test]
fn what_is_on_its_way_to_others_when_it_goes_on_it_does_not_hear() {
    run(async {
        let mut scene = Scene::new("");
        let mut slow = scene.subscriber("news:a").await;
        let (mut writer, _) = scene.connect(json!({})).await;
        flood(&mut scene, &mut writer, "news:a").await;
        scene.heard(&slow).await;
        // It has its place, and the worker has not handed it on.
        writer.ask("publish", json!({ "channel": "news:a", "data": 1 }));
        assert!(slow.relieve());
        writer.ask("publish", json!({ "channel": "news:a", "data": 2 }));
        let heard = scene.heard(&slow).await;
        assert_eq!(heard[0]["params"]["position"]["offset"], MANY + 1);
        assert_eq!(offsets(&heard, &Value::Null), [MANY + 2]);
    });
}

#[test]
fn a_pattern_is_skipped_alike_and_has_no_position() {
    run(async {
        let mut scene = Scene::new("");
        let mut slow = scene.subscriber("news:*").await;
        let (mut writer, _) = scene.connect(json!({})).await;
        flood(&mut scene, &mut writer, "news:a").await;
        let before = offsets(&scene.heard(&slow).await, &json!("news:*"));
        assert!((1..MANY).contains(&(before.len() as u64)), "{before:?}");
        assert!(slow.relieve());
        scene.publish(&mut writer, "news:b", json!(1)).await;
        let heard = scene.heard(&slow).await;
        assert_eq!(heard[0]["params"], json!({ "pattern": "news:*", "reason": "slow" }));
        assert_eq!(heard[1]["params"]["channel"], "news:b");
    });
}

#[test]
fn who_leaves_meanwhile_is_told_of_no_gap_and_may_come_back() {
    run(async {
        let mut scene = Scene::new("");
        let mut slow = scene.subscriber("news:a").await;
        let (mut writer, _) = scene.connect(json!({})).await;
        flood(&mut scene, &mut writer, "news:a").await;
        scene.call(&mut slow, "unsubscribe", json!({ "channel": "news:a" })).await;
        assert!(!slow.relieve());
        let answer = scene.call(&mut slow, "subscribe", json!({ "channel": "news:a" })).await;
        assert_eq!(answer["position"]["offset"], MANY);
        scene.publish(&mut writer, "news:a", json!(1)).await;
        let heard = scene.heard(&slow).await;
        assert_eq!((offsets(&heard, &Value::Null), heard.len()), (vec![MANY + 1], 1));
    });
}

#[test]
fn who_has_skipped_many_channels_is_told_of_some_at_a_time() {
    run(async {
        let mut scene = Scene::new("");
        let (mut slow, _) = scene.connect(json!({})).await;
        let names: Vec<_> = (0..40).map(|number| format!("news:{number}")).collect();
        for name in &names {
            scene.call(&mut slow, "subscribe", json!({ "channel": name })).await;
        }
        let (mut writer, _) = scene.connect(json!({})).await;
        flood(&mut scene, &mut writer, "news:0").await;
        for name in &names {
            scene.publish(&mut writer, name, json!("x".repeat(BYTES))).await;
        }
        scene.heard(&slow).await;
        let mut told = Vec::new();
        for count in [16, 16, 8] {
            assert!(slow.relieve());
            let heard = scene.heard(&slow).await;
            assert_eq!(heard.len(), count);
            told.extend(
                heard.iter().map(|it| it["params"]["channel"].as_str().unwrap().to_owned()),
            );
        }
        assert!(!slow.relieve());
        told.sort();
        let mut all = names.clone();
        all.sort();
        assert_eq!(told, all);
    });
}

#[test]
fn a_namespace_that_does_not_say_so_closes_who_is_slow() {
    run(async {
        let mut scene = Scene::new("");
        let slow = scene.subscriber("plain:a").await;
        let (mut writer, _) = scene.connect(json!({})).await;
        flood(&mut scene, &mut writer, "plain:a").await;
        assert_eq!(scene.bench.ended(&slow.peer), Some(CloseCode::TRY_AGAIN));
    });
}

#[test]
fn however_it_reads_nothing_is_missing_but_before_a_gap_and_nothing_comes_twice() {
    run(async {
        let mut scene = Scene::new("");
        let mut slow = scene.subscriber("news:a").await;
        let (mut writer, _) = scene.connect(json!({})).await;
        let data = "x".repeat(BYTES);
        let (mut last, mut gaps, mut chance) = (0, 0, 0x2545_F491_4F6C_DD1D_u64);
        for _ in 0..3_000 {
            // xorshift64.
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            match chance % 16 {
                0..8 => {
                    writer.ask("publish", json!({ "channel": "news:a", "data": data }));
                }
                8..10 => scene.bench.deliver(),
                10 => {
                    slow.relieve();
                }
                _ => {
                    let message = slow.peer.line().unwrap().borrow_mut().pop();
                    let Some(message) = message else { continue };
                    let heard: Value = serde_json::from_slice(message.as_bytes()).unwrap();
                    let params = &heard["params"];
                    if heard["method"] == "gap" {
                        let position = params["position"]["offset"].as_u64().unwrap();
                        assert!(position > last, "{position} behind {last}");
                        (last, gaps) = (position, gaps + 1);
                    } else {
                        assert_eq!(params["offset"], last + 1);
                        last += 1;
                    }
                }
            }
        }
        assert!(last > 500 && gaps > 5, "{gaps} gaps up to {last}");
    });
}
