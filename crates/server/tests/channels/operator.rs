//! What the operator says and sees of channels.

use std::net::SocketAddr;

use reqwest::Method;
use serde_json::{Value, json};
use tieline::client::{Error, Event, State};
use tieline::reconnect::Why;
use tieline::{Client, ClientStream, WebSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::server::{CHAT, HALL, Server, folder, to};
use super::wire::Wire;
use super::{PATIENCE, next, publication};

pub(crate) const KEY: &str = "the-operators-own-key";

/// A server with an operator's side.
pub(crate) async fn operated(config: &str) -> (Server, Operator) {
    let key = folder().join("key");
    std::fs::write(&key, format!("{KEY}\n")).unwrap();
    let operator =
        format!("[operator]\naddress = '127.0.0.1:0'\napi_key_file = '{}'\n", key.display());
    let server = Server::start(&format!("{operator}{config}")).await;
    let operator = Operator(server.operator.unwrap());
    (server, operator)
}

pub(crate) struct Operator(SocketAddr);

impl Operator {
    /// Asks, and is answered with this status.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        status: u16,
    ) -> Value {
        let url = format!("http://{}/api/v1/{path}", self.0);
        let request = reqwest::Client::new().request(method, url).bearer_auth(KEY);
        let request = match &body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let answered = answer.status();
        let text = answer.text().await.unwrap();
        assert_eq!(answered, status, "{path} {body:?}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Asks for something that is answered 200 or 202; whether it was 202.
    async fn try_post(&self, path: &str, body: Value) -> bool {
        let url = format!("http://{}/api/v1/{path}", self.0);
        let request = reqwest::Client::new().post(url).bearer_auth(KEY);
        let request = request.header("content-type", "application/json").body(body.to_string());
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        assert!([200, 202].contains(&status), "{status}");
        status == 202
    }

    /// Where something is.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/api/v1/{path}", self.0)
    }

    /// Whether it is answered 200.
    pub(crate) async fn answers(&self, path: &str) -> bool {
        let request = reqwest::Client::new().get(self.url(path)).bearer_auth(KEY);
        request.send().await.unwrap().status() == 200
    }

    /// Hands a capture in; what is answered, line by line.
    pub(crate) async fn inspect(&self, capture: Vec<u8>, status: u16) -> Vec<Value> {
        let request = reqwest::Client::new().post(self.url("inspect")).bearer_auth(KEY);
        let answer = request.body(capture).send().await.unwrap();
        assert_eq!(answer.status(), status);
        let text = answer.text().await.unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Says bare bytes, and reads the first that come back.
    pub(crate) async fn say(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.0).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = vec![0; 1 << 10];
        let read = timeout(PATIENCE, stream.read(&mut answer)).await.unwrap().unwrap();
        String::from_utf8_lossy(&answer[..read]).into_owned()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, None, 200).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value, status: u16) -> Value {
        self.ask(Method::POST, path, Some(body), status).await
    }
}

#[tokio::test]
async fn what_the_operator_publishes_is_heard_and_has_a_position() {
    let (server, operator) = operated(&CHAT.replace("'all'", "'none'")).await;
    let client = server.client().await;
    let mut lobby = client.subscribe("chat:lobby").await.unwrap();
    let new = json!({ "channel": "chat:lobby", "data": { "n": [1.50] }, "key": "k" });
    let first = operator.post("publish", new.clone(), 200).await;
    assert_eq!((&first["position"]["offset"], &first["repeat"]), (&json!(1), &json!(false)));
    let again = operator.post("publish", new, 200).await;
    assert_eq!((&again["position"], &again["repeat"]), (&first["position"], &json!(true)));
    let heard = publication(&mut lobby).await;
    assert_eq!((heard.offset, heard.from.as_deref()), (1, None));
    assert_eq!(heard.parse::<Value>().unwrap(), json!({ "n": [1.50] }));
}

#[tokio::test]
async fn a_broadcast_says_what_became_of_it_on_each_channel() {
    let (_server, operator) = operated(CHAT).await;
    let channels = ["chat:a", "nowhere:b", "chat:c d"];
    let sent = operator.post("broadcast", json!({ "channels": channels, "data": 1 }), 200).await;
    let outcomes = sent["outcomes"].as_array().unwrap();
    assert_eq!(outcomes.len(), 3);
    assert_eq!(outcomes[0]["position"]["offset"], 1, "{sent}");
    assert_eq!(outcomes[1]["error"]["status"], 404, "{sent}");
    assert_eq!(outcomes[2]["error"]["status"], 400, "{sent}");
    for wrong in [
        json!({ "channels": [], "data": 1 }),
        json!({ "channels": vec!["chat:a"; 1_001], "data": 1 }),
    ] {
        operator.post("broadcast", wrong, 400).await;
    }
    for (wrong, status) in [
        (json!({ "channel": "nowhere:b", "data": 1 }), 404),
        (json!({ "channel": "", "data": 1 }), 400),
        (json!({ "channel": "chat:a", "data": 1, "key": "" }), 400),
        (json!({ "channel": "chat:a", "data": 1, "key": "x".repeat(129) }), 400),
        (json!({ "channel": "chat:a" }), 422),
        (json!({ "channel": "chat:a", "data": 1, "more": 1 }), 422),
    ] {
        operator.post("publish", wrong, status).await;
    }
}

#[tokio::test]
async fn channels_are_listed_with_their_subscribers_presence_and_history() {
    let (server, operator) = operated(&format!("{CHAT}{HALL}")).await;
    assert_eq!(operator.get("channels").await, json!({ "channels": [], "next": null }));
    let (one, two) = (server.client().await, server.client().await);
    let mut hall = one.subscribe("hall:a/b").await.unwrap();
    let Event::Joined(own) = next(&mut hall).await else { panic!("nobody came") };
    let _lobbies =
        [one.subscribe("chat:lobby").await.unwrap(), two.subscribe("chat:lobby").await.unwrap()];
    let all = operator.get("channels").await;
    assert_eq!(
        all["channels"],
        json!([
            { "channel": "chat:lobby", "subscribers": 2 },
            { "channel": "hall:a/b", "subscribers": 1 },
        ])
    );
    let page = operator.get("channels?limit=1").await;
    assert_eq!(
        (&page["channels"][0]["channel"], &page["next"]),
        (&json!("chat:lobby"), &json!("chat:lobby"))
    );
    let page = operator.get("channels?limit=1&after=chat:lobby").await;
    assert_eq!(
        (&page["channels"][0]["channel"], &page["next"]),
        (&json!("hall:a/b"), &Value::Null)
    );

    let present = operator.get("channels/hall:a%2Fb/presence").await;
    assert_eq!(present["members"][0]["client"], json!(&*own.client));
    operator.ask(Method::GET, "channels/chat:lobby/presence", None, 404).await;
    operator.ask(Method::GET, "channels/nowhere:lobby/presence", None, 404).await;

    for number in 1..=3 {
        one.publish("chat:lobby", &number).await.unwrap();
    }
    let newest = operator.get("channels/chat:lobby/history?limit=2").await;
    assert_eq!((&newest["position"]["offset"], &newest["oldest"]), (&json!(3), &json!(1)));
    let said = json!([
        { "offset": 3, "data": 3, "from": null },
        { "offset": 2, "data": 2, "from": null },
    ]);
    assert_eq!(newest["publications"], said);
    let behind = operator.get("channels/chat:lobby/history?after=2").await;
    assert_eq!(behind["publications"].as_array().unwrap().len(), 1);
    for wrong in ["limit=0", "limit=1001", "after=1&before=2", "after=x"] {
        let path = format!("channels/chat:lobby/history?{wrong}");
        operator.ask(Method::GET, &path, None, 400).await;
    }
}

#[tokio::test]
async fn services_with_words_of_their_own_are_channels_with_members() {
    let routes = ["chat", "counter", "room"]
        .map(|kind| format!("[[route]]\npath = '/{kind}'\nservice = {{ kind = '{kind}' }}\n"));
    let (server, operator) = operated(&routes.concat()).await;
    let (mut chat, _) = line(&server, "/chat").await;
    let (_counter, _) = line(&server, "/counter").await;
    let (_room, uid) = line(&server, "/room").await;
    let all = operator.get("channels").await;
    let one = |channel| json!({ "channel": channel, "subscribers": 1 });
    assert_eq!(
        all["channels"],
        json!([one("chat:/chat"), one("counter:/counter"), one("room:/room")])
    );
    for (channel, member, value) in [
        ("chat:%2Fchat", "name", "127.0.0.1"),
        ("counter:%2Fcounter", "name", ""),
        ("room:%2Froom", "client", &uid),
    ] {
        let present = operator.get(&format!("channels/{channel}/presence")).await;
        assert_eq!(present["members"].as_array().unwrap().len(), 1, "{present}");
        assert_eq!(present["members"][0][member].as_str().unwrap_or_default(), value, "{present}");
    }
    operator.post("publish", json!({ "channel": "chat:/chat", "data": "tea" }), 200).await;
    assert_eq!(heard(&mut chat).await, "tea");
    // Nobody has written a namespace for them.
    let other = server.client().await;
    assert!(other.subscribe("chat:/chat").await.is_err());
    drop(chat);
    let gone =
        async { while operator.get("channels").await["channels"][0] == one("chat:/chat") {} };
    timeout(PATIENCE, gone).await.unwrap();
    let present = operator.get("channels/chat:%2Fchat/presence").await;
    assert_eq!(present, json!({ "members": [] }));
}

/// A line to a service that speaks first, and what it says.
async fn line(server: &Server, path: &str) -> (WebSocket<ClientStream>, String) {
    let mut line = tieline::connect(&format!("ws://{}{path}", server.address)).await.unwrap();
    let said = heard(&mut line).await;
    (line, said)
}

async fn heard(line: &mut WebSocket<ClientStream>) -> String {
    let message = timeout(PATIENCE, line.next()).await.unwrap().unwrap().unwrap();
    message.text().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_said_to_one_client_comes_once_also_over_a_lost_line() {
    let (server, operator) = operated(CHAT).await;
    let wire = Wire::to(server.address).await;
    let client = to(wire.address).connect().await.unwrap();
    let State::Connected { client: id, .. } = client.state() else { panic!("it is connected") };
    let path = format!("clients/{id}/messages");
    let sent = operator.post(&path, json!({ "data": { "n": [1.5] } }), 200).await;
    assert_eq!(sent, json!({ "outcome": "delivered" }));
    let heard = timeout(PATIENCE, client.next_message()).await.unwrap().unwrap();
    assert_eq!(heard.data.get(), r#"{"n":[1.5]}"#);
    wire.cut();
    // Until the server knows, it says what it may have to say again.
    let says = async {
        for number in 2.. {
            let said = json!({ "data": number });
            let is_stored = operator.try_post(&path, said).await;
            if is_stored {
                return number;
            }
        }
        unreachable!()
    };
    let last: u64 = timeout(PATIENCE, says).await.unwrap();
    wire.mend();
    for number in 2..=last {
        let heard = timeout(PATIENCE, client.next_message()).await.unwrap().unwrap();
        assert_eq!((heard.parse::<u64>().unwrap(), heard.missed), (number, 0));
    }
    operator.post("clients/nobody/messages", json!({ "data": 1 }), 404).await;
    operator.post(&path, json!({ "text": "x" }), 422).await;
}

/// A configuration whose tokens are in a file: of alice twice, and of bob.
fn guarded(more: &str) -> String {
    let tokens = folder().join("tokens");
    std::fs::write(
        &tokens,
        "alice alice-0123456789\nalice alice-9876543210\nbob bob-0123456789ab\n",
    )
    .unwrap();
    format!(
        "{more}[[route]]\npath = '/guarded'\nservice = {{ kind = 'channels' }}\n\
         access = {{ kind = 'token', file = '{}' }}\n",
        tokens.display()
    )
}

async fn as_user(server: &Server, token: &str) -> Result<Client, Error> {
    let url = format!("ws://{}/guarded", server.address);
    Client::to(url).token(token).connect().await
}

/// The code by which the server has ended a client's line.
async fn ended(client: &mut Client) -> u16 {
    let ending = async {
        loop {
            let why = match client.state_changed().await {
                State::Away { why, .. } | State::Ended(Error::Line(why)) => why,
                state => panic!("{state:?}"),
            };
            if let Why::Closed { code, .. } = &*why {
                return code.get();
            }
        }
    };
    timeout(PATIENCE, ending).await.unwrap()
}

#[tokio::test]
async fn a_client_and_all_lines_of_a_user_are_ended() {
    let (server, operator) = operated(&guarded(CHAT)).await;
    let mut nobody = server.client().await;
    let State::Connected { client: id, .. } = nobody.state() else { panic!("it is connected") };
    let end = json!({ "client": *id, "code": 4_000, "reason": "tea" });
    let sent = operator.post("disconnect", end.clone(), 200).await;
    assert_eq!(sent, json!({ "lines": 1 }));
    assert_eq!(ended(&mut nobody).await, 4_000);

    let mut alice = as_user(&server, "alice-0123456789").await.unwrap();
    let mut also = as_user(&server, "alice-9876543210").await.unwrap();
    let bob = as_user(&server, "bob-0123456789ab").await.unwrap();
    let sent = operator.post("disconnect", json!({ "user": "alice" }), 200).await;
    assert_eq!(sent, json!({ "lines": 2 }));
    assert_eq!((ended(&mut alice).await, ended(&mut also).await), (1012, 1012));
    // They come back: nothing was revoked.
    assert!(matches!(alice.state_changed().await, State::Connected { recovered: true, .. }));
    assert!(matches!(bob.state(), State::Connected { .. }));
    for (wrong, status) in [
        (json!({ "user": "nobody" }), 404),
        (json!({ "client": "nobody" }), 404),
        (json!({}), 400),
        (json!({ "user": "alice", "client": "x" }), 400),
        (json!({ "user": "alice", "code": 1006 }), 400),
        (json!({ "user": "alice", "reason": "x".repeat(124) }), 400),
    ] {
        operator.post("disconnect", wrong, status).await;
    }
}

#[tokio::test]
async fn who_is_revoked_is_out_at_once_and_for_as_long_also_after_a_restart() {
    let store = folder();
    let stored = format!("[store]\npath = '{}'\nmin_free_bytes = 0\n", store.display());
    let (server, operator) = operated(&guarded(&format!("{stored}{CHAT}"))).await;
    let mut alice = as_user(&server, "alice-0123456789").await.unwrap();
    let revoke = json!({ "user": "alice", "seconds": 3_600 });
    assert_eq!(operator.post("revoke", revoke, 200).await, json!({ "lines": 1 }));
    assert_eq!(ended(&mut alice).await, 4403);
    // It stays away, for nothing good comes of coming back.
    assert!(matches!(alice.state(), State::Ended(_)));
    assert!(as_user(&server, "alice-9876543210").await.is_err());
    as_user(&server, "bob-0123456789ab").await.unwrap();

    let server = server.restart().await;
    let operator = Operator(server.operator.unwrap());
    assert!(as_user(&server, "alice-0123456789").await.is_err());
    let listed = operator.get("revoked").await;
    assert_eq!((&listed["revoked"][0]["user"], &listed["next"]), (&json!("alice"), &Value::Null));
    operator.ask(Method::DELETE, "revoked?user=alice", None, 204).await;
    operator.ask(Method::DELETE, "revoked?user=alice", None, 404).await;
    as_user(&server, "alice-0123456789").await.unwrap();
    for wrong in [json!({}), json!({ "user": "" }), json!({ "user": "a", "seconds": 0 })] {
        operator.post("revoke", wrong, 400).await;
    }
    server.stop().await;
    std::fs::remove_dir_all(store).unwrap();
}
