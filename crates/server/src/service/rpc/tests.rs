//! Conversations with a peer made by hand: what is answered, in which order, and within which bounds.

use std::future::pending;
use std::time::Duration;

use serde_json::{Value, json};
use tieline::serve::Message;
use tieline::{CloseCode, Closed, Lost};
use tokio::task::{LocalSet, yield_now};
use tokio::time::sleep;

use super::methods::Methods;
use super::service::Rpc;
use super::{Feed, RpcError};
use crate::by_hand::{Bench, request};
use crate::config;
use crate::peer::Peer;
use crate::resources::Resources;
use crate::service::{Conversation, Service};

/// A line to a service, and the other end of it.
struct Line {
    bench: Bench,
    peer: Peer,
    conversation: Box<dyn Conversation>,
}

impl Line {
    fn new(service: &Rpc) -> Self {
        let mut bench = Bench::new();
        let peer = bench.peer();
        let conversation = service.open(&peer, &request("192.0.2.1"));
        Self { bench, peer, conversation }
    }

    fn say(&mut self, text: &str) {
        self.conversation.message(&self.peer, Message::from(text));
    }

    fn heard(&mut self) -> Vec<String> {
        self.bench.heard(&self.peer)
    }

    /// What is heard once everything that can be done now is done.
    async fn heard_then(&mut self) -> Vec<String> {
        for _ in 0..100 {
            yield_now().await;
        }
        self.heard()
    }

    /// The answer that is heard at once.
    fn answer(&mut self, text: &str) -> String {
        self.say(text);
        let heard = self.heard();
        assert_eq!(heard.len(), 1, "{text}: {heard:?}");
        heard.into_iter().next().unwrap()
    }

    fn error(&mut self, text: &str) -> (Value, i64) {
        let answer: Value = serde_json::from_str(&self.answer(text)).unwrap();
        (answer["id"].clone(), answer["error"]["code"].as_i64().unwrap())
    }
}

fn rpc(toml: &str) -> config::Rpc {
    toml::from_str(toml).unwrap()
}

fn demo(toml: &str) -> Rpc {
    let config = rpc(&format!("demo = true\n{toml}"));
    Rpc::new(&config, Methods::new(), "/rpc", &Resources::default())
}

fn with(methods: Methods, toml: &str) -> Rpc {
    Rpc::new(&rpc(toml), methods, "/rpc", &Resources::default())
}

fn call(id: &str, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

async fn on_a_worker(test: impl AsyncFnOnce()) {
    LocalSet::new().run_until(test()).await;
}

#[tokio::test(start_paused = true)]
async fn ids_come_back_to_the_letter() {
    let mut line = Line::new(&demo(""));
    for id in ["1", "1.0", "-0", "12345678901234567890123", r#""\u0061""#, "null"] {
        let answer = line.answer(&call(id, "demo_echo", "[1]"));
        assert_eq!(answer, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":[1]}}"#));
    }
}

#[tokio::test(start_paused = true)]
async fn a_notification_is_not_answered_whatever_becomes_of_it() {
    let mut line = Line::new(&demo(""));
    for method in ["demo_echo", "nothing", "demo_fail", "demo_subscribe"] {
        line.say(&format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":["ticks",1]}}"#));
        assert!(line.heard().is_empty(), "{method}");
    }
    line.say(r#"{"jsonrpc":"2.0","method":"demo_echo","params":1}"#);
    assert!(line.heard().is_empty());
}

#[tokio::test(start_paused = true)]
async fn faults_have_the_codes_of_the_protocol() {
    let mut methods = Methods::new();
    methods.add("panics", |_| -> Result<(), RpcError> { panic!("as it was told") });
    methods.add("fails", |_| Err::<(), _>(RpcError::new(3, "reverted").with_data(&"0x08")));
    let mut line = Line::new(&with(methods, "demo = true"));
    for (text, id, code) in [
        ("{bad", Value::Null, -32700),
        ("[]", Value::Null, -32600),
        ("1", Value::Null, -32600),
        (r#"{"jsonrpc":"1.0","id":7,"method":"demo_echo"}"#, json!(7), -32600),
        (&*call("1", "nothing", "[]"), json!(1), -32601),
        (&*call("1", "demo_sum", "[true]"), json!(1), -32602),
        (&*call("1", "demo_sum", "1"), json!(1), -32602),
        (&*call("1", "panics", "[]"), json!(1), -32603),
        (&*call("1", "eth_subscribe", r#"["newHeads"]"#), json!(1), -32601),
        (&*call("1", "eth_subscribe", "[]"), json!(1), -32602),
        (&*call("1", "eth_unsubscribe", r#"["0x1"]"#), json!(1), -32000),
        (&*call("1", "_subscribe", r#"["x"]"#), json!(1), -32601),
    ] {
        assert_eq!(line.error(text), (id, code), "{text}");
    }
    assert_eq!(
        line.answer(&call("1", "fails", "[]")),
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":3,"message":"reverted","data":"0x08"}}"#
    );
    line.conversation.message(&line.peer, Message::from(&b"\xff"[..]));
    assert!(line.heard()[0].contains("-32700"));
    assert!(!line.peer.is_closing());
}

#[tokio::test(start_paused = true)]
async fn a_binary_request_is_answered_with_a_text() {
    let mut line = Line::new(&demo(""));
    let text = call("1", "demo_echo", "[]");
    line.conversation.message(&line.peer, Message::from(text.as_bytes()));
    assert_eq!(line.heard(), [r#"{"jsonrpc":"2.0","id":1,"result":[]}"#]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_answered_in_its_order_and_without_its_notifications() {
    let mut line = Line::new(&demo(""));
    let batch = format!(
        r#"[{},{{"jsonrpc":"2.0","method":"demo_echo"}},{},7]"#,
        call("2", "demo_echo", "[2]"),
        call("1", "demo_sum", "[1,2]"),
    );
    assert_eq!(
        line.answer(&batch),
        r#"[{"jsonrpc":"2.0","id":2,"result":[2]},{"jsonrpc":"2.0","id":1,"result":3},{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid request: a call is an object"}}]"#
    );
    line.say(r#"[{"jsonrpc":"2.0","method":"demo_echo"}]"#);
    assert!(line.heard().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_bounds() {
    let mut line = Line::new(&demo("limits = { max_batch = 2, max_answer_bytes = 120 }"));
    let batch = format!("[{}]", vec![call("5", "demo_echo", "[]"); 3].join(","));
    assert_eq!(
        line.answer(&batch),
        r#"[{"jsonrpc":"2.0","id":5,"error":{"code":-32600,"message":"batch too large"}}]"#
    );
    let long = format!("[\"{}\"]", "x".repeat(60));
    let batch = format!("[{},{}]", call("1", "demo_echo", &long), call("2", "demo_echo", &long));
    let answers: Value = serde_json::from_str(&line.answer(&batch)).unwrap();
    assert!(answers[0]["result"].is_array());
    assert_eq!((&answers[1]["id"], &answers[1]["error"]["code"]), (&json!(2), &json!(-32003)));
}

#[tokio::test(start_paused = true)]
async fn after_an_answer_without_room_the_rest_of_a_batch_is_not_even_called() {
    let mut line = Line::new(&demo("limits = { max_answer_bytes = 60 }"));
    let long = format!("[\"{}\"]", "x".repeat(60));
    let calls =
        [call("1", "demo_echo", &long), call("2", "demo_echo", "[]"), call("3", "demo_echo", "[]")];
    let answers: Vec<Value> =
        serde_json::from_str(&line.answer(&format!("[{}]", calls.join(",")))).unwrap();
    assert_eq!(answers.len(), 3);
    assert!(answers.iter().all(|answer| answer["error"]["code"] == -32003), "{answers:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_above_its_limit_is_replaced() {
    let mut line = Line::new(&demo("limits = { max_answer_bytes = 10 }"));
    assert!(line.answer(&call("1", "demo_echo", "[123456]")).contains("result"));
    assert_eq!(line.error(&call("1", "demo_echo", "[123456789]")), (json!(1), -32003));
}

#[tokio::test(start_paused = true)]
async fn calls_are_answered_as_they_are_done() {
    on_a_worker(async || {
        let mut line = Line::new(&demo(""));
        line.say(&call("1", "demo_wait", "[2000]"));
        line.say(&call("2", "demo_wait", "[1000]"));
        line.say(&call("3", "demo_echo", "[]"));
        assert_eq!(line.heard(), [r#"{"jsonrpc":"2.0","id":3,"result":[]}"#]);
        sleep(Duration::from_secs(3)).await;
        assert_eq!(
            line.heard_then().await,
            [
                r#"{"jsonrpc":"2.0","id":2,"result":true}"#,
                r#"{"jsonrpc":"2.0","id":1,"result":true}"#
            ]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_given_up() {
    on_a_worker(async || {
        let mut line = Line::new(&demo("limits = { call_within = '5s' }"));
        line.say(&call("1", "demo_wait", "[6000]"));
        line.say(&format!(
            "[{},{},{}]",
            call("2", "demo_wait", "[3000]"),
            call("3", "demo_wait", "[3000]"),
            call("4", "demo_echo", "[]"),
        ));
        sleep(Duration::from_secs(6)).await;
        let heard = line.heard_then().await;
        assert!(heard[0].contains(r#""id":1,"error":{"code":-32002"#), "{heard:?}");
        let batch: Value = serde_json::from_str(&heard[1]).unwrap();
        assert_eq!(batch[0]["result"], true);
        assert_eq!((&batch[1]["id"], &batch[1]["error"]["code"]), (&json!(3), &json!(-32002)));
        assert_eq!((&batch[2]["id"], &batch[2]["error"]["code"]), (&json!(4), &json!(-32002)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_line_with_all_places_taken_is_not_read_from() {
    on_a_worker(async || {
        let mut line = Line::new(&demo("limits = { max_in_flight = 2 }"));
        let is_paused = |line: &Line| line.peer.line().unwrap().borrow().is_paused();
        line.say(&call("1", "demo_wait", "[1000]"));
        assert!(!is_paused(&line));
        line.say(&call("2", "demo_wait", "[2000]"));
        assert!(is_paused(&line));
        sleep(Duration::from_millis(1_500)).await;
        assert!(!is_paused(&line));
        line.say(&call("3", "demo_echo", "[]"));
        assert!(!is_paused(&line));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_answer_comes_before_the_first_push_also_in_a_batch() {
    on_a_worker(async || {
        let mut methods = Methods::new();
        methods.add_subscription("eager", "now", |_| {
            Ok(async move |feed: Feed| {
                feed.push(&1);
                pending::<()>().await;
            })
        });
        let mut line = Line::new(&with(methods, "demo = true"));
        line.say(&call("1", "eager_subscribe", r#"["now"]"#));
        let heard = line.heard_then().await;
        let answer: Value = serde_json::from_str(&heard[0]).unwrap();
        let id = answer["result"].as_str().unwrap();
        assert!(id.starts_with("0x"), "{id}");
        assert_eq!(
            heard[1..],
            [format!(
                r#"{{"jsonrpc":"2.0","method":"eager_subscription","params":{{"subscription":"{id}","result":1}}}}"#
            )]
        );
        line.say(&format!(
            "[{},{}]",
            call("1", "eager_subscribe", r#"["now"]"#),
            call("2", "demo_wait", "[1000]"),
        ));
        sleep(Duration::from_secs(2)).await;
        let heard = line.heard_then().await;
        assert!(heard[0].starts_with('[') && heard[1].contains("eager_subscription"), "{heard:?}");
        assert_eq!(heard.len(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_subscription_ends_when_it_is_unsubscribed_and_with_its_line() {
    on_a_worker(async || {
        let mut line = Line::new(&demo("limits = { max_subscriptions = 2 }"));
        let subscribe = call("1", "demo_subscribe", r#"["ticks",1000]"#);
        let answer: Value = serde_json::from_str(&line.answer(&subscribe)).unwrap();
        let id = answer["result"].to_string();
        sleep(Duration::from_millis(2_500)).await;
        assert_eq!(line.heard_then().await.len(), 2);
        assert!(line.answer(&call("2", "demo_unsubscribe", &format!("[{id}]"))).contains("true"));
        assert_eq!(line.error(&call("3", "demo_unsubscribe", &format!("[{id}]"))).1, -32000);
        sleep(Duration::from_secs(5)).await;
        assert!(line.heard_then().await.is_empty());
        line.answer(&subscribe);
        line.answer(&subscribe);
        assert_eq!(line.error(&subscribe).1, RpcError::LIMIT_EXCEEDED);
        line.conversation.close(&line.peer, &Closed::Lost(Lost::Eof));
        sleep(Duration::from_secs(5)).await;
        assert!(line.heard_then().await.is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_does_not_read_is_closed_with_1013() {
    on_a_worker(async || {
        let mut methods = Methods::new();
        methods.add_subscription("large", "now", |_| {
            Ok(async move |feed: Feed| {
                for _ in 0..100 {
                    feed.push(&"x".repeat(100 << 10));
                    yield_now().await;
                }
            })
        });
        let mut line = Line::new(&with(methods, ""));
        line.say(&call("1", "large_subscribe", r#"["now"]"#));
        for _ in 0..200 {
            yield_now().await;
        }
        assert!(line.peer.is_closing());
        assert_eq!(line.bench.ended(&line.peer), Some(CloseCode::TRY_AGAIN));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_client_is_called_on_the_same_line_with_ids_of_our_own() {
    on_a_worker(async || {
        let mut line = Line::new(&demo("limits = { max_in_flight = 1 }"));
        line.say(&call("\"mine\"", "demo_ask", r#"["add",[1,2]]"#));
        let asked: Value = serde_json::from_str(&line.heard_then().await[0]).unwrap();
        assert_eq!((&asked["method"], &asked["params"]), (&json!("add"), &json!([1, 2])));
        // The answer can be read although the only place is taken.
        assert!(!line.peer.line().unwrap().borrow().is_paused());
        line.say(r#"{"jsonrpc":"2.0","id":4711,"result":"not asked"}"#);
        line.say(&format!(r#"{{"jsonrpc":"2.0","id":{},"result":3}}"#, asked["id"]));
        assert_eq!(line.heard_then().await, [r#"{"jsonrpc":"2.0","id":"mine","result":3}"#]);
        line.say(&call("2", "demo_ask", r#"["fail",[]]"#));
        let asked: Value = serde_json::from_str(&line.heard_then().await[0]).unwrap();
        line.say(&format!(
            r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-5,"message":"no","data":[1]}}}}"#,
            asked["id"]
        ));
        assert_eq!(
            line.heard_then().await,
            [r#"{"jsonrpc":"2.0","id":2,"error":{"code":-5,"message":"no","data":[1]}}"#]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_answer_is_given_up() {
    on_a_worker(async || {
        let limits = "limits = { client_call_within = '2s', max_client_calls = 1 }";
        let mut line = Line::new(&demo(limits));
        line.say(&call("1", "demo_ask", r#"["a",[]]"#));
        line.say(&call("2", "demo_ask", r#"["b",[]]"#));
        let heard = line.heard_then().await;
        assert_eq!(heard.len(), 2);
        assert!(heard[1].contains(r#""id":2,"error":{"code":-32000"#), "{heard:?}");
        sleep(Duration::from_secs(3)).await;
        let heard = line.heard_then().await;
        assert!(heard[0].contains(r#""id":1,"error":{"code":-32002"#), "{heard:?}");
        line.say(&call("3", "demo_ask", r#"["c",[]]"#));
        assert_eq!(line.heard_then().await.len(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn methods_are_allowed_and_denied_by_name() {
    let mut line = Line::new(&demo("allow = ['demo_*']\ndeny = ['*_fail']"));
    assert!(line.answer(&call("1", "demo_echo", "[]")).contains("result"));
    assert_eq!(line.error(&call("1", "demo_fail", "[1,\"x\"]")).1, -32601);
    assert_eq!(line.error(&call("1", "rpc.login", "{\"password\":\"demo\"}")).1, -32601);
}

#[tokio::test(start_paused = true)]
async fn a_rate_turns_calls_away() {
    let rate = "[[rate]]\nmethods = ['demo_e*']\ncalls = 2\nwithin = '1h'";
    let mut line = Line::new(&demo(rate));
    assert!(line.answer(&call("1", "demo_echo", "[]")).contains("result"));
    assert!(line.answer(&call("1", "demo_echo", "[]")).contains("result"));
    assert_eq!(line.error(&call("1", "demo_echo", "[]")).1, RpcError::LIMIT_EXCEEDED);
    assert!(line.answer(&call("1", "demo_sum", "[]")).contains("result"));
}

#[tokio::test(start_paused = true)]
async fn kept_answers_are_given_again() {
    let mut methods = Methods::new();
    let count = std::sync::atomic::AtomicU64::new(0);
    methods.add("count", move |call| {
        let fails: Vec<bool> = call.params()?;
        match fails.as_slice() {
            [true] => Err(RpcError::new(1, "no")),
            _ => Ok(count.fetch_add(1, std::sync::atomic::Ordering::Relaxed)),
        }
    });
    let mut line = Line::new(&with(methods, "[[cache]]\nmethods = ['count']\nwithin = '10s'"));
    assert!(line.answer(&call("1", "count", "[]")).ends_with(r#""id":1,"result":0}"#));
    assert!(line.answer(&call("2", "count", "[]")).ends_with(r#""id":2,"result":0}"#));
    assert!(line.answer(&call("2", "count", "[false]")).ends_with(r#""result":1}"#));
    line.answer(&call("2", "count", "[true]"));
    tokio::time::advance(Duration::from_secs(10)).await;
    assert!(line.answer(&call("3", "count", "[]")).ends_with(r#""result":2}"#));
}

#[tokio::test(start_paused = true)]
async fn metrics_show_what_was_kept_and_whether_a_node_is_reached() {
    let resources = Resources::default();
    let config = rpc("demo = true\nupstream = { url = 'ws://user:word@127.0.0.1:1/key' }\n\
                      [[cache]]\nmethods = ['demo_sum']\nwithin = '10s'");
    let service = Rpc::new(&config, Methods::new(), "/rpc", &resources);
    let mut line = Line::new(&service);
    for params in ["[1]", "[1]", "[2]", "[1]"] {
        line.answer(&call("1", "demo_sum", params));
    }
    line.answer(&call("1", "eth_sendRawTransaction", "[]"));
    let text = resources.metrics.text();
    let node = r#"route="/rpc",node="ws://127.0.0.1:1""#;
    for expected in [
        "tieline_rpc_cache_total{route=\"/rpc\",result=\"hit\"} 2\n",
        "tieline_rpc_cache_total{route=\"/rpc\",result=\"miss\"} 2\n",
        &format!("tieline_node_up{{{node}}} 0\n"),
        &format!("tieline_node_calls_total{{{node},result=\"unsent\"}} 1\n"),
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    assert!(!text.contains("word") && !text.contains("key"), "{text}");
}

mod rpc_websockets {
    use super::*;

    const DIALECT: &str = "dialect = 'rpc_websockets'\n[rpc_websockets]\nevents = ['feed']\n\
                           protected_events = ['secret']\nprotected_methods = ['demo_sum']\n";

    #[tokio::test(start_paused = true)]
    async fn events_reach_those_who_listen() {
        let mut line = Line::new(&demo(DIALECT));
        assert_eq!(
            line.answer(&call("1", "rpc.on", r#"["feed","other"]"#)),
            r#"{"jsonrpc":"2.0","id":1,"result":{"feed":"ok","other":"provided event invalid"}}"#
        );
        assert!(line.answer(&call("2", "rpc.on", r#"["feed"]"#)).contains("already been"));
        line.say(&call("3", "demo_emit", r#"["feed",{"a":1}]"#));
        let mut heard = line.heard();
        heard.sort();
        assert_eq!(
            heard,
            [
                r#"{"jsonrpc":"2.0","id":3,"result":true}"#,
                r#"{"notification":"feed","params":{"a":1}}"#
            ]
        );
        assert!(line.answer(&call("4", "rpc.off", r#"["feed"]"#)).contains(r#"{"feed":"ok"}"#));
        assert!(line.answer(&call("5", "rpc.off", r#"["feed"]"#)).contains("not subscribed"));
        line.say(&call("6", "demo_emit", r#"["feed",[]]"#));
        assert_eq!(line.heard().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_protected_needs_a_login() {
        let mut line = Line::new(&demo(DIALECT));
        assert_eq!(line.error(&call("1", "demo_sum", "[1]")).1, -32605);
        assert_eq!(line.error(&call("1", "rpc.on", r#"["feed","secret"]"#)).1, -32606);
        assert!(line.answer(&call("1", "rpc.off", r#"["feed"]"#)).contains("not subscribed"));
        assert_eq!(line.error(r#"{"jsonrpc":"2.0","id":1,"method":"rpc.login"}"#).1, -32604);
        let login = |word: &str| call("1", "rpc.login", &format!(r#"{{"password":"{word}"}}"#));
        assert!(line.answer(&login("wrong")).contains(r#""result":false"#));
        assert_eq!(line.error(&call("1", "demo_sum", "[1]")).1, -32605);
        assert!(line.answer(&login("demo")).contains(r#""result":true"#));
        assert!(line.answer(&call("1", "demo_sum", "[1]")).contains(r#""result":1"#));
        assert!(line.answer(&call("1", "rpc.on", r#"["secret"]"#)).contains("ok"));
    }

    #[tokio::test(start_paused = true)]
    async fn errors_have_its_own_words() {
        let mut line = Line::new(&demo(DIALECT));
        let error = |code: i64, words: &str, data: &str| {
            let data = if data.is_empty() { String::new() } else { format!(r#","data":"{data}""#) };
            format!(r#""error":{{"code":{code},"message":"{words}"{data}}}}}"#)
        };
        for (text, expected) in [
            ("[]", error(-32600, "Invalid Request", "Invalid array")),
            (
                r#"{"jsonrpc":"2.0","id":1}"#,
                error(-32602, "Invalid params", "Method not specified"),
            ),
            (
                r#"{"id":1,"method":"x"}"#,
                error(-32600, "Invalid Request", "Invalid JSON RPC version"),
            ),
            (&*call("1", "nothing", "[]"), error(-32601, "Method not found", "")),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"rpc.on"}"#,
                error(-32000, "Event not provided", ""),
            ),
            (&*call("1", "demo_fail", r#"[-32000,"Error"]"#), error(-32000, "Error", "")),
        ] {
            let answer = line.answer(text);
            assert!(answer.ends_with(&expected), "{text}\n{answer}\n{expected}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_id_of_0_or_nothing_is_answered_no_result() {
        let mut line = Line::new(&demo(DIALECT));
        for id in ["0", r#""""#, "null", "0.0"] {
            line.say(&call(id, "demo_echo", "[]"));
            assert!(line.heard().is_empty(), "{id}");
        }
        let batch = format!("[{},{}]", call("0", "demo_echo", "[]"), call("1", "demo_echo", "[]"));
        assert_eq!(line.answer(&batch), r#"[{"jsonrpc":"2.0","id":1,"result":[]}]"#);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_in_a_binary_message_is_answered_in_one() {
        let mut line = Line::new(&demo(DIALECT));
        let text = call("1", "demo_echo", "[]");
        line.conversation.message(&line.peer, Message::from(text.as_bytes()));
        let answer = r#"{"jsonrpc":"2.0","id":1,"result":[]}"#;
        assert_eq!(line.heard(), [format!("<{} bytes>", answer.len())]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_methods_are_listed() {
        let mut line = Line::new(&demo(DIALECT));
        let answer: Value =
            serde_json::from_str(&line.answer(&call("1", "__listMethods", "[]"))).unwrap();
        let names: Vec<_> = answer["result"].as_array().unwrap().iter().collect();
        assert!(names.contains(&&json!("__listMethods")) && names.contains(&&json!("demo_echo")));
    }
}

mod jsonrpc_bidirectional {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn there_are_no_batches_and_no_named_parameters() {
        let mut line = Line::new(&demo("dialect = 'jsonrpc_bidirectional'"));
        assert!(line.answer(&call("1", "demo_echo", "[1]")).contains("result"));
        assert_eq!(line.error(&call("1", "demo_echo", "{}")).1, -32602);
        let batch = format!("[{}]", call("1", "demo_echo", "[]"));
        assert_eq!(line.error(&batch), (Value::Null, -32600));
        assert_eq!(line.error(&call("1", "demo_subscribe", r#"["ticks",1]"#)).1, -32601);
    }
}
