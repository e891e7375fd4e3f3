//! Those who must all hear the same, in the same order, on whichever worker they are.
//!
//! Everything happens in turns, one at a time. In a turn the shared state is read and changed, and
//! what is to be said is put into the inboxes of the workers; so every member hears all turns in
//! one order, and each turn whole.

use std::sync::{Mutex, PoisonError};

use tieline::serve::Payload;
use tieline::{CloseCode, Message};

use crate::config::Slow;
use crate::inbox::{Inbox, Order, Topic};
use crate::peer::Peer;

/// Members that share a state of type `T`.
#[derive(Debug)]
pub struct Members<T> {
    topic: Topic,
    shared: Mutex<Shared<T>>,
}

#[derive(Debug)]
struct Shared<T> {
    state: T,
    /// The workers that have members, and how many.
    workers: Vec<(Inbox, usize)>,
}

/// One turn: what is said in it is heard after all earlier turns and before all later ones.
#[derive(Debug)]
pub struct Turn<'a, T> {
    topic: &'a Topic,
    shared: &'a mut Shared<T>,
}

/// A worker has more waiting than it may: nothing was said to anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a worker has too much waiting for its peers")]
#[non_exhaustive]
pub struct Full;

impl<T> Members<T> {
    /// Nobody yet.
    pub fn new(state: T) -> Self {
        let shared = Shared { state, workers: Vec::new() };
        Self { topic: Topic::new(), shared: Mutex::new(shared) }
    }

    /// Takes the next turn. It must be short: all other members wait for it.
    pub fn turn<R>(&self, take: impl FnOnce(&mut Turn<'_, T>) -> R) -> R {
        // A turn that panicked has said what it has said; the state is still a state.
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        take(&mut Turn { topic: &self.topic, shared: &mut shared })
    }
}

impl<T> Turn<'_, T> {
    /// What the members share.
    pub const fn state(&mut self) -> &mut T {
        &mut self.shared.state
    }

    /// How many members there are.
    pub fn count(&self) -> usize {
        self.shared.workers.iter().map(|(_, members)| members).sum()
    }

    /// Makes the peer a member; it hears what is said from here on. Once for each peer.
    pub fn join(&mut self, peer: &Peer) {
        let workers = &mut self.shared.workers;
        match workers.iter_mut().find(|(inbox, _)| inbox.is_same(peer.inbox())) {
            Some((_, members)) => *members += 1,
            None => workers.push((peer.inbox().clone(), 1)),
        }
        let slow = Slow::Close;
        peer.inbox().give(Order::Subscribe(self.topic.clone(), peer.target(), slow));
    }

    /// Lets a member go; it hears nothing from here on. Once for each that joined.
    pub fn leave(&mut self, peer: &Peer) {
        let workers = &mut self.shared.workers;
        if let Some(at) = workers.iter().position(|(inbox, _)| inbox.is_same(peer.inbox())) {
            workers[at].1 -= 1;
            if workers[at].1 == 0 {
                workers.swap_remove(at);
            }
        }
        peer.inbox().give(Order::Unsubscribe(self.topic.clone(), peer.target()));
    }

    /// Says something to all members. The bytes are shared, never copied for each.
    ///
    /// # Errors
    ///
    /// [`Full`] when a worker does not keep up; then nobody hears it.
    pub fn tell_all(&mut self, message: impl Into<Message>) -> Result<(), Full> {
        let workers = &self.shared.workers;
        if workers.iter().any(|(inbox, _)| inbox.is_full()) {
            return Err(Full);
        }
        let message = message.into();
        for (inbox, _) in workers {
            inbox.give(Order::Publish(self.topic.clone(), message.clone()));
        }
        Ok(())
    }

    /// Says something to one peer.
    pub fn tell(&mut self, peer: &Peer, message: impl Payload) {
        peer.remote().send(message);
    }

    /// Ends one peer's line, after all that was said to it.
    pub fn end(&mut self, peer: &Peer, code: CloseCode, reason: &str) {
        peer.remote().close(code, reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::by_hand::Bench;

    #[test]
    fn all_workers_hear_the_turns_in_one_order() {
        let members = Members::new(());
        let (mut one, mut two) = (Bench::new(), Bench::new());
        let (a, b) = (one.peer(), two.peer());
        members.turn(|turn| {
            turn.join(&a);
            turn.tell_all("1").unwrap();
            turn.join(&b);
            turn.tell_all("2").unwrap();
        });
        members.turn(|turn| {
            turn.leave(&a);
            turn.tell_all("3").unwrap();
            assert_eq!(turn.count(), 1);
        });
        assert_eq!(one.heard(&a), ["1", "2"]);
        assert_eq!(two.heard(&b), ["2", "3"]);
    }

    #[test]
    fn one_message_is_shared_and_not_copied() {
        let members = Members::new(());
        let mut bench = Bench::new();
        let (a, b) = (bench.peer(), bench.peer());
        members.turn(|turn| {
            turn.join(&a);
            turn.join(&b);
            turn.tell_all("x".repeat(100)).unwrap();
        });
        bench.deliver();
        let next = |peer: &Peer| peer.line().unwrap().borrow_mut().pop().unwrap().into_bytes();
        assert_eq!(next(&a).as_ptr(), next(&b).as_ptr());
    }

    #[test]
    fn a_worker_that_does_not_keep_up_turns_publications_away() {
        let members = Members::new(());
        let mut bench = Bench::new();
        let a = bench.peer();
        members.turn(|turn| {
            turn.join(&a);
            let big = Message::from(vec![0; 1 << 20]);
            let said = (0..64).take_while(|_| turn.tell_all(big.clone()).is_ok()).count();
            assert_eq!(said, 16);
        });
        bench.deliver();
        assert_eq!(members.turn(|turn| turn.tell_all("again")), Ok(()));
    }

    #[test]
    fn empty_publications_are_not_without_bound() {
        let members = Members::new(());
        let mut bench = Bench::new();
        let a = bench.peer();
        members.turn(|turn| {
            turn.join(&a);
            let said = (0..1 << 20).take_while(|_| turn.tell_all("").is_ok()).count();
            assert!(said < 1 << 18, "{said}");
        });
    }
}
