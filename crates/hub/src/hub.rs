//! Who hears what: subscribers, each from its own position on.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use crate::broker::{Broker, BrokerError, Listener};
use crate::channel::{Channel, Pattern};
use crate::history::{History, Most, Range};
use crate::keep::{Durability, Keep};
use crate::member::Member;
use crate::outlet::{Outlet, Source};
use crate::outlets::Outlets;
use crate::patterns::Patterns;
use crate::position::{Epoch, Position};
use crate::publication::{New, Publication, Published};
use crate::recovery::{Recovered, recover};
use crate::shards::Shards;

/// Most publications that are kept for somebody whose subscription is under way.
const MAX_WHILE_JOINING: usize = 10_000;

/// The subscribers of all channels. Cloning it is cheap.
///
/// It waits for its brokers and for nothing else: what it does with one that answers at once, such as
/// [`Memory`](crate::Memory), is done when it is first polled.
pub struct Hub<O: Outlet>(Arc<Inner<O>>);

struct Inner<O: Outlet> {
    memory: Arc<dyn Broker>,
    disk: Option<Arc<dyn Broker>>,
    rooms: Shards<Room<O>>,
    patterns: Patterns<O>,
}

/// By which a broker tells the hub, for as long as there is one: the hub owns its brokers, and none owns it.
struct Ears<O: Outlet>(Weak<Inner<O>>);

/// Those who hear of one channel.
struct Room<O> {
    /// Where the last publication was that they were told of, or the first of them began; `None` before.
    told: Option<Position>,
    outlets: Outlets<O>,
    /// Nothing while no subscription is under way.
    joins: Option<Box<Joins>>,
}

/// Subscriptions of a channel that are under way.
#[derive(Default)]
struct Joins {
    count: usize,
    /// What was told while there were any.
    meanwhile: Vec<Arc<Publication>>,
}

/// A subscription that is under way: gives its place up where it comes to nothing.
struct Joining<'a, O: Outlet> {
    inner: &'a Inner<O>,
    broker: &'a dyn Broker,
    channel: &'a Channel,
    has_listened: bool,
    has_joined: bool,
}

impl<O: Outlet> Hub<O> {
    /// A hub whose channels are kept by these brokers, each as its [`Durability`] says.
    pub fn new(memory: Arc<dyn Broker>, disk: Option<Arc<dyn Broker>>) -> Self {
        let (rooms, patterns) = (Shards::default(), Patterns::default());
        let inner = Arc::new(Inner { memory, disk, rooms, patterns });
        for broker in inner.brokers() {
            broker.start(Arc::new(Ears(Arc::downgrade(&inner))));
        }
        Self(inner)
    }

    /// Publishes; ready once it has its place, and every outlet was told.
    ///
    /// # Errors
    ///
    /// [`BrokerError`] where it has none: [`Overloaded`](BrokerError::Overloaded) where an outlet does
    /// not keep up.
    pub async fn publish(
        &self,
        channel: &Channel,
        keep: &Arc<Keep>,
        new: New,
    ) -> Result<Published, BrokerError> {
        if self.0.rooms.lock(channel).get(channel).is_some_and(|room| room.outlets.are_full()) {
            return Err(BrokerError::Overloaded);
        }
        self.0.broker(keep)?.publish(channel, keep, new).await
    }

    /// Subscribes somebody behind an outlet: the outlet is told of the beginning, with what was missed
    /// since a position, and then of every publication behind it.
    ///
    /// Where more was missed than may be given at once, none of it is, and it is told so.
    ///
    /// # Errors
    ///
    /// [`BrokerError`] where the broker cannot; then nobody has subscribed.
    pub async fn subscribe(
        &self,
        channel: &Channel,
        keep: &Arc<Keep>,
        since: Option<Position>,
        most: Most,
        outlet: &O,
        member: O::Member,
    ) -> Result<(), BrokerError> {
        let broker = self.0.broker(keep)?;
        let mut joining = Joining::begin(&self.0, broker, channel);
        let start = broker.listen(channel, keep).await?;
        joining.has_listened = true;
        let missed = match since {
            Some(since) => {
                let range = Range::After(since.offset);
                broker.read(channel, keep, range, most.publications).await?
            }
            None => History { position: start, oldest: start.offset + 1, publications: Vec::new() },
        };
        joining.finish(|room| {
            let position = *room.told.get_or_insert(start);
            let recovered = match since {
                Some(since) => recover(since, position, most, missed, room.meanwhile()),
                None => Recovered::fresh(position),
            };
            room.outlets.join(outlet);
            outlet.joined(Source::Channel(channel), member, recovered);
        });
        Ok(())
    }

    /// Has somebody go on who has subscribed, and heard nothing for a while: the outlet is told of another
    /// beginning, behind all that was published until then.
    pub fn go_on(&self, channel: &Channel, outlet: &O, member: O::Member) {
        self.0.tell_room(channel, |room| {
            // A room with subscribers has a position.
            if let Some(position) = room.told {
                outlet.joined(Source::Channel(channel), member, Recovered::fresh(position));
            }
        });
    }

    /// Lets a subscriber go: once for each that has subscribed.
    pub fn unsubscribe(&self, channel: &Channel, keep: &Arc<Keep>, outlet: &O, member: O::Member) {
        let mut shard = self.0.rooms.lock(channel);
        let Some(room) = shard.get_mut(channel) else { return };
        room.outlets.leave(outlet);
        outlet.left(Source::Channel(channel), member);
        if room.is_empty() {
            shard.remove(channel);
        }
        drop(shard);
        if let Ok(broker) = self.0.broker(keep) {
            broker.unlisten(channel);
        }
    }

    /// Subscribes somebody to all channels of a pattern, from now on: a pattern has no position.
    pub fn subscribe_all(&self, pattern: &Pattern, outlet: &O, member: O::Member) {
        let join = || outlet.joined(Source::Pattern(pattern), member, Recovered::NONE);
        self.0.patterns.join(pattern, outlet, join);
    }

    /// As [`go_on`](Self::go_on), for somebody who has subscribed to a pattern.
    pub fn go_on_all(&self, pattern: &Pattern, outlet: &O, member: O::Member) {
        self.0.patterns.in_turn(|| {
            outlet.joined(Source::Pattern(pattern), member, Recovered::NONE);
        });
    }

    /// Lets somebody go who has subscribed to a pattern.
    pub fn unsubscribe_all(&self, pattern: &Pattern, outlet: &O, member: O::Member) {
        self.0.patterns.leave(pattern, outlet);
        outlet.left(Source::Pattern(pattern), member);
    }

    /// Reads publications of a channel, at most so many.
    ///
    /// # Errors
    ///
    /// [`BrokerError`] where the broker cannot.
    pub async fn history(
        &self,
        channel: &Channel,
        keep: &Arc<Keep>,
        range: Range,
        most: Most,
    ) -> Result<History, BrokerError> {
        let broker = self.0.broker(keep)?;
        let mut history = broker.read(channel, keep, range, most.publications).await?;
        history.publications.truncate(most.of(history.publications.iter()));
        Ok(history)
    }

    /// The broker of channels that are kept so: for presence.
    ///
    /// # Errors
    ///
    /// [`BrokerError::NoStore`] where there is none.
    pub fn broker(&self, keep: &Arc<Keep>) -> Result<&dyn Broker, BrokerError> {
        self.0.broker(keep)
    }

    /// Channels that somebody has subscribed to, and how many have.
    pub fn channels(&self) -> Vec<(Channel, usize)> {
        let mut channels = Vec::new();
        for shard in self.0.rooms.each() {
            channels
                .extend(shard.iter().map(|(name, room)| (name.clone(), room.outlets.members())));
        }
        channels
    }

    /// Has the brokers let go what is too old. To be called every few seconds.
    pub fn sweep(&self, now: SystemTime) {
        for broker in self.0.brokers() {
            broker.sweep(now);
        }
    }
}

impl<O: Outlet> Inner<O> {
    fn broker(&self, keep: &Arc<Keep>) -> Result<&dyn Broker, BrokerError> {
        match keep.durability {
            Durability::Memory => Ok(&*self.memory),
            Durability::Disk => self.disk.as_deref().ok_or(BrokerError::NoStore),
        }
    }

    fn brokers(&self) -> impl Iterator<Item = &dyn Broker> {
        [Some(&*self.memory), self.disk.as_deref()].into_iter().flatten()
    }

    /// Tells those who have subscribed to the channel.
    fn tell_room(&self, channel: &Channel, tell: impl FnOnce(&mut Room<O>)) {
        if let Some(room) = self.rooms.lock(channel).get_mut(channel) {
            tell(room);
        }
    }
}

impl<O: Outlet> Listener for Ears<O> {
    fn published(&self, channel: &Channel, epoch: Epoch, publication: &Arc<Publication>) {
        let Some(hub) = self.0.upgrade() else { return };
        hub.tell_room(channel, |room| {
            room.told = Some(Position { epoch, offset: publication.offset });
            if let Some(joins) = &mut room.joins {
                joins.note(publication);
            }
            for outlet in room.outlets.iter() {
                outlet.published(Source::Channel(channel), channel, epoch, publication);
            }
        });
        hub.patterns.tell(channel, |pattern, outlet| {
            outlet.published(Source::Pattern(pattern), channel, epoch, publication);
        });
    }

    fn lost(&self, channel: &Channel, position: Position) {
        let Some(hub) = self.0.upgrade() else { return };
        hub.tell_room(channel, |room| {
            room.told = Some(position);
            if let Some(joins) = &mut room.joins {
                joins.meanwhile.clear();
            }
            for outlet in room.outlets.iter() {
                outlet.lost(channel, position);
            }
        });
    }

    fn entered(&self, channel: &Channel, member: &Member) {
        let Some(hub) = self.0.upgrade() else { return };
        hub.tell_room(channel, |room| {
            for outlet in room.outlets.iter() {
                outlet.present(channel, member);
            }
        });
    }

    fn left(&self, channel: &Channel, member: &Member) {
        let Some(hub) = self.0.upgrade() else { return };
        hub.tell_room(channel, |room| {
            for outlet in room.outlets.iter() {
                outlet.absent(channel, member);
            }
        });
    }
}

impl<O> Room<O> {
    fn new() -> Self {
        Self { told: None, outlets: Outlets::default(), joins: None }
    }

    /// What was told since a subscription is under way.
    fn meanwhile(&self) -> &[Arc<Publication>] {
        self.joins.as_ref().map_or(&[], |joins| &joins.meanwhile)
    }

    fn is_empty(&self) -> bool {
        self.joins.is_none() && self.outlets.is_empty()
    }
}

impl Joins {
    /// Keeps it for those whose subscription is under way; beyond the bound they have missed too much.
    fn note(&mut self, publication: &Arc<Publication>) {
        if self.meanwhile.len() == MAX_WHILE_JOINING {
            self.meanwhile.clear();
        }
        self.meanwhile.push(Arc::clone(publication));
    }
}

impl<'a, O: Outlet> Joining<'a, O> {
    fn begin(inner: &'a Inner<O>, broker: &'a dyn Broker, channel: &'a Channel) -> Self {
        let mut shard = inner.rooms.lock(channel);
        let room = shard.entry(channel.clone()).or_insert_with(Room::new);
        room.joins.get_or_insert_default().count += 1;
        Self { inner, broker, channel, has_listened: false, has_joined: false }
    }

    /// Joins, in the channel's turn.
    fn finish(mut self, join: impl FnOnce(&mut Room<O>)) {
        let mut shard = self.inner.rooms.lock(self.channel);
        let room = shard.get_mut(self.channel);
        join(room.expect("a room is there while somebody joins"));
        self.has_joined = true;
    }
}

impl<O: Outlet> Drop for Joining<'_, O> {
    fn drop(&mut self) {
        let mut shard = self.inner.rooms.lock(self.channel);
        if let Some(room) = shard.get_mut(self.channel) {
            if let Some(joins) = &mut room.joins {
                joins.count -= 1;
                if joins.count == 0 {
                    room.joins = None;
                }
            }
            if room.is_empty() {
                shard.remove(self.channel);
            }
        }
        drop(shard);
        if self.has_listened && !self.has_joined {
            self.broker.unlisten(self.channel);
        }
    }
}

impl<O: Outlet> Clone for Hub<O> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<O: Outlet> fmt::Debug for Hub<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").finish_non_exhaustive()
    }
}
