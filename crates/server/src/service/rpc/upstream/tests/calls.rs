//! What is asked of a node, and what becomes of it when the node goes away.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn answers_of_any_order_reach_who_asked() {
    for node in [Node::websocket().await, Node::ipc("order")] {
        let it = run(node, |_| {});
        let calls: Vec<_> = (0..50).map(|n| it.start("my_read", json!([n]))).collect();
        soon(it.node.was_asked("my_read", 50)).await;
        // The node answers the last first, and each with what it was asked.
        it.node.answer("my_read", &Value::Null);
        for (n, call) in calls.into_iter().enumerate() {
            assert_eq!(soon(call).await.unwrap().unwrap(), json!([n]));
        }
        let asked = it.node.asked_for("my_read");
        let ids: std::collections::HashSet<_> =
            asked.iter().map(|request| request["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), 50);
    }
}

#[tokio::test]
async fn what_only_reads_is_said_again_to_a_node_that_comes_back() {
    let mut it = running().await;
    let read = it.start("my_read", json!(["a"]));
    soon(it.node.was_asked("my_read", 1)).await;
    it.node.go_away().await;
    it.node.come_back().await;
    soon(it.node.was_asked("my_read", 2)).await;
    it.node.answer("my_read", &json!("here"));
    assert_eq!(soon(read).await.unwrap().unwrap(), json!("here"));
}

#[tokio::test]
async fn what_does_more_than_read_is_never_said_twice() {
    let mut it = running().await;
    it.is_open().await;
    let sent = it.start("eth_sendRawTransaction", json!(["0x00"]));
    soon(it.node.was_asked("eth_sendRawTransaction", 1)).await;
    it.node.go_away().await;
    let error = soon(sent).await.unwrap().unwrap_err();
    assert_eq!(error.code, -32000);
    assert!(error.message.contains("may or may not have been carried out"), "{error}");

    // The node is away: it is refused at once, and not kept for later.
    let error = it.call("eth_sendRawTransaction", json!(["0x01"])).await.unwrap_err();
    assert!(error.message.ends_with("eth_sendRawTransaction was not sent"), "{error}");
    let waits = it.start("eth_chainId", json!([]));
    it.node.come_back().await;
    assert_eq!(soon(waits).await.unwrap().unwrap(), json!("0x1"));
    assert_eq!(it.node.asked_for("eth_sendRawTransaction").len(), 1);
}

#[tokio::test]
async fn a_call_that_is_not_answered_ends_in_its_own_time() {
    let it = run(Node::websocket().await, |options| options.timeout = Duration::from_millis(50));
    it.is_open().await;
    let error = it.call("my_read", json!([])).await.unwrap_err();
    assert_eq!(error.code, -32002);
    // Its answer comes late, and disturbs nobody.
    it.node.answer("my_read", &json!(1));
    it.is_open().await;
}

#[tokio::test]
async fn more_calls_than_may_be_under_way_are_refused() {
    let it = run(Node::websocket().await, |options| options.max_calls = 2);
    let calls: Vec<_> = (0..2).map(|n| it.start("my_read", json!([n]))).collect();
    soon(it.node.was_asked("my_read", 2)).await;
    let error = it.call("eth_chainId", json!([])).await.unwrap_err();
    assert_eq!(error.code, -32005);
    it.node.answer("my_read", &json!(0));
    for call in calls {
        soon(call).await.unwrap().unwrap();
    }
    it.is_open().await;
}

#[tokio::test]
async fn too_big_an_answer_is_told_and_the_line_is_opened_anew() {
    for node in [Node::websocket().await, Node::ipc("big")] {
        let it = run(node, |_| {});
        let call = it.start("my_read", json!([]));
        for times in 1..=2 {
            soon(it.node.was_asked("my_read", times)).await;
            it.node.answer("my_read", &json!("x".repeat(4_096)));
        }
        assert_eq!(soon(call).await.unwrap().unwrap_err().code, -32003);
        it.is_open().await;
    }
}

#[tokio::test]
async fn a_filter_is_refused_and_never_reaches_the_node() {
    let it = running().await;
    let error = it.call("eth_newFilter", json!([{}])).await.unwrap_err();
    assert_eq!(error.code, -32601);
    assert!(it.node.asked_for("eth_newFilter").is_empty());
}

#[tokio::test]
async fn several_lines_share_the_calls_and_one_has_the_subscriptions() {
    let it = run(Node::websocket().await, |options| options.lines = 3);
    let calls: Vec<_> = (0..30).map(|n| it.start("my_read", json!([n]))).collect();
    let _heads = it.subscribe(json!(["newHeads"])).await;
    soon(it.node.was_asked("my_read", 30)).await;
    it.node.answer("my_read", &Value::Null);
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(soon(call).await.unwrap().unwrap(), json!([n]));
    }
    assert_eq!(it.node.asked_for("eth_subscribe").len(), 1);
}

#[tokio::test]
async fn over_http_there_are_calls_and_no_subscriptions() {
    let counts = NodeCounts::default();
    let address = Address::Http("http://127.0.0.1:1/".to_owned());
    let upstream = Upstream::new(options(address), counts.clone());
    let refused = upstream.subscribe("eth", &raw(&json!(["newHeads"]))).await;
    assert_eq!(refused.unwrap_err().code, -32601);
    let error = upstream.call("eth_sendRawTransaction", None).await.unwrap_err();
    // Where it is, is not for clients to know.
    let told = "the node cannot be reached: eth_sendRawTransaction was not sent";
    assert_eq!(error.message, told);
    assert_eq!(counts.up.get(), 0);
}
