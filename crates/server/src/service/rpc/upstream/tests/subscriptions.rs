//! What any number of clients are told of, and the node is asked for once.

use serde_json::json;
use serde_json::value::RawValue;
use tokio::task::JoinSet;

use super::*;

#[tokio::test]
async fn a_hundred_who_want_the_same_cost_the_node_one_subscription() {
    let it = running().await;
    let mut all = JoinSet::new();
    for n in 0..100 {
        let upstream = it.upstream.clone();
        let space = " ".repeat(n % 3);
        all.spawn(async move {
            let params = RawValue::from_string(format!("[{space}\"newHeads\"]")).unwrap();
            upstream.subscribe("eth", &params).await.unwrap()
        });
    }
    let mut all = soon(all.join_all()).await;
    it.node.mine("0xa1", 0);
    it.node.mine("0xa2", 0);
    let mut first = None;
    for subscription in &mut all {
        let Some(Push::Result(result)) = soon(subscription.next()).await else { panic!("no head") };
        // All hear the same bytes, not copies of them.
        let place = result.get().as_ptr();
        assert_eq!(*first.get_or_insert(place), place);
        hears(subscription, ["0xa2"]).await;
    }
    assert_eq!(it.node.asked_for("eth_subscribe").len(), 1);

    // One leaves, and nothing changes; the last leaves, and it is taken back.
    all.pop();
    it.is_open().await;
    assert!(it.node.asked_for("eth_unsubscribe").is_empty());
    all.clear();
    let taken_back = soon(it.node.was_asked("eth_unsubscribe", 1)).await;
    assert_eq!(taken_back[0]["params"], json!(["0x1"]));
}

#[tokio::test]
async fn every_worker_hears_it_and_the_node_is_asked_once() {
    let it = running().await;
    let (ready, mut are_ready) = tokio::sync::mpsc::channel(4);
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let (upstream, ready) = (it.upstream.clone(), ready.clone());
            std::thread::spawn(move || {
                let worker = tokio::runtime::Builder::new_current_thread().enable_all().build();
                worker.unwrap().block_on(async {
                    let params = raw(&json!(["newHeads"]));
                    let mut mine = upstream.subscribe("eth", &params).await.unwrap();
                    let mut other = upstream.subscribe("eth", &params).await.unwrap();
                    ready.send(()).await.unwrap();
                    hears(&mut mine, ["0xa1"]).await;
                    hears(&mut other, ["0xa1"]).await;
                });
            })
        })
        .collect();
    for _ in 0..3 {
        soon(are_ready.recv()).await.unwrap();
    }
    it.node.mine("0xa1", 0);
    for thread in threads {
        soon(tokio::task::spawn_blocking(|| thread.join())).await.unwrap().unwrap();
    }
    assert_eq!(it.node.asked_for("eth_subscribe").len(), 1);
    soon(it.node.was_asked("eth_unsubscribe", 1)).await;
}

#[tokio::test]
async fn what_differs_is_subscribed_to_apart() {
    let it = run(Node::websocket().await, |options| options.fill_blocks = 0);
    let _a = it.subscribe(json!(["logs", { "topics": ["0xab"] }])).await;
    let _b = it.subscribe(json!(["logs", { "topics": ["0xAB"] }])).await;
    let _c = it.subscribe(json!(["logs", { "topics": ["0xac"] }])).await;
    // A subscription of which nothing is known is nobody else's.
    let _d = it.subscribe(json!(["own"])).await;
    let _e = it.subscribe(json!(["own"])).await;
    assert_eq!(it.node.asked_for("eth_subscribe").len(), 4);
    let over = it.upstream.subscribe("eth", &raw(&json!(["newHeads"]))).await;
    assert_eq!(over.unwrap_err().code, -32005);
}

#[tokio::test]
async fn what_the_node_refuses_is_refused_in_its_words() {
    let it = running().await;
    let refused = soon(it.upstream.subscribe("eth", &raw(&json!(["nothing"])))).await;
    let error = refused.unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (-32602, "no such subscription"));
    let mut heads = it.subscribe(json!(["newHeads"])).await;
    it.node.mine("0xa1", 0);
    hears(&mut heads, ["0xa1"]).await;
}

#[tokio::test]
async fn who_subscribes_while_the_node_is_away_waits_for_it() {
    let mut it = running().await;
    it.is_open().await;
    it.node.go_away().await;
    let upstream = it.upstream.clone();
    let waits = tokio::spawn(async move {
        upstream.subscribe("eth", &raw(&json!(["newHeads"]))).await.unwrap()
    });
    it.node.come_back().await;
    let mut heads = soon(waits).await.unwrap();
    it.node.mine("0xa1", 0);
    hears(&mut heads, ["0xa1"]).await;
}

#[tokio::test]
async fn who_does_not_keep_up_hears_the_end_and_the_others_go_on() {
    let it = running().await;
    let mut slow = it.subscribe(json!(["newPendingTransactions"])).await;
    let mut quick = it.subscribe(json!(["newPendingTransactions"])).await;
    for n in 0..keeper::MAX_WAITING + 10 {
        it.node.push("newPendingTransactions", &json!(n));
        assert_eq!(next(&mut quick).await, n.to_string());
    }
    let mut heard = 0;
    while next(&mut slow).await != "the end" {
        heard += 1;
    }
    assert_eq!(heard, keeper::MAX_WAITING);
}
