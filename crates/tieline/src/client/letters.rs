//! What was said to the client alone, until somebody reads it: bounded, and what was dropped is told.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::sync::Notify;

/// What was said to this client alone.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DirectMessage {
    /// What tells it from every other of the session.
    pub id: u64,
    /// What it is about, as JSON.
    pub data: Box<RawValue>,
    /// How many before it were dropped, because nobody read them.
    pub missed: u64,
}

/// Between the task of the client, which fills it and never waits, and whoever reads.
#[derive(Debug)]
pub(super) struct Letters {
    max_messages: usize,
    max_bytes: usize,
    state: Mutex<State>,
    has_changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(u64, Box<RawValue>)>,
    bytes: usize,
    missed: u64,
    is_over: bool,
}

impl DirectMessage {
    /// What it is about, as a value.
    ///
    /// # Errors
    ///
    /// Where it is no such value.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.data.get())
    }
}

impl Letters {
    /// None yet; the newest fits always.
    pub(super) fn new(max_messages: usize, max_bytes: usize) -> Arc<Self> {
        let max_messages = max_messages.max(1);
        let (state, has_changed) = (Mutex::default(), Notify::new());
        Arc::new(Self { max_messages, max_bytes, state, has_changed })
    }

    /// Puts one behind the others. Where there is no room the oldest go.
    pub(super) fn push(&self, id: u64, data: Box<RawValue>) {
        let mut state = self.lock();
        state.bytes += data.get().len();
        state.waiting.push_back((id, data));
        while state.waiting.len() > self.max_messages
            || (state.bytes > self.max_bytes && state.waiting.len() > 1)
        {
            state.take();
            state.missed += 1;
        }
        drop(state);
        self.has_changed.notify_waiters();
    }

    /// Nothing more comes.
    pub(super) fn end(&self) {
        self.lock().is_over = true;
        self.has_changed.notify_waiters();
    }

    /// The next; `None` once there will be no more.
    pub(super) async fn next(&self) -> Option<DirectMessage> {
        loop {
            let mut changed = pin!(self.has_changed.notified());
            // From here on nothing is overlooked.
            changed.as_mut().enable();
            {
                let mut state = self.lock();
                if let Some((id, data)) = state.take() {
                    return Some(DirectMessage {
                        id,
                        data,
                        missed: std::mem::take(&mut state.missed),
                    });
                }
                if state.is_over {
                    return None;
                }
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self) -> Option<(u64, Box<RawValue>)> {
        let (id, data) = self.waiting.pop_front()?;
        self.bytes -= data.get().len();
        Some((id, data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::to_raw_value;

    fn data(text: &str) -> Box<RawValue> {
        to_raw_value(text).unwrap()
    }

    #[tokio::test]
    async fn what_has_no_room_is_dropped_and_told() {
        let letters = Letters::new(2, 100);
        for id in 1..=4 {
            letters.push(id, data(""));
        }
        let next = letters.next().await.unwrap();
        assert_eq!((next.id, next.missed), (3, 2));
        letters.push(5, data(&"x".repeat(200)));
        let next = letters.next().await.unwrap();
        assert_eq!((next.id, next.missed), (5, 1), "bytes, but for the newest");
        letters.end();
        assert!(letters.next().await.is_none());
    }

    #[tokio::test]
    async fn whoever_waits_is_given_what_comes() {
        let letters = Letters::new(2, 100);
        let (next, ()) = tokio::join!(letters.next(), async { letters.push(1, data("a")) });
        assert_eq!(next.unwrap().parse::<String>().unwrap(), "a");
        let (end, ()) = tokio::join!(letters.next(), async { letters.end() });
        assert!(end.is_none());
    }
}
