//! What may be called, how often, and what is answered from memory.

use std::time::Duration;

use super::{Line, call, demo, with};
use crate::service::rpc::RpcError;
use crate::service::rpc::methods::Methods;

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
