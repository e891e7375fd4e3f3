//! What becomes of a device's calls?

use super::*;

#[tokio::test]
async fn a_call_may_come_before_the_line_is_bound_and_not_before_it_is_asked_for() {
    run(async || {
        let mut scene = Scene::new("").await;
        let mut end = scene.open();
        assert_eq!(code(&scene.call(&mut end, "/free", "").await), "I400RG");
        end.say("RG#a");
        end.say(&envelope("/orders/1", "before RO"));
        assert!(scene.next(&mut end).await.starts_with("RO#"));
        assert!(scene.next(&mut end).await.contains("before RO"));
        assert_eq!(scene.asked(), ["POST /v1/1 a before RO"]);
    })
    .await;
}

#[tokio::test]
async fn calls_of_a_device_are_made_one_after_the_other_and_others_beside_them() {
    run(async || {
        let mut scene = Scene::new("answer_within = '1s'").await;
        let (mut end, _) = scene.bind("a").await;
        for number in 0..5 {
            end.say(&envelope(&format!("/orders/{number}"), "x"));
        }
        for _ in 0..5 {
            scene.next(&mut end).await;
        }
        let expected: Vec<_> = (0..5).map(|number| format!("POST /v1/{number} a x")).collect();
        assert_eq!(scene.asked(), expected);
    })
    .await;
}

#[tokio::test]
async fn a_backend_that_is_dead_or_answers_no_text_is_an_error_envelope() {
    run(async || {
        let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", nobody.local_addr().unwrap());
        drop(nobody);
        let mut scene = Scene::at(&url, "", Asked::default());
        let (mut end, _) = scene.bind("a").await;
        let answer = scene.call(&mut end, "/free", "").await;
        assert_eq!((code(&answer), &answer["header"]["x-ca-seq"]), ("D502CO", &json!("7")));

        let mut scene = Scene::with("", |_, _| vec![0xFF_u8, 0xFE].into_response()).await;
        let (mut end, _) = scene.bind("a").await;
        assert_eq!(code(&scene.call(&mut end, "/free", "").await), "D502AN");
    })
    .await;
}

#[tokio::test]
async fn a_slow_call_is_answered_in_time_and_holds_up_its_own_device_alone() {
    run(async || {
        let slow = "answer_within = '1s'\n[[route.service.api]]\npath = '/slow'\nbackend = 'shop'\nsigned = false";
        let mut scene = Scene::new(slow).await;
        let (mut one, _) = scene.bind("a").await;
        let (mut other, _) = scene.bind("b").await;
        one.say(&envelope("/slow", ""));
        assert_eq!(scene.call(&mut other, "/orders/1", "").await["status"], 200);
        let answer: Value = serde_json::from_str(&scene.next(&mut one).await).unwrap();
        assert_eq!((&answer["status"], code(&answer)), (&json!(504), "D504OD"));
        assert_eq!(scene.call(&mut one, "/orders/2", "").await["status"], 200);
    })
    .await;
}

#[tokio::test]
async fn what_no_api_has_is_told_and_a_type_that_is_another() {
    run(async || {
        let mut scene = Scene::new("").await;
        let (mut end, _) = scene.bind("a").await;
        assert_eq!(code(&scene.call(&mut end, "/nowhere", "").await), "I404NF");
        let wrong = json!({"method": "POST", "path": "/register",
            "headers": {"x-ca-websocket_api_type": "UNREGISTER", "x-ca-seq": "9"}});
        end.say(&wrong.to_string());
        let answer: Value = serde_json::from_str(&scene.next(&mut end).await).unwrap();
        assert_eq!((code(&answer), &answer["header"]["x-ca-seq"]), ("I400TY", &json!("9")));
        end.say("{");
        let answer: Value = serde_json::from_str(&scene.next(&mut end).await).unwrap();
        assert_eq!(code(&answer), "I400BD");
        assert!(scene.asked().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_signed_api_takes_what_is_signed_once() {
    run(async || {
        let mut scene = Scene::new("").await;
        let (mut end, _) = scene.bind("a").await;
        assert_eq!(code(&scene.call(&mut end, "/signed", "").await), "I400MH");
        let call = signed("/signed", "device", "device-secret", 1, json!({}), "x");
        for expected in ["", "A403NU"] {
            end.say(&call);
            let answer: Value = serde_json::from_str(&scene.next(&mut end).await).unwrap();
            assert_eq!(code(&answer), expected);
        }
        end.say(&signed("/signed", "device", "another", 2, json!({}), "x"));
        let answer: Value = serde_json::from_str(&scene.next(&mut end).await).unwrap();
        assert_eq!(code(&answer), "A403SI");
        assert_eq!(scene.asked(), ["POST /signed a x"]);
    })
    .await;
}

#[tokio::test]
async fn a_register_with_a_newer_token_renews_the_identity_of_its_line() {
    run(async || {
        let mut scene = Scene::new("").await;
        let tokens = "ann ann-0123456789abc\nbob bob-0123456789abc";
        let mut end = scene.open_with(&request_of("ann", tokens));
        end.peer.renew(Some(SystemTime::now() + LONG));
        end.say("RG#a");
        assert!(scene.next(&mut end).await.starts_with("RO#"));
        let call = async |scene: &mut Scene, end: &mut End, path: &str, authorization: &str| {
            let headers = json!({"x-ca-seq": ["7"], "Authorization": [authorization]});
            let call = json!({"method": "POST", "path": path, "headers": headers});
            end.say(&call.to_string());
            serde_json::from_str::<Value>(&scene.next(end).await).unwrap()
        };
        for (authorization, said) in [
            ("Bearer bob-0123456789abc", "another user's"),
            ("Bearer ann-0123456789xyz", "not a valid one"),
        ] {
            let answer = call(&mut scene, &mut end, "/register", authorization).await;
            assert_eq!((&answer["status"], code(&answer)), (&json!(401), "A401TK"), "{answer}");
            assert_eq!(answer["header"]["x-ca-seq"], "7");
            assert!(answer["body"].as_str().unwrap().contains(said), "{answer}");
        }
        assert!(scene.asked().is_empty(), "the backend does not hear of it");
        for (path, authorization) in [
            ("/free", "Bearer bob-0123456789abc"),
            ("/free", "Bearer ann-0123456789abc"),
            ("/register", "Basic YTpi"),
        ] {
            let answer = call(&mut scene, &mut end, path, authorization).await;
            assert_eq!(answer["status"], 200, "{answer}");
        }
        assert!(scene.bench.next_expiry().is_some(), "none of these is to renew it");
        let answer = call(&mut scene, &mut end, "/register", "Bearer ann-0123456789abc").await;
        assert_eq!(answer["status"], 200, "{answer}");
        assert!(scene.bench.next_expiry().is_none(), "a token of this file has no end");
    })
    .await;
}

#[tokio::test]
async fn a_device_that_asks_more_than_may_wait_is_not_read_from() {
    run(async || {
        let settings = "limits = { max_waiting = 4 }\nanswer_within = '1s'\n\
            [[route.service.api]]\npath = '/slow'\nbackend = 'shop'\nsigned = false";
        let mut scene = Scene::new(settings).await;
        let (mut end, _) = scene.bind("a").await;
        for _ in 0..3 {
            end.say(&envelope("/slow", ""));
        }
        let is_paused = |end: &End| end.peer.line().unwrap().borrow().is_paused();
        assert!(!is_paused(&end));
        end.say(&envelope("/slow", ""));
        assert!(is_paused(&end));
        for _ in 0..4 {
            assert!(scene.next(&mut end).await.contains("D504OD"));
        }
        assert!(!is_paused(&end));
    })
    .await;
}
