//! One connection of the load.

use std::collections::VecDeque;
use std::rc::Rc;

use super::incoming::Incoming;
use super::opening::Opening;
use super::outgoing::{Outgoing, Prepared};
use super::transport::Transport;

/// A connection, from its first packet on.
#[derive(Debug)]
pub(super) struct Line {
    /// Its number over all threads.
    pub(super) number: usize,
    pub(super) is_slow: bool,
    pub(super) transport: Transport,
    pub(super) stage: Stage,
}

#[derive(Debug)]
pub(super) enum Stage {
    Opening(Box<Opening>),
    Open(Open),
}

/// What an open connection sends, hears and waits for.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) incoming: Incoming,
    pub(super) outgoing: Outgoing,
    pub(super) prepared: Rc<Prepared>,
    pub(super) waiting: Waiting,
    /// Answers so far; with a fan-out, deliveries.
    pub(super) heard: u64,
    /// Messages that were due so far.
    pub(super) due: u64,
    /// Bytes that a slow reader may read.
    pub(super) allowance: f64,
    /// Answers to what it said first that have not come yet.
    pub(super) greetings: usize,
}

impl Open {
    pub(super) fn new(incoming: Incoming, prepared: Rc<Prepared>) -> Self {
        Self {
            incoming,
            outgoing: Outgoing::default(),
            prepared,
            waiting: Waiting::default(),
            heard: 0,
            due: 0,
            allowance: 0.0,
            greetings: 0,
        }
    }

    /// Has so many messages more to send.
    pub(super) fn owe(&mut self, messages: u64) {
        self.due += messages;
        self.outgoing.owe(messages, &self.prepared);
    }
}

/// When the messages were sent that wait for their answers, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Waiting(VecDeque<(u64, u64)>);

impl Waiting {
    /// So many were sent at `now`.
    #[inline]
    pub(super) fn sent(&mut self, now: u64, messages: u64) {
        match self.0.back_mut() {
            Some((at, count)) if *at == now => *count += messages,
            _ => self.0.push_back((now, messages)),
        }
    }

    /// So many were answered: tells `record` when they were sent, and answers how many were waited for.
    #[inline]
    pub(super) fn answered(&mut self, answers: u64, mut record: impl FnMut(u64, u64)) -> u64 {
        let mut left = answers;
        while left > 0 {
            let Some((at, count)) = self.0.front_mut() else { break };
            let taken = left.min(*count);
            record(*at, taken);
            *count -= taken;
            left -= taken;
            if *count == 0 {
                self.0.pop_front();
            }
        }
        answers - left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_belong_to_the_oldest_messages() {
        let mut waiting = Waiting::default();
        waiting.sent(10, 4);
        waiting.sent(20, 1);
        let mut told = Vec::new();
        assert_eq!(waiting.answered(3, |at, count| told.push((at, count))), 3);
        assert_eq!(waiting.answered(5, |at, count| told.push((at, count))), 2);
        assert_eq!(told, [(10, 3), (10, 1), (20, 1)]);
    }
}
