//! What tells the links of one worker apart.

use mio::Token;

/// A link of one worker: a place in its slab, and how often the place was given before.
///
/// It names one link for as long as the worker lives; once the link is gone, nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId {
    pub(super) generation: u32,
    pub(super) slot: u32,
}

impl LinkId {
    /// Where it lies in what is kept for each link.
    pub(super) const fn index(self) -> usize {
        self.slot as usize
    }

    /// How the poll names it.
    pub(super) const fn token(self) -> Token {
        Token((self.generation as usize) << 32 | self.slot as usize)
    }

    /// What a token of the poll names.
    pub(super) const fn of(token: Token) -> Self {
        Self { generation: (token.0 >> 32) as u32, slot: token.0 as u32 }
    }
}
