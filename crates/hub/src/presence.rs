//! Who is there.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::broker::Listener;
use crate::channel::Channel;
use crate::member::Member;
use crate::shards::Shards;

/// The members of all channels, in memory, each for as long as its lease lasts.
#[derive(Debug, Default)]
pub(crate) struct Presence(Shards<HashMap<Arc<str>, Seat>>);

/// One member, and when its lease is over.
#[derive(Debug)]
struct Seat {
    member: Member,
    until: SystemTime,
}

impl Presence {
    /// Lets somebody in, or renews the lease.
    pub(crate) fn enter(
        &self,
        channel: &Channel,
        member: Member,
        lease: Duration,
        listener: Option<&dyn Listener>,
    ) {
        let until = SystemTime::now() + lease;
        let mut shard = self.0.lock(channel);
        match shard.entry(channel.clone()).or_default().entry(Arc::clone(&member.id)) {
            Entry::Occupied(mut known) => _ = known.insert(Seat { member, until }),
            Entry::Vacant(place) => {
                let seat = place.insert(Seat { member, until });
                if let Some(listener) = listener {
                    listener.entered(channel, &seat.member);
                }
            }
        }
    }

    /// Lets somebody go, where it is there.
    pub(crate) fn leave(&self, channel: &Channel, id: &str, listener: Option<&dyn Listener>) {
        let mut shard = self.0.lock(channel);
        let Some(members) = shard.get_mut(channel) else { return };
        if let (Some(seat), Some(listener)) = (members.remove(id), listener) {
            listener.left(channel, &seat.member);
        }
        if members.is_empty() {
            shard.remove(channel);
        }
    }

    /// Those whose lease is not over.
    pub(crate) fn members(&self, channel: &Channel) -> Vec<Member> {
        let now = SystemTime::now();
        let shard = self.0.lock(channel);
        let seats = shard.get(channel).into_iter().flat_map(HashMap::values);
        seats.filter(|seat| seat.until > now).map(|seat| seat.member.clone()).collect()
    }

    /// Lets go those whose lease is over.
    pub(crate) fn sweep(&self, now: SystemTime, listener: Option<&dyn Listener>) {
        for mut shard in self.0.each() {
            shard.retain(|channel, members| {
                for (_, seat) in members.extract_if(|_, seat| seat.until <= now) {
                    if let Some(listener) = listener {
                        listener.left(channel, &seat.member);
                    }
                }
                !members.is_empty()
            });
        }
    }
}
