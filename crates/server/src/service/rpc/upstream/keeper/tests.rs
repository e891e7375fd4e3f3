//! A keeper, and the node's side of it by hand: no socket, and a clock that is moved.

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::service::rpc::upstream::push::Push;
use crate::service::rpc::upstream::same::name_of;

/// A keeper, and the node's side of it by hand.
struct Bench {
    keeper: Keeper,
    now: Instant,
    /// What the node was asked and has not looked at.
    unread: Vec<(u64, String, Value)>,
}

fn raw(value: &Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).unwrap()
}

fn block(number: u64, hash: &str) -> Value {
    json!({ "number": format!("{number:#x}"), "hash": hash })
}

fn log(hash: &str) -> Value {
    json!({ "blockHash": hash, "logIndex": "0x0" })
}

impl Bench {
    fn new() -> Self {
        let bounds =
            Bounds { fill_blocks: 4, max_feeds: 8, answer_within: Duration::from_secs(30) };
        let now = Instant::now();
        let mut keeper = Keeper::new(bounds, Arc::new(AtomicU64::new(1)));
        keeper.line_up(now);
        Self { keeper, now, unread: Vec::new() }
    }

    fn join(&mut self, params: &Value) -> (Arc<str>, oneshot::Receiver<Placed>) {
        let params = raw(params);
        let name = Arc::from(name_of("eth", &params));
        let (reply, placed) = oneshot::channel();
        self.keeper.join(&name, "eth", &params, reply, self.now).unwrap();
        (name, placed)
    }

    /// Joins, and has the node place it under this id.
    fn placed(&mut self, params: &Value, id: &str) -> mpsc::Receiver<Push> {
        let (_, mut placed) = self.join(params);
        self.answers("eth_subscribe", &json!(id));
        placed.try_recv().unwrap().unwrap()
    }

    /// What the node is asked: number, method and parameters.
    fn asked(&mut self) -> Vec<(u64, String, Value)> {
        let read = |text: String| {
            let request: Value = serde_json::from_str(&text).unwrap();
            let method = request["method"].as_str().unwrap().to_owned();
            (request["id"].as_u64().unwrap(), method, request["params"].clone())
        };
        let asked = self.keeper.take_outgoing().into_iter().map(read);
        self.unread.drain(..).chain(asked).collect()
    }

    /// The node answers the next question, which has this method.
    fn answers(&mut self, method: &str, result: &Value) {
        let mut asked = self.asked();
        assert_eq!(asked[0].1, method);
        let (id, ..) = asked.remove(0);
        self.unread = asked;
        self.keeper.answer(id, Ok(raw(result)), self.now).unwrap();
    }

    /// Follows the heads from block 7 on, as 0x1.
    fn heads_from_7(&mut self) -> mpsc::Receiver<Push> {
        let heads = self.placed(&json!(["newHeads"]), "0x1");
        self.answers("eth_getBlockByNumber", &block(7, "a7"));
        heads
    }

    /// The line is lost, perhaps because an answer was too big, and opened anew.
    fn is_opened_anew(&mut self, is_too_big: bool) {
        self.unread.clear();
        self.keeper.line_down(is_too_big, self.now);
        self.keeper.line_up(self.now);
    }

    /// The same, and the one subscription is placed under this id.
    fn returns(&mut self, id: &str) {
        self.is_opened_anew(false);
        self.answers("eth_subscribe", &json!(id));
    }

    fn pushes(&mut self, id: &str, result: &Value) {
        let id = json!(id).to_string();
        self.keeper.push(id, Arc::from(raw(result)), self.now);
    }
}

fn heard(pushes: &mut mpsc::Receiver<Push>) -> Vec<String> {
    let tell = |push| match push {
        Push::Gap(Gap { from, to, why }) => format!("{why} {from:?} {to:?}"),
        Push::Result(result) => {
            let result: Value = serde_json::from_str(result.get()).unwrap();
            let name = [&result["hash"], &result["blockHash"], &result].map(Value::as_str);
            name.into_iter().flatten().next().unwrap().to_owned()
        }
    };
    std::iter::from_fn(|| pushes.try_recv().ok()).map(tell).collect()
}

#[test]
fn what_is_pushed_before_the_answer_is_heard_after_it() {
    let mut bench = Bench::new();
    let (_, mut placed) = bench.join(&json!(["syncing"]));
    bench.pushes("0x9", &json!("early"));
    bench.pushes("0x8", &json!("nobody's"));
    bench.answers("eth_subscribe", &json!("0x9"));
    bench.pushes("0x9", &json!("then"));
    let mut pushes = placed.try_recv().unwrap().unwrap();
    assert_eq!(heard(&mut pushes), ["early", "then"]);
}

#[test]
fn what_nobody_waits_for_any_more_is_taken_back_once_it_is_placed() {
    let mut bench = Bench::new();
    let (name, placed) = bench.join(&json!(["syncing"]));
    drop(placed);
    bench.keeper.left(&name, bench.now);
    bench.answers("eth_subscribe", &json!("0x9"));
    let asked = bench.asked();
    assert_eq!((asked[0].1.as_str(), &asked[0].2), ("eth_unsubscribe", &json!(["0x9"])));
    assert!(bench.keeper.feeds.is_empty() && bench.keeper.placed.is_empty());
}

#[test]
fn who_asks_and_leaves_has_the_node_place_no_more_than_there_may_be() {
    let mut bench = Bench::new();
    for n in 0..7 {
        let (name, placed) = bench.join(&json!(["logs", { "address": format!("0x{n}") }]));
        drop(placed);
        bench.keeper.left(&name, bench.now);
    }
    // The eighth are the heads, which are followed for the logs.
    assert_eq!(bench.asked().len(), 8);
    let (reply, _placed) = oneshot::channel();
    let refused =
        bench.keeper.join(&"one more".into(), "eth", &raw(&json!(["syncing"])), reply, bench.now);
    assert_eq!(refused.unwrap_err().code, RpcError::LIMIT_EXCEEDED);
    // A line that is lost takes with it what nobody wants any more.
    bench.is_opened_anew(false);
    assert!(bench.keeper.feeds.is_empty() && bench.asked().is_empty());
}

#[test]
fn heads_are_let_go_with_logs_that_the_node_refuses() {
    let mut bench = Bench::new();
    let (_, _placed) = bench.join(&json!(["logs"]));
    bench.answers("eth_subscribe", &json!("0x1"));
    let (id, ..) = bench.asked().remove(0);
    let refused = Err(RpcError::invalid_params("no such filter"));
    bench.keeper.answer(id, refused, bench.now).unwrap();
    assert!(bench.keeper.feeds.is_empty());
    assert_eq!(bench.asked()[0].1, "eth_unsubscribe");
}

#[test]
fn a_node_that_does_not_answer_a_subscription_has_lost_its_line() {
    let mut bench = Bench::new();
    let _placed = bench.join(&json!(["syncing"]));
    assert!(bench.keeper.overdue(bench.now + Duration::from_secs(29)).is_ok());
    assert!(bench.keeper.overdue(bench.now + Duration::from_secs(30)).is_err());
}

#[test]
fn blocks_that_the_node_does_not_give_in_time_are_a_gap() {
    let mut bench = Bench::new();
    let mut heads = bench.heads_from_7();
    bench.returns("0x2");
    bench.answers("eth_getBlockByNumber", &block(9, "a9"));
    bench.pushes("0x2", &block(10, "a10"));
    assert_eq!(heard(&mut heads), [""; 0]);
    bench.keeper.overdue(bench.now + Duration::from_secs(30)).unwrap();
    assert_eq!(heard(&mut heads), ["lost Some(8) None", "a10"]);
    bench.pushes("0x2", &block(11, "a11"));
    assert_eq!(heard(&mut heads), ["a11"]);
}

#[test]
fn logs_are_still_due_where_the_line_is_lost_again_before_they_came() {
    let mut bench = Bench::new();
    let mut heads = bench.heads_from_7();
    let mut logs = bench.placed(&json!(["logs"]), "0x2");
    bench.pushes("0x1", &block(8, "a8"));
    bench.pushes("0x2", &log("a8"));
    for (newest, hash) in [(9, "a9"), (10, "a10")] {
        bench.is_opened_anew(false);
        let mut asked = bench.asked();
        asked.sort_by_key(|(_, _, params)| params.to_string());
        for ((id, ..), node) in asked.into_iter().zip(["0x3", "0x4"]) {
            bench.keeper.answer(id, Ok(raw(&json!(node))), bench.now).unwrap();
        }
        bench.answers("eth_getBlockByNumber", &block(newest, hash));
        // The node says that the block known last is the same.
        let (id, _, params) = bench.asked().remove(0);
        assert_eq!(params[0], format!("{:#x}", newest - 1));
        let known = block(newest - 1, &format!("a{}", newest - 1));
        bench.keeper.answer(id, Ok(raw(&known)), bench.now).unwrap();
    }
    // The heads went on, the logs of both gaps are still due.
    assert_eq!(heard(&mut heads), ["a8", "a9", "a10"]);
    let (id, method, params) = bench.asked().remove(0);
    assert_eq!(method, "eth_getLogs");
    assert_eq!(params, json!([{ "fromBlock": "0x8", "toBlock": "0xa" }]));
    let read = json!([log("a8"), log("a9"), log("a10")]);
    bench.keeper.answer(id, Ok(raw(&read)), bench.now).unwrap();
    assert_eq!(heard(&mut logs), ["a8", "a9", "a10"]);
    assert!(bench.keeper.catch_up.is_none());
}

#[test]
fn a_gap_that_is_too_big_to_be_read_is_not_asked_for_again() {
    let mut bench = Bench::new();
    let mut heads = bench.heads_from_7();
    for (id, is_too_big) in [("0x2", true), ("0x3", false)] {
        bench.returns(id);
        bench.answers("eth_getBlockByNumber", &block(9, "a9"));
        bench.is_opened_anew(is_too_big);
        bench.answers("eth_subscribe", &json!(id));
        let told = heard(&mut heads);
        match is_too_big {
            true => assert_eq!(told, ["lost Some(8) None"]),
            false => assert_eq!(told, [""; 0]),
        }
        // The newest block is asked for in any case, to go on from there.
        bench.answers("eth_getBlockByNumber", &block(7, "a7"));
    }
}

#[test]
fn other_heads_than_those_that_are_followed_are_told_of_a_gap() {
    let mut bench = Bench::new();
    let mut others = bench.placed(&json!(["newHeads", {}]), "0x1");
    bench.pushes("0x1", &block(7, "a7"));
    bench.returns("0x2");
    bench.pushes("0x2", &block(9, "a9"));
    assert_eq!(heard(&mut others), ["a7", "lost None None", "a9"]);
}

#[test]
fn more_than_can_be_held_ends_the_return_with_a_gap() {
    let mut bench = Bench::new();
    let mut heads = bench.heads_from_7();
    bench.returns("0x2");
    let many = MAX_WAITING as u64;
    for n in 8..8 + many {
        bench.pushes("0x2", &block(n, &n.to_string()));
    }
    assert_eq!(heard(&mut heads), [""; 0]);
    bench.pushes("0x2", &block(8 + many, "the one too many"));
    let heard = heard(&mut heads);
    assert_eq!((heard[0].as_str(), heard[1].as_str()), ("lost Some(8) None", "8"));
    // Of what was held, as much as may wait for a subscriber.
    assert_eq!(heard.len(), MAX_WAITING);
}

#[test]
fn more_bytes_than_can_be_held_end_the_return_with_a_gap() {
    let mut bench = Bench::new();
    let mut pending = bench.placed(&json!(["syncing"]), "0x1");
    let mut heads = bench.placed(&json!(["newHeads"]), "0x2");
    bench.answers("eth_getBlockByNumber", &block(7, "a7"));
    bench.is_opened_anew(false);
    let asked = bench.asked();
    let id = |name: &str| asked.iter().find(|(_, _, params)| params[0] == name).unwrap().0;
    bench.keeper.answer(id("newHeads"), Ok(raw(&json!("0x3"))), bench.now).unwrap();
    let large = "x".repeat(MAX_HELD_BYTES / 2);
    for _ in 0..2 {
        bench.pushes("0x3", &json!({ "number": "0x8", "hash": "a8", "data": large }));
    }
    assert_eq!(heard(&mut heads), ["lost Some(8) None", "a8", "a8"]);
    // What is placed only now has missed something as well.
    bench.keeper.answer(id("syncing"), Ok(raw(&json!("0x4"))), bench.now).unwrap();
    bench.pushes("0x4", &json!("then"));
    assert_eq!(heard(&mut pending), ["lost None None", "then"]);
}

#[test]
fn what_came_early_for_nobody_leaves_room_for_what_comes_next() {
    let mut bench = Bench::new();
    let (_, _placed) = bench.join(&json!(["syncing"]));
    for _ in 0..MAX_EARLY {
        bench.pushes("0x8", &json!("nobody's"));
    }
    bench.answers("eth_subscribe", &json!("0x9"));
    let (_, mut placed) = bench.join(&json!(["newPendingTransactions"]));
    bench.pushes("0xa", &json!("early"));
    bench.answers("eth_subscribe", &json!("0xa"));
    assert_eq!(heard(&mut placed.try_recv().unwrap().unwrap()), ["early"]);
}

#[test]
fn what_comes_early_is_kept_within_its_bytes() {
    let mut bench = Bench::new();
    let (_, mut placed) = bench.join(&json!(["syncing"]));
    bench.pushes("0x9", &json!("x".repeat(MAX_EARLY_BYTES)));
    bench.pushes("0x9", &json!("small"));
    bench.answers("eth_subscribe", &json!("0x9"));
    assert_eq!(heard(&mut placed.try_recv().unwrap().unwrap()), ["small"]);
}

#[test]
fn an_id_that_another_has_or_that_is_too_long_is_none() {
    let mut bench = Bench::new();
    let mut syncing = bench.placed(&json!(["syncing"]), "0x1");
    for id in ["0x1", "x".repeat(MAX_ID_BYTES).as_str()] {
        let (_, mut placed) = bench.join(&json!(["newPendingTransactions"]));
        bench.answers("eth_subscribe", &json!(id));
        let refused = placed.try_recv().unwrap().unwrap_err();
        assert_eq!(refused.code, RpcError::INTERNAL);
    }
    bench.pushes("0x1", &json!("whose it was"));
    assert_eq!(heard(&mut syncing), ["whose it was"]);
    assert!(bench.asked().is_empty(), "nothing that another hears is taken back");
}
