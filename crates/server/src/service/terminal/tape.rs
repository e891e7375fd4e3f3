//! What was said lately to all who watch a session, for those who are a little behind.

use std::collections::VecDeque;

use tieline::Message;

/// Most that is kept for those who are behind, in bytes; who is farther behind than that is shown
/// the screen anew.
const MAX_BYTES: usize = 256 << 10;

/// What holding a message costs beyond its bytes.
const HOLDING_BYTES: usize = 64;

/// The last messages, each with its number.
#[derive(Debug, Default)]
pub(super) struct Tape {
    /// Oldest first.
    messages: VecDeque<Message>,
    bytes: usize,
    /// The number of the next.
    end: u64,
}

impl Tape {
    /// Adds a message; the oldest go where there is no room for it.
    pub(super) fn push(&mut self, message: Message) {
        self.bytes += cost(&message);
        self.messages.push_back(message);
        self.end += 1;
        while self.bytes > MAX_BYTES
            && let Some(oldest) = self.messages.pop_front()
        {
            self.bytes -= cost(&oldest);
        }
    }

    /// The number of the message that comes next.
    pub(super) const fn end(&self) -> u64 {
        self.end
    }

    /// The messages from this number on, `max_bytes` of them and at least one where there is any;
    /// `None` where it is not kept any more.
    pub(super) fn from(&self, number: u64, max_bytes: usize) -> Option<Vec<Message>> {
        let behind = usize::try_from(self.end - number).ok()?;
        let first = self.messages.len().checked_sub(behind)?;
        let mut left = max_bytes;
        let mut messages = Vec::new();
        for message in self.messages.iter().skip(first) {
            if !messages.is_empty() && message.len() > left {
                break;
            }
            left = left.saturating_sub(message.len());
            messages.push(message.clone());
        }
        Some(messages)
    }
}

fn cost(message: &Message) -> usize {
    HOLDING_BYTES + message.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_a_little_behind_gets_what_was_missed() {
        let mut tape = Tape::default();
        for number in 0..5 {
            tape.push(number.to_string().into());
        }
        assert_eq!(tape.from(3, 100), Some(vec!["3".into(), "4".into()]));
        assert_eq!(tape.from(5, 100), Some(Vec::new()));
        assert_eq!(tape.from(0, 2), Some(vec!["0".into(), "1".into()]));
        assert_eq!(tape.from(0, 0), Some(vec!["0".into()]), "one, whatever its size");
    }

    #[test]
    fn who_is_far_behind_is_told_so_and_no_more_is_kept_than_may_be() {
        let mut tape = Tape::default();
        for _ in 0..1_000 {
            tape.push(vec![0; 1 << 10].into());
            assert!(tape.bytes <= MAX_BYTES);
        }
        assert_eq!(tape.from(0, 100), None);
        assert_eq!(tape.end(), 1_000);
        tape.push(vec![0; MAX_BYTES].into());
        assert_eq!(tape.from(1_000, 100), None, "too large to be kept");
        assert_eq!(tape.from(1_001, 100), Some(Vec::new()));
    }

    #[test]
    fn empty_messages_are_not_without_bound() {
        let mut tape = Tape::default();
        for _ in 0..1 << 16 {
            tape.push("".into());
        }
        assert!(tape.messages.len() <= MAX_BYTES / HOLDING_BYTES);
    }
}
