//! Calls that come alone, and within which bounds they are answered.

use std::time::Duration;

use serde_json::{Value, json};
use tieline::serve::Message;
use tokio::time::sleep;

use super::{Line, call, demo, on_a_worker, with};
use crate::service::rpc::RpcError;
use crate::service::rpc::methods::Methods;

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
