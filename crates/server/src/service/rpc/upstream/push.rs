//! What a subscription brings.

use std::fmt;
use std::sync::Arc;

use serde_json::value::RawValue;

/// One thing that a subscriber hears. Clones share what they hold.
#[derive(Clone, Debug)]
pub(crate) enum Push {
    /// Something was missed, or may have been; what follows is complete again.
    Gap(Gap),
    /// What the node pushed, or what was read from it afterwards, as the node wrote it.
    Result(Arc<RawValue>),
}

/// What was missed while there was no line to the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    /// The first block of which something may be missing, where it is known.
    pub(crate) from: Option<u64>,
    /// The last such block, where it is known.
    pub(crate) to: Option<u64>,
    pub(crate) why: Why,
}

/// Why it was missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The node is on another chain than before, or has taken blocks back.
    Chain,
    /// The line was away, and what came meanwhile cannot be read from the node.
    Lost,
    /// More blocks came meanwhile than are read from the node.
    TooMany,
}

impl Gap {
    /// The notification by which a client hears of it:
    ///
    /// ```text
    /// {"jsonrpc":"2.0","method":"tieline_gap","params":{"subscription":"0x9c…","reason":"lost",
    ///                                                    "fromBlock":"0x65","toBlock":"0x70"}}
    /// ```
    ///
    /// It is no `eth_subscription`, whose `result` clients would take for a block; and as some
    /// clients end at a notification that they do not know, it is for those that asked for it with
    /// `tieline_gaps`. `fromBlock` and `toBlock` are left out where they are not known.
    ///
    /// `subscription` is the client's own id, which needs no escapes.
    pub(crate) fn notification(&self, subscription: &str) -> String {
        let block = |name: &str, number: Option<u64>| {
            number.map(|number| format!(r#","{name}":"{number:#x}""#)).unwrap_or_default()
        };
        format!(
            r#"{{"jsonrpc":"2.0","method":"tieline_gap","params":{{"subscription":"{subscription}","reason":"{}"{}{}}}}}"#,
            self.why,
            block("fromBlock", self.from),
            block("toBlock", self.to),
        )
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chain => "chain",
            Self::Lost => "lost",
            Self::TooMany => "too many",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_told_with_the_blocks_that_are_known() {
        let gap = Gap { from: Some(0x65), to: Some(0x70), why: Why::TooMany };
        assert_eq!(
            gap.notification("0x9c"),
            r#"{"jsonrpc":"2.0","method":"tieline_gap","params":{"subscription":"0x9c","reason":"too many","fromBlock":"0x65","toBlock":"0x70"}}"#
        );
        let gap = Gap { from: None, to: None, why: Why::Lost };
        assert!(gap.notification("0x9c").ends_with(r#""subscription":"0x9c","reason":"lost"}}"#));
    }
}
