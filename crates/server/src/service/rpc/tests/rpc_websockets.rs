//! The dialect of npm `rpc-websockets`.

use std::time::Duration;

use serde_json::{Value, json};
use tieline::serve::Message;
use tokio::time::sleep;

use super::{Line, call, demo, on_a_worker};

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
        (r#"{"jsonrpc":"2.0","id":1}"#, error(-32602, "Invalid params", "Method not specified")),
        (r#"{"id":1,"method":"x"}"#, error(-32600, "Invalid Request", "Invalid JSON RPC version")),
        (&*call("1", "nothing", "[]"), error(-32601, "Method not found", "")),
        (r#"{"jsonrpc":"2.0","id":1,"method":"rpc.on"}"#, error(-32000, "Event not provided", "")),
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

#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_batch_is_told_so_as_everywhere() {
    let limits = "limits = { max_answer_bytes = 60 }\n";
    let mut line = Line::new(&demo(&format!("{limits}{DIALECT}")));
    let long = format!("[\"{}\"]", "x".repeat(60));
    let batch = format!(
        "[{},{},7,{}]",
        call("1", "demo_echo", &long),
        call("2", "rpc.on", r#"["feed"]"#),
        call("0", "demo_echo", "[]"),
    );
    let answers: Value = serde_json::from_str(&line.answer(&batch)).unwrap();
    let answers = answers.as_array().unwrap();
    let told: Vec<_> = answers.iter().map(|answer| (&answer["id"], &answer["error"])).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    for ((id, error), expected) in told.into_iter().zip([json!(1), json!(2), Value::Null]) {
        assert_eq!((id, &error["code"]), (&expected, &json!(-32003)));
    }
    assert!(line.answer(&call("3", "rpc.on", r#"["feed"]"#)).contains("ok"), "it was not called");
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_batch_when_its_time_is_over_is_not_called() {
    on_a_worker(async || {
        let limits = "limits = { call_within = '5s' }\n";
        let mut line = Line::new(&demo(&format!("{limits}{DIALECT}")));
        let wait = call("1", "demo_wait", "[6000]");
        line.say(&format!("[{wait},{}]", call("2", "demo_echo", "[]")));
        sleep(Duration::from_secs(6)).await;
        let answers: Value = serde_json::from_str(&line.heard_then().await[0]).unwrap();
        assert_eq!((&answers[1]["id"], &answers[1]["error"]["code"]), (&json!(2), &json!(-32002)));
    })
    .await;
}
