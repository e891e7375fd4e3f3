//! One connection of TCP: its three-way handshake, what both ends send, and its end.

use std::net::SocketAddr;
use std::time::Duration;

use super::carrier::{Carried, Carrier, Keyring};
use super::segment::Segment;
use super::stream::{Piece, Stream};
use crate::conversation::{Conversation, Start};
use crate::direction::Bounds;
#[cfg(feature = "tls")]
use crate::event::Note;
use crate::event::{Connected, End, Event, What};
use crate::frame::Sender;

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) number: u64,
    connected: Connected,
    is_told: bool,
    /// What the client sends, and what the server does.
    streams: [Stream; 2],
    /// Who ended first.
    ended: Option<Sender>,
    carrier: Carrier,
    conversation: Conversation,
    /// When it was last heard of.
    last: Duration,
}

/// What was lost, and whether it is over.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heard {
    pub(super) gap_bytes: u64,
    pub(super) is_over: bool,
}

type Sink<'s> = &'s mut dyn FnMut(Event);

impl Connection {
    /// A connection of which this is the first segment that is seen.
    pub(super) fn new(number: u64, segment: &Segment<'_>, bounds: Bounds) -> Self {
        let is_first = segment.is_syn && segment.acknowledged.is_none();
        let sender = match (segment.is_syn, is_first) {
            (true, true) => Sender::Client,
            (true, false) => Sender::Server,
            _ => likely_sender(segment),
        };
        let (client, server) = match sender {
            Sender::Client => (segment.source, segment.destination),
            Sender::Server => (segment.destination, segment.source),
        };
        let start = if segment.is_syn { Start::Handshake } else { Start::Anywhere };
        Self {
            number,
            connected: Connected { client, server, syn: None, syn_ack: None, ack: None },
            is_told: false,
            streams: Default::default(),
            ended: None,
            carrier: Carrier::default(),
            conversation: Conversation::new(start, bounds),
            last: Duration::ZERO,
        }
    }

    /// Whether a segment begins another connection between the same ends.
    pub(super) fn is_another(&self, segment: &Segment<'_>) -> bool {
        let stream = &self.streams[self.sender(segment.source) as usize];
        segment.is_syn && stream.began_otherwise(segment.sequence)
    }

    /// How much memory it holds, about.
    pub(super) fn held(&self) -> usize {
        let streams = self.streams[0].held() + self.streams[1].held();
        size_of::<Self>() + streams + self.carrier.held() + self.conversation.held()
    }

    /// Takes a segment.
    pub(super) fn segment(
        &mut self,
        segment: &Segment<'_>,
        time: Duration,
        ring: &mut Keyring,
        sink: Sink<'_>,
    ) -> Heard {
        let mut heard = Heard::default();
        let from = self.sender(segment.source);
        self.last = time;
        self.shake_hands(from, segment, time);
        let behind = segment.sequence.wrapping_add(u32::from(segment.is_syn));
        if !segment.is_reset {
            let missing = segment.missing;
            self.stream(from, time, ring, sink, &mut heard, |stream, give| {
                stream.segment(behind, segment.payload, missing, time, give);
            });
        }
        if segment.is_fin {
            let len = (segment.payload.len() + segment.missing) as u32;
            self.streams[from as usize].finish_at(behind.wrapping_add(len));
            self.ended.get_or_insert(from);
        }
        if let Some(acknowledged) = segment.acknowledged {
            self.stream(from.other(), time, ring, sink, &mut heard, |stream, give| {
                stream.acknowledge(acknowledged, time, give);
            });
        }
        if segment.is_reset {
            self.finish(End::Reset(from), ring, sink, &mut heard);
        } else if self.streams.iter().all(Stream::is_over) {
            self.finish(End::Fin(self.ended.unwrap_or(from)), ring, sink, &mut heard);
        }
        heard
    }

    /// Nothing more of it is seen.
    pub(super) fn abandon(&mut self, ring: &mut Keyring, sink: Sink<'_>) -> Heard {
        let mut heard = Heard::default();
        self.finish(self.ended.map_or(End::Unseen, End::Fin), ring, sink, &mut heard);
        heard
    }

    fn finish(&mut self, end: End, ring: &mut Keyring, sink: Sink<'_>, heard: &mut Heard) {
        let time = self.last;
        for from in [Sender::Client, Sender::Server] {
            self.stream(from, time, ring, sink, heard, |stream, give| stream.flush(give));
        }
        self.tell(time, sink);
        let was_open = self.conversation.is_open();
        self.conversation.finish(end, time, sink);
        if !was_open {
            sink(Event { time, what: What::Disconnected(end) });
        }
        heard.is_over = true;
    }

    /// Notes the times of the three-way handshake.
    fn shake_hands(&mut self, from: Sender, segment: &Segment<'_>, time: Duration) {
        let Connected { syn, syn_ack, ack, .. } = &mut self.connected;
        match (from, segment.is_syn) {
            (Sender::Client, true) => drop(syn.get_or_insert(time)),
            (Sender::Server, true) => drop(syn_ack.get_or_insert(time)),
            (Sender::Client, false) if syn_ack.is_some() && segment.acknowledged.is_some() => {
                ack.get_or_insert(time);
            }
            _ => {}
        }
        if segment.is_syn {
            self.streams[from as usize].begin(segment.sequence);
        }
    }

    /// Has a stream do something, and the conversation hear what comes of it.
    fn stream(
        &mut self,
        from: Sender,
        time: Duration,
        ring: &mut Keyring,
        sink: Sink<'_>,
        heard: &mut Heard,
        act: impl FnOnce(&mut Stream, &mut dyn FnMut(Piece<'_>)),
    ) {
        let Self { streams, carrier, conversation, connected, is_told, .. } = self;
        act(&mut streams[from as usize], &mut |piece| {
            if !std::mem::replace(is_told, true) {
                sink(Event { time, what: What::Connected(Box::new(*connected)) });
            }
            let mut hear = |carried: Carried<'_>| match carried {
                Carried::Bytes(from, bytes) => conversation.receive(from, bytes, time, sink),
                Carried::Missing(from, bytes) => conversation.miss(from, bytes, time, sink),
                #[cfg(feature = "tls")]
                Carried::Opened => sink(Event { time, what: What::Note(Note::TlsOpened) }),
                #[cfg(feature = "tls")]
                Carried::Lost => conversation.explain(Note::TlsLost, time, sink),
            };
            match piece {
                Piece::Bytes(bytes) => carrier.receive(from, bytes, ring, &mut hear),
                Piece::Gap(bytes) => {
                    heard.gap_bytes += bytes;
                    carrier.miss(from, bytes, &mut hear);
                }
            }
        });
    }

    /// Says who is connected, once.
    fn tell(&mut self, time: Duration, sink: Sink<'_>) {
        if !std::mem::replace(&mut self.is_told, true) {
            sink(Event { time, what: What::Connected(Box::new(self.connected)) });
        }
    }

    fn sender(&self, source: SocketAddr) -> Sender {
        if source == self.connected.client { Sender::Client } else { Sender::Server }
    }
}

/// Who seems to have sent a segment in the middle of a connection.
fn likely_sender(segment: &Segment<'_>) -> Sender {
    match segment.payload {
        [b'H', b'T', b'T', b'P', ..] => Sender::Server,
        [b'G', b'E', b'T', b' ', ..] => Sender::Client,
        // Clients mask; and servers have the smaller number, almost always.
        _ if segment.source.port() == segment.destination.port() => match segment.payload {
            [_, second, ..] if second & 0x80 == 0 => Sender::Server,
            _ => Sender::Client,
        },
        _ if segment.source.port() > segment.destination.port() => Sender::Client,
        _ => Sender::Server,
    }
}
