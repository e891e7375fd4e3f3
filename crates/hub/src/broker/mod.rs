//! What takes publications, gives each its place, and tells whoever listens.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod durable;
#[cfg(test)]
mod killed;
mod memory;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use durable::Durable;
pub use memory::Memory;
use tieline_store::StoreError;

use crate::channel::Channel;
use crate::history::{History, Range};
use crate::keep::Keep;
use crate::member::Member;
use crate::position::{Epoch, Position};
use crate::publication::{New, Publication, Published};

/// What a broker answers later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, BrokerError>> + Send + 'a>>;

/// Takes publications, gives each its place in its channel's log, and tells whoever listens.
///
/// The contract, which [`conformance`] checks for every broker:
///
/// 1. **Places.** In one epoch the publications of a channel have the offsets 1, 2, 3, …, each
///    exactly one. An offset is given once and stays with its publication.
/// 2. **Epochs.** The epoch of a channel changes only when publications may have been lost that were
///    acknowledged, or when its log was forgotten because it was empty and nobody needed it. One on which
///    nothing was published keeps it also then, but for a rare coincidence.
/// 3. **Acknowledged.** When [`publish`](Self::publish) is ready with a place, the publication
///    survives what its [`Durability`](crate::Durability) says, can be read as long as [`Keep`] says,
///    and every listener has been told.
/// 4. **Told in order.** For each channel a listener is told of every publication behind the position
///    that [`listen`](Self::listen) gave, in the order of the offsets, each once. Where it cannot be, it
///    is told so by [`Listener::lost`], with where it goes on.
/// 5. **Repetitions.** A key that was published with is known for at least
///    [`KEYS_KNOWN`](crate::KEYS_KNOWN), within the bounds of memory that a broker states: publishing
///    with it again publishes nothing and answers the first place. That holds as well while the first
///    is under way, and after whatever the durability of the channel survives.
/// 6. **Failure.** A publication that was not acknowledged was published or not, and at most once. Where
///    the broker knows that it was not, its offset goes to the next.
/// 7. **Reading.** What [`read`](Self::read) answers was true at one moment: its position, the oldest
///    offset, and all kept publications of the range.
/// 8. **Presence.** A member is there from [`enter`](Self::enter) until [`leave`](Self::leave) or the end of
///    its lease, whichever comes first. Entering again renews the lease and tells nobody.
///
/// 9. **Bounds.** A namespace that has as many channels as [`Keep`] allows gets no other: publishing and
///    listening there is [`Overloaded`](BrokerError::Overloaded). Reading makes no channel.
///
/// All calls may come from any thread at any time. A future that is dropped may or may not have done
/// its work; a publication under way is never torn.
pub trait Broker: Send + Sync + fmt::Debug + 'static {
    /// Tells this listener from now on. Called once, before anything else.
    fn start(&self, listener: Arc<dyn Listener>);

    /// Publishes, as [`Keep`] says of the channel.
    fn publish<'a>(
        &'a self,
        channel: &'a Channel,
        keep: &'a Arc<Keep>,
        new: New,
    ) -> Later<'a, Published>;

    /// Reads at most `limit` publications.
    fn read<'a>(
        &'a self,
        channel: &'a Channel,
        keep: &'a Arc<Keep>,
        range: Range,
        limit: usize,
    ) -> Later<'a, History>;

    /// Has the listener told of a channel, from the position on that is answered, until
    /// [`unlisten`](Self::unlisten) was called as often as this.
    fn listen<'a>(&'a self, channel: &'a Channel, keep: &'a Arc<Keep>) -> Later<'a, Position>;

    /// One of those who listen does not need the channel any more.
    fn unlisten(&self, channel: &Channel);

    /// Makes somebody a member of a channel for the length of a lease, or renews it.
    fn enter<'a>(&'a self, channel: &'a Channel, member: Member, lease: Duration) -> Later<'a, ()>;

    /// Lets a member go, where it is one.
    fn leave<'a>(&'a self, channel: &'a Channel, id: &'a str) -> Later<'a, ()>;

    /// Who is a member now, in no order.
    fn members<'a>(&'a self, channel: &'a Channel) -> Later<'a, Vec<Member>>;

    /// Lets go what is too old, and members whose lease is over. Called every few seconds.
    fn sweep(&self, now: SystemTime);
}

/// Whom a broker tells. Calls for one channel come one after the other; they must be brief.
pub trait Listener: Send + Sync + 'static {
    /// The next publication of a channel.
    fn published(&self, channel: &Channel, epoch: Epoch, publication: &Arc<Publication>);

    /// Publications may be missing: it goes on behind this position.
    fn lost(&self, channel: &Channel, position: Position);

    /// Somebody has become a member.
    fn entered(&self, channel: &Channel, member: &Member);

    /// A member is none any more.
    fn left(&self, channel: &Channel, member: &Member);
}

/// A broker could not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// It has as much to do as it may have: try again later.
    #[error("the broker is overloaded")]
    Overloaded,
    /// It keeps nothing on disk: there is no store.
    #[error("the channel is kept on disk, and there is no store")]
    NoStore,
    /// The disk failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
