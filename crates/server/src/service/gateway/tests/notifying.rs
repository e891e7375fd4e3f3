//! How does a backend reach a device?

use super::*;

#[tokio::test]
async fn what_is_stored_comes_behind_the_answer_of_register() {
    run(async || {
        let mut scene = Scene::new("").await;
        let mut end = scene.register("a").await;
        end.leave();
        let devices = scene.gateway.0.devices.clone();
        assert_eq!(devices.notify("a", "1", None).await, Notified::Stored);
        let (mut end, _) = scene.bind("a").await;
        assert_eq!(scene.call(&mut end, "/register", "").await["status"], 200);
        assert_eq!(scene.next(&mut end).await, "NF#1");
    })
    .await;
}

#[tokio::test]
async fn a_backend_notifies_over_a_line_and_a_device_does_not() {
    run(async || {
        let mut scene = Scene::new("").await;
        let mut device = scene.register("a").await;
        let mut backend = scene.open();
        let to =
            |device: &str| json!({"x-ca-deviceid": device, "x-ca-websocket_api_type": "NOTIFY"});
        backend.say(&signed("/notify", "back", "backend-secret", 1, to("a"), "hello"));
        backend.say(&signed("/notify", "back", "backend-secret", 2, to("nobody"), "hello"));
        let mut answers = Vec::new();
        for _ in 0..2 {
            let answer: Value = serde_json::from_str(&scene.next(&mut backend).await).unwrap();
            let seq = answer["header"]["x-ca-seq"].clone();
            answers.push((seq, answer["status"].clone(), code(&answer).to_owned()));
        }
        assert_eq!(
            answers,
            [
                (json!("1"), json!(200), String::new()),
                (json!("2"), json!(404), "N404DV".to_owned())
            ]
        );
        assert_eq!(scene.next(&mut device).await, "NF#hello");
        device.say(&signed("/notify", "device", "device-secret", 3, to("a"), "x"));
        let answer: Value = serde_json::from_str(&scene.next(&mut device).await).unwrap();
        assert_eq!(code(&answer), "A403AP");
    })
    .await;
}
