//! Where publications go to: what the hub tells, and what it knows of it.

use std::sync::Arc;

use crate::channel::{Channel, Pattern};
use crate::member::Member;
use crate::position::{Epoch, Position};
use crate::publication::Publication;
use crate::recovery::Recovered;

/// What somebody has subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Source<'a> {
    /// One channel.
    Channel(&'a Channel),
    /// All channels of a pattern.
    Pattern(&'a Pattern),
}

/// Leads to any number of subscribers, such as those of one thread. It is told everything once, however
/// many they are, and hands it on to each.
///
/// Two are equal where they lead to the same place. The calls of one channel come one after the other,
/// and no publication is between the call that lets a member in and the next that is behind its position: so they
/// must be brief, and must not call the hub.
pub trait Outlet: Clone + PartialEq + Send + Sync + 'static {
    /// A subscriber behind it.
    type Member: Send;

    /// Somebody has subscribed: every publication that it is told of from here on is its as well.
    fn joined(&self, source: Source<'_>, member: Self::Member, recovered: Recovered);

    /// Somebody has subscribed no more.
    fn left(&self, source: Source<'_>, member: Self::Member);

    /// Something was published.
    fn published(
        &self,
        source: Source<'_>,
        channel: &Channel,
        epoch: Epoch,
        publication: &Arc<Publication>,
    );

    /// Publications of a channel may be missing: it goes on behind this position.
    fn lost(&self, channel: &Channel, position: Position);

    /// Somebody is present in a channel.
    fn present(&self, channel: &Channel, member: &Member);

    /// Somebody is present no more.
    fn absent(&self, channel: &Channel, member: &Member);

    /// Whether it has so much to do that nothing more should be published.
    fn is_full(&self) -> bool;
}
