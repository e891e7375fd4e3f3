//! What waits for the reader of one subscription: bounded, and what is too much makes a gap.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::error::Error;
use super::event::{Event, Gap, Reason};
use super::position::Position;

/// Between the task of the client, which fills it and never waits, and one reader.
#[derive(Debug)]
pub(super) struct Queue {
    max_events: usize,
    max_bytes: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Event>,
    bytes: usize,
    /// The oldest were dropped since the reader came last.
    is_torn: bool,
    /// Where the reader stands: behind what was taken or dropped last.
    position: Option<Position>,
    end: Option<End>,
    reader: Option<Waker>,
}

/// Nothing follows what waits.
#[derive(Clone, Debug)]
enum End {
    /// Because of this.
    Error(Error),
    /// The reader wanted it so.
    Left,
}

impl Queue {
    /// An empty one; the newest event fits always.
    pub(super) fn new(max_events: usize, max_bytes: usize) -> Arc<Self> {
        Arc::new(Self { max_events: max_events.max(1), max_bytes, state: Mutex::default() })
    }

    /// The reader stands here before anything has come.
    pub(super) fn begin(&self, position: Option<Position>) {
        self.lock().position = position;
    }

    /// Puts an event behind the others. Where there is no room the oldest go.
    pub(super) fn push(&self, event: Event) {
        let mut state = self.lock();
        state.bytes += event.cost();
        state.events.push_back(event);
        while state.events.len() > self.max_events
            || (state.bytes > self.max_bytes && state.events.len() > 1)
        {
            state.take();
            state.is_torn = true;
        }
        state.wake();
    }

    /// Nothing more comes. The first to say so says why.
    pub(super) fn end(&self, error: Error) {
        let mut state = self.lock();
        state.end.get_or_insert(End::Error(error));
        state.wake();
    }

    /// The reader wants no more.
    pub(super) fn leave(&self) {
        let mut state = self.lock();
        state.end = Some(End::Left);
        state.events = VecDeque::new();
        state.bytes = 0;
    }

    /// The next event; `None` once there will be no more.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut state = self.lock();
        if std::mem::take(&mut state.is_torn) {
            let position = state.position.clone();
            return Poll::Ready(Some(Event::Gap(Gap {
                position,
                oldest: None,
                reason: Reason::Slow,
            })));
        }
        if let Some(event) = state.take() {
            return Poll::Ready(Some(event));
        }
        if state.end.is_some() {
            return Poll::Ready(None);
        }
        state.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Where the reader stands.
    pub(super) fn position(&self) -> Option<Position> {
        self.lock().position.clone()
    }

    /// Why nothing more comes, where that is not the reader's own wish.
    pub(super) fn error(&self) -> Option<Error> {
        match &self.lock().end {
            Some(End::Error(error)) => Some(error.clone()),
            Some(End::Left) | None => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        self.bytes -= event.cost();
        if let Some(position) = event.position() {
            self.position = Some(position);
        }
        Some(event)
    }

    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::event::Publication;
    use serde_json::value::to_raw_value;

    fn publication(offset: u64, text: &str) -> Event {
        Event::Publication(Publication {
            channel: "a".into(),
            epoch: Some("e".into()),
            offset,
            data: to_raw_value(text).unwrap(),
            from: None,
        })
    }

    fn all(queue: &Queue) -> Vec<String> {
        let mut cx = Context::from_waker(Waker::noop());
        let next = || match queue.poll_next(&mut cx) {
            Poll::Ready(Some(Event::Publication(it))) => Some(it.offset.to_string()),
            Poll::Ready(Some(Event::Gap(gap))) => {
                Some(format!("gap to {} ({})", gap.position.unwrap(), gap.reason.as_str()))
            }
            _ => None,
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn what_does_not_fit_is_a_gap_in_its_place() {
        let queue = Queue::new(2, usize::MAX);
        for offset in 1..=5 {
            queue.push(publication(offset, ""));
        }
        assert_eq!(all(&queue), ["gap to 3@e (slow)", "4", "5"]);
        queue.push(publication(6, ""));
        assert_eq!(all(&queue), ["6"]);
        assert_eq!(queue.position().unwrap().to_string(), "6@e");
    }

    #[test]
    fn bytes_are_bounded_too_and_the_newest_is_always_kept() {
        let queue = Queue::new(100, 1_000);
        queue.push(publication(1, &"x".repeat(600)));
        queue.push(publication(2, &"x".repeat(600)));
        assert_eq!(all(&queue), ["gap to 1@e (slow)", "2"]);
        queue.push(publication(3, &"x".repeat(6_000)));
        assert_eq!(all(&queue), ["3"]);
    }

    #[test]
    fn what_waits_is_given_before_the_end() {
        let queue = Queue::new(8, 1_000);
        queue.push(publication(1, ""));
        queue.end(Error::Closed);
        queue.end(Error::Lost);
        assert_eq!(all(&queue), ["1"]);
        assert!(matches!(queue.error(), Some(Error::Closed)));
    }
}
