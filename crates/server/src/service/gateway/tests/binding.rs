//! Which line is whose device's?

use tokio::time::advance;

use super::*;

#[tokio::test]
async fn a_device_binds_beats_registers_is_notified_and_leaves() {
    run(async || {
        let mut scene = Scene::new("").await;
        let (mut end, credential) = scene.bind("ab12cd34@12344133").await;
        end.say("H1");
        assert_eq!(scene.next(&mut end).await, format!("HO#{credential}"));
        let answer = scene.call(&mut end, "/register", "username=xiaoming").await;
        assert_eq!(
            (&answer["status"], &answer["body"]),
            (&json!(200), &json!("username=xiaoming"))
        );
        assert_eq!(answer["header"]["x-ca-seq"], "7");
        let devices = scene.gateway.0.devices.clone();
        let notified = devices.notify("ab12cd34@12344133", "HELLO #WORLD!\n\n", None).await;
        assert_eq!(notified, Notified::Delivered);
        assert_eq!(scene.next(&mut end).await, "NF#HELLO #WORLD!\n\n");
        end.say("NO");
        assert_eq!(scene.call(&mut end, "/unregister", "").await["status"], 200);
        assert_eq!(devices.notify("ab12cd34@12344133", "x", None).await, Notified::Unknown);
        assert_eq!(
            scene.asked(),
            [
                "POST /register ab12cd34@12344133 username=xiaoming",
                "POST /unregister ab12cd34@12344133 ",
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn a_second_rg_is_told_again_or_refused() {
    run(async || {
        let mut scene = Scene::new("").await;
        let (mut end, credential) = scene.bind("a").await;
        end.say("RG#a");
        assert_eq!(scene.next(&mut end).await, format!("RO#{credential}#25000"));
        end.say("RG#b");
        assert_eq!(scene.next(&mut end).await, "RF#AlreadyBound");
        for bad in ["RG#", "RG#a b", "RG#a\u{1}", "RG#a#b", &format!("RG#{}", "x".repeat(129))] {
            let mut end = scene.open();
            end.say(bad);
            assert_eq!(scene.next(&mut end).await, "RF#InvalidDeviceId", "{bad:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_newest_line_of_a_device_is_its_line() {
    run(async || {
        let mut scene = Scene::new("").await;
        let first = scene.register("a").await;
        let mut second = scene.register("a").await;
        assert_eq!(scene.ended(&first).await, CloseCode::NORMAL);
        let devices = scene.gateway.0.devices.clone();
        assert_eq!(devices.notify("a", "x", None).await, Notified::Delivered);
        assert_eq!(scene.next(&mut second).await, "NF#x");
    })
    .await;
}

#[tokio::test]
async fn a_device_is_no_other_users() {
    run(async || {
        let mut scene = Scene::new("").await;
        let tokens = "ann ann-0123456789abc";
        let mut ann = scene.open_with(&request_of("ann", tokens));
        ann.say("RG#a");
        assert!(scene.next(&mut ann).await.starts_with("RO#"));
        assert_eq!(scene.call(&mut ann, "/register", "").await["status"], 200);
        let mut bob = scene.open_with(&request_of("bob", tokens));
        bob.say("RG#a");
        assert_eq!(scene.next(&mut bob).await, "RF#DeviceOfAnotherUser");
        assert_eq!(code(&scene.call(&mut bob, "/free", "").await), "I400RG");
        let devices = scene.gateway.0.devices.clone();
        assert_eq!(devices.notify("a", "for ann", None).await, Notified::Delivered);
        assert_eq!(scene.next(&mut ann).await, "NF#for ann");
        bob.say("RG#b");
        assert!(scene.next(&mut bob).await.starts_with("RO#"), "another is his");
    })
    .await;
}

#[tokio::test]
async fn a_register_that_fails_leaves_the_device_unknown() {
    run(async || {
        let mut scene = Scene::with("", |_, _| (StatusCode::FORBIDDEN, "no").into_response()).await;
        let (mut end, _) = scene.bind("a").await;
        let answer = scene.call(&mut end, "/register", "").await;
        assert_eq!((&answer["status"], &answer["body"]), (&json!(403), &json!("no")));
        assert_eq!(code(&answer), "", "the backend's own errors have no code");
        let devices = scene.gateway.0.devices.clone();
        assert_eq!(devices.notify("a", "x", None).await, Notified::Unknown);
    })
    .await;
}

#[tokio::test]
async fn a_device_that_unregisters_and_leaves_at_once_has_unregistered() {
    run(async || {
        let mut scene = Scene::new("").await;
        let mut end = scene.register("a").await;
        end.say(&envelope("/unregister", "out"));
        end.leave();
        let devices = scene.gateway.0.devices.clone();
        let waiting = async {
            while devices.find("a").is_some_and(|device| device.is_registered) {
                yield_now().await;
            }
        };
        timeout(LONG, waiting).await.unwrap();
        assert_eq!(scene.asked().last().unwrap(), "POST /unregister a out");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn devices_that_come_all_at_once_are_bound_one_after_the_other() {
    run(async || {
        let settings = "limits = { binds_per_second = 10 }";
        let mut scene = Scene::at("http://127.0.0.1:1", settings, Asked::default());
        let mut ends: Vec<_> = (0..90).map(|_| scene.open()).collect();
        for (number, end) in ends.iter_mut().enumerate() {
            end.say(&format!("RG#{number}"));
        }
        let mut heard = Vec::new();
        for end in &mut ends {
            heard.extend(scene.settle(end).await);
        }
        let is_bound = |heard: &[String]| heard.iter().filter(|it| it.starts_with("RO#")).count();
        assert_eq!(is_bound(&heard), 1, "{heard:?}");
        assert_eq!(heard.iter().filter(|text| *text == "OS").count(), 9);
        for _ in 0..9 {
            advance(Duration::from_millis(999)).await;
            for end in &mut ends {
                heard.extend(scene.settle(end).await);
            }
        }
        assert_eq!(is_bound(&heard), 81);
    })
    .await;
}
