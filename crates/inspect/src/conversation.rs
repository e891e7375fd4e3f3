//! One connection, from its handshake to its end, without TCP.
//!
//! Bytes go in, each with who has sent them and when; events come out.
//!
//! | after …                                   | call                       |
//! |-------------------------------------------|----------------------------|
//! | one end said something                    | [`Conversation::receive`]  |
//! | bytes of it are missing for good          | [`Conversation::miss`]     |
//! | the transport ended, or nobody looks more | [`Conversation::finish`]   |
//!
//! How the bytes of one end are cut changes nothing about the events but their times.

use std::collections::VecDeque;
use std::time::Duration;

use tieline_proto::CloseCode;
use tieline_proto::deflate::Window;
use tieline_proto::handshake::Dialect;

use crate::direction::Bounds;
use crate::event::{Answered, End, Ending, Event, Note, What, Windows};
use crate::frame::{Frame, Outcome, Sender};
use crate::handshake::{Handshake, Step};
use crate::side::{Brought, Side};

/// Most pings of an end whose pongs are waited for.
const MAX_PINGS: usize = 32;

/// What is known of a connection when its first bytes are seen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "what can be known")]
pub enum Start {
    /// Nothing: they may be a handshake, or lie anywhere behind it.
    Anywhere,
    /// They are the first that were said: a handshake, if it is a WebSocket.
    Handshake,
    /// The handshake is done, and agreed on this; nothing was said since.
    Open(Terms),
    /// The handshake is done, and agreed on this; both ends are between two frames.
    BetweenFrames(Terms),
}

/// What the handshake agreed on, as far as frames depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers build one")]
pub struct Terms {
    /// What is spoken.
    pub dialect: Dialect,
    /// permessage-deflate, where it was agreed.
    pub deflate: Option<Windows>,
}

/// One connection.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use tieline_inspect::{Bounds, Conversation, Sender, Start, Terms, What};
///
/// let mut conversation = Conversation::new(Start::Open(Terms::default()), Bounds::default());
/// let mut names = Vec::new();
/// conversation.receive(Sender::Server, b"\x81\x05Hello", Duration::ZERO, &mut |event| {
///     if let What::Frame { frame, .. } = event.what {
///         names.push(frame.name());
///     }
/// });
/// assert_eq!(names, ["text"]);
/// ```
#[derive(Debug)]
pub struct Conversation {
    bounds: Bounds,
    stage: Stage,
    /// Of the client, then of the server.
    pings: [VecDeque<(Vec<u8>, Duration)>; 2],
    closes: [Option<(CloseCode, String)>; 2],
    began: Option<Sender>,
    is_told_of_more: [bool; 2],
}

#[derive(Debug)]
enum Stage {
    Handshake(Box<Handshake>),
    Open(Box<[Side; 2]>),
    /// Nothing is looked at any more.
    Over,
    /// Nothing was said yet but the first byte of each end, where that alone says nothing.
    Unknown([Option<u8>; 2]),
}

type Sink<'s> = &'s mut dyn FnMut(Event);

impl Conversation {
    /// A connection of which this is known.
    pub fn new(start: Start, bounds: Bounds) -> Self {
        let between = |sender, window| Side::between_frames(sender, window, bounds);
        let stage = match start {
            Start::Anywhere => Stage::Unknown([None; 2]),
            Start::Handshake => Stage::Handshake(Box::new(Handshake::new(false))),
            Start::Open(terms) => open(terms, bounds),
            Start::BetweenFrames(terms) if terms.dialect.is_legacy() => open(terms, bounds),
            Start::BetweenFrames(Terms { deflate, .. }) => Stage::Open(Box::new([
                between(Sender::Client, deflate.map(|windows| windows.client)),
                between(Sender::Server, deflate.map(|windows| windows.server)),
            ])),
        };
        Self {
            bounds,
            stage,
            pings: [const { VecDeque::new() }; 2],
            closes: [None, None],
            began: None,
            is_told_of_more: [false; 2],
        }
    }

    /// Whether a handshake was answered with 101, or frames are looked at without one.
    pub const fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open(_))
    }

    /// Whether nothing more comes of it, whatever is said.
    pub const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// How much memory it holds, about.
    pub fn held(&self) -> usize {
        let pings = (self.pings[0].len() + self.pings[1].len()) * 160;
        size_of::<Self>()
            + pings
            + match &self.stage {
                Stage::Handshake(handshake) => handshake.held(),
                Stage::Open(sides) => sides[0].held() + sides[1].held(),
                Stage::Over | Stage::Unknown(_) => 0,
            }
    }

    /// Takes what `from` said, the next bytes of that direction.
    pub fn receive(&mut self, from: Sender, bytes: &[u8], time: Duration, sink: Sink<'_>) {
        if bytes.is_empty() {
            return;
        }
        if let Stage::Unknown(firsts) = &mut self.stage {
            let first = firsts[from as usize].take();
            let begun = [first.as_slice(), bytes].concat();
            if let [0x14..=0x17] = begun[..] {
                firsts[from as usize] = Some(begun[0]);
                return;
            }
            let other = firsts[from.other() as usize].take();
            self.begin(from, &begun, time, sink);
            self.receive(from.other(), other.as_slice(), time, sink);
            self.receive(from, &begun, time, sink);
            return;
        }
        match &mut self.stage {
            Stage::Handshake(handshake) => {
                let half = match from {
                    Sender::Client => &mut handshake.client,
                    Sender::Server => &mut handshake.server,
                };
                half.held.extend_from_slice(bytes);
                self.shake_hands(time, sink);
            }
            Stage::Open(_) => self.read(from, time, sink, |side, sink| side.take(bytes, sink)),
            Stage::Over | Stage::Unknown(_) => {}
        }
    }

    /// Takes note that the next `bytes` that `from` said are missing, and will not come any more.
    pub fn miss(&mut self, from: Sender, bytes: u64, time: Duration, sink: Sink<'_>) {
        if self.is_over() {
            return;
        }
        sink(Event { time, what: What::Gap { from, bytes } });
        match &mut self.stage {
            Stage::Handshake(handshake) => {
                // What is there of it may be frames, where a request to upgrade was seen.
                let held = handshake.is_asked().then(|| {
                    [
                        std::mem::take(&mut handshake.client.held),
                        std::mem::take(&mut handshake.server.held),
                    ]
                });
                match held {
                    None => self.stage = Stage::Over,
                    Some(held) => {
                        self.open_anywhere(time, sink);
                        for (from, held) in [Sender::Client, Sender::Server].into_iter().zip(held) {
                            self.receive(from, &held, time, sink);
                        }
                    }
                }
            }
            Stage::Open(_) => self.read(from, time, sink, |side, sink| side.miss(bytes, sink)),
            Stage::Over | Stage::Unknown(_) => {}
        }
    }

    /// Takes note that nothing more comes. To be called once.
    pub fn finish(&mut self, end: End, time: Duration, sink: Sink<'_>) {
        if let Stage::Handshake(handshake) = &mut self.stage
            && let Some(note) = handshake.finish()
        {
            self.end_with(note, time, sink);
        }
        for from in [Sender::Client, Sender::Server] {
            self.read(from, time, sink, Side::finish);
        }
        if self.is_open() {
            let [client, server] = std::mem::take(&mut self.closes);
            let ending = Ending { began: self.began, client, server, end };
            sink(Event { time, what: What::Closed(Box::new(ending)) });
        }
        self.stage = Stage::Over;
    }

    /// The first bytes say whether it is a handshake: those of HTTP and of TLS are no frames.
    fn begin(&mut self, from: Sender, bytes: &[u8], time: Duration, sink: Sink<'_>) {
        let is_http = match from {
            Sender::Client => matches!(bytes, [b'C'..=b'Z', ..]),
            Sender::Server => matches!(bytes, [b'H', ..]),
        };
        if is_http {
            self.stage = Stage::Handshake(Box::new(Handshake::new(true)));
        } else if let [0x14..=0x17, 0x03, ..] = bytes {
            self.end_with(Note::Tls, time, sink);
        } else {
            self.open_anywhere(time, sink);
        }
    }

    fn open_anywhere(&mut self, time: Duration, sink: Sink<'_>) {
        sink(Event { time, what: What::Note(Note::InTheMiddle) });
        // Messages may be compressed, and nobody knows.
        let window = Some(Window { bits: 15, context_takeover: true });
        let side = |sender| Side::anywhere(sender, window, self.bounds);
        self.stage = Stage::Open(Box::new([side(Sender::Client), side(Sender::Server)]));
    }

    /// Says why nothing more is heard of it.
    #[cfg(feature = "tls")]
    pub(crate) fn explain(&mut self, note: Note, time: Duration, sink: Sink<'_>) {
        match self.is_open() {
            true => sink(Event { time, what: What::Note(note) }),
            false => self.end_with(note, time, sink),
        }
    }

    fn end_with(&mut self, note: Note, time: Duration, sink: Sink<'_>) {
        sink(Event { time, what: What::Note(note) });
        self.stage = Stage::Over;
    }

    fn shake_hands(&mut self, time: Duration, sink: Sink<'_>) {
        while let Stage::Handshake(handshake) = &mut self.stage {
            match handshake.step() {
                Step::Wait => return,
                Step::Seen(what) => sink(Event { time, what }),
                Step::Over(note) => self.end_with(note, time, sink),
                Step::Open(answered, dialect) => {
                    let (client, server) = (&mut handshake.client, &mut handshake.server);
                    let passed = [client.taken, server.taken];
                    let held = [std::mem::take(&mut client.held), std::mem::take(&mut server.held)];
                    self.open(*answered, dialect, passed, time, sink);
                    for (from, held) in [Sender::Client, Sender::Server].into_iter().zip(held) {
                        self.receive(from, &held, time, sink);
                    }
                }
            }
        }
    }

    fn open(
        &mut self,
        answered: Answered,
        dialect: Dialect,
        passed: [u64; 2],
        time: Duration,
        sink: Sink<'_>,
    ) {
        self.stage = open(Terms { dialect, deflate: answered.deflate }, self.bounds);
        if let Stage::Open(sides) = &mut self.stage {
            sides[0].pass(passed[0]);
            sides[1].pass(passed[1]);
        }
        sink(Event { time, what: What::Answered(Box::new(answered)) });
    }

    /// Has one side do something, and tells what comes of it.
    fn read(
        &mut self,
        from: Sender,
        time: Duration,
        sink: Sink<'_>,
        act: impl FnOnce(&mut Side, &mut dyn FnMut(Brought)),
    ) {
        let Self { stage, pings, closes, began, is_told_of_more, .. } = self;
        let Stage::Open(sides) = stage else { return };
        let here = from as usize;
        act(&mut sides[here], &mut |seen| {
            if closes[here].is_some() && !std::mem::replace(&mut is_told_of_more[here], true) {
                sink(Event { time, what: What::Note(Note::AfterClose(from)) });
            }
            if seen.is_close() {
                began.get_or_insert(from);
            }
            let what = match seen {
                Brought::Frame(frame) => {
                    if let Outcome::Close { code, reason } = &frame.outcome {
                        closes[here].get_or_insert_with(|| (*code, reason.clone()));
                    }
                    let round_trip = round_trip(pings, from, &frame, time);
                    What::Frame { from, frame, round_trip }
                }
                Brought::Found(bytes) => What::Note(Note::Passed(from, bytes)),
                Brought::Nothing => What::Note(Note::NoFrames(from)),
            };
            sink(Event { time, what });
        });
    }
}

/// Remembers a ping; answers how long ago the one was that a pong answers.
fn round_trip(
    pings: &mut [VecDeque<(Vec<u8>, Duration)>; 2],
    from: Sender,
    frame: &Frame,
    time: Duration,
) -> Option<Duration> {
    match frame.outcome {
        Outcome::Ping => {
            let pings = &mut pings[from as usize];
            if pings.len() == MAX_PINGS {
                pings.pop_front();
            }
            pings.push_back((frame.payload.clone(), time));
            None
        }
        Outcome::Pong => {
            let pings = &mut pings[from.other() as usize];
            // RFC 6455 §5.5.3: those before it need no answer any more.
            let at = pings.iter().position(|(payload, _)| *payload == frame.payload)?;
            let (_, sent) = pings.drain(..=at).next_back()?;
            time.checked_sub(sent)
        }
        _ => None,
    }
}

fn open(Terms { dialect, deflate }: Terms, bounds: Bounds) -> Stage {
    let side = |sender, window| Side::new(sender, dialect, window, bounds);
    Stage::Open(Box::new([
        side(Sender::Client, deflate.map(|windows| windows.client)),
        side(Sender::Server, deflate.map(|windows| windows.server)),
    ]))
}
