//! How much of a channel is kept, and where.

use std::time::Duration;

/// What is kept of the channels of a namespace for who comes, or comes back: of each its newest
/// publications, as long as all of these bounds hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "options are plain structs: write `..default()`")]
pub struct Keep {
    /// Most publications of a channel. Default 0: nothing is kept, and nobody who comes back is given
    /// what was missed.
    pub publications: usize,
    /// Most bytes of them. Default 1 MiB.
    pub bytes: usize,
    /// How long each is kept. Default 5 minutes.
    pub age: Duration,
    /// Where. Default memory.
    pub durability: Durability,
    /// Most channels of the namespace that somebody hears, or of which something is kept. Another one is
    /// refused. Default 1,000,000.
    pub channels: usize,
    /// Most bytes of all of them together, keys included. Beyond it, the channel that is published to
    /// keeps less. Default 256 MiB.
    pub total_bytes: usize,
}

/// What a publication survives once it was acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// It is in memory, and gone with the process.
    #[default]
    Memory,
    /// It is on disk, and there after a loss of power.
    Disk,
}

/// How long the key of a publication is known at least: longer than anybody tries again.
pub const KEYS_KNOWN: Duration = Duration::from_secs(10 * 60);

impl Default for Keep {
    fn default() -> Self {
        Self {
            publications: 0,
            bytes: 1 << 20,
            age: Duration::from_secs(300),
            durability: Durability::Memory,
            channels: 1_000_000,
            total_bytes: 256 << 20,
        }
    }
}
