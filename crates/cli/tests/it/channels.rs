//! Channels over real lines: several workers, a lost line, a killed server, rights.

use std::fs;

use serde_json::{Value, json};
use tieline::{CloseCode, Connect};

use crate::server::{Server, Socket, close_code, folder, next, run};

/// A line in the native language.
struct Line {
    socket: Socket,
    calls: u64,
    /// Notifications that came between answers.
    told: Vec<Value>,
}

impl Line {
    async fn open(server: &Server) -> Self {
        Self::with(Connect::to(server.url("/tieline"))).await
    }

    async fn with(request: Connect) -> Self {
        let socket = request.subprotocol("tieline.v1").open().await.unwrap();
        assert_eq!(socket.protocol(), "tieline.v1");
        Self { socket, calls: 0, told: Vec::new() }
    }

    /// Calls, and answers the result, or the error.
    async fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let call =
            json!({ "jsonrpc": "2.0", "id": self.calls, "method": method, "params": params });
        self.socket.send(call.to_string()).await.unwrap();
        loop {
            let mut heard: Value = serde_json::from_str(&next(&mut self.socket).await).unwrap();
            if heard["id"] == self.calls {
                let key = if heard["error"].is_null() { "result" } else { "error" };
                return heard[key].take();
            }
            self.told.push(heard);
        }
    }

    /// The next publication.
    async fn publication(&mut self) -> Value {
        loop {
            let mut heard = match self.told.is_empty() {
                true => serde_json::from_str(&next(&mut self.socket).await).unwrap(),
                false => self.told.remove(0),
            };
            if heard["method"] == "publication" {
                return heard["params"].take();
            }
        }
    }
}

const CHANNELS: &str = "[[route]]\npath = '/tieline'\nservice = { kind = 'channels' }\n\
                        [namespace.chat]\nhistory = 100\npublish = 'all'\npresence = true\n";

#[tokio::test]
async fn everybody_hears_everything_in_one_order_on_whichever_worker() {
    let server = Server::with_routes(CHANNELS);
    let mut lines = Vec::new();
    for _ in 0..8 {
        let mut line = Line::open(&server).await;
        line.call("connect", json!({})).await;
        line.call("subscribe", json!({ "channel": "chat:a" })).await;
        lines.push(line);
    }
    for round in 0..50 {
        let at = round % lines.len();
        let published = json!({ "channel": "chat:a", "data": round });
        let answer = lines[at].call("publish", published).await;
        assert_eq!(answer["position"]["offset"], round + 1);
    }
    for line in &mut lines {
        for round in 0..50 {
            let told = line.publication().await;
            assert_eq!((&told["offset"], &told["data"]), (&json!(round + 1), &json!(round)));
        }
    }
    let stats = lines[0].call("presence_stats", json!({ "channel": "chat:a" })).await;
    assert_eq!(stats["clients"], 8);
}

#[tokio::test]
async fn a_session_goes_on_over_another_line_and_the_older_one_is_closed() {
    let server = Server::with_routes(CHANNELS);
    let mut old = Line::open(&server).await;
    let session = old.call("connect", json!({})).await["session"].take();
    old.call("subscribe", json!({ "channel": "chat:a" })).await;
    let mut new = Line::open(&server).await;
    let session = json!({ "id": session["id"], "secret": session["secret"], "seen": 1 });
    let answer = new.call("connect", json!({ "session": session })).await;
    assert_eq!((&answer["recovered"], &answer["seen"]), (&json!(true), &json!(1)));
    assert_eq!(close_code(&mut old.socket).await, 4409);
}

#[tokio::test]
async fn what_was_acknowledged_on_disk_is_there_after_a_kill_and_the_epoch_stays() {
    let folder = folder();
    let file = folder.join("tieline.toml");
    let text = format!(
        "[store]\npath = 'store'\n{CHANNELS}durability = 'disk'\n[namespace.light]\npublish = 'all'\n\
         history = 100\n"
    );
    fs::write(&file, text).unwrap();
    let args = ["--config", file.to_str().unwrap()];
    let server = Server::start(&args);
    let mut line = Line::open(&server).await;
    line.call("connect", json!({})).await;
    let start = line.call("subscribe", json!({ "channel": "chat:a" })).await["position"].take();
    let light = line.call("subscribe", json!({ "channel": "light:a" })).await["position"].take();
    for number in 1..=20 {
        let published = json!({ "channel": "chat:a", "data": number, "key": format!("k{number}") });
        line.call("publish", published).await;
    }
    // It is killed, not told to stop.
    drop(server);
    let server = Server::start(&args);
    let mut line = Line::open(&server).await;
    line.call("connect", json!({})).await;
    let call = json!({ "channel": "chat:a", "position": start });
    let answer = line.call("subscribe", call).await;
    assert_eq!(answer["recovered"], true, "{answer}");
    let missed = answer["publications"].as_array().unwrap();
    let missed: Vec<_> = missed.iter().map(|it| it["data"].as_u64().unwrap()).collect();
    assert_eq!(missed, (1..=20).collect::<Vec<_>>());
    let again = json!({ "channel": "chat:a", "data": 7, "key": "k7" });
    let again = line.call("publish", again).await;
    assert_eq!((&again["repeat"], &again["position"]["offset"]), (&json!(true), &json!(7)));
    // In memory nothing is left, and that is told.
    let call = json!({ "channel": "light:a", "position": light });
    let answer = line.call("subscribe", call).await;
    assert_eq!((&answer["recovered"], &answer["reason"]), (&json!(false), &json!("epoch")));
}

#[tokio::test]
async fn a_token_gives_the_rights_that_it_names_and_nobody_has_none() {
    let folder = folder();
    let key = folder.join("signing.pem");
    assert!(run(&["token", "gen", "keys", key.to_str().unwrap()]).status.success());
    let token = run(&[
        "token",
        "gen",
        "token",
        "--key",
        key.to_str().unwrap(),
        "--user",
        "alice",
        "--right",
        "publish:chat:*",
        "--expires",
        "1h",
    ]);
    let token = String::from_utf8(token.stdout).unwrap();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/config/channels.toml");
    let file = folder.join("channels.toml");
    fs::copy(example, &file).unwrap();
    let server = Server::start(&["--config", file.to_str().unwrap()]);
    let request = Connect::to(server.url("/tieline"));
    let bearer = format!("Bearer {}", token.trim());
    let mut alice = Line::with(request.header("authorization", bearer.as_str())).await;
    let mut nobody = Line::open(&server).await;
    assert_eq!(alice.call("connect", json!({})).await["user"], "alice");
    nobody.call("connect", json!({})).await;
    nobody.call("subscribe", json!({ "channel": "chat:lobby" })).await;
    let publish = json!({ "channel": "chat:lobby", "data": "hello" });
    assert_eq!(nobody.call("publish", publish.clone()).await["code"], 4004);
    assert_eq!(alice.call("publish", publish).await["position"]["offset"], 1);
    let told = nobody.publication().await;
    assert_eq!((&told["data"], &told["from"]), (&json!("hello"), &json!("alice")));
    let wrong = Connect::to(server.url("/tieline")).header("authorization", "Bearer x");
    assert!(wrong.open().await.is_err(), "a wrong token is not nobody's");
}

#[tokio::test]
async fn who_does_not_read_is_closed_and_is_given_what_it_missed() {
    let server = Server::with_routes(
        "[[route]]\npath = '/tieline'\nservice = { kind = 'channels' }\n\
         limits = { backlog_bytes = 65536 }\n\
         [namespace.chat]\nhistory = 1000\npublish = 'all'\nhistory_bytes = 100000000\n",
    );
    let mut slow = Line::open(&server).await;
    slow.call("connect", json!({})).await;
    let start = slow.call("subscribe", json!({ "channel": "chat:a" })).await["position"].take();
    let mut quick = Line::open(&server).await;
    quick.call("connect", json!({})).await;
    let data = "x".repeat(30_000);
    let mut count = 0;
    // Until the kernel's buffers and the backlog are full.
    while !server.log().contains("too slow") && count < 900 {
        quick.call("publish", json!({ "channel": "chat:a", "data": data })).await;
        count += 1;
    }
    assert_eq!(close_code(&mut slow.socket).await, CloseCode::TRY_AGAIN.get());
    let mut slow = Line::open(&server).await;
    slow.call("connect", json!({})).await;
    // It is too much for one message; page by page it is all there.
    let answer = slow.call("subscribe", json!({ "channel": "chat:a", "position": start })).await;
    assert_eq!((&answer["recovered"], &answer["reason"]), (&json!(false), &json!("too_many")));
    let mut seen = 0;
    while seen < count {
        let page = slow.call("history", json!({ "channel": "chat:a", "after": seen })).await;
        let page = page["publications"].as_array().unwrap();
        let offsets = page.iter().map(|it| it["offset"].as_u64().unwrap());
        assert!(offsets.eq(seen + 1..=seen + page.len() as u64) && !page.is_empty());
        seen += page.len() as u64;
    }
}
