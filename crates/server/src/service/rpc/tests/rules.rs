//! What may be called, how often, and what is answered from memory.

use std::time::Duration;

use super::{Line, call, demo, rpc, with};
use crate::resources::Resources;
use crate::service::rpc::RpcError;
use crate::service::rpc::methods::Methods;
use crate::service::rpc::service::Rpc;

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
