//! How long does a line last, and what may be said on it?

use std::fmt::Write as _;

use tokio::time::{advance, sleep_until};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_line_that_says_nothing_is_ended() {
    run(async || {
        let mut scene = Scene::at("http://127.0.0.1:1", "", Asked::default());
        let end = scene.open();
        advance(Duration::from_secs(11)).await;
        assert_eq!(scene.ended(&end).await, CloseCode::POLICY);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_device_that_does_not_register_or_beat_is_ended() {
    run(async || {
        let mut scene = Scene::at("http://127.0.0.1:1", "", Asked::default());
        let (mut end, credential) = scene.bind("a").await;
        for _ in 0..2 {
            advance(Duration::from_secs(25)).await;
            end.say("H1");
            assert_eq!(scene.next(&mut end).await, format!("HO#{credential}"));
        }
        advance(Duration::from_secs(12)).await;
        assert_eq!(scene.ended(&end).await, CloseCode::POLICY, "it does not register");

        let mut scene = Scene::at("http://127.0.0.1:1", "register_within = '0s'", Asked::default());
        let (mut end, _) = scene.bind("a").await;
        advance(Duration::from_secs(74)).await;
        assert!(scene.settle(&mut end).await.is_empty() && !end.peer.is_closing());
        advance(Duration::from_secs(3)).await;
        assert_eq!(scene.ended(&end).await, CloseCode::POLICY, "it does not beat");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_life_ends_with_cr_and_time_to_leave() {
    run(async || {
        let settings = "line_life = '1h'\nregister_within = '0s'\nkeep_alive = '1h'";
        let mut scene = Scene::at("http://127.0.0.1:1", settings, Asked::default());
        let mut end = scene.open();
        end.say("RG#a");
        assert!(scene.next(&mut end).await.ends_with("#3600000"));
        advance(Duration::from_secs(54 * 60 - 2)).await;
        assert!(scene.settle(&mut end).await.is_empty(), "up to a tenth less than an hour");
        advance(Duration::from_secs(6 * 60 + 4)).await;
        assert_eq!(scene.next(&mut end).await, "CR");
        advance(Duration::from_secs(10)).await;
        assert!(scene.settle(&mut end).await.is_empty() && !end.peer.is_closing());
        advance(Duration::from_secs(10)).await;
        assert_eq!(scene.ended(&end).await, CloseCode::RESTART);
    })
    .await;
}

/// Has the server stop: how many of a thousand devices have left after each of these times.
async fn left_after(settings: &str, millis: &[u64]) -> Vec<usize> {
    let mut scene = Scene::at("http://127.0.0.1:1", settings, Asked::default());
    let mut ends = Vec::new();
    for number in 0..1_000 {
        ends.push(scene.bind(&number.to_string()).await.0);
    }
    let began = Instant::now();
    for end in &mut ends {
        end.stop();
    }
    let mut left = Vec::new();
    for millis in millis {
        sleep_until(began + Duration::from_millis(*millis)).await;
        yield_now().await;
        left.push(ends.iter().filter(|end| end.peer.is_closing()).count());
    }
    for end in ends.iter_mut().filter(|end| end.peer.is_closing()) {
        assert_eq!(scene.next(end).await, "CR");
        assert_eq!(scene.ended(end).await, CloseCode::GOING_AWAY);
    }
    left
}

#[tokio::test(start_paused = true)]
async fn devices_leave_one_after_the_other_when_the_server_stops() {
    run(async || {
        // A second for a thousand of them.
        let left = left_after("leave_over = '5s'", &[0, 250, 750, 1_001]).await;
        assert!(left[0] < 10, "{left:?}");
        assert!((150..350).contains(&left[1]) && (650..850).contains(&left[2]), "{left:?}");
        assert_eq!(left[3], 1_000);
        let left = left_after("leave_over = '100ms'", &[50, 101]).await;
        assert!((400..600).contains(&left[0]), "{left:?}");
        assert_eq!(left[1], 1_000);
        assert_eq!(left_after("leave_over = '0s'", &[0]).await, [1_000]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn whoever_has_no_turn_to_leave_goes_at_once_and_who_was_told_is_not_told_again() {
    run(async || {
        let settings = "line_life = '10s'\nregister_within = '0s'";
        let mut scene = Scene::at("http://127.0.0.1:1", settings, Asked::default());
        let mut nobodys = scene.open();
        nobodys.stop();
        assert_eq!(scene.settle(&mut nobodys).await, Vec::<String>::new());
        assert_eq!(scene.ended(&nobodys).await, CloseCode::GOING_AWAY);
        let (mut end, _) = scene.bind("a").await;
        advance(Duration::from_secs(11)).await;
        assert_eq!(scene.next(&mut end).await, "CR");
        end.stop();
        assert!(!end.peer.is_closing());
        advance(Duration::from_secs(1)).await;
        assert_eq!(scene.settle(&mut end).await, Vec::<String>::new());
        assert_eq!(scene.ended(&end).await, CloseCode::GOING_AWAY);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn too_much_is_told_os_once_and_a_flood_is_ended() {
    run(async || {
        let settings = "register_within = '0s'\nlimits = { texts_per_second = 5 }";
        let mut scene = Scene::at("http://127.0.0.1:1", settings, Asked::default());
        let (mut end, _) = scene.bind("a").await;
        for _ in 0..20 {
            end.say("XY");
        }
        assert_eq!(scene.settle(&mut end).await, ["OS"]);
        end.say(&envelope("/free", ""));
        let answer: Value = serde_json::from_str(&scene.next(&mut end).await).unwrap();
        assert_eq!((&answer["status"], code(&answer)), (&json!(429), "T429OS"));
        advance(Duration::from_secs(20)).await;
        assert_eq!(scene.ended(&end).await, CloseCode::TRY_AGAIN);

        let (mut end, _) = scene.bind("b").await;
        for _ in 0..120 {
            end.say("XY");
        }
        assert_eq!(scene.ended(&end).await, CloseCode::POLICY);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn heartbeats_are_answered_so_many_times_in_a_second() {
    run(async || {
        let mut scene = Scene::at("http://127.0.0.1:1", "", Asked::default());
        let (mut end, credential) = scene.bind("a").await;
        let mut expected = String::new();
        for _ in 0..50 {
            end.say("H1");
        }
        for _ in 0..4 {
            write!(expected, "HO#{credential} ").unwrap();
        }
        assert_eq!(scene.settle(&mut end).await.join(" ") + " ", expected);
        // The gateway's own word from a device, and what is no word at all, are let be.
        for text in ["HO", &format!("HO#{credential}"), "XYZ#1", "", "RO#1#2"] {
            end.say(text);
        }
        assert!(scene.settle(&mut end).await.is_empty() && !end.peer.is_closing());
        end.conversation.message(&end.peer, Message::from(&b"x"[..]));
        assert_eq!(scene.ended(&end).await, CloseCode::UNSUPPORTED);
    })
    .await;
}
