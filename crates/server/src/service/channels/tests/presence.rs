//! Who is there.

use super::*;

/// Whose clients are in a channel, sorted.
async fn members(scene: &mut Scene, end: &mut End, channel: &str) -> Vec<String> {
    let answer = scene.call(end, "presence", json!({ "channel": channel })).await;
    let members = answer["members"].as_array().unwrap();
    let client = |it: &Value| it["client"].as_str().unwrap().to_owned();
    let mut members: Vec<_> = members.iter().map(client).collect();
    members.sort();
    members
}

#[test]
fn who_comes_and_goes_is_told_by_name() {
    run(async {
        let mut scene = Scene::new("");
        let mut first = scene.subscriber("chat:a").await;
        let (mut second, answer) = scene.connect(json!({ "name": "Bo" })).await;
        scene.call(&mut second, "subscribe", json!({ "channel": "chat:a" })).await;
        let heard = scene.heard(&first).await;
        let joined = told(&heard, "join");
        assert_eq!((&joined[0]["client"], &joined[0]["name"]), (&answer["client"], &json!("Bo")));
        assert_eq!(members(&mut scene, &mut first, "chat:a").await.len(), 2);
        let stats = scene.call(&mut first, "presence_stats", json!({ "channel": "chat:a" })).await;
        assert_eq!(stats, json!({ "clients": 2, "users": 0 }));
        scene.end(&mut second);
        let heard = scene.heard(&first).await;
        assert_eq!(told(&heard, "leave")[0]["client"], answer["client"]);
        assert_eq!(members(&mut scene, &mut first, "chat:a").await.len(), 1);
        let named = json!({ "name": "a\u{7}" });
        assert_eq!(scene.connect(named).await.1["code"], -32602);
    });
}

#[test]
fn who_is_there_is_told_only_where_the_namespace_says_so() {
    run(async {
        let mut scene = Scene::new("");
        let mut first = scene.subscriber("quiet:a").await;
        let mut second = scene.subscriber("quiet:a").await;
        scene.end(&mut second);
        assert!(scene.heard(&first).await.is_empty());
        assert_eq!(members(&mut scene, &mut first, "quiet:a").await.len(), 1);
    });
}

#[test]
fn a_line_that_is_lost_for_a_moment_leaves_nobody() {
    run(async {
        let mut scene = Scene::new("");
        let first = scene.subscriber("chat:a").await;
        let (mut second, answer) = scene.connect(json!({})).await;
        scene.call(&mut second, "subscribe", json!({ "channel": "chat:a" })).await;
        scene.heard(&first).await;
        scene.lose(&mut second);
        let session = &answer["session"];
        let session = json!({ "id": session["id"], "secret": session["secret"], "seen": 1 });
        let (mut second, _) = scene.connect(json!({ "session": session })).await;
        scene.call(&mut second, "subscribe", json!({ "channel": "chat:a" })).await;
        scene.channels.0.hub.sweep(SystemTime::now() + Duration::from_secs(30));
        let heard = scene.heard(&first).await;
        assert!(heard.is_empty(), "{heard:?}");
        // Who does not come back is gone when the lease is over.
        scene.lose(&mut second);
        scene.heard(&first).await;
        scene.channels.0.hub.sweep(SystemTime::now() + line::LOST_LEASE);
        let heard = scene.heard(&first).await;
        assert_eq!(told(&heard, "leave")[0]["client"], answer["client"]);
    });
}

#[test]
fn a_line_that_was_superseded_takes_nobody_with_it() {
    run(async {
        let mut scene = Scene::new("");
        let first = scene.subscriber("chat:a").await;
        let (mut old, answer) = scene.connect(json!({})).await;
        scene.call(&mut old, "subscribe", json!({ "channel": "chat:a" })).await;
        let session = &answer["session"];
        let session = json!({ "id": session["id"], "secret": session["secret"], "seen": 1 });
        let (mut new, _) = scene.connect(json!({ "session": session })).await;
        scene.call(&mut new, "subscribe", json!({ "channel": "chat:a" })).await;
        scene.heard(&first).await;
        // Its end comes late.
        scene.end(&mut old);
        scene.channels.0.hub.sweep(SystemTime::now() + Duration::from_secs(30));
        let heard = scene.heard(&first).await;
        assert!(heard.is_empty(), "{heard:?}");
        let kept = scene.call(&mut new, "ping", json!({})).await;
        assert_eq!(kept, json!({}));
    });
}
