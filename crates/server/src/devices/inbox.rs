//! What waits for one device: messages in order, bounded in number, bytes and time.

use std::collections::VecDeque;
use std::sync::Arc;

use bytestring::ByteString;

/// A message that waits for its device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    /// Its place in the order of all messages of the server.
    pub(super) number: u64,
    /// The route at which it came, under which it is kept.
    pub(super) route: Arc<str>,
    pub(super) text: ByteString,
    /// When it is of no use any more, in milliseconds since 1970.
    pub(super) expires_ms: u64,
    /// Of the key under which its sender may send it again.
    pub(super) key: Option<u128>,
    pub(super) kept: Kept,
}

/// Where a message is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// In memory alone.
    InMemory,
    /// In the store, too.
    OnDisk,
    /// On its way there: whoever sent it is not answered before.
    Writing,
}

/// The messages of one device, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    queue: VecDeque<Waiting>,
    bytes: usize,
    /// How many of the first were sent on the device's line and are not answered yet.
    sent: usize,
}

impl Inbox {
    /// Adds a message behind all others.
    pub(super) fn push(&mut self, waiting: Waiting) {
        self.bytes += waiting.text.len();
        self.queue.push_back(waiting);
    }

    /// Whether a message of this length fits.
    pub(super) fn has_room(&self, len: usize, max_messages: usize, max_bytes: usize) -> bool {
        self.queue.len() < max_messages && self.bytes + len <= max_bytes
    }

    /// Takes the oldest message.
    pub(super) fn take(&mut self) -> Option<Waiting> {
        let waiting = self.queue.pop_front()?;
        self.bytes -= waiting.text.len();
        self.sent = self.sent.saturating_sub(1);
        Some(waiting)
    }

    /// The next message to send, where fewer than `most` are unanswered; it stays until it is.
    pub(super) fn send_next(&mut self, most: usize) -> Option<&Waiting> {
        if self.sent >= most {
            return None;
        }
        let next = self.queue.get(self.sent)?;
        self.sent += 1;
        Some(next)
    }

    /// Takes the message that an answer is about: the oldest of those that were sent.
    pub(super) fn answered(&mut self) -> Option<Waiting> {
        if self.sent == 0 { None } else { self.take() }
    }

    /// Takes the message of this number, where it was sent.
    pub(super) fn answered_as(&mut self, number: u64) -> Option<Waiting> {
        let at = self.place(number).filter(|at| *at < self.sent)?;
        let waiting = self.queue.remove(at)?;
        self.bytes -= waiting.text.len();
        self.sent -= 1;
        Some(waiting)
    }

    /// The line is another, or none: nothing counts as sent.
    pub(super) const fn rewind(&mut self) {
        self.sent = 0;
    }

    /// Takes what nobody wants any more. What was sent keeps its place, or the answers to come would
    /// be for others.
    pub(super) fn expire(&mut self, now_ms: u64) -> Vec<Waiting> {
        let mut expired = Vec::new();
        let mut at = self.sent;
        while at < self.queue.len() {
            if self.queue[at].expires_ms > now_ms {
                at += 1;
            } else if let Some(waiting) = self.queue.remove(at) {
                self.bytes -= waiting.text.len();
                expired.push(waiting);
            }
        }
        expired
    }

    /// Takes a message out that the store cannot have, wherever it is, unless it was sent.
    pub(super) fn withdraw(&mut self, number: u64) -> Option<Waiting> {
        let at = self.place(number)?;
        if at < self.sent {
            self.queue[at].kept = Kept::InMemory;
            return None;
        }
        let waiting = self.queue.remove(at)?;
        self.bytes -= waiting.text.len();
        Some(waiting)
    }

    /// The message of this number.
    pub(super) fn find(&mut self, number: u64) -> Option<&mut Waiting> {
        let at = self.place(number)?;
        self.queue.get_mut(at)
    }

    /// Whether the message of this number waits.
    pub(super) fn has(&self, number: u64) -> bool {
        self.place(number).is_some()
    }

    /// Whether the message of this number was sent, or does not wait any more.
    pub(super) fn is_sent(&self, number: u64) -> bool {
        self.place(number).is_none_or(|at| at < self.sent)
    }

    fn place(&self, number: u64) -> Option<usize> {
        self.queue.binary_search_by_key(&number, |waiting| waiting.number).ok()
    }

    /// Whether a message was sent under this key and still waits.
    pub(super) fn has_key(&self, key: u128) -> bool {
        self.queue.iter().any(|waiting| waiting.key == Some(key))
    }

    /// Whether the message that was sent under this key is still being written.
    pub(super) fn is_writing(&self, key: u128) -> bool {
        self.queue.iter().any(|waiting| waiting.key == Some(key) && waiting.kept == Kept::Writing)
    }

    /// All of them, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.queue.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(number: u64, text: &'static str, expires_ms: u64) -> Waiting {
        let text = ByteString::from_static(text);
        let route = "/".into();
        Waiting { number, route, text, expires_ms, key: None, kept: Kept::InMemory }
    }

    fn filled() -> Inbox {
        let mut inbox = Inbox::default();
        for (number, text) in [(1, "a"), (2, "bb"), (3, "ccc")] {
            inbox.push(waiting(number, text, 100 * number));
        }
        inbox
    }

    fn send(inbox: &mut Inbox, most: usize) -> Option<u64> {
        inbox.send_next(most).map(|waiting| waiting.number)
    }

    #[test]
    fn it_is_bounded_in_messages_and_bytes() {
        let inbox = filled();
        assert_eq!((inbox.len(), inbox.bytes()), (3, 6));
        assert!(inbox.has_room(4, 4, 10));
        assert!(!inbox.has_room(5, 4, 10));
        assert!(!inbox.has_room(0, 3, 10));
    }

    #[test]
    fn answers_are_for_the_oldest_that_was_sent() {
        let mut inbox = filled();
        assert_eq!(inbox.answered(), None, "nothing was sent");
        assert_eq!(
            (send(&mut inbox, 2), send(&mut inbox, 2), send(&mut inbox, 2)),
            (Some(1), Some(2), None)
        );
        assert_eq!(inbox.answered().unwrap().number, 1);
        assert_eq!(send(&mut inbox, 2), Some(3));
        assert_eq!(inbox.answered().unwrap().number, 2);
        assert_eq!(inbox.answered().unwrap().number, 3);
        assert_eq!((inbox.answered(), inbox.bytes()), (None, 0));
    }

    #[test]
    fn an_answer_by_number_is_for_that_one_if_it_was_sent() {
        let mut inbox = filled();
        assert_eq!((send(&mut inbox, 2), send(&mut inbox, 2)), (Some(1), Some(2)));
        assert_eq!(inbox.answered_as(3), None, "it was not sent");
        assert_eq!(inbox.answered_as(2).unwrap().number, 2);
        assert_eq!(inbox.answered_as(2), None, "it was answered");
        assert_eq!((inbox.len(), inbox.bytes()), (2, 4));
        assert_eq!(send(&mut inbox, 2), Some(3));
        assert_eq!(inbox.answered_as(3).unwrap().number, 3);
        inbox.rewind();
        assert_eq!(send(&mut inbox, 2), Some(1));
    }

    #[test]
    fn a_new_line_is_sent_what_the_last_did_not_answer() {
        let mut inbox = filled();
        assert_eq!((send(&mut inbox, 9), send(&mut inbox, 9)), (Some(1), Some(2)));
        assert_eq!(inbox.answered().unwrap().number, 1);
        inbox.rewind();
        assert_eq!((send(&mut inbox, 9), send(&mut inbox, 9)), (Some(2), Some(3)));
    }

    #[test]
    fn what_expires_is_gone_unless_it_was_sent() {
        let mut inbox = filled();
        assert_eq!(send(&mut inbox, 9), Some(1));
        let expired: Vec<u64> = inbox.expire(200).iter().map(|waiting| waiting.number).collect();
        assert_eq!(expired, [2]);
        assert_eq!((inbox.len(), inbox.bytes()), (2, 4));
        inbox.rewind();
        assert_eq!(inbox.expire(300).len(), 2);
        assert_eq!((inbox.len(), inbox.bytes()), (0, 0));
    }

    #[test]
    fn what_was_sent_cannot_be_withdrawn() {
        let mut inbox = filled();
        assert_eq!(send(&mut inbox, 9), Some(1));
        assert_eq!(inbox.withdraw(1), None);
        assert_eq!(inbox.withdraw(3).unwrap().number, 3);
        assert!(inbox.find(2).is_some() && inbox.find(3).is_none());
    }
}
