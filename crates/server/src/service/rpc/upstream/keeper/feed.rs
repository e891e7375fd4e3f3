//! One subscription at the node, and all on the server who hear it.
//!
//! ```text
//!           place                 answered                        caught up
//!   Away ──────────▶ Asked ─┬────────────────▶ Catching, holding ──────────▶ Live
//!    ▲                      └── the first time ────────────────────────────▶  │
//!    └──────────────────────────── the line is lost ──────────────────────────┘
//! ```

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

use super::chain::{Head, key_of_log};
use crate::service::rpc::error::RpcError;
use crate::service::rpc::upstream::methods;
use crate::service::rpc::upstream::push::{Gap, Push};
use crate::service::rpc::upstream::same::{heads_name, name_of};

/// Most pushes that wait for one worker, and there for one subscriber. Who has more waiting does
/// not keep up, and hears no more of the subscription.
pub(crate) const MAX_WAITING: usize = 4_096;

/// Most logs that are remembered to tell which are known already.
const MAX_SEEN: usize = 4_096;

/// What a worker that subscribes is given.
pub(crate) type Placed = Result<mpsc::Receiver<Push>, RpcError>;

/// A subscription at the node.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) namespace: String,
    pub(super) params: Box<RawValue>,
    pub(super) kind: Kind,
    pub(super) state: State,
    /// Whether it was placed before, so that something may have been missed since.
    pub(super) was_placed: bool,
    /// Logs of this block and those before it were not subscribed to, where that is known.
    pub(super) base: Option<u64>,
    /// The block from which on logs are still due, where the last return was cut short.
    pub(super) due: Option<u64>,
    /// One for each worker with somebody who subscribed.
    members: Vec<mpsc::Sender<Push>>,
    /// Those who wait until it is placed.
    waiting: Vec<oneshot::Sender<Placed>>,
    seen: Recent,
    /// What was read from the node, and may yet be pushed as well.
    filled: HashSet<u64>,
}

/// What is subscribed to, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `newHeads`, and nothing more said of it.
    Heads,
    /// `logs`.
    Logs,
    /// Anything else: what is missed cannot be read afterwards.
    Other,
}

/// How it stands with the node.
#[derive(Debug)]
pub(super) enum State {
    /// Asked for, and not answered.
    Asked,
    /// There is no line.
    Away,
    /// Placed again; what comes is held until what was missed is read.
    Catching {
        /// The node's id.
        id: String,
        /// What came meanwhile.
        held: Vec<Arc<RawValue>>,
    },
    /// Placed under the node's id.
    Live(String),
}

/// The keys that were seen last.
#[derive(Debug, Default)]
struct Recent {
    keys: HashSet<u64>,
    order: VecDeque<u64>,
}

/// More came than may be held; this is the one too many.
#[derive(Debug)]
pub(super) struct HeldTooMuch(pub(super) Arc<RawValue>);

impl Feed {
    /// A subscription that nobody waits for yet.
    pub(super) fn new(namespace: &str, params: &RawValue) -> Self {
        let kind = match methods::name(params).as_deref() {
            Some("newHeads") if name_of(namespace, params) == heads_name() => Kind::Heads,
            Some("logs") if namespace == "eth" => Kind::Logs,
            _ => Kind::Other,
        };
        Self {
            namespace: namespace.to_owned(),
            params: params.to_owned(),
            kind,
            state: State::Away,
            was_placed: false,
            base: None,
            due: None,
            members: Vec::new(),
            waiting: Vec::new(),
            seen: Recent::default(),
            filled: HashSet::new(),
        }
    }

    /// Takes somebody in: at once where it is placed, or when it will be.
    pub(super) fn join(&mut self, reply: oneshot::Sender<Placed>) {
        match self.state {
            State::Live(_) | State::Catching { .. } => self.admit(reply),
            State::Asked | State::Away => self.waiting.push(reply),
        }
    }

    /// It is placed: those who waited are in.
    pub(super) fn admit_waiting(&mut self) {
        for reply in std::mem::take(&mut self.waiting) {
            self.admit(reply);
        }
    }

    /// The node does not want it: those who waited are told, and those who were in hear no more.
    pub(super) fn refuse(&mut self, error: &RpcError) {
        self.members.clear();
        for reply in self.waiting.drain(..) {
            // Who does not wait any more need not know.
            let _ = reply.send(Err(error.clone()));
        }
    }

    fn admit(&mut self, reply: oneshot::Sender<Placed>) {
        let (member, pushes) = mpsc::channel(MAX_WAITING);
        if reply.send(Ok(pushes)).is_ok() {
            self.members.push(member);
        }
    }

    /// Whether somebody hears it, or waits to; those who left are forgotten.
    pub(super) fn has_members(&mut self) -> bool {
        self.members.retain(|member| !member.is_closed());
        self.waiting.retain(|reply| !reply.is_closed());
        !(self.members.is_empty() && self.waiting.is_empty())
    }

    /// What came from the node: told, held while there is room, or known already. Answers the head,
    /// if it is one that was told.
    ///
    /// # Errors
    ///
    /// [`HeldTooMuch`] where it cannot be held.
    pub(super) fn receive(
        &mut self,
        result: Arc<RawValue>,
        is_followed: bool,
        room: &mut usize,
    ) -> Result<Option<Head>, HeldTooMuch> {
        if let State::Catching { held, .. } = &mut self.state {
            let left = room.checked_sub(result.get().len());
            let (Some(left), true) = (left, held.len() < MAX_WAITING) else {
                return Err(HeldTooMuch(result));
            };
            *room = left;
            held.push(result);
            return Ok(None);
        }
        if !is_followed {
            self.publish(&Push::Result(result));
            return Ok(None);
        }
        Ok(self.tell(result))
    }

    fn tell(&mut self, result: Arc<RawValue>) -> Option<Head> {
        let head = (self.kind == Kind::Heads).then(|| Head::read(&result)).flatten();
        if let Some(key) = self.key(&result, head.as_ref()) {
            if self.filled.remove(&key) {
                return None;
            }
            self.seen.insert(key);
        }
        self.publish(&Push::Result(result));
        head
    }

    /// What was read from the node because it may have been missed.
    pub(super) fn fill(&mut self, result: Arc<RawValue>) {
        let head = (self.kind == Kind::Heads).then(|| Head::read(&result)).flatten();
        let Some(key) = self.key(&result, head.as_ref()) else { return };
        // The same head comes again only where the chain went back to it.
        if self.kind == Kind::Logs && self.seen.keys.contains(&key) {
            return;
        }
        self.seen.insert(key);
        self.filled.insert(key);
        self.publish(&Push::Result(result));
    }

    fn key(&self, result: &RawValue, head: Option<&Head>) -> Option<u64> {
        match self.kind {
            Kind::Heads => head.map(Head::key),
            Kind::Logs => key_of_log(result),
            Kind::Other => None,
        }
    }

    /// Something was missed.
    pub(super) fn tell_gap(&mut self, gap: Gap) {
        self.publish(&Push::Gap(gap));
    }

    /// Placed again: what comes is held from here on.
    pub(super) fn catch_up(&mut self, id: String) {
        self.filled.clear();
        self.state = State::Catching { id, held: Vec::new() };
    }

    /// Nothing is missing any more: what was held is told. Answers the heads among it.
    pub(super) fn go_live(&mut self) -> Vec<Head> {
        let State::Catching { id, held } = &mut self.state else { return Vec::new() };
        let (id, held) = (std::mem::take(id), std::mem::take(held));
        self.state = State::Live(id);
        self.due = None;
        held.into_iter().filter_map(|result| self.tell(result)).collect()
    }

    /// Tells all members; those who do not keep up hear no more.
    fn publish(&mut self, push: &Push) {
        self.members.retain(|member| member.try_send(push.clone()).is_ok());
    }
}

impl Recent {
    fn insert(&mut self, key: u64) {
        if !self.keys.insert(key) {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > MAX_SEEN
            && let Some(oldest) = self.order.pop_front()
        {
            self.keys.remove(&oldest);
        }
    }
}
