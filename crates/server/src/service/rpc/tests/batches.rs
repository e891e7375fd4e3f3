//! Calls that come together, in one array.

use serde_json::{Value, json};

use super::{Line, call, demo, with};
use crate::service::rpc::RpcError;
use crate::service::rpc::methods::Methods;

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
async fn what_is_said_of_an_error_counts_as_an_answer() {
    let fails = |max: usize| {
        let mut methods = Methods::new();
        let error = || RpcError::new(3, "no").with_data(&"x".repeat(300));
        methods.add("fails", move |_| Err::<(), _>(error()));
        Line::new(&with(methods, &format!("limits = {{ max_answer_bytes = {max} }}")))
    };
    let batch = format!("[{},{}]", call("1", "fails", "[]"), call("2", "fails", "[]"));
    let answers: Value = serde_json::from_str(&fails(400).answer(&batch)).unwrap();
    assert_eq!(answers[0]["error"]["code"], 3);
    assert_eq!((&answers[1]["id"], &answers[1]["error"]["code"]), (&json!(2), &json!(-32003)));
    assert_eq!(fails(300).error(&call("1", "fails", "[]")), (json!(1), -32003));
}
