//! Packets of any number of connections: TCP put together again, and each connection looked into.

mod carrier;
mod connection;
mod segment;
mod stream;

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use self::carrier::Keyring;
use self::connection::{Connection, Heard};
use self::segment::{Content, Segment};
use crate::capture::Packet;
use crate::direction::Bounds;
use crate::event::Seen;

/// How much memory may be used; what was heard of longest ago goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "options are plain structs: callers write `..default()`"
)]
pub struct Room {
    /// Of each connection.
    pub bounds: Bounds,
    /// Most connections at a time, and ended ones that are remembered. Default 65,536.
    pub max_connections: usize,
    /// Most bytes that all connections hold, about. Default 256 MiB.
    pub max_bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { bounds: Bounds::default(), max_connections: 65_536, max_bytes: 256 << 20 }
    }
}

/// What was seen of packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// All of them.
    pub packets: u64,
    /// Bytes of all of them.
    pub bytes: u64,
    /// Those that are TCP.
    pub segments: u64,
    /// Parts of datagrams, which are not put together.
    pub fragments: u64,
    /// Those of links that nobody knows how to read, and the last such link.
    pub unknown_links: u64,
    /// The number of the last such link.
    pub unknown_link: Option<i32>,
    /// Connections.
    pub connections: u64,
    /// Connections that were given up for lack of room.
    pub given_up: u64,
    /// Bytes that are missing.
    pub gap_bytes: u64,
}

/// Looks into every connection of the packets that it is given.
///
/// # Example
///
/// See [`Packets`](crate::Packets).
#[derive(Debug)]
pub struct Inspector {
    room: Room,
    counts: Counts,
    connections: HashMap<Ends, Slot>,
    /// When each was heard of, the longest ago first; it may have been since.
    queue: BinaryHeap<Reverse<(u64, Ends)>>,
    held: usize,
    ring: Keyring,
}

/// Both ends, the smaller address first.
type Ends = (SocketAddr, SocketAddr);

#[derive(Debug)]
struct Slot {
    /// The number of the packet in which it was last heard of.
    heard: u64,
    /// `None` once it ended: what comes late is no connection of its own.
    connection: Option<Box<Connection>>,
}

type Sink<'s> = &'s mut dyn FnMut(Seen);

impl Inspector {
    /// Before the first packet.
    pub fn new(room: Room) -> Self {
        let (connections, queue) = (HashMap::new(), BinaryHeap::new());
        Self {
            room,
            counts: Counts::default(),
            connections,
            queue,
            held: 0,
            ring: Keyring::default(),
        }
    }

    /// The same, with the secrets of connections of TLS.
    #[cfg(feature = "tls")]
    pub fn with_keys(self, keys: crate::tls::Keys) -> Self {
        Self { ring: Keyring { keys: Some(keys) }, ..self }
    }

    /// What was seen so far.
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How much memory the connections hold, about.
    pub const fn held(&self) -> usize {
        self.held
    }

    /// Takes a packet.
    pub fn packet(&mut self, packet: &Packet<'_>, sink: Sink<'_>) {
        self.counts.packets += 1;
        self.counts.bytes += packet.data.len() as u64;
        match segment::find(packet.link, packet.data) {
            Content::Fragment => self.counts.fragments += 1,
            Content::Other => {}
            Content::Segment(segment) => {
                self.counts.segments += 1;
                self.segment(&segment, packet.time, sink);
                self.make_room(sink);
            }
            Content::UnknownLink => {
                self.counts.unknown_links += 1;
                self.counts.unknown_link = Some(packet.link);
            }
        }
    }

    /// Nothing more comes.
    pub fn finish(&mut self, sink: Sink<'_>) {
        let mut rest: Vec<_> =
            self.connections.drain().filter_map(|(_, slot)| slot.connection).collect();
        rest.sort_unstable_by_key(|connection| connection.number);
        for mut connection in rest {
            let number = connection.number;
            let heard = connection
                .abandon(&mut self.ring, &mut |event| sink(Seen { connection: number, event }));
            self.counts.gap_bytes += heard.gap_bytes;
        }
        self.queue.clear();
        self.held = 0;
    }

    fn segment(&mut self, segment: &Segment<'_>, time: Duration, sink: Sink<'_>) {
        let ends = match (segment.source, segment.destination) {
            (a, b) if a <= b => (a, b),
            (a, b) => (b, a),
        };
        let heard_at = self.counts.packets;
        let slot = match self.connections.entry(ends) {
            Entry::Occupied(slot) => slot.into_mut(),
            // A connection begins with its handshake, or with something that is said in it.
            Entry::Vacant(_) if !segment.is_syn && segment.payload.is_empty() => return,
            Entry::Vacant(slot) => {
                self.queue.push(Reverse((heard_at, ends)));
                slot.insert(Slot { heard: heard_at, connection: None })
            }
        };
        let is_new = slot.heard == heard_at;
        slot.heard = heard_at;
        let mut gone = None;
        match &slot.connection {
            // The end of one that is over, again.
            None if !is_new && !segment.is_syn => return,
            None => {}
            Some(connection) if connection.is_another(segment) => gone = slot.connection.take(),
            Some(_) => {}
        }
        if let Some(mut gone) = gone {
            let number = gone.number;
            self.held -= gone.held();
            let heard =
                gone.abandon(&mut self.ring, &mut |event| sink(Seen { connection: number, event }));
            self.counts.gap_bytes += heard.gap_bytes;
        }
        let connection = slot.connection.get_or_insert_with(|| {
            self.counts.connections += 1;
            let connection = Connection::new(self.counts.connections, segment, self.room.bounds);
            self.held += connection.held();
            Box::new(connection)
        });
        let number = connection.number;
        self.held -= connection.held();
        let Heard { gap_bytes, is_over } =
            connection.segment(segment, time, &mut self.ring, &mut |event| {
                sink(Seen { connection: number, event })
            });
        self.counts.gap_bytes += gap_bytes;
        if is_over {
            slot.connection = None;
        } else {
            self.held += connection.held();
        }
    }

    /// Gives up what was heard of longest ago.
    fn make_room(&mut self, sink: Sink<'_>) {
        while self.connections.len() > self.room.max_connections || self.held > self.room.max_bytes
        {
            let Some(Reverse((heard, ends))) = self.queue.pop() else { return };
            let Some(slot) = self.connections.get(&ends) else { continue };
            if slot.heard != heard {
                self.queue.push(Reverse((slot.heard, ends)));
                continue;
            }
            let Some(Slot { connection: Some(mut connection), .. }) =
                self.connections.remove(&ends)
            else {
                continue;
            };
            self.counts.given_up += 1;
            self.held -= connection.held();
            let number = connection.number;
            let heard = connection
                .abandon(&mut self.ring, &mut |event| sink(Seen { connection: number, event }));
            self.counts.gap_bytes += heard.gap_bytes;
        }
    }
}
