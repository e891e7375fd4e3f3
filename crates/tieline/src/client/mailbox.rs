//! What was sent to a device and nobody has dealt with yet: bounded, each message once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::error::Error;

/// Messages that were dealt with and are remembered; the server has fewer than this on their way.
const MAX_DONE: usize = 1_024;

/// What somebody sent to a device.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeviceMessage {
    /// What tells it from every other.
    pub id: u64,
    /// What it is about, as JSON: an object, an array, or a string for any other text.
    pub data: Box<RawValue>,
}

/// Between the task of the client, which fills it and never waits, and one reader.
#[derive(Debug)]
pub(super) struct Mailbox {
    max_messages: usize,
    max_bytes: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<DeviceMessage>,
    bytes: usize,
    /// What the reader has in its hands.
    given: Option<u64>,
    /// What was dealt with, the oldest first.
    done: VecDeque<u64>,
    /// Nothing more comes: because of this, or because the reader wanted it so.
    end: Option<Option<Error>>,
    reader: Option<Waker>,
}

impl DeviceMessage {
    /// What it is about, as a value.
    ///
    /// # Errors
    ///
    /// Where it is no such value.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.data.get())
    }
}

impl Mailbox {
    pub(super) fn new(max_messages: usize, max_bytes: usize) -> Arc<Self> {
        let max_messages = max_messages.max(1);
        Arc::new(Self { max_messages, max_bytes, state: Mutex::default() })
    }

    /// Puts a message behind the others, where it is new and there is room: what is left out comes again on the
    /// next line. Whether it was dealt with before, and the server does not know.
    pub(super) fn push(&self, message: DeviceMessage) -> bool {
        let mut state = self.lock();
        let id = message.id;
        if state.done.contains(&id) {
            return true;
        }
        let is_known = state.given == Some(id) || state.waiting.iter().any(|it| it.id == id);
        let bytes = state.bytes + message.data.get().len();
        let is_full = state.waiting.len() >= self.max_messages
            || (bytes > self.max_bytes && !state.waiting.is_empty());
        if !is_known && !is_full {
            state.bytes = bytes;
            state.waiting.push_back(message);
            state.wake();
        }
        false
    }

    /// The reader has dealt with what it was given; which message that was.
    pub(super) fn finish(&self) -> Option<u64> {
        let mut state = self.lock();
        let id = state.given.take()?;
        if state.done.len() >= MAX_DONE {
            state.done.pop_front();
        }
        state.done.push_back(id);
        Some(id)
    }

    /// The next message; `None` once there will be no more.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<DeviceMessage>> {
        let mut state = self.lock();
        if let Some(message) = state.waiting.pop_front() {
            state.bytes -= message.data.get().len();
            state.given = Some(message.id);
            return Poll::Ready(Some(message));
        }
        if state.end.is_some() {
            return Poll::Ready(None);
        }
        state.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Nothing more comes. The first to say so says why.
    pub(super) fn end(&self, error: Option<Error>) {
        let mut state = self.lock();
        state.end.get_or_insert(error);
        state.wake();
    }

    /// Why nothing more comes, where that is not the reader's own wish.
    pub(super) fn error(&self) -> Option<Error> {
        self.lock().end.clone().flatten()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::to_raw_value;

    fn message(id: u64, text: &str) -> DeviceMessage {
        DeviceMessage { id, data: to_raw_value(text).unwrap() }
    }

    fn next(mailbox: &Mailbox) -> Option<u64> {
        match mailbox.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(message) => message.map(|message| message.id),
            Poll::Pending => None,
        }
    }

    #[test]
    fn a_message_is_given_once_however_often_it_comes() {
        let mailbox = Mailbox::new(10, 1_000);
        for id in [1, 2, 1] {
            assert!(!mailbox.push(message(id, "")));
        }
        assert_eq!(next(&mailbox), Some(1));
        assert!(!mailbox.push(message(1, "")), "it is being dealt with");
        assert_eq!(mailbox.finish(), Some(1));
        assert!(mailbox.push(message(1, "")), "it was, and is to be acknowledged once more");
        assert_eq!((mailbox.finish(), next(&mailbox), next(&mailbox)), (None, Some(2), None));
    }

    #[test]
    fn what_has_no_room_is_left_to_come_again() {
        let mailbox = Mailbox::new(2, 100);
        mailbox.push(message(1, &"x".repeat(200)));
        mailbox.push(message(2, ""));
        assert_eq!((next(&mailbox), next(&mailbox)), (Some(1), None), "bytes, but for the first");
        for id in 2..5 {
            mailbox.push(message(id, ""));
        }
        assert_eq!((next(&mailbox), next(&mailbox), next(&mailbox)), (Some(2), Some(3), None));
        mailbox.push(message(4, ""));
        assert_eq!(next(&mailbox), Some(4));
    }
}
