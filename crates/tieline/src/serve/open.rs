//! An open link, from its first message to the end of its transport.
//!
//! ```text
//! Open ── the line closed ──▶ Leaving: what waits is written, the peer told that no more comes,
//!   │                                  and what it still says thrown away until it ends, too
//!   └──── the line was lost ─▶ Vacant
//! ```

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use tieline_proto::connection::{Incoming, State};
use tieline_proto::{CloseCode, Closed, Event, Limits, Lost};

use super::engine::Engine;
use super::handler::{Handler, Trouble};
use super::id::LinkId;
use super::line::Line;
use super::lines::DIRECT_BYTES;
use super::link::Link;
use super::memory::Memory;
use super::message::Message;
use super::seat::{Leaving, NEVER, Open, Seat};
use super::socket::Got;

/// Reads in a row of what is thrown away.
const DISCARDS: usize = 4;

/// A message of this size is a large one.
const LARGE_BYTES: usize = 2 * BEGINNING_BYTES;

/// What is read of the next message of a peer whose last was large, before the rest goes straight
/// into the message's own memory, in bytes.
const BEGINNING_BYTES: usize = 64 << 10;

/// Reads in a row of one large message.
const LARGE_READS: usize = 8;

/// What is read together with a large message of what comes behind it, in bytes.
const BEHIND_BYTES: usize = 4 << 10;

impl<H: Handler> Engine<H> {
    /// Reads what a link has to say, once, or a few times where that is a large message; it is read
    /// again in the next turn where there may be more, or its peer's end behind what was read.
    pub(super) fn read(&mut self, id: LinkId, ends: bool) {
        if matches!(&self.seats[id.index()], Seat::Open(Open { spill: Some(_), .. })) {
            return self.read_spill(id);
        }
        for round in 1.. {
            let (got, is_large) = {
                let Self { seats, worker, buffer, raw, memory, now, .. } = self;
                let mut lines = worker.lines().borrow_mut();
                let Some(line) = lines.line(id) else { return };
                let Seat::Open(open) = &mut seats[id.index()] else { return };
                if line.is_paused() {
                    return;
                }
                match read_past(&mut open.incoming, line, buffer, memory, *now) {
                    Some(got) => (got, true),
                    None if line.was_large && line.transport.is_plain() => {
                        (line.transport.read(&mut buffer[..BEGINNING_BYTES], raw), true)
                    }
                    None => (line.transport.read(buffer, raw), false),
                }
            };
            match got {
                Ok(got) if got.is_end() => return self.receive_end(id, None),
                Ok(got) => {
                    self.receive(id, got.bytes);
                    if !matches!(self.seats[id.index()], Seat::Open(_)) {
                        return self.leave(id);
                    }
                    // The rest of a large message is taken while its beginning is hot.
                    if is_large && got.filled && round < LARGE_READS {
                        continue;
                    }
                    // What is short was all there is, unless the peer's end waits behind it.
                    if got.filled || ends {
                        self.readable.push_back(id);
                    }
                    return;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.receive_end(id, Some(&error)),
            }
        }
    }

    /// Takes what lies at the front of the buffer: the way of every message.
    pub(super) fn receive(&mut self, id: LinkId, len: usize) {
        let link = self.link(id);
        let Self { seats, handler, buffer, memory, worker, now, .. } = self;
        let Seat::Open(Open { incoming, state, spill, .. }) = &mut seats[id.index()] else {
            return;
        };
        let lines = worker.lines();
        lines.borrow_mut().cork(id);
        let now = *now;
        let mut pinged = incoming.pinged();
        let mut events = incoming.receive(&mut buffer[..len], now);
        let mut closed = None;
        // One net for all messages of a read: unwinding from one of them ends the link.
        let caught = catch_unwind(AssertUnwindSafe(|| {
            loop {
                let is_open;
                let event = {
                    let mut lines = lines.borrow_mut();
                    let Some(line) = lines.line(id) else { break };
                    if line.is_paused() {
                        break;
                    }
                    is_open = line.is_open();
                    let event = events.next(&mut line.outgoing);
                    if let Some(Event::Message(message)) = &event {
                        let len = message.payload().len();
                        line.traffic.received(len);
                        line.was_large = len >= LARGE_BYTES;
                    }
                    event
                };
                match event {
                    None => break,
                    Some(Event::Message(message)) if is_open => {
                        if message.is_assembled() && message.payload().len() >= DIRECT_BYTES {
                            let kind = message.kind();
                            let shared = memory.lend(message.into_vec());
                            handler.message(state, &link, Message::of_shared(kind, &shared));
                        } else {
                            handler.message(state, &link, Message::from(&message));
                        }
                    }
                    Some(Event::Ping(_)) => lines.borrow_mut().say_control(id),
                    Some(Event::Pong(_)) => {
                        if let Some(at) = pinged.take() {
                            lines.borrow_mut().round_trips.note(now.saturating_duration_since(at));
                        }
                    }
                    Some(Event::Closed(how)) => {
                        closed = Some(how);
                        break;
                    }
                    Some(_) => {}
                }
                if events.consumed() == len {
                    break;
                }
            }
        }));
        let taken = events.consumed();
        if taken < len {
            *spill = Some(Box::new(buffer[taken..len].to_vec()));
        }
        lines.borrow_mut().uncork();
        if caught.is_err() {
            self.panicked(&link);
        }
        if let Some(how) = closed {
            self.closed(id, &how);
        }
    }

    /// The link's peer has read: its handler is told, and it may speak again.
    pub(super) fn relieve(&mut self, id: LinkId) {
        let link = self.link(id);
        let Some(Seat::Open(open)) = self.seats.get_mut(id.index()) else { return };
        if open.generation != id.generation || !link.is_open() {
            return;
        }
        let (handler, state) = (&mut self.handler, &mut open.state);
        if catch_unwind(AssertUnwindSafe(|| handler.writable(state, &link))).is_err() {
            self.panicked(&link);
        }
        self.resume(id);
    }

    /// Reads from a link again, what was read and not taken first.
    pub(super) fn resume(&mut self, id: LinkId) {
        let Some(Seat::Open(open)) = self.seats.get_mut(id.index()) else { return };
        if open.generation != id.generation {
            return;
        }
        if let Some(spill) = open.spill.take() {
            self.buffer[..spill.len()].copy_from_slice(&spill);
            self.receive(id, spill.len());
        }
        self.readable.push_back(id);
    }

    /// What was read before a pause comes before what arrived since, also when the socket tells of
    /// that first.
    #[cold]
    fn read_spill(&mut self, id: LinkId) {
        let line_is_paused = {
            let mut lines = self.worker.lines().borrow_mut();
            lines.line(id).is_none_or(|line| line.is_paused())
        };
        if !line_is_paused {
            self.resume(id);
        }
    }

    fn receive_end(&mut self, id: LinkId, error: Option<&io::Error>) {
        let now = self.now;
        let closed = {
            let mut lines = self.worker.lines().borrow_mut();
            let Some(line) = lines.line(id) else { return };
            let Seat::Open(open) = &mut self.seats[id.index()] else { return };
            match error {
                // TLS says so where the peer ended without saying goodbye.
                Some(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                    open.incoming.receive_error(&mut line.outgoing, now)
                }
                _ if line.is_broken() => open.incoming.receive_error(&mut line.outgoing, now),
                _ => open.incoming.receive_eof(&mut line.outgoing, now),
            }
        };
        if let Some(closed) = closed {
            self.closed(id, &closed);
        }
    }

    /// The line is closed: the handler is told, and the transport goes its way.
    pub(super) fn closed(&mut self, id: LinkId, how: &Closed) {
        let link = self.link(id);
        let seat = &mut self.seats[id.index()];
        let Seat::Open(open) = std::mem::replace(seat, Seat::Vacant) else { return };
        let Open { state, incoming, due, .. } = open;
        let handler = &mut self.handler;
        if catch_unwind(AssertUnwindSafe(|| handler.close(state, &link, how))).is_err() {
            self.handler.trouble(&Trouble::Panicked(&link));
        }
        let deadline = self.now + incoming.limits().close_within;
        self.seats[id.index()] =
            Seat::Leaving(Leaving { generation: id.generation, due, deadline, is_shut: false });
        if let Closed::Lost(_) = how {
            return self.vacate(id);
        }
        self.arm(id);
        self.leave(id);
    }

    /// The end was asked for: it has a deadline from now on.
    pub(super) fn begin_end(&mut self, id: LinkId) {
        let state = {
            let mut lines = self.worker.lines().borrow_mut();
            let Some(line) = lines.line(id) else { return };
            if line.is_broken() { None } else { Some(line.outgoing.state()) }
        };
        match (state, &self.seats[id.index()]) {
            (None, Seat::Open(_)) => {
                self.read(id, true);
                self.lose(id);
            }
            // Hixie-75 has no closing handshake: it is over.
            (Some(State::Closed { .. }), Seat::Open(_)) => {
                let (code, reason) = (CloseCode::NO_STATUS, String::new());
                self.closed(id, &Closed::Cleanly { code, reason });
            }
            (_, Seat::Leaving(_)) => self.leave(id),
            _ => {
                self.arm(id);
                // Its peer's answer has to be read, even where nothing was read before.
                self.readable.push_back(id);
            }
        }
    }

    /// Gives a link up, if it is still there.
    pub(super) fn lose(&mut self, id: LinkId) {
        if matches!(&self.seats[id.index()], Seat::Open(open) if open.generation == id.generation) {
            self.closed(id, &Closed::Lost(Lost::Transport));
        }
    }

    /// Writes the rest, says that no more comes, and throws away what comes.
    pub(super) fn leave(&mut self, id: LinkId) {
        let Seat::Leaving(leaving) = &mut self.seats[id.index()] else { return };
        let mut is_over = false;
        {
            let mut lines = self.worker.lines().borrow_mut();
            let Some(line) = lines.line(id) else { return };
            let is_out = line.flush();
            if is_out && !leaving.is_shut {
                leaving.is_shut = true;
                is_over = line.is_broken() || line.transport.shutdown().is_err();
            }
            for _ in 0..DISCARDS {
                if is_over {
                    break;
                }
                match line.transport.read(&mut self.buffer, &mut self.raw) {
                    Ok(got) if !got.is_end() => {}
                    // The peer says no more, and may read what it was told before.
                    Ok(_) if !is_out => return,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    _ => is_over = true,
                }
            }
        }
        if is_over { self.vacate(id) } else { self.readable.push_back(id) }
    }

    /// Has a seat looked at when its deadline comes.
    pub(super) fn arm(&mut self, id: LinkId) {
        let Some(deadline) = self.deadline(id) else { return };
        let tick = u32::try_from(self.wheel.tick_of(deadline)).unwrap_or(NEVER - 1);
        let Some(due) = self.seats[id.index()].due() else { return };
        if tick < *due {
            let tick = self.wheel.insert(id.slot, deadline);
            *self.seats[id.index()].due().expect("as above") =
                u32::try_from(tick).unwrap_or(NEVER - 1);
        }
    }

    fn deadline(&self, id: LinkId) -> Option<Instant> {
        match &self.seats[id.index()] {
            Seat::Leaving(leaving) => Some(leaving.deadline),
            Seat::Open(open) => {
                let mut lines = self.worker.lines().borrow_mut();
                open.incoming.deadline(&lines.line(id)?.outgoing)
            }
            Seat::Refused(refused) => Some(refused.deadline),
            Seat::Vacant => None,
            Seat::Visit(visit) => Some(visit.deadline),
        }
    }

    /// The wheel gave a seat back.
    pub(super) fn time_out(&mut self, slot: u32, tick: u64) {
        let Some(id) = self.id(slot as usize) else { return };
        let Some(due) = self.seats[id.index()].due() else { return };
        if u64::from(*due) != tick {
            return;
        }
        *due = NEVER;
        if self.deadline(id).is_some_and(|deadline| deadline <= self.now) {
            match &self.seats[id.index()] {
                Seat::Leaving(_) | Seat::Refused(_) => return self.vacate(id),
                Seat::Visit(_) => self.visit_too_long(id),
                Seat::Open(_) => self.open_too_long(id),
                Seat::Vacant => return,
            }
        }
        self.arm(id);
    }

    /// Pings a silent peer, or gives up one that did not answer.
    fn open_too_long(&mut self, id: LinkId) {
        let now = self.now;
        let closed = {
            let mut lines = self.worker.lines().borrow_mut();
            let Seat::Open(open) = &mut self.seats[id.index()] else { return };
            let Some(line) = lines.line(id) else { return };
            // Who reads is there, and so may be who is not listened to.
            if line.take_moved() || (line.is_paused() && !line.is_full()) {
                open.incoming.hear(now);
                return;
            }
            let closed = open.incoming.handle_timeout(&mut line.outgoing, now);
            lines.say_control(id);
            closed
        };
        match closed {
            Some(closed) => self.closed(id, &closed),
            None => self.settle(),
        }
    }

    /// Has the handler say its last word, and closes the link with 1001 unless it lingers.
    pub(super) fn drain_link(&mut self, id: LinkId) {
        let link = self.link(id);
        let Seat::Open(open) = &mut self.seats[id.index()] else { return };
        let (handler, state) = (&mut self.handler, &mut open.state);
        let lingers = catch_unwind(AssertUnwindSafe(|| {
            handler.drain(state, &link);
            handler.lingers(state, &link)
        }));
        match lingers {
            Ok(true) => return,
            Ok(false) => {}
            Err(_) => self.panicked(&link),
        }
        link.close(CloseCode::GOING_AWAY, "the server stops");
    }

    fn panicked(&mut self, link: &Link) {
        self.handler.trouble(&Trouble::Panicked(link));
        link.close(CloseCode::INTERNAL, "internal error");
        // What lies behind the message that failed may be the peer's own end.
        self.readable.push_back(link.id);
    }

    /// A link whose handler failed to open it goes at once.
    pub(super) fn leave_unopened(&mut self, id: LinkId, due: u32) {
        let deadline = self.now + Limits::default().close_within;
        self.seats[id.index()] =
            Seat::Leaving(Leaving { generation: id.generation, due, deadline, is_shut: false });
        self.arm(id);
        self.leave(id);
    }

    /// A place is free again; what was there is dropped.
    pub(super) fn vacate(&mut self, id: LinkId) {
        self.seats[id.index()] = Seat::Vacant;
        self.taken -= 1;
        self.worker.lines().borrow_mut().release(id);
    }
}

/// Reads into the memory of a large message that is on its way, and some of what comes behind it
/// into the buffer; `None` where none is.
fn read_past(
    incoming: &mut Incoming,
    line: &mut Line,
    buffer: &mut [u8],
    memory: &Memory,
    now: Instant,
) -> Option<io::Result<Got>> {
    if !line.transport.is_plain() {
        return None;
    }
    let behind = &mut buffer[..BEHIND_BYTES];
    let mut got = None;
    let more = |len| memory.take(len);
    incoming.fill(now, more, |room| {
        let all = room.len() + behind.len();
        let read = line.transport.read_vectored(room, behind);
        let past = read.as_ref().map_or(0, |read| (*read).min(room.len()));
        got = Some(read.map(|read| Got {
            bytes: read - past,
            filled: read == all,
            was_past: past > 0,
        }));
        past
    });
    got
}
