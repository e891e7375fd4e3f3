//! The blocks that were seen last, by which a node that comes back is known again.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

/// What a block has beyond its header, which is what `newHeads` pushes.
const BODY: &[&str] = &["size", "totalDifficulty", "transactions", "uncles", "withdrawals"];

/// The longest hash of a block that is remembered, in bytes; those of Ethereum have 66.
const MAX_HASH_BYTES: usize = 256;

/// A block, as far as its place in the chain goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) number: u64,
    pub(super) hash: Box<str>,
}

/// The last blocks, one for each number, the newest at the end; there may be holes.
#[derive(Debug)]
pub(super) struct Chain {
    heads: VecDeque<Head>,
    max: usize,
}

impl Chain {
    /// No block yet; at most so many are kept.
    pub(super) const fn new(max: usize) -> Self {
        Self { heads: VecDeque::new(), max }
    }

    /// A block is the newest: those of the same number and above it are of the chain no more.
    pub(super) fn saw(&mut self, head: Head) {
        if let Some(below) = head.number.checked_sub(1) {
            self.cut_to(below);
        } else {
            self.clear();
        }
        if self.heads.len() == self.max {
            self.heads.pop_front();
        }
        self.heads.push_back(head);
    }

    /// The newest block.
    pub(super) fn latest(&self) -> Option<&Head> {
        self.heads.back()
    }

    /// The hash of the block with this number, where it is known.
    pub(super) fn hash_at(&self, number: u64) -> Option<&str> {
        let at = self.heads.binary_search_by_key(&number, |head| head.number).ok()?;
        Some(&self.heads[at].hash)
    }

    /// Forgets the blocks above a number.
    pub(super) fn cut_to(&mut self, number: u64) {
        while self.heads.back().is_some_and(|head| head.number > number) {
            self.heads.pop_back();
        }
    }

    /// Forgets all of it.
    pub(super) fn clear(&mut self) {
        self.heads.clear();
    }
}

#[derive(Deserialize)]
struct Block<'a> {
    number: &'a str,
    hash: &'a str,
}

impl Head {
    /// Reads a block or a header; `None` for what is neither, and for a block that is not mined.
    pub(super) fn read(block: &RawValue) -> Option<Self> {
        let Block { number, hash } = serde_json::from_str(block.get()).ok()?;
        if hash.len() > MAX_HASH_BYTES {
            return None;
        }
        Some(Self { number: quantity(number)?, hash: hash.into() })
    }

    /// What tells it from other blocks.
    pub(super) fn key(&self) -> u64 {
        key_of(&self.hash)
    }
}

/// A block as `newHeads` has it: without its body, every member as it was written.
pub(super) fn header_of(block: &RawValue) -> Option<Arc<RawValue>> {
    let mut members: BTreeMap<String, &RawValue> = serde_json::from_str(block.get()).ok()?;
    for name in BODY {
        members.remove(*name);
    }
    Some(Arc::from(serde_json::value::to_raw_value(&members).ok()?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Log<'a> {
    block_hash: &'a str,
    log_index: &'a str,
    #[serde(default)]
    removed: bool,
}

/// What tells a log from others: its block, its place there, and whether it is taken back.
pub(super) fn key_of_log(log: &RawValue) -> Option<u64> {
    let log: Log<'_> = serde_json::from_str(log.get()).ok()?;
    Some(key_of(&(log.block_hash, log.log_index, log.removed)))
}

/// The parameters of an `eth_getLogs` for the filter of a subscription.
pub(super) fn logs_query(params: &RawValue, from: u64, to: u64) -> Option<Box<RawValue>> {
    let params: Vec<&RawValue> = serde_json::from_str(params.get()).ok()?;
    let filter = params.get(1).filter(|filter| filter.get() != "null");
    let mut members: BTreeMap<String, &RawValue> = match filter {
        Some(filter) => serde_json::from_str(filter.get()).ok()?,
        None => BTreeMap::new(),
    };
    members.retain(|name, _| name == "address" || name == "topics");
    let blocks = [from, to].map(|number| format!("\"{number:#x}\""));
    let [from, to] = blocks.map(|text| RawValue::from_string(text).expect("a string in quotes"));
    members.insert("fromBlock".to_owned(), &from);
    members.insert("toBlock".to_owned(), &to);
    serde_json::value::to_raw_value(&[members]).ok()
}

fn quantity(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

fn key_of(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    fn head(number: u64, hash: &str) -> Head {
        Head { number, hash: hash.into() }
    }

    #[test]
    fn a_block_replaces_those_above_it() {
        let mut chain = Chain::new(3);
        for (number, hash) in [(1, "a"), (2, "b"), (3, "c"), (2, "d"), (3, "e"), (4, "f")] {
            chain.saw(head(number, hash));
        }
        assert_eq!(chain.latest(), Some(&head(4, "f")));
        assert_eq!((chain.hash_at(2), chain.hash_at(3)), (Some("d"), Some("e")));
        assert_eq!((chain.hash_at(1), chain.hash_at(5)), (None, None), "at most three are kept");
        chain.saw(head(0, "g"));
        assert_eq!((chain.latest(), chain.hash_at(2)), (Some(&head(0, "g")), None));
    }

    #[test]
    fn a_header_is_the_block_without_its_body_to_the_letter() {
        let block = raw(
            r#"{"number":"0x10","transactions":["0x1"],"hash":"0xab","difficulty":1e400,"uncles":[]}"#,
        );
        assert_eq!(Head::read(&block), Some(head(16, "0xab")));
        let header = header_of(&block).unwrap();
        assert_eq!(header.get(), r#"{"difficulty":1e400,"hash":"0xab","number":"0x10"}"#);
        assert_eq!(Head::read(&raw(r#"{"number":null,"hash":null}"#)), None);
        assert_eq!(Head::read(&raw("null")), None);
        let long = format!(r#"{{"number":"0x1","hash":"{}"}}"#, "0".repeat(257));
        assert_eq!(Head::read(&raw(&long)), None);
    }

    #[test]
    fn a_log_is_told_by_its_block_its_place_and_whether_it_is_taken_back() {
        let key = |rest: &str| key_of_log(&raw(&format!(r#"{{"blockHash":"0xa",{rest}}}"#)));
        let first = key(r#""logIndex":"0x0","removed":false"#);
        assert!(first.is_some());
        assert_eq!(key(r#""data":"0x","logIndex":"0x0""#), first);
        assert_ne!(key(r#""logIndex":"0x1""#), first);
        assert_ne!(key(r#""logIndex":"0x0","removed":true"#), first);
        assert_eq!(key(r#""logIndex":null"#), None);
    }

    #[test]
    fn a_filter_is_asked_again_for_its_blocks_alone() {
        let query = |params: &str| logs_query(&raw(params), 16, 255).map(|query| query.to_string());
        let blocks = r#""fromBlock":"0x10","toBlock":"0xff""#;
        assert_eq!(query(r#"["logs"]"#), Some(format!("[{{{blocks}}}]")));
        let filter = r#"["logs",{"topics":[null,"0x1"],"toBlock":"0x1","address":"0xA"}]"#;
        let expected = format!(r#"[{{"address":"0xA",{blocks},"topics":[null,"0x1"]}}]"#);
        assert_eq!(query(filter), Some(expected));
        assert_eq!(query(r#"["logs",3]"#), None);
    }
}
