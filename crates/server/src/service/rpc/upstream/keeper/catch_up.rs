//! What is read from a node that comes back, so that subscribers miss nothing.
//!
//! ```text
//! all placed again ─▶ the newest block ─▶ back to a block that is known ─▶ the blocks since ─▶ heads
//!   (what comes is held)                   by its number and hash       └▶ the logs since  ─▶ logs
//! ```
//!
//! | the node …                               | heads hear                  | logs hear             |
//! |------------------------------------------|-----------------------------|-----------------------|
//! | is where it was, or further              | the blocks since            | the logs since        |
//! | is more blocks further than are read     | a gap, then the last blocks | a gap, then the last logs |
//! | took blocks back                         | the blocks of the new chain | a gap, then the logs of the new chain |
//! | is on another chain                      | a gap                       | a gap                 |
//! | does not answer what it is asked         | a gap                       | a gap                 |
//!
//! Every other subscription hears of a gap.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::value::RawValue;

use super::Keeper;
use super::asked::Ask;
use super::chain::{Head, header_of, logs_query};
use super::feed::{Feed, Kind, State};
use crate::service::rpc::upstream::push::{Gap, Why};
use crate::service::rpc::upstream::same::heads_name;

/// Most logs that are told afterwards; half of what may wait for a subscriber.
const MAX_LOGS: usize = super::feed::MAX_WAITING / 2;

/// How far it has come.
#[derive(Debug)]
pub(super) enum CatchUp {
    /// Subscriptions are being placed again.
    Placing,
    /// The newest block is asked for.
    Latest,
    /// Going back from the newest block to one that is known.
    Walking(Newest),
    /// Blocks and logs are being read.
    Reading(Blocks),
}

/// The newest block.
#[derive(Debug)]
pub(super) struct Newest {
    head: Head,
    block: Box<RawValue>,
}

/// The blocks of the gap.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// Where they begin, for who must be told that they could not be read.
    from: u64,
    to: u64,
    missing: usize,
    read: BTreeMap<u64, Box<RawValue>>,
}

impl Keeper {
    /// Goes on once all that was there before is placed again.
    pub(super) fn go_on(&mut self, now: Instant) {
        let is_asked = |feed: &Feed| feed.was_placed && matches!(feed.state, State::Asked);
        match self.catch_up {
            Some(CatchUp::Placing) if !self.feeds.values().any(is_asked) => {}
            Some(CatchUp::Reading(_)) => return self.finish(),
            _ => return,
        }
        let gap = Gap { from: self.after_latest(), to: None, why: Why::Lost };
        self.end(|feed| feed.kind == Kind::Other, gap);
        if !self.feeds.values().any(is_catching) {
            self.catch_up = None;
        } else if !self.is_following() || self.chain.latest().is_none() || self.is_too_much {
            self.is_too_much = false;
            self.give_up(Why::Lost, now);
        } else {
            self.catch_up = Some(CatchUp::Latest);
            self.asked.ask_block(Ask::Latest, None, now);
        }
    }

    /// The node answered what was asked to catch up; `None` where it could not.
    pub(super) fn caught(&mut self, ask: Ask, answer: Option<Box<RawValue>>, now: Instant) {
        let head = answer.as_ref().and_then(|block| Head::read(block));
        match (ask, answer, head) {
            (Ask::Latest, Some(block), Some(head)) => {
                let known = self.chain.latest().map_or(0, |latest| latest.number);
                let (at, hash) = (known.min(head.number), head.hash.clone());
                let is_newest = at == head.number;
                self.catch_up = Some(CatchUp::Walking(Newest { head, block }));
                if is_newest {
                    self.compare(&Head { number: at, hash }, now);
                } else {
                    self.asked.ask_block(Ask::Walk(at), Some(at), now);
                }
            }
            (Ask::Walk(at), _, Some(head)) if head.number == at => self.compare(&head, now),
            (Ask::Block(at), Some(block), Some(head))
                if head.number == at && self.has_room(&block) =>
            {
                if let Some(CatchUp::Reading(blocks)) = &mut self.catch_up {
                    blocks.read.insert(at, block);
                    blocks.missing -= 1;
                    if blocks.missing == 0 {
                        self.tell_blocks();
                    }
                }
            }
            (Ask::Logs(name), answer, _) => self.tell_logs(&name, answer),
            (Ask::Block(_), ..) => {
                if let Some(CatchUp::Reading(blocks)) = &self.catch_up {
                    let (from, to) = (Some(blocks.from), Some(blocks.to));
                    self.asked.forget(|ask| matches!(ask, Ask::Block(_)));
                    self.end(|feed| feed.kind == Kind::Heads, Gap { from, to, why: Why::Lost });
                }
            }
            _ => self.give_up(Why::Lost, now),
        }
        self.finish();
    }

    /// Ends it for all who still wait: they hear of the gap, and of what came since.
    pub(super) fn give_up(&mut self, why: Why, now: Instant) {
        let gap = Gap { from: self.after_latest(), to: None, why };
        self.asked.forget(Ask::is_of_gap);
        let newest = match self.catch_up.take() {
            Some(CatchUp::Walking(newest)) => Some(newest.head),
            _ => None,
        };
        self.chain.clear();
        match newest {
            Some(head) => self.begin_chain(head),
            None if self.is_following() && self.feeds.contains_key(&*heads_name()) => {
                self.asked.ask_block(Ask::Base, None, now);
            }
            None => {}
        }
        self.end(|_| true, gap);
    }

    /// A block of the node, at a number that may be known: is it the same?
    fn compare(&mut self, theirs: &Head, now: Instant) {
        let below = theirs.number.checked_sub(1);
        match self.chain.hash_at(theirs.number) {
            Some(hash) if *hash == *theirs.hash => self.read_since(theirs.number, now),
            Some(_) if below.is_some_and(|below| self.chain.hash_at(below).is_some()) => {
                self.asked.ask_block(Ask::Walk(theirs.number - 1), below, now);
            }
            _ => self.give_up(Why::Chain, now),
        }
    }

    /// The chains agree up to a block: what came since is asked for.
    fn read_since(&mut self, common: u64, now: Instant) {
        let Some(CatchUp::Walking(Newest { head, block })) = self.catch_up.take() else { return };
        let lost = self.chain.latest().map_or(common, |latest| latest.number);
        let lowest = head.number.saturating_add(1).saturating_sub(self.bounds.fill_blocks);
        self.ask_logs(common, lost, head.number, lowest, now);

        let after = common.saturating_add(1);
        let mut blocks = Blocks { from: after, to: head.number, ..Blocks::default() };
        let Some(feed) = self.feeds.get_mut(&*heads_name()) else {
            self.catch_up = Some(CatchUp::Reading(blocks));
            return;
        };
        if !feed.has_members() {
            // Only the chain itself is followed: it may have a hole.
            blocks.from = head.number;
        } else if lowest > blocks.from {
            let (from, to) = (Some(blocks.from), Some(lowest - 1));
            feed.tell_gap(Gap { from, to, why: Why::TooMany });
            blocks.from = lowest;
        }
        self.chain.cut_to(common);
        for number in (blocks.from..head.number).filter(|number| *number > common) {
            blocks.missing += 1;
            self.asked.ask_block(Ask::Block(number), Some(number), now);
        }
        if head.number > common {
            blocks.read.insert(head.number, block);
        }
        let is_whole = blocks.missing == 0;
        self.catch_up = Some(CatchUp::Reading(blocks));
        if is_whole {
            self.tell_blocks();
        }
    }

    fn tell_blocks(&mut self) {
        let Some(CatchUp::Reading(blocks)) = &mut self.catch_up else { return };
        let read = std::mem::take(&mut blocks.read);
        let Some(feed) = self.feeds.get_mut(&*heads_name()) else { return };
        if !is_catching(feed) {
            return;
        }
        for block in read.into_values() {
            if let Some(head) = Head::read(&block) {
                self.chain.saw(head);
            }
            if let Some(header) = header_of(&block) {
                feed.fill(header);
            }
        }
        for head in feed.go_live() {
            self.chain.saw(head);
        }
    }

    /// Asks for the logs since the last block that was known, `lost`; the chains agree up to
    /// `common`.
    fn ask_logs(&mut self, common: u64, lost: u64, newest: u64, lowest: u64, now: Instant) {
        let after = common.saturating_add(1);
        let is_open = |feed: &Feed| feed.kind == Kind::Logs && is_catching(feed);
        let names: Vec<_> = self
            .feeds
            .iter()
            .filter(|(_, feed)| is_open(feed))
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            let Some(feed) = self.feeds.get_mut(&name) else { continue };
            // Of the last block that was known, some logs may not have come.
            let mut from = if common == lost { common } else { after };
            if common != lost {
                let (from, to) = (Some(after), Some(lost));
                feed.tell_gap(Gap { from, to, why: Why::Chain });
            }
            from = from.min(feed.due.unwrap_or(from));
            from = from.max(feed.base.map_or(0, |base| base.saturating_add(1)));
            if from < lowest {
                let (from, to) = (Some(from), Some(lowest - 1));
                feed.tell_gap(Gap { from, to, why: Why::TooMany });
            }
            from = from.max(lowest);
            feed.due = Some(from);
            match logs_query(&feed.params, from, newest).filter(|_| from <= newest) {
                Some(query) => self.asked.ask(Ask::Logs(name), "eth_getLogs", &query, now),
                None => {
                    feed.go_live();
                }
            }
        }
    }

    fn tell_logs(&mut self, name: &str, answer: Option<Box<RawValue>>) {
        let Some(feed) = self.feeds.get_mut(name).filter(|feed| is_catching(feed)) else { return };
        let read = answer
            .as_ref()
            .and_then(|logs| serde_json::from_str::<Vec<&RawValue>>(logs.get()).ok());
        match read {
            Some(logs) if logs.len() <= MAX_LOGS => {
                for log in logs {
                    feed.fill(Arc::from(log.to_owned()));
                }
            }
            Some(_) => feed.tell_gap(Gap { from: feed.due, to: None, why: Why::TooMany }),
            None => feed.tell_gap(Gap { from: feed.due, to: None, why: Why::Lost }),
        }
        feed.go_live();
    }

    /// Tells a gap to those who still wait and are meant, and what came since.
    pub(super) fn end(&mut self, is_meant: impl Fn(&Feed) -> bool, gap: Gap) {
        for feed in self.feeds.values_mut().filter(|feed| is_catching(feed) && is_meant(feed)) {
            feed.tell_gap(Gap { from: feed.due.or(gap.from), ..gap });
            for head in feed.go_live() {
                self.chain.saw(head);
            }
        }
    }

    /// Forgets it once nobody waits any more.
    fn finish(&mut self) {
        let is_reading = matches!(self.catch_up, Some(CatchUp::Reading(_)));
        if is_reading && !self.feeds.values().any(is_catching) {
            self.catch_up = None;
        }
    }

    /// Takes room for what was read, if there is any left.
    fn has_room(&mut self, block: &RawValue) -> bool {
        let left = self.room.checked_sub(block.get().len());
        self.room = left.unwrap_or(self.room);
        left.is_some()
    }

    fn after_latest(&self) -> Option<u64> {
        self.chain.latest().map(|head| head.number.saturating_add(1))
    }
}

const fn is_catching(feed: &Feed) -> bool {
    matches!(feed.state, State::Catching { .. })
}
