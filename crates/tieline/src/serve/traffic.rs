//! What went over one link, or over many.

/// What went over one link, or over all links of a worker: messages only. Counts stop at their
/// greatest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a counter for each direction, of both kinds")]
pub struct Traffic {
    /// Payload bytes received, after inflation.
    pub bytes_in: u64,
    /// Payload bytes sent, before compression.
    pub bytes_out: u64,
    /// Messages received.
    pub messages_in: u64,
    /// Messages sent, those included that still wait.
    pub messages_out: u64,
}

impl Traffic {
    /// Counts a message that was received.
    #[inline]
    pub const fn received(&mut self, bytes: usize) {
        self.messages_in = self.messages_in.saturating_add(1);
        self.bytes_in = self.bytes_in.saturating_add(bytes as u64);
    }

    /// Counts a message that was sent.
    #[inline]
    pub const fn sent(&mut self, bytes: usize) {
        self.messages_out = self.messages_out.saturating_add(1);
        self.bytes_out = self.bytes_out.saturating_add(bytes as u64);
    }

    /// Adds what went elsewhere.
    #[inline]
    pub const fn add(&mut self, other: &Self) {
        self.bytes_in = self.bytes_in.saturating_add(other.bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(other.bytes_out);
        self.messages_in = self.messages_in.saturating_add(other.messages_in);
        self.messages_out = self.messages_out.saturating_add(other.messages_out);
    }
}
