//! A node that is real, goes away and comes back; nothing here sleeps.

use std::future::Future;
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::node::Node;
use super::push::Gap;
use super::*;
use crate::metrics::Metrics;
use crate::service::rpc::counts::Counts;

/// For what must come: it fails a test, and its length decides nothing else.
const PATIENCE: Duration = Duration::from_secs(20);

struct Running {
    node: Node,
    upstream: Upstream,
    metrics: Metrics,
    _running: Task,
}

struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(super) fn options(address: Address) -> Options {
    Options {
        address,
        lines: 1,
        timeout: PATIENCE,
        longest_wait: Duration::from_millis(1),
        max_calls: 100,
        max_answer_bytes: 4_096,
        max_subscriptions: 4,
        fill_blocks: 4,
        repeatable: vec!["my_read".to_owned()],
        on_gap: OnGap::GoOn,
    }
}

fn run(node: Node, change: impl FnOnce(&mut Options)) -> Running {
    let mut options = options(node.address());
    change(&mut options);
    let metrics = Metrics::default();
    let counts = metrics.register(Counts::registered).node("/rpc", &options.address.to_string());
    let upstream = Upstream::new(options, counts);
    let running = upstream.clone();
    let task = Task(tokio::spawn(async move { running.run().await }));
    Running { node, upstream, metrics, _running: task }
}

async fn running() -> Running {
    run(Node::websocket().await, |_| {})
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("it happens in time")
}

fn raw(value: &Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).unwrap()
}

impl Running {
    async fn call(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        let answer = soon(self.upstream.call(method, Some(&raw(&params)))).await?;
        Ok(serde_json::from_str(answer.get()).unwrap())
    }

    fn start(&self, method: &'static str, params: Value) -> JoinHandle<Result<Value, RpcError>> {
        let upstream = self.upstream.clone();
        tokio::spawn(async move {
            let answer = upstream.call(method, Some(&raw(&params))).await?;
            Ok(serde_json::from_str(answer.get()).unwrap())
        })
    }

    async fn subscribe(&self, params: Value) -> Subscription {
        soon(self.upstream.subscribe("eth", &raw(&params))).await.unwrap()
    }

    /// What the metrics say, by their names and results.
    fn counted(&self, name: &str) -> u64 {
        let text = self.metrics.text();
        let (name, result) = name.split_once(' ').unwrap_or((name, ""));
        let mut of = format!("route=\"/rpc\",node=\"{}\"", self.upstream.0.options.address);
        if !result.is_empty() {
            of += &format!(",result=\"{result}\"");
        }
        let line = format!("tieline_node_{name}{{{of}}} ");
        let value = text.lines().find_map(|text| text.strip_prefix(&line));
        value.unwrap_or_else(|| panic!("{line}\n{text}")).parse().unwrap()
    }

    /// Waits until a line is open.
    async fn is_open(&self) {
        self.call("eth_chainId", json!([])).await.unwrap();
    }
}

async fn next(subscription: &mut Subscription) -> String {
    match soon(subscription.next()).await {
        None => "the end".to_owned(),
        Some(Push::Gap(Gap { from, to, why })) => {
            let block =
                |number: Option<u64>| number.map_or_else(|| "?".to_owned(), |n| n.to_string());
            format!("gap {}-{} {why}", block(from), block(to))
        }
        Some(Push::Result(result)) => {
            let result: Value = serde_json::from_str(result.get()).unwrap();
            match (result["logIndex"].as_str(), result["hash"].as_str()) {
                (Some(index), _) => format!("{} {index}", result["blockHash"].as_str().unwrap()),
                (None, Some(hash)) => hash.to_owned(),
                (None, None) => result.to_string(),
            }
        }
    }
}

async fn hears<const N: usize>(subscription: &mut Subscription, expected: [&str; N]) {
    for expected in expected {
        assert_eq!(next(subscription).await, expected);
    }
}

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
