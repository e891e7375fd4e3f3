//! What the node was asked for the sake of subscriptions: what is still to be said to it, and what
//! it has not answered.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;

use crate::service::rpc::upstream::message::request;

/// What the node was asked.
#[derive(Debug)]
pub(super) enum Ask {
    /// The newest block, because heads are followed from here on.
    Base,
    /// A block of the gap.
    Block(u64),
    /// The newest block, because there may be a gap.
    Latest,
    /// The logs of the gap, for the subscription of this name.
    Logs(Arc<str>),
    /// To place the subscription of this name.
    Subscribe(Arc<str>),
    /// To take one back.
    Unsubscribe,
    /// A block that is already known, to see whether the chain is the same.
    Walk(u64),
}

/// All that was asked.
#[derive(Debug)]
pub(super) struct Asked {
    open: HashMap<u64, (Ask, Instant)>,
    outgoing: Vec<String>,
    ids: Arc<AtomicU64>,
}

impl Ask {
    /// Whether it is about what was missed while the line was away.
    pub(super) const fn is_of_gap(&self) -> bool {
        matches!(self, Self::Block(_) | Self::Latest | Self::Logs(_) | Self::Walk(_))
    }
}

impl Asked {
    /// Nothing yet; its numbers come from `ids`.
    pub(super) fn new(ids: Arc<AtomicU64>) -> Self {
        Self { open: HashMap::new(), outgoing: Vec::new(), ids }
    }

    /// Asks the node.
    pub(super) fn ask(&mut self, ask: Ask, method: &str, params: &RawValue, now: Instant) {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        self.outgoing.push(request(id, method, Some(params)));
        self.open.insert(id, (ask, now));
    }

    /// Asks for a block; `None` is the newest.
    pub(super) fn ask_block(&mut self, ask: Ask, number: Option<u64>, now: Instant) {
        let number = number.map_or_else(|| "latest".to_owned(), |number| format!("{number:#x}"));
        let params = RawValue::from_string(format!(r#"["{number}",false]"#)).expect("an array");
        self.ask(ask, "eth_getBlockByNumber", &params, now);
    }

    /// The node answered: what it was asked, where that was from here.
    pub(super) fn answered(&mut self, id: u64) -> Option<Ask> {
        self.open.remove(&id).map(|(ask, _)| ask)
    }

    /// What the node has not answered for so long; it is waited for no more.
    pub(super) fn overdue(&mut self, within: Duration, now: Instant) -> Vec<Ask> {
        let is_late =
            |_: &u64, (_, since): &mut (Ask, Instant)| now.duration_since(*since) >= within;
        self.open.extract_if(is_late).map(|(_, (ask, _))| ask).collect()
    }

    /// Whether a subscription is being placed.
    pub(super) fn is_placing(&self) -> bool {
        self.open.values().any(|(ask, _)| matches!(ask, Ask::Subscribe(_)))
    }

    /// Waits for these no more.
    pub(super) fn forget(&mut self, is_meant: impl Fn(&Ask) -> bool) {
        self.open.retain(|_, (ask, _)| !is_meant(ask));
    }

    /// The line is lost: nothing is said or answered any more.
    pub(super) fn clear(&mut self) {
        self.open.clear();
        self.outgoing.clear();
    }

    /// What is to be sent, in order.
    pub(super) fn take_outgoing(&mut self) -> Vec<String> {
        std::mem::take(&mut self.outgoing)
    }

    /// Whether there is something to send.
    pub(super) const fn has_outgoing(&self) -> bool {
        !self.outgoing.is_empty()
    }
}
