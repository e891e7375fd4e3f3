//! Calls to the client, on its own line.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{Line, call, demo, on_a_worker};

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
