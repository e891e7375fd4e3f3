//! The channel of a service that has words of its own: its peers hear what is published there as it is,
//! and who is there is who is present.
//!
//! ```text
//! chat, counter, room ─▶ a turn ─▶ hub ─▶ outlet.rs, in the plain dialect ─▶ the peers of the service
//!                                   └───▶ the same, in the native one ─▶ others, where the namespace lets them
//! ```
//!
//! Everything that a service does happens in turns, one at a time: so all hear all turns in one order.
//! Its broker is in memory and answers at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt;
use tieline::CloseCode;
use tieline::serve::Payload;
use tieline_hub::{BrokerError, Channel, Keep, Member, New};
use tokio::sync::Notify;

use super::counts::Counts;
use super::dialect::{Audience, Dialect};
use super::outlet::{Beginning, Subscriber, Worker};
use super::{Hub, MOST, Namespaces};
use crate::inbox::Topic;
use crate::members::Full;
use crate::peer::Peer;
use crate::request::Request;
use crate::resources::Resources;
use crate::target::Target;

/// Whoever is there leaves when its line is over, and with its process at the latest: a broker in memory
/// needs nobody to say meanwhile that it is still there.
const FOR_GOOD: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);

/// The channel of one service, whose peers share a state of type `T`.
#[derive(Debug)]
pub(crate) struct OwnChannel<T> {
    place: Arc<Place>,
    state: Mutex<T>,
}

#[derive(Debug)]
struct Place {
    hub: Hub,
    channel: Channel,
    keep: Arc<Keep>,
    namespaces: Arc<Namespaces>,
    counts: Counts,
    audience: Arc<Audience>,
}

/// One turn: what is said in it is heard after all earlier turns and before all later ones.
#[derive(Debug)]
pub(crate) struct Turn<'a, T> {
    place: &'a Arc<Place>,
    state: MutexGuard<'a, T>,
}

/// A peer that is there: it hears the channel and is present until this is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    place: Arc<Place>,
    member: Member,
    worker: Worker,
    target: Target,
}

impl<T> OwnChannel<T> {
    /// The channel of the service of this kind at this path, with nobody there.
    pub(crate) fn new(kind: &str, path: &str, state: T, resources: &Resources) -> Self {
        let channel =
            name(kind, path).expect("a path that makes no channel is refused by the check");
        let namespaces = Arc::clone(&resources.namespaces);
        let keep = namespaces.keep(&channel).cloned().unwrap_or_default();
        let audience = Arc::new(Audience { topic: Topic::new(), moved: Notify::new() });
        let (hub, counts) = (resources.hub.clone(), resources.channels.clone());
        let place = Arc::new(Place { hub, channel, keep, namespaces, counts, audience });
        Self { place, state: Mutex::new(state) }
    }

    /// Takes the next turn. It must be short: all others wait for it.
    pub(crate) fn turn<R>(&self, take: impl FnOnce(&mut Turn<'_, T>) -> R) -> R {
        // A turn that panicked has said what it has said; the state is still a state.
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        take(&mut Turn { place: &self.place, state })
    }

    /// Becomes ready when somebody has come or gone since it last was: a peer of the service, or who hears
    /// the channel otherwise. For one task.
    pub(crate) async fn moved(&self) {
        self.place.audience.moved.notified().await;
    }
}

/// The name of the channel of a service.
pub(crate) fn name(kind: &str, path: &str) -> Result<Channel, tieline_hub::NameError> {
    Channel::new(&format!("{kind}:{path}"))
}

/// Who a peer is to those who ask who is there: under this id, and with this name where it has one.
pub(crate) fn member(id: &str, name: Option<String>, request: &Request) -> Member {
    let user = request.identity().map(|identity| identity.user.as_str().into());
    Member { id: id.into(), user, info: name.map(Bytes::from).unwrap_or_default() }
}

impl<T> Turn<'_, T> {
    /// What the peers share.
    pub(crate) fn state(&mut self) -> &mut T {
        &mut self.state
    }

    /// How many are present.
    pub(crate) fn count(&self) -> usize {
        let broker = self.place.hub.broker(&self.place.keep);
        broker.and_then(|broker| now(broker.members(&self.place.channel))).map_or(0, |it| it.len())
    }

    /// Makes the peer present; it hears what is published from here on.
    ///
    /// # Errors
    ///
    /// [`Full`] where the broker has no room for it.
    pub(crate) fn join(&mut self, peer: &Peer, member: Member) -> Result<Seat, Full> {
        let place = Arc::clone(self.place);
        let dialect = Dialect::Plain(Arc::clone(&place.audience));
        let worker = Worker::new(peer.inbox(), &place.namespaces, dialect);
        let target = peer.target();
        let subscriber = place.subscriber(target);
        let Place { hub, channel, keep, .. } = &*place;
        now(hub.subscribe(channel, keep, None, MOST, &worker, subscriber)).map_err(|_| Full)?;
        place.counts.subscribed();
        let seat = Seat { place, member, worker, target };
        seat.enter().map_err(|_| Full)?;
        Ok(seat)
    }

    /// Publishes this JSON: all hear it as it is, a string without its quotes. The bytes are shared, never
    /// copied for each.
    ///
    /// # Errors
    ///
    /// [`Full`] when a worker does not keep up; then nobody hears it.
    pub(crate) fn publish(&mut self, data: impl Into<Bytes>) -> Result<(), Full> {
        let Place { hub, channel, keep, counts, .. } = &**self.place;
        let since = Instant::now();
        let published =
            now(hub.publish(channel, keep, New { data: data.into(), ..New::default() }));
        counts.published(since, &published);
        published.map(drop).map_err(|_| Full)
    }

    /// The same for text.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish).
    pub(crate) fn publish_text(&mut self, text: &str) -> Result<(), Full> {
        self.publish(serde_json::to_string(text).expect("text has its JSON"))
    }

    /// Says something to one peer alone.
    pub(crate) fn tell(&mut self, peer: &Peer, message: impl Payload) {
        peer.remote().send(message);
    }

    /// Ends one peer's line, after all that was said to it.
    pub(crate) fn end(&mut self, peer: &Peer, code: CloseCode, reason: &str) {
        peer.remote().close(code, reason);
    }
}

impl Place {
    fn subscriber(&self, target: Target) -> Subscriber {
        Subscriber { target, told: Beginning::Answer(None), counts: self.counts.clone() }
    }
}

impl Seat {
    fn enter(&self) -> Result<(), BrokerError> {
        let Place { hub, channel, keep, .. } = &*self.place;
        now(hub.broker(keep)?.enter(channel, self.member.clone(), FOR_GOOD))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Place { hub, channel, keep, counts, .. } = &*self.place;
        hub.unsubscribe(channel, keep, &self.worker, self.place.subscriber(self.target));
        counts.unsubscribed();
        // Without a broker nobody was present.
        let _ = hub.broker(keep).and_then(|broker| now(broker.leave(channel, &self.member.id)));
    }
}

/// What is answered at once, as everything in memory is.
fn now<T>(answer: impl Future<Output = T>) -> T {
    answer.now_or_never().expect("a channel of a service is in memory: the check sees to it")
}
