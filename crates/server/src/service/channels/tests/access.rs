//! Who may do what.

use super::*;

const TOKENS: &str = "alice alice-0123456789 publish:rights:* subscribe:rights:a\n\
                      alice alice-9876543210 publish:rights:a\n";

const RIGHTS: &str =
    "[namespace.rights]\nsubscribe = 'right'\n[namespace.closed]\nsubscribe = 'none'";

fn scene() -> Scene {
    Scene::new(RIGHTS)
}

#[test]
fn a_right_is_needed_where_the_namespace_says_so() {
    run(async {
        let mut scene = scene();
        let request = request_with(TOKENS, "alice-0123456789");
        let (mut alice, mut nobody) = (scene.open_as(&request), scene.open());
        assert_eq!(scene.call(&mut alice, "connect", json!({})).await["user"], "alice");
        scene.call(&mut nobody, "connect", json!({})).await;
        for (method, channel) in [
            ("subscribe", "rights:a"),
            ("subscribe", "closed:a"),
            ("history", "rights:a"),
            ("publish", "rights:a"),
        ] {
            let call = json!({ "channel": channel, "data": 1 });
            let error = scene.call(&mut nobody, method, call).await;
            assert_eq!(error["code"], 4004, "{method} {channel}: {error}");
        }
        let answer = scene.call(&mut alice, "subscribe", json!({ "channel": "rights:a" })).await;
        assert!(answer["position"].is_object(), "{answer}");
        alice.ask("publish", json!({ "channel": "rights:a", "data": 1 }));
        let heard = scene.heard(&alice).await;
        assert_eq!(told(&heard, "publication")[0]["from"], "alice");
        let other = json!({ "channel": "rights:b" });
        assert_eq!(scene.call(&mut alice, "subscribe", other).await["code"], 4004);
    });
}

#[test]
fn a_newer_token_that_gives_less_ends_subscriptions() {
    run(async {
        let mut scene = scene();
        let mut alice = scene.open_as(&request_with(TOKENS, "alice-0123456789"));
        scene.call(&mut alice, "connect", json!({})).await;
        scene.call(&mut alice, "subscribe", json!({ "channel": "rights:a" })).await;
        let wrong = json!({ "token": "bob-0123456789ab" });
        assert_eq!(scene.call(&mut alice, "refresh", wrong).await["code"], 4003);
        alice.ask("refresh", json!({ "token": "alice-9876543210" }));
        let heard = scene.heard(&alice).await;
        let ended = told(&heard, "unsubscribed");
        assert_eq!((&ended[0]["channel"], &ended[0]["code"]), (&json!("rights:a"), &json!(4004)));
        alice.ask("publish", json!({ "channel": "rights:a", "data": 1 }));
        let heard = scene.heard(&alice).await;
        assert!(told(&heard, "publication").is_empty(), "{heard:?}");
    });
}

#[test]
fn a_session_of_somebody_is_nobody_elses() {
    run(async {
        let mut scene = scene();
        let mut alice = scene.open_as(&request_with(TOKENS, "alice-0123456789"));
        let answer = scene.call(&mut alice, "connect", json!({})).await;
        scene.lose(&mut alice);
        let session = &answer["session"];
        let session = json!({ "id": session["id"], "secret": session["secret"], "seen": 0 });
        let (_, other) = scene.connect(json!({ "session": session })).await;
        assert_eq!(other["recovered"], false);
    });
}
