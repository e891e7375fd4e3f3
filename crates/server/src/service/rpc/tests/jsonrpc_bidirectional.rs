//! The dialect of npm `jsonrpc-bidirectional`.

use serde_json::Value;

use super::{Line, call, demo};

#[tokio::test(start_paused = true)]
async fn there_are_no_batches_and_no_named_parameters() {
    let mut line = Line::new(&demo("dialect = 'jsonrpc_bidirectional'"));
    assert!(line.answer(&call("1", "demo_echo", "[1]")).contains("result"));
    assert_eq!(line.error(&call("1", "demo_echo", "{}")).1, -32602);
    let batch = format!("[{}]", call("1", "demo_echo", "[]"));
    assert_eq!(line.error(&batch), (Value::Null, -32600));
    assert_eq!(line.error(&call("1", "demo_subscribe", r#"["ticks",1]"#)).1, -32601);
}
