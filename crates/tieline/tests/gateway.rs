//! The client of the gateway's dialect, on real sockets with a small gateway of the test's own.
#![expect(clippy::unwrap_used, reason = "what helps tests is a test, too")]

use std::time::Duration;

use serde_json::{Value, json};
use tieline::gateway::{self, Call, CallError, Client, Credentials, Event, Events, Options};
use tieline::reconnect::Reconnect;
use tieline::{CloseCode, Connect, WebSocket};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway that a test speaks for, line by line.
struct Gateway(TcpListener);

struct Line(WebSocket<TcpStream>);

impl Gateway {
    async fn open() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        (Self(listener), url)
    }

    /// The next line.
    async fn line(&self) -> Line {
        let (stream, _) = timeout(PATIENCE, self.0.accept()).await.unwrap().unwrap();
        Line(tieline::accept(stream).await.unwrap())
    }

    /// The next line, with its device bound.
    async fn bound(&self, device: &str, keep_alive_ms: u64) -> Line {
        let mut line = self.line().await;
        assert_eq!(line.hears().await, format!("RG#{device}"));
        line.says(&format!("RO#cred#{keep_alive_ms}")).await;
        line
    }
}

impl Line {
    async fn says(&mut self, text: &str) {
        self.0.send(text).await.unwrap();
    }

    async fn hears(&mut self) -> String {
        let message = timeout(PATIENCE, self.0.next()).await.unwrap();
        message.unwrap().unwrap().text().unwrap().to_owned()
    }

    /// The next text is a call to this path; it is answered, unless with 0.
    async fn takes(&mut self, path: &str, status: u16) -> Value {
        let call: Value = serde_json::from_str(&self.hears().await).unwrap();
        assert_eq!(call["path"], path, "{call}");
        if status > 0 {
            let seq = &call["headers"]["x-ca-seq"][0];
            let answer = json!({ "status": status, "header": { "x-ca-seq": seq }, "body": path });
            self.says(&answer.to_string()).await;
        }
        call
    }

    async fn ends(&mut self) -> CloseCode {
        while let Some(Ok(_)) = timeout(PATIENCE, self.0.next()).await.unwrap() {}
        self.0.closed().unwrap().code()
    }
}

fn client(url: &str, more: Options) -> (Client, Events) {
    let reconnect = Reconnect { base: Duration::from_millis(10), ..more.reconnect.clone() };
    let options = Options { device_id: "ab12@1".into(), reconnect, ..more };
    let (client, events, driver) = gateway::client(Connect::to(url), options);
    tokio::spawn(driver.run());
    (client, events)
}

async fn next(events: &mut Events) -> Event {
    timeout(PATIENCE, events.next()).await.unwrap().unwrap()
}

#[tokio::test]
async fn it_binds_registers_calls_and_unregisters() {
    let (gateway, url) = Gateway::open().await;
    let (client, mut events) = client(&url, Options::default());
    let device = async {
        let registered = client.register(Call::post("/register")).await.unwrap();
        assert_eq!((registered.status, registered.body.as_str()), (200, "/register"));
        let refused = client.call(Call::get("/hello").query("a", "b")).await.unwrap();
        assert_eq!(refused.status, 404);
        client.unregister(Call::post("/unregister")).await.unwrap();
    };
    let other = async {
        let mut line = gateway.bound("ab12@1", 25_000).await;
        let call = line.takes("/register", 200).await;
        assert_eq!(call["headers"]["x-ca-websocket_api_type"], json!(["REGISTER"]));
        assert_eq!(call["host"], url.trim_start_matches("ws://").trim_end_matches('/'));
        let call = line.takes("/hello", 404).await;
        assert_eq!(call["querys"], json!({ "a": "b" }));
        let call = line.takes("/unregister", 200).await;
        assert_eq!(call["headers"]["x-ca-websocket_api_type"], json!(["UNREGISTER"]));
        line
    };
    let ((), _line) = tokio::join!(device, other);
    assert!(matches!(next(&mut events).await, Event::Bound));
    assert!(matches!(next(&mut events).await, Event::Registered));
}

#[tokio::test]
async fn a_message_is_acknowledged_when_the_next_event_is_asked_for() {
    let (gateway, url) = Gateway::open().await;
    let (client, mut events) = client(&url, Options::default());
    let mut line = gateway.bound("ab12@1", 25_000).await;
    assert!(matches!(next(&mut events).await, Event::Bound));
    line.says("NF#a#b\nc").await;
    let Event::Notify(text) = next(&mut events).await else { panic!("no message") };
    assert_eq!(text, "a#b\nc");
    let call = tokio::spawn(async move { client.call(Call::get("/first")).await });
    line.takes("/first", 200).await;
    call.await.unwrap().unwrap();
    let _waits = tokio::spawn(async move { events.next().await });
    assert_eq!(line.hears().await, "NO");
}

#[tokio::test]
async fn a_message_of_a_line_that_is_gone_is_not_acknowledged_on_the_next() {
    let (gateway, url) = Gateway::open().await;
    let (client, mut events) = client(&url, Options::default());
    let mut line = gateway.bound("ab12@1", 25_000).await;
    assert!(matches!(next(&mut events).await, Event::Bound));
    line.says("NF#a").await;
    assert!(matches!(next(&mut events).await, Event::Notify(_)));
    drop(line);
    let mut line = gateway.bound("ab12@1", 25_000).await;
    assert!(matches!(next(&mut events).await, Event::Disconnected { .. }));
    let call = tokio::spawn(async move { client.call(Call::get("/after")).await });
    line.takes("/after", 200).await;
    call.await.unwrap().unwrap();
}

#[tokio::test]
async fn it_beats_and_a_new_credential_makes_it_register_again() {
    let (gateway, url) = Gateway::open().await;
    let (client, _events) = client(&url, Options::default());
    let registering = tokio::spawn(async move {
        client.register(Call::post("/register")).await.unwrap();
        client
    });
    let mut line = gateway.bound("ab12@1", 1_000).await;
    line.takes("/register", 200).await;
    let _client = registering.await.unwrap();
    assert_eq!(line.hears().await, "H1");
    line.says("HO#other").await;
    line.takes("/register", 200).await;
}

#[tokio::test]
async fn after_every_end_it_comes_back_and_registers_again() {
    let (gateway, url) = Gateway::open().await;
    let (client, mut events) = client(&url, Options::default());
    let registering = tokio::spawn(async move {
        client.register(Call::post("/register")).await.unwrap();
        client
    });
    let mut line = gateway.bound("ab12@1", 25_000).await;
    line.takes("/register", 200).await;
    let client = registering.await.unwrap();
    for end in ["CR", "OS", "close", "loss"] {
        match end {
            "close" => line.0.close(CloseCode::NORMAL, "").await.unwrap(),
            "loss" => drop(line),
            word => {
                line.says(word).await;
                assert_eq!(line.ends().await, CloseCode::NORMAL, "{word}");
            }
        }
        line = gateway.bound("ab12@1", 25_000).await;
        line.takes("/register", 200).await;
        let call = {
            let client = client.clone();
            tokio::spawn(async move { client.call(Call::get("/after")).await })
        };
        line.takes("/after", 200).await;
        call.await.unwrap().unwrap();
        for expected in ["Bound", "Registered", "Disconnected"] {
            let event = format!("{:?}", next(&mut events).await);
            assert!(event.starts_with(expected), "{end}: {event} instead of {expected}");
        }
    }
}

#[tokio::test]
async fn a_call_whose_line_is_lost_says_so_and_a_signed_one_has_a_nonce_of_its_own() {
    let (gateway, url) = Gateway::open().await;
    let credentials = Credentials { key: "12344133".into(), secret: "s".into() };
    let (client, _events) =
        client(&url, Options { credentials: Some(credentials), ..Options::default() });
    let ask = |path: &'static str| {
        let client = client.clone();
        tokio::spawn(async move { client.call(Call::post(path).text("text/plain", "hi")).await })
    };
    let mut line = gateway.bound("ab12@1", 25_000).await;
    let first = ask("/first");
    let one = line.takes("/first", 0).await;
    drop(line);
    assert_eq!(first.await.unwrap().unwrap_err(), CallError::Lost);
    let second = ask("/second");
    let mut line = gateway.bound("ab12@1", 25_000).await;
    let two = line.takes("/second", 200).await;
    second.await.unwrap().unwrap();
    for name in ["x-ca-nonce", "x-ca-signature", "x-ca-seq"] {
        assert_ne!(one["headers"][name], two["headers"][name], "{name}");
    }
    assert_eq!(two["headers"]["x-ca-key"], json!(["12344133"]));
    assert_eq!(two["headers"]["content-md5"], one["headers"]["content-md5"]);
}

#[tokio::test]
async fn when_it_is_dropped_the_line_is_closed_with_1000() {
    let (gateway, url) = Gateway::open().await;
    let (client, events) = client(&url, Options::default());
    let mut line = gateway.bound("ab12@1", 25_000).await;
    drop((client, events));
    assert_eq!(line.ends().await, CloseCode::NORMAL);
}
