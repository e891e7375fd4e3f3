//! Somebody who is in a channel.

use std::sync::Arc;

use bytes::Bytes;

/// Somebody in a channel: one line or session, of which a user may have several.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain data that is written out")]
pub struct Member {
    /// What it is known by, one of its kind.
    pub id: Arc<str>,
    /// Whose it is, where that is known.
    pub user: Option<Arc<str>>,
    /// What it says of itself.
    pub info: Bytes,
}
