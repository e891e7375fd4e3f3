//! What the metrics say of a node.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use super::*;

#[tokio::test]
async fn metrics_show_how_it_stands_with_a_node() {
    let mut it = run(Node::websocket().await, |options| options.max_calls = 1);
    assert_eq!((it.counted("up"), it.counted("lines_open")), (0, 0));
    it.is_open().await;
    assert_eq!(
        (it.counted("up"), it.counted("lines_open"), it.counted("reconnects_total")),
        (1, 1, 0)
    );
    assert_eq!((it.counted("in_flight"), it.counted("calls_total answered")), (0, 1));

    let call = it.start("eth_sendRawTransaction", json!([]));
    soon(it.node.was_asked("eth_sendRawTransaction", 1)).await;
    it.call("eth_chainId", json!([])).await.unwrap_err();
    assert_eq!((it.counted("in_flight"), it.counted("calls_total busy")), (1, 1));

    let heads = it.subscribe(json!(["newHeads"])).await;
    let same = it.subscribe(json!(["newHeads"])).await;
    assert_eq!((it.counted("subscriptions"), it.counted("subscribers")), (1, 2));

    it.node.go_away().await;
    soon(call).await.unwrap().unwrap_err();
    assert_eq!((it.counted("in_flight"), it.counted("calls_total lost")), (0, 1));
    it.call("eth_sendRawTransaction", json!([])).await.unwrap_err();
    assert_eq!(it.counted("calls_total unsent"), 1);
    assert_eq!((it.counted("up"), it.counted("lines_open")), (0, 0));
    assert_eq!((it.counted("subscriptions"), it.counted("subscribers")), (0, 2));

    it.node.come_back().await;
    it.is_open().await;
    assert_eq!(
        (it.counted("up"), it.counted("lines_open"), it.counted("reconnects_total")),
        (1, 1, 1)
    );
    drop((heads, same));
    assert_eq!(it.counted("subscribers"), 0);
    soon(it.node.was_asked("eth_unsubscribe", 1)).await;
    assert_eq!(it.counted("subscriptions"), 0);
}

#[tokio::test]
async fn metrics_show_what_was_given_up_and_what_came_too_late() {
    let it = run(Node::websocket().await, |options| options.timeout = Duration::from_millis(50));
    it.is_open().await;
    let refused = soon(it.upstream.call("my_read", None)).await;
    assert_eq!(refused.unwrap_err().code, RpcError::TIMED_OUT);
    assert_eq!(it.counted("calls_total timed_out"), 1);
    let given_up = timeout(Duration::ZERO, it.upstream.call("my_read", None)).await;
    assert!(given_up.is_err());
    assert_eq!((it.counted("calls_total given_up"), it.counted("in_flight")), (1, 0));
}
