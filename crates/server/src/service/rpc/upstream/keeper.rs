//! All subscriptions at a node: placed once each, however many hear them, and placed again when the
//! node comes back. Without a socket and without a clock.
//!
//! | after …                        | call                                        |
//! |--------------------------------|---------------------------------------------|
//! | somebody subscribes            | [`Keeper::join`]                            |
//! | somebody may have left         | [`Keeper::left`]                            |
//! | the line opened, was lost      | [`Keeper::line_up`], [`Keeper::line_down`]  |
//! | the node answered, pushed      | [`Keeper::answer`], [`Keeper::push`]        |
//! | some time passed               | [`Keeper::overdue`]                         |
//! | any of these                   | send what [`Keeper::take_outgoing`] gives   |
//!
//! To know which logs were missed one must know where the chain was: while somebody hears logs,
//! `newHeads` is subscribed to as well.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::catch_up::CatchUp;
use super::chain::{Chain, Head};
use super::feed::{Feed, HeldTooMuch, Kind, Placed, State};
use super::message::{Answer, request};
use super::methods::is_shared;
use super::push::Why;
use super::same::{heads_name, heads_params, name_of};
use crate::service::rpc::error::RpcError;

/// Pushes that may come before the answer that says whose they are.
const MAX_EARLY: usize = 64;

/// Fewest blocks that are remembered.
const MIN_CHAIN: usize = 128;

/// The bounds of what is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Most blocks that are read from a node that came back; 0 reads none.
    pub(super) fill_blocks: u64,
    /// Most different subscriptions.
    pub(super) max_feeds: usize,
    /// How long the node may take to answer.
    pub(super) answer_within: Duration,
}

/// All subscriptions at a node.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) bounds: Bounds,
    pub(super) feeds: HashMap<String, Feed>,
    pub(super) chain: Chain,
    pub(super) catch_up: Option<CatchUp>,
    pub(super) asked: HashMap<u64, (Ask, Instant)>,
    /// The node's ids, as JSON, and the names of what stands behind them.
    placed: HashMap<String, String>,
    early: VecDeque<(String, Arc<RawValue>)>,
    outgoing: Vec<String>,
    ids: Arc<AtomicU64>,
    is_up: bool,
    /// Whether what was read of the last gap was too big for the line, which is now another.
    pub(super) is_too_much: bool,
}

/// What the node was asked.
#[derive(Debug)]
pub(super) enum Ask {
    /// To place a subscription in this namespace that nobody wants any more.
    Abandoned(String),
    /// The newest block, because heads are followed from here on.
    Base,
    /// A block of the gap.
    Block(u64),
    /// The newest block, because there may be a gap.
    Latest,
    /// The logs of the gap, for the subscription of this name.
    Logs(String),
    /// To place the subscription of this name.
    Subscribe(String),
    /// To take one back.
    Unsubscribe,
    /// A block that is already known, to see whether the chain is the same.
    Walk(u64),
}

/// The node does not answer what a subscription needs: its line is as good as lost.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the node does not answer a subscription within {0:?}")]
pub(super) struct Silent(Duration);

impl Keeper {
    /// No subscription yet. The numbers of what is asked come from `ids`.
    pub(super) fn new(bounds: Bounds, ids: Arc<AtomicU64>) -> Self {
        let remembered = usize::try_from(bounds.fill_blocks).unwrap_or(usize::MAX).max(MIN_CHAIN);
        Self {
            bounds,
            feeds: HashMap::new(),
            chain: Chain::new(remembered),
            catch_up: None,
            asked: HashMap::new(),
            placed: HashMap::new(),
            early: VecDeque::new(),
            outgoing: Vec::new(),
            ids,
            is_up: false,
            is_too_much: false,
        }
    }

    /// The name under which [`join`](Self::join) keeps a subscription.
    pub(super) fn name(&self, namespace: &str, params: &RawValue) -> String {
        let name = name_of(namespace, params);
        if is_shared(namespace, params) {
            return name;
        }
        // A number that was never used makes it the same as no other.
        format!("{name} #{}", self.ids.fetch_add(1, Ordering::Relaxed))
    }

    /// Takes somebody in who wants to hear a subscription; `reply` is answered once it is placed.
    ///
    /// # Errors
    ///
    /// −32005 where it would be one more than there may be.
    pub(super) fn join(
        &mut self,
        name: &str,
        namespace: &str,
        params: &RawValue,
        reply: oneshot::Sender<Placed>,
        now: Instant,
    ) -> Result<(), RpcError> {
        if let Some(feed) = self.feeds.get_mut(name) {
            feed.join(reply);
            return Ok(());
        }
        if self.feeds.len() >= self.bounds.max_feeds {
            let what = format!("{} different subscriptions at the node", self.bounds.max_feeds);
            return Err(RpcError::limit_exceeded(&what));
        }
        let mut feed = Feed::new(namespace, params);
        feed.join(reply);
        if feed.kind == Kind::Logs {
            self.follow_heads(now);
        }
        self.feeds.insert(name.to_owned(), feed);
        if self.is_up {
            self.place(name, now);
        }
        Ok(())
    }

    /// Somebody may have left: what nobody hears is taken back.
    pub(super) fn left(&mut self, name: &str, now: Instant) {
        let Some(feed) = self.feeds.get_mut(name) else { return };
        let kind = feed.kind;
        if feed.has_members() {
            return;
        }
        if kind == Kind::Heads && self.needs_heads() {
            return;
        }
        let Some(feed) = self.feeds.remove(name) else { return };
        match feed.state {
            State::Away => {}
            State::Asked => {
                for (ask, _) in self.asked.values_mut() {
                    if matches!(ask, Ask::Subscribe(other) if *other == name) {
                        *ask = Ask::Abandoned(feed.namespace.clone());
                    }
                }
            }
            State::Live(id) | State::Catching { id, .. } => {
                self.placed.remove(&id);
                self.take_back(&feed.namespace, &id, now);
            }
        }
        if kind == Kind::Logs {
            self.left(&heads_name(), now);
        }
        self.go_on(now);
    }

    /// A line is open: everything is placed on it.
    pub(super) fn line_up(&mut self, now: Instant) {
        self.is_up = true;
        let names: Vec<_> = self.feeds.keys().cloned().collect();
        let is_return = self.feeds.values().any(|feed| feed.was_placed);
        for name in &names {
            self.place(name, now);
        }
        self.catch_up = is_return.then_some(CatchUp::Placing);
    }

    /// The line is lost, and with it what was asked and placed; perhaps because an answer was too
    /// big.
    pub(super) fn line_down(&mut self, is_too_big: bool) {
        self.is_up = false;
        self.is_too_much = is_too_big && self.catch_up.is_some();
        self.asked.clear();
        self.placed.clear();
        self.early.clear();
        self.outgoing.clear();
        self.catch_up = None;
        for feed in self.feeds.values_mut() {
            feed.state = State::Away;
        }
    }

    /// The node answered.
    ///
    /// # Errors
    ///
    /// The answer itself, where this was not asked from here.
    pub(super) fn answer(&mut self, id: u64, answer: Answer, now: Instant) -> Result<(), Answer> {
        let Some((ask, _)) = self.asked.remove(&id) else { return Err(answer) };
        match (ask, answer) {
            (Ask::Unsubscribe, _) | (Ask::Abandoned(_), Err(_)) => {}
            (Ask::Abandoned(namespace), Ok(id)) => self.take_back(&namespace, id.get(), now),
            (Ask::Subscribe(name), Ok(id)) => self.settle(&name, id.get(), now),
            (Ask::Subscribe(name), Err(error)) => {
                if let Some(mut feed) = self.feeds.remove(&name) {
                    feed.refuse(&error);
                }
                self.go_on(now);
            }
            (Ask::Base, answer) => {
                if let Some(head) = answer.ok().and_then(|block| Head::read(&block)) {
                    self.begin_chain(head);
                }
            }
            (ask, answer) => self.caught(ask, answer.ok(), now),
        }
        Ok(())
    }

    /// A subscription brought something. `id` is the node's, as JSON.
    pub(super) fn push(&mut self, id: String, result: Arc<RawValue>, now: Instant) {
        let Some(name) = self.placed.get(&id) else {
            let is_expected = |(ask, _): &(Ask, _)| matches!(ask, Ask::Subscribe(_));
            if self.early.len() < MAX_EARLY && self.asked.values().any(is_expected) {
                self.early.push_back((id, result));
            }
            return;
        };
        let name = name.clone();
        self.bring(&name, result, now);
    }

    /// Gives up what the node did not answer in time.
    ///
    /// # Errors
    ///
    /// [`Silent`] where that is a subscription.
    pub(super) fn overdue(&mut self, now: Instant) -> Result<(), Silent> {
        let within = self.bounds.answer_within;
        let mut is_silent = false;
        let mut is_late = false;
        self.asked.retain(|_, (ask, since)| {
            if now.duration_since(*since) < within {
                return true;
            }
            match ask {
                Ask::Subscribe(_) => is_silent = true,
                Ask::Abandoned(_) | Ask::Base | Ask::Unsubscribe => {}
                Ask::Block(_) | Ask::Latest | Ask::Logs(_) | Ask::Walk(_) => is_late = true,
            }
            false
        });
        if is_silent {
            return Err(Silent(within));
        }
        if is_late {
            self.give_up(Why::Lost, now);
        }
        Ok(())
    }

    /// What is to be sent, in order.
    pub(super) fn take_outgoing(&mut self) -> Vec<String> {
        std::mem::take(&mut self.outgoing)
    }

    /// Whether there is something to send.
    pub(super) const fn has_outgoing(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Whether what comes is looked at, to know what is missed later.
    pub(super) const fn is_following(&self) -> bool {
        self.bounds.fill_blocks > 0
    }

    /// Asks the node.
    pub(super) fn ask(&mut self, ask: Ask, method: &str, params: Option<&RawValue>, now: Instant) {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        self.outgoing.push(request(id, method, params));
        self.asked.insert(id, (ask, now));
    }

    /// Asks for a block; `None` is the newest.
    pub(super) fn ask_block(&mut self, ask: Ask, number: Option<u64>, now: Instant) {
        let number = number.map_or_else(|| "latest".to_owned(), |number| format!("{number:#x}"));
        let params = RawValue::from_string(format!(r#"["{number}",false]"#)).expect("an array");
        self.ask(ask, "eth_getBlockByNumber", Some(&params), now);
    }

    /// The chain is followed from this block on, unless something newer came meanwhile.
    pub(super) fn begin_chain(&mut self, head: Head) {
        if self.chain.latest().is_none_or(|latest| latest.number < head.number) {
            self.chain.saw(head);
        }
        let latest = self.chain.latest().map(|head| head.number);
        for feed in self.feeds.values_mut().filter(|feed| feed.kind == Kind::Logs) {
            feed.base = feed.base.or(latest);
        }
    }

    fn place(&mut self, name: &str, now: Instant) {
        let Some(feed) = self.feeds.get_mut(name) else { return };
        feed.state = State::Asked;
        let method = format!("{}_subscribe", feed.namespace);
        let params = feed.params.clone();
        self.ask(Ask::Subscribe(name.to_owned()), &method, Some(&params), now);
    }

    /// A subscription is placed under this id.
    fn settle(&mut self, name: &str, id: &str, now: Instant) {
        let latest = self.chain.latest().map(|head| head.number);
        let is_following = self.is_following();
        let Some(feed) = self.feeds.get_mut(name) else { return };
        let is_return = std::mem::replace(&mut feed.was_placed, true) && self.catch_up.is_some();
        if is_return {
            feed.catch_up(id.to_owned());
        } else {
            feed.state = State::Live(id.to_owned());
            feed.base = feed.base.or(latest);
        }
        let kind = feed.kind;
        feed.admit_waiting();
        self.placed.insert(id.to_owned(), name.to_owned());
        let (mine, others): (VecDeque<_>, _) =
            std::mem::take(&mut self.early).into_iter().partition(|(other, _)| other == id);
        self.early = others;
        for (_, result) in mine {
            self.bring(name, result, now);
        }
        if kind == Kind::Heads && latest.is_none() && is_following {
            self.ask_block(Ask::Base, None, now);
        }
        // Whoever asked for it may have gone.
        self.left(name, now);
        self.go_on(now);
    }

    fn bring(&mut self, name: &str, result: Arc<RawValue>, now: Instant) {
        let is_following = self.is_following();
        let Some(feed) = self.feeds.get_mut(name) else { return };
        match feed.receive(result, is_following) {
            Ok(Some(head)) => self.chain.saw(head),
            Ok(None) => {}
            Err(HeldTooMuch(result)) => {
                self.give_up(Why::Lost, now);
                self.bring(name, result, now);
            }
        }
    }

    fn take_back(&mut self, namespace: &str, id: &str, now: Instant) {
        if !self.is_up {
            return;
        }
        let Ok(params) = RawValue::from_string(format!("[{id}]")) else { return };
        self.ask(Ask::Unsubscribe, &format!("{namespace}_unsubscribe"), Some(&params), now);
    }

    fn needs_heads(&self) -> bool {
        self.is_following() && self.feeds.values().any(|feed| feed.kind == Kind::Logs)
    }

    fn follow_heads(&mut self, now: Instant) {
        let name = heads_name();
        if !self.is_following() || self.feeds.contains_key(&name) {
            return;
        }
        self.feeds.insert(name.clone(), Feed::new("eth", &heads_params()));
        if self.is_up {
            self.place(&name, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::service::rpc::upstream::feed::MAX_WAITING;
    use crate::service::rpc::upstream::push::{Gap, Push};
    use tokio::sync::mpsc;

    /// A keeper, and the node's side of it by hand.
    struct Bench {
        keeper: Keeper,
        now: Instant,
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
            Self { keeper, now }
        }

        fn join(&mut self, params: &Value) -> (String, oneshot::Receiver<Placed>) {
            let params = raw(params);
            let name = self.keeper.name("eth", &params);
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
            self.keeper.take_outgoing().into_iter().map(read).collect()
        }

        /// The node answers the next question, which has this method.
        fn answers(&mut self, method: &str, result: &Value) {
            let mut asked = self.asked();
            assert_eq!(asked[0].1, method);
            let (id, ..) = asked.remove(0);
            let rest =
                asked.iter().map(|(id, method, params)| request(*id, method, Some(&raw(params))));
            self.keeper.outgoing.extend(rest);
            self.keeper.answer(id, Ok(raw(result)), self.now).unwrap();
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
    fn a_node_that_does_not_answer_a_subscription_has_lost_its_line() {
        let mut bench = Bench::new();
        let _placed = bench.join(&json!(["syncing"]));
        assert!(bench.keeper.overdue(bench.now + Duration::from_secs(29)).is_ok());
        assert!(bench.keeper.overdue(bench.now + Duration::from_secs(30)).is_err());
    }

    #[test]
    fn blocks_that_the_node_does_not_give_in_time_are_a_gap() {
        let mut bench = Bench::new();
        let mut heads = bench.placed(&json!(["newHeads"]), "0x1");
        bench.answers("eth_getBlockByNumber", &block(7, "a7"));
        bench.keeper.line_down(false);
        bench.keeper.line_up(bench.now);
        bench.answers("eth_subscribe", &json!("0x2"));
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
        let mut heads = bench.placed(&json!(["newHeads"]), "0x1");
        bench.answers("eth_getBlockByNumber", &block(7, "a7"));
        let mut logs = bench.placed(&json!(["logs"]), "0x2");
        bench.pushes("0x1", &block(8, "a8"));
        bench.pushes("0x2", &log("a8"));
        for (newest, hash) in [(9, "a9"), (10, "a10")] {
            bench.keeper.line_down(false);
            bench.keeper.line_up(bench.now);
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
        let mut heads = bench.placed(&json!(["newHeads"]), "0x1");
        bench.answers("eth_getBlockByNumber", &block(7, "a7"));
        for (id, is_too_big) in [("0x2", true), ("0x3", false)] {
            bench.keeper.line_down(false);
            bench.keeper.line_up(bench.now);
            bench.answers("eth_subscribe", &json!(id));
            bench.answers("eth_getBlockByNumber", &block(9, "a9"));
            bench.keeper.line_down(is_too_big);
            bench.keeper.line_up(bench.now);
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
        bench.keeper.line_down(false);
        bench.keeper.line_up(bench.now);
        bench.answers("eth_subscribe", &json!("0x2"));
        bench.pushes("0x2", &block(9, "a9"));
        assert_eq!(heard(&mut others), ["a7", "lost None None", "a9"]);
    }

    #[test]
    fn more_than_can_be_held_ends_the_return_with_a_gap() {
        let mut bench = Bench::new();
        let mut heads = bench.placed(&json!(["newHeads"]), "0x1");
        bench.answers("eth_getBlockByNumber", &block(7, "a7"));
        bench.keeper.line_down(false);
        bench.keeper.line_up(bench.now);
        bench.answers("eth_subscribe", &json!("0x2"));
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
}
