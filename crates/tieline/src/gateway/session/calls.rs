//! The calls of a session that have no answer yet: those that wait for a line, and those that were sent.

use std::collections::{HashMap, VecDeque};

use tokio::time::Instant;

use crate::gateway::call::{Call, CallId, Kind};

/// A call that is not answered yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    /// `None` for one of the session's own: a registration that is repeated.
    pub(super) id: Option<CallId>,
    pub(super) kind: Kind,
    pub(super) until: Instant,
}

/// All of them. No two calls of a session have the same sequence, on whichever line they are sent.
#[derive(Debug, Default)]
pub(super) struct Calls {
    next_seq: u64,
    /// Not sent yet.
    queue: VecDeque<(Waiting, Call)>,
    /// Sent, by their sequence.
    sent: HashMap<String, Waiting>,
}

impl Calls {
    /// Puts a call behind those that are not sent yet.
    pub(super) fn queue(&mut self, waiting: Waiting, call: Call) {
        self.queue.push_back((waiting, call));
    }

    /// Puts a call in front of those that are not sent yet.
    pub(super) fn queue_first(&mut self, waiting: Waiting, call: Call) {
        self.queue.push_front((waiting, call));
    }

    /// The next that is not sent yet, and the sequence to send it with.
    pub(super) fn send_next(&mut self) -> Option<(String, Kind, Call)> {
        let (waiting, call) = self.queue.pop_front()?;
        let seq = self.next_seq.to_string();
        self.next_seq += 1;
        self.sent.insert(seq.clone(), waiting);
        Some((seq, waiting.kind, call))
    }

    /// The call that was sent with this sequence is answered.
    pub(super) fn answered(&mut self, seq: &str) -> Option<Waiting> {
        self.sent.remove(seq)
    }

    /// Takes those that were sent on a line that is lost.
    pub(super) fn take_lost(&mut self) -> impl Iterator<Item = Waiting> {
        self.sent.drain().map(|(_, waiting)| waiting)
    }

    /// Takes those whose time is over.
    pub(super) fn take_late(&mut self, now: Instant) -> Vec<Waiting> {
        let late = self.all().filter(|waiting| waiting.until <= now).copied().collect();
        self.queue.retain(|(waiting, _)| waiting.until > now);
        self.sent.retain(|_, waiting| waiting.until > now);
        late
    }

    /// When the time of the first is over.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.all().map(|waiting| waiting.until).min()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.queue.len() + self.sent.len()
    }

    /// Whether a registration is among them.
    pub(super) fn has_register(&self) -> bool {
        self.all().any(|waiting| waiting.kind == Kind::Register)
    }

    fn all(&self) -> impl Iterator<Item = &Waiting> {
        self.queue.iter().map(|(waiting, _)| waiting).chain(self.sent.values())
    }
}
