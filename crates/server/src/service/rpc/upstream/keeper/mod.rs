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

mod asked;
mod catch_up;
mod chain;
mod feed;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use tokio::sync::oneshot;

use self::asked::{Ask, Asked};
use self::catch_up::CatchUp;
use self::chain::{Chain, Head};
use self::feed::{Feed, HeldTooMuch, Kind, State};
pub(super) use self::feed::{MAX_WAITING, Placed};
use super::message::Answer;
use super::push::{Gap, Why};
use super::same::{heads_name, heads_params};
use crate::service::rpc::error::RpcError;

/// Pushes that may come before the answer that says whose they are, and their bytes.
const MAX_EARLY: usize = 64;
const MAX_EARLY_BYTES: usize = 16 << 20;

/// Bytes of what comes and is read until the subscribers have heard what they missed.
const MAX_HELD_BYTES: usize = 64 << 20;

/// The longest id that a node may give a subscription, as JSON, in bytes.
const MAX_ID_BYTES: usize = 256;

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
    bounds: Bounds,
    /// By their names.
    feeds: HashMap<Arc<str>, Feed>,
    chain: Chain,
    catch_up: Option<CatchUp>,
    asked: Asked,
    /// The node's ids, as JSON, and the names of what stands behind them.
    placed: HashMap<String, Arc<str>>,
    early: VecDeque<(String, Arc<RawValue>)>,
    /// Bytes that may still be held on this line.
    room: usize,
    is_up: bool,
    /// Whether what was read of the last gap was too big for the line, which is now another.
    is_too_much: bool,
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
            asked: Asked::new(ids),
            placed: HashMap::new(),
            early: VecDeque::new(),
            room: MAX_HELD_BYTES,
            is_up: false,
            is_too_much: false,
        }
    }

    /// Takes somebody in who wants to hear a subscription; `reply` is answered once it is placed.
    ///
    /// # Errors
    ///
    /// −32005 where it would be one more than there may be.
    pub(super) fn join(
        &mut self,
        name: &Arc<str>,
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
        self.feeds.insert(Arc::clone(name), feed);
        if self.is_up {
            self.place(name, now);
        }
        Ok(())
    }

    /// Somebody may have left: what nobody hears is taken back, once it is placed.
    pub(super) fn left(&mut self, name: &str, now: Instant) {
        let needs_heads = self.needs_heads();
        let Some(feed) = self.feeds.get_mut(name) else { return };
        // What is being placed keeps its place among them until the node has answered: whoever asks
        // and leaves, however often, has the node place no more than there may be.
        if feed.has_members()
            || (feed.kind == Kind::Heads && needs_heads)
            || matches!(feed.state, State::Asked)
        {
            return;
        }
        let Some(feed) = self.feeds.remove(name) else { return };
        if let State::Live(id) | State::Catching { id, .. } = feed.state {
            self.placed.remove(&id);
            self.take_back(&feed.namespace, &id, now);
        }
        self.is_gone(feed.kind, now);
    }

    /// A line is open: everything is placed on it.
    pub(super) fn line_up(&mut self, now: Instant) {
        self.is_up = true;
        self.room = MAX_HELD_BYTES;
        let names: Vec<_> = self.feeds.keys().cloned().collect();
        let is_return = self.feeds.values().any(|feed| feed.was_placed);
        for name in &names {
            self.place(name, now);
        }
        self.catch_up = is_return.then_some(CatchUp::Placing);
    }

    /// The line is lost, and with it what was asked and placed; perhaps because an answer was too
    /// big.
    pub(super) fn line_down(&mut self, is_too_big: bool, now: Instant) {
        self.is_up = false;
        self.is_too_much = is_too_big && self.catch_up.is_some();
        self.asked.clear();
        self.placed.clear();
        self.early.clear();
        self.catch_up = None;
        for feed in self.feeds.values_mut() {
            feed.state = State::Away;
        }
        // Of what was being placed, some may be wanted by nobody any more.
        let names: Vec<_> = self.feeds.keys().cloned().collect();
        for name in &names {
            self.left(name, now);
        }
    }

    /// The node answered.
    ///
    /// # Errors
    ///
    /// The answer itself, where this was not asked from here.
    pub(super) fn answer(&mut self, id: u64, answer: Answer, now: Instant) -> Result<(), Answer> {
        let Some(ask) = self.asked.answered(id) else { return Err(answer) };
        match (ask, answer) {
            (Ask::Unsubscribe, _) => {}
            (Ask::Subscribe(name), answer) => {
                match answer.and_then(|id| self.own_id(id)) {
                    Ok(id) => self.settle(&name, id.get(), now),
                    Err(error) => self.refuse(&name, &error, now),
                }
                if !self.asked.is_placing() {
                    // What is left was pushed by what is already taken back.
                    self.early.clear();
                }
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
            if self.asked.is_placing() {
                self.keep_early(id, result);
            }
            return;
        };
        let name = Arc::clone(name);
        self.bring(&name, result, now);
    }

    /// Gives up what the node did not answer in time.
    ///
    /// # Errors
    ///
    /// [`Silent`] where that is a subscription.
    pub(super) fn overdue(&mut self, now: Instant) -> Result<(), Silent> {
        let within = self.bounds.answer_within;
        let late = self.asked.overdue(within, now);
        if late.iter().any(|ask| matches!(ask, Ask::Subscribe(_))) {
            return Err(Silent(within));
        }
        if late.iter().any(Ask::is_of_gap) {
            self.give_up(Why::Lost, now);
        }
        Ok(())
    }

    /// How many the node has.
    pub(super) fn placed(&self) -> usize {
        self.placed.len()
    }

    /// What is to be sent, in order.
    pub(super) fn take_outgoing(&mut self) -> Vec<String> {
        self.asked.take_outgoing()
    }

    /// Whether there is something to send.
    pub(super) const fn has_outgoing(&self) -> bool {
        self.asked.has_outgoing()
    }

    /// Whether what comes is looked at, to know what is missed later.
    const fn is_following(&self) -> bool {
        self.bounds.fill_blocks > 0
    }

    /// The chain is followed from this block on, unless something newer came meanwhile.
    fn begin_chain(&mut self, head: Head) {
        if self.chain.latest().is_none_or(|latest| latest.number < head.number) {
            self.chain.saw(head);
        }
        let latest = self.chain.latest().map(|head| head.number);
        for feed in self.feeds.values_mut().filter(|feed| feed.kind == Kind::Logs) {
            feed.base = feed.base.or(latest);
        }
    }

    fn place(&mut self, name: &Arc<str>, now: Instant) {
        let Some(feed) = self.feeds.get_mut(name) else { return };
        feed.state = State::Asked;
        let method = format!("{}_subscribe", feed.namespace);
        let params = feed.params.clone();
        self.asked.ask(Ask::Subscribe(Arc::clone(name)), &method, &params, now);
    }

    fn keep_early(&mut self, id: String, result: Arc<RawValue>) {
        let bytes = |(id, result): &(String, Arc<RawValue>)| id.len() + result.get().len();
        let push = (id, result);
        let kept: usize = self.early.iter().map(bytes).sum();
        if self.early.len() < MAX_EARLY && kept + bytes(&push) <= MAX_EARLY_BYTES {
            self.early.push_back(push);
        }
    }

    /// The id that the node gives a subscription, where no other has it: what it pushes under one id
    /// is for one.
    fn own_id(&self, id: Box<RawValue>) -> Answer {
        if id.get().len() > MAX_ID_BYTES || self.placed.contains_key(id.get()) {
            let why = "the node gives the subscription no id of its own";
            return Err(RpcError::new(RpcError::INTERNAL, why));
        }
        Ok(id)
    }

    /// A subscription is placed under this id.
    fn settle(&mut self, name: &Arc<str>, id: &str, now: Instant) {
        let latest = self.chain.latest().map(|head| head.number);
        let is_following = self.is_following();
        let Some(feed) = self.feeds.get_mut(name) else { return };
        let is_return = std::mem::replace(&mut feed.was_placed, true);
        if is_return {
            feed.catch_up(id.to_owned());
        } else {
            feed.state = State::Live(id.to_owned());
            feed.base = feed.base.or(latest);
        }
        let kind = feed.kind;
        feed.admit_waiting();
        self.placed.insert(id.to_owned(), Arc::clone(name));
        let (mine, others): (VecDeque<_>, _) =
            std::mem::take(&mut self.early).into_iter().partition(|(other, _)| other == id);
        self.early = others;
        for (_, result) in mine {
            self.bring(name, result, now);
        }
        if is_return && self.catch_up.is_none() {
            // It was given up before this one was placed.
            self.end(|_| true, Gap { from: None, to: None, why: Why::Lost });
        }
        if kind == Kind::Heads && latest.is_none() && is_following {
            self.asked.ask_block(Ask::Base, None, now);
        }
        // Whoever asked for it may have gone.
        self.left(name, now);
        self.go_on(now);
    }

    /// The node does not place a subscription.
    fn refuse(&mut self, name: &str, error: &RpcError, now: Instant) {
        let Some(mut feed) = self.feeds.remove(name) else { return };
        feed.refuse(error);
        self.is_gone(feed.kind, now);
    }

    /// A subscription is no more, and nothing waits for it; heads may have been followed for it.
    fn is_gone(&mut self, kind: Kind, now: Instant) {
        if kind == Kind::Logs {
            self.left(&heads_name(), now);
        }
        self.go_on(now);
    }

    fn bring(&mut self, name: &str, result: Arc<RawValue>, now: Instant) {
        let is_following = self.is_following();
        let Some(feed) = self.feeds.get_mut(name) else { return };
        match feed.receive(result, is_following, &mut self.room) {
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
        self.asked.ask(Ask::Unsubscribe, &format!("{namespace}_unsubscribe"), &params, now);
    }

    fn needs_heads(&self) -> bool {
        self.is_following() && self.feeds.values().any(|feed| feed.kind == Kind::Logs)
    }

    fn follow_heads(&mut self, now: Instant) {
        let name: Arc<str> = heads_name().into();
        if !self.is_following() || self.feeds.contains_key(&name) {
            return;
        }
        self.feeds.insert(Arc::clone(&name), Feed::new("eth", &heads_params()));
        if self.is_up {
            self.place(&name, now);
        }
    }
}
