//! The messages of one direction that may have to be said again: numbered from 1, kept until they are known
//! to have arrived.

use std::collections::VecDeque;

use bytestring::ByteString;

use crate::outbox::held_bytes;

/// What was sent, or is being sent, and not acknowledged.
#[derive(Debug, Default)]
pub(super) struct Kept {
    messages: VecDeque<ByteString>,
    /// The number of the last that has arrived; the first that is kept has the next.
    arrived: u64,
    bytes: usize,
}

/// A number that cannot be the last that was seen, or behind which something is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unseen {
    /// It was never sent: this is the last that was.
    NotYet(u64),
    /// What is behind it is not kept any more: this is the last that was acknowledged.
    NoMore(u64),
}

impl Kept {
    /// The number of the last message.
    pub(super) fn last(&self) -> u64 {
        self.arrived + self.messages.len() as u64
    }

    /// The number of the last that has arrived.
    pub(super) const fn arrived(&self) -> u64 {
        self.arrived
    }

    /// What it costs to keep them.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives the next number to a message.
    pub(super) fn push(&mut self, text: ByteString) {
        self.bytes += held_bytes(text.len());
        self.messages.push_back(text);
    }

    /// A message that is kept.
    pub(super) fn get(&self, number: u64) -> Option<&ByteString> {
        let index = number.checked_sub(self.arrived + 1)?;
        self.messages.get(usize::try_from(index).ok()?)
    }

    /// All up to this number have arrived; what was known already is known still.
    pub(super) fn acknowledge(&mut self, seen: u64) -> Result<(), Unseen> {
        if seen > self.last() {
            return Err(Unseen::NotYet(self.last()));
        }
        while self.arrived < seen {
            let Some(text) = self.messages.pop_front() else { break };
            self.bytes -= held_bytes(text.len());
            self.arrived += 1;
        }
        if self.messages.is_empty() {
            // A line that is silent owns no buffer.
            self.messages = VecDeque::new();
        }
        Ok(())
    }

    /// The same of who wants all that is behind it.
    pub(super) fn resume(&mut self, seen: u64) -> Result<(), Unseen> {
        match seen < self.arrived {
            true => Err(Unseen::NoMore(self.arrived)),
            false => self.acknowledge(seen),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(texts: &[&'static str]) -> Kept {
        let mut kept = Kept::default();
        texts.iter().for_each(|text| kept.push(ByteString::from_static(text)));
        kept
    }

    #[test]
    fn what_has_not_arrived_is_kept_and_what_has_is_not() {
        let mut kept = kept(&["a", "b", "c"]);
        assert_eq!(
            (kept.get(1).unwrap(), kept.get(3).unwrap(), kept.last()),
            (&"a".into(), &"c".into(), 3)
        );
        kept.acknowledge(2).unwrap();
        assert_eq!(
            (kept.get(2), kept.get(3).map(|text| &**text), kept.get(4)),
            (None, Some("c"), None)
        );
        kept.acknowledge(1).unwrap();
        assert_eq!(kept.arrived(), 2, "a late word changes nothing");
        kept.acknowledge(3).unwrap();
        assert_eq!((kept.bytes(), kept.last()), (0, 3));
        kept.push("d".into());
        assert_eq!(kept.get(4).map(|text| &**text), Some("d"));
    }

    #[test]
    fn nobody_goes_on_where_there_is_a_gap() {
        let mut kept = kept(&["a", "b", "c"]);
        assert_eq!(kept.resume(4), Err(Unseen::NotYet(3)));
        assert_eq!(kept.resume(2), Ok(()));
        assert_eq!(kept.resume(2), Ok(()), "as often as one wants");
        assert_eq!(kept.resume(1), Err(Unseen::NoMore(2)));
        assert_eq!(kept.resume(0), Err(Unseen::NoMore(2)));
    }
}
