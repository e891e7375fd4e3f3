//! Events that wait to be taken: one task puts them in, any thread takes them.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::event::Event;

/// A bounded queue of events.
///
/// The bounds are looked at [before](Self::has_room) something is read from the server: what was
/// read is always taken in, so that the queue holds at most one message more than its bounds say.
#[derive(Debug)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
    max_bytes: usize,
    max_events: usize,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Event>,
    /// Length of all their data.
    bytes: usize,
    /// Whether the last event was taken.
    over: bool,
    /// Whether the client is gone.
    freed: bool,
}

/// What [`Inbox::take`] found.
#[derive(Debug)]
pub(crate) enum Taken {
    Event(Event),
    /// Nothing in the time that was given.
    Nothing,
    /// The last event was taken before.
    Over,
    /// The client was freed, perhaps while it was waited for.
    Freed,
}

impl Inbox {
    pub(crate) fn new(max_bytes: usize, max_events: usize) -> Self {
        let (state, changed) = (Mutex::default(), Condvar::new());
        Self { state, changed, max_bytes, max_events }
    }

    /// Whether something more should be read from the server.
    pub(crate) fn has_room(&self) -> bool {
        let state = self.lock();
        state.bytes < self.max_bytes && state.events.len() < self.max_events
    }

    pub(crate) fn push(&self, event: Event) {
        let mut state = self.lock();
        if state.freed {
            return;
        }
        state.bytes += event.data().len();
        state.events.push_back(event);
        drop(state);
        self.changed.notify_one();
    }

    /// The oldest event; waits for one, without `within` for ever.
    pub(crate) fn take(&self, within: Option<Duration>) -> Taken {
        let deadline = within.and_then(|within| Instant::now().checked_add(within));
        let mut state = self.lock();
        loop {
            if state.freed {
                return Taken::Freed;
            }
            if let Some(event) = state.events.pop_front() {
                state.bytes -= event.data().len();
                state.over = event.is_last();
                if state.over {
                    // Others that wait would wait for ever.
                    self.changed.notify_all();
                }
                return Taken::Event(event);
            }
            if state.over {
                return Taken::Over;
            }
            state = match deadline {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Taken::Nothing;
                    }
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Throws everything away and sends those who wait home.
    pub(crate) fn free(&self) {
        let mut state = self.lock();
        state.freed = true;
        let events = std::mem::take(&mut state.events);
        drop(state);
        drop(events);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use tieline::CloseCode;

    use super::*;
    use crate::event::Kind;

    const AT_ONCE: Option<Duration> = Some(Duration::ZERO);

    fn last() -> Event {
        Event::close(CloseCode::NORMAL, String::new(), None)
    }

    #[test]
    fn it_is_full_in_bytes_and_in_events_until_they_are_taken() {
        let inbox = Inbox::new(10, 3);
        inbox.push(Event::message("123456789".into()));
        assert!(inbox.has_room());
        inbox.push(Event::message("0".into()));
        assert!(!inbox.has_room());
        assert!(matches!(inbox.take(AT_ONCE), Taken::Event(event) if event.data() == b"123456789"));
        assert!(inbox.has_room());
        inbox.push(Event::message("".into()));
        inbox.push(Event::message("".into()));
        assert!(!inbox.has_room());
    }

    #[test]
    fn after_the_last_event_it_says_so_and_waits_no_more() {
        let inbox = Inbox::new(10, 3);
        assert!(matches!(inbox.take(AT_ONCE), Taken::Nothing));
        inbox.push(last());
        assert!(matches!(inbox.take(None), Taken::Event(event) if event.kind == Kind::Close));
        assert!(matches!(inbox.take(None), Taken::Over));
    }

    #[test]
    fn nothing_is_heard_after_it_was_freed() {
        let inbox = Inbox::new(10, 3);
        inbox.push(last());
        inbox.free();
        inbox.push(last());
        assert!(matches!(inbox.take(None), Taken::Freed));
        assert!(matches!(inbox.take(None), Taken::Freed));
    }

    #[test]
    fn everybody_who_waits_learns_of_the_end() {
        for end in [|inbox: &Inbox| inbox.push(last()), Inbox::free] {
            let inbox = Inbox::new(10, 3);
            thread::scope(|scope| {
                let waiting: Vec<_> = (0..3).map(|_| scope.spawn(|| inbox.take(None))).collect();
                end(&inbox);
                let taken = waiting.into_iter().map(|thread| thread.join().unwrap());
                let events = taken.filter(|taken| matches!(taken, Taken::Event(_))).count();
                assert!(events <= 1);
            });
        }
    }
}
