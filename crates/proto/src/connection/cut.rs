//! Where in what a peer says the next message begins, for who begins to read there.

/// Something of a peer that is not whole yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a frame is cut in its header or behind it")]
pub struct Cut<'a> {
    /// The first bytes of a header that is not whole.
    pub head: &'a [u8],
    /// Payload bytes of the frame that are still to come.
    pub left: u64,
    /// Whether more frames of its message come behind it.
    pub is_fragment: bool,
}
