//! What takes a place in the slab: a visit, an open link, or one that leaves.

use std::time::Instant;

use bytes::Bytes;
use tieline_proto::connection::Incoming;
use tieline_proto::http::HeadReader;

use super::arrival::Arrival;
use super::handler::{Grant, Handler};
use super::transport::Transport;

/// What a place in the slab is taken by.
pub(super) enum Seat<H: Handler> {
    Leaving(Leaving),
    Open(Open<H>),
    Refused(Box<Refused>),
    Vacant,
    Visit(Box<Visit<H>>),
}

/// A link that is open, and what its handler keeps for it.
pub(super) struct Open<H: Handler> {
    pub(super) generation: u32,
    /// The tick in which it is looked at next.
    pub(super) due: u32,
    pub(super) incoming: Incoming,
    pub(super) state: H::State,
    /// What was read and not taken, because the peer has to read first.
    #[expect(clippy::box_collection, reason = "an idle link counts every byte")]
    pub(super) spill: Option<Box<Vec<u8>>>,
}

/// A link whose line is closed, and whose transport is not.
pub(super) struct Leaving {
    pub(super) generation: u32,
    pub(super) due: u32,
    pub(super) deadline: Instant,
    pub(super) is_shut: bool,
}

/// No tick at all.
pub(super) const NEVER: u32 = u32::MAX;

impl<H: Handler> Seat<H> {
    /// Which of those that had the place has it now.
    #[inline]
    pub(super) fn generation(&self) -> Option<u32> {
        Some(match self {
            Self::Leaving(leaving) => leaving.generation,
            Self::Open(open) => open.generation,
            Self::Refused(refused) => refused.generation,
            Self::Vacant => return None,
            Self::Visit(visit) => visit.generation,
        })
    }

    /// The tick in which it is looked at next.
    pub(super) const fn due(&mut self) -> Option<&mut u32> {
        Some(match self {
            Self::Leaving(leaving) => &mut leaving.due,
            Self::Open(open) => &mut open.due,
            Self::Refused(refused) => &mut refused.due,
            Self::Vacant => return None,
            Self::Visit(visit) => &mut visit.due,
        })
    }
}

/// A connection whose first request is being read.
pub(super) struct Visit<H: Handler> {
    pub(super) generation: u32,
    pub(super) due: u32,
    pub(super) deadline: Instant,
    pub(super) arrival: Arrival,
    pub(super) transport: Transport,
    pub(super) reader: HeadReader,
    /// What was read and not yet answered.
    pub(super) read: Vec<u8>,
    /// A request that is granted, and the length of its head; hixie-76 has bytes behind it.
    pub(super) granted: Option<(Box<Grant<H>>, usize)>,
}

/// A connection that was refused: a socket closed over unread bytes is reset, and the reset would
/// destroy the answer on its way.
pub(super) struct Refused {
    pub(super) generation: u32,
    pub(super) due: u32,
    pub(super) deadline: Instant,
    pub(super) transport: Transport,
    /// What is left of the answer.
    pub(super) answer: Bytes,
    pub(super) is_shut: bool,
    /// Bytes that are still thrown away.
    pub(super) left: usize,
}
