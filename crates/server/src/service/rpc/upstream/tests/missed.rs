//! What a node said while its line was away: read afterwards, or told as a gap.

use serde_json::json;

use super::*;

#[tokio::test]
async fn blocks_that_were_missed_are_read_and_told_once() {
    for node in [Node::websocket().await, Node::ipc("missed")] {
        let mut it = run(node, |_| {});
        let mut heads = it.subscribe(json!(["newHeads"])).await;
        let mut other = it.subscribe(json!(["newHeads"])).await;
        it.node.mine("0xa1", 0);
        hears(&mut heads, ["0xa1"]).await;
        it.node.go_away().await;
        it.node.mine("0xa2", 0);
        it.node.mine("0xa3", 0);
        it.node.come_back().await;
        hears(&mut heads, ["0xa2", "0xa3"]).await;
        // Pushed late what was read already, as a node may: it is not told twice.
        it.node.push("newHeads", &json!({ "number": "0x3", "hash": "0xa3" }));
        it.node.mine("0xa4", 0);
        hears(&mut heads, ["0xa4"]).await;
        hears(&mut other, ["0xa1", "0xa2", "0xa3", "0xa4"]).await;
        assert_eq!(it.node.asked_for("eth_subscribe").len(), 2);
    }
}

#[tokio::test]
async fn of_more_blocks_than_are_read_the_last_are_told_and_the_rest_is_a_gap() {
    let mut it = running().await;
    let mut heads = it.subscribe(json!(["newHeads"])).await;
    it.node.mine("0xa1", 0);
    hears(&mut heads, ["0xa1"]).await;
    it.node.go_away().await;
    for hash in ["0xa2", "0xa3", "0xa4", "0xa5", "0xa6", "0xa7"] {
        it.node.mine(hash, 0);
    }
    it.node.come_back().await;
    hears(&mut heads, ["gap 2-3 too many", "0xa4", "0xa5", "0xa6", "0xa7"]).await;
}

#[tokio::test]
async fn blocks_that_were_taken_back_are_followed_by_those_of_the_new_chain() {
    let mut it = running().await;
    let mut heads = it.subscribe(json!(["newHeads"])).await;
    let mut logs = it.subscribe(json!(["logs"])).await;
    for hash in ["0xa1", "0xa2", "0xa3"] {
        it.node.mine(hash, 1);
    }
    hears(&mut heads, ["0xa1", "0xa2", "0xa3"]).await;
    hears(&mut logs, ["0xa1 0x0", "0xa2 0x0", "0xa3 0x0"]).await;
    it.node.go_away().await;
    it.node.cut(2);
    it.node.mine("0xb2", 1);
    it.node.mine("0xb3", 0);
    it.node.mine("0xb4", 1);
    it.node.come_back().await;
    hears(&mut heads, ["0xb2", "0xb3", "0xb4"]).await;
    hears(&mut logs, ["gap 2-3 chain", "0xb2 0x0", "0xb4 0x0"]).await;
}

#[tokio::test]
async fn another_chain_is_a_gap_and_then_followed() {
    let mut it = running().await;
    let mut heads = it.subscribe(json!(["newHeads"])).await;
    let mut logs = it.subscribe(json!(["logs"])).await;
    it.node.mine("0xa1", 0);
    hears(&mut heads, ["0xa1"]).await;
    it.node.go_away().await;
    it.node.cut(0);
    it.node.mine("0xc0", 0);
    it.node.come_back().await;
    hears(&mut heads, ["gap 2-? chain"]).await;
    hears(&mut logs, ["gap 2-? chain"]).await;
    it.node.mine("0xc1", 1);
    hears(&mut heads, ["0xc1"]).await;
    hears(&mut logs, ["0xc1 0x0"]).await;
    // It is followed from there: the next return misses nothing.
    it.node.go_away().await;
    it.node.mine("0xc2", 1);
    it.node.come_back().await;
    hears(&mut heads, ["0xc2"]).await;
    hears(&mut logs, ["0xc2 0x0"]).await;
}

#[tokio::test]
async fn logs_that_were_missed_are_read_and_told_once() {
    let mut it = running().await;
    it.node.mine("0xa1", 1);
    let filter = json!(["logs", { "address": "0xAB", "topics": [null] }]);
    let mut logs = it.subscribe(filter).await;
    // Heads are followed for the sake of logs; until they are, nothing can be read afterwards.
    soon(it.node.was_asked("eth_getBlockByNumber", 1)).await;
    it.is_open().await;
    it.node.mine("0xa2", 2);
    hears(&mut logs, ["0xa2 0x0", "0xa2 0x1"]).await;
    it.node.go_away().await;
    it.node.mine("0xa3", 1);
    it.node.come_back().await;
    hears(&mut logs, ["0xa3 0x0"]).await;
    let asked = it.node.asked_for("eth_getLogs");
    let query = json!([{
        "address": "0xAB", "topics": [null], "fromBlock": "0x2", "toBlock": "0x3",
    }]);
    assert_eq!(asked[0]["params"], query);
    it.node.mine("0xa4", 1);
    hears(&mut logs, ["0xa4 0x0"]).await;
    // Heads are let go with the logs.
    drop(logs);
    soon(it.node.was_asked("eth_unsubscribe", 2)).await;
}

#[tokio::test]
async fn what_cannot_be_read_afterwards_is_a_gap() {
    let mut it = running().await;
    let mut pending = it.subscribe(json!(["newPendingTransactions"])).await;
    it.node.push("newPendingTransactions", &json!({ "hash": "0x1" }));
    hears(&mut pending, ["0x1"]).await;
    it.node.go_away().await;
    it.node.come_back().await;
    hears(&mut pending, ["gap ?-? lost"]).await;
    it.node.push("newPendingTransactions", &json!({ "hash": "0x2" }));
    hears(&mut pending, ["0x2"]).await;
}
