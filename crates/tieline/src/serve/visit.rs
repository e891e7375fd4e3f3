//! A connection from its first byte to the answer of its first request.
//!
//! ```text
//! accept ─▶ TLS ─▶ head ─▶ Handler::decide ─┬─▶ 101 ─▶ Open
//!                                           ├─▶ refusal ─▶ Refused: lingers, and is closed
//!                                           ├─▶ reset
//!                                           └─▶ Handler::hand_off, what was read goes with it
//! └── one deadline ─────────────────────────┘
//! ```
//!
//! When the server stops, whoever has said nothing yet is let go, and half a head is answered 503.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use mio::Interest;
use tieline_proto::handshake::HandshakeError;
use tieline_proto::http::{HeadReader, encode_response};
use tieline_proto::{CloseCode, Connection, Role};

use super::arrival::Arrival;
use super::engine::Engine;
use super::handler::{Decision, Grant, Handler, Trouble};
use super::handoff::{Counted, Handoff};
use super::id::LinkId;
use super::line::Line;
use super::preface::begins_http2;
use super::seat::{NEVER, Open, Refused, Seat, Visit};
use super::socket::Got;
use super::transport::Transport;

/// How long a refused client may take to read the answer and go.
const LINGER: Duration = Duration::from_secs(2);

/// Most bytes of a refused client that are read and thrown away.
const LINGER_BYTES: usize = 256 << 10;

/// What is read at once of a head.
const HEAD_READ_BYTES: usize = 8 << 10;

/// What the bytes so far lead to.
enum Next<H: Handler> {
    HandOff,
    More,
    Open(Box<Grant<H>>, usize),
    Refuse(Box<Response<Bytes>>),
    Reset,
}

impl<H: Handler> Engine<H> {
    pub(super) fn begin_visit(&mut self, arrival: Arrival, mut transport: Transport) {
        let id = self.worker.lines().borrow_mut().reserve();
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.get_ref().registry();
        if let Err(error) = registry.register(&mut transport.socket, id.token(), interest) {
            self.worker.lines().borrow_mut().release(id);
            return self.handler.trouble(&Trouble::Handshake(&arrival, &error));
        }
        if arrival.is_secure && self.raw.is_empty() {
            self.raw = vec![0; super::engine::RAW_BYTES];
        }
        let limits = &arrival.options.limits;
        let visit = Visit {
            generation: id.generation,
            due: NEVER,
            deadline: self.now + limits.handshake_within,
            reader: HeadReader::new(limits),
            arrival,
            transport,
            read: Vec::new(),
            granted: None,
        };
        while self.seats.len() <= id.index() {
            self.seats.push(Seat::Vacant);
        }
        self.seats[id.index()] = Seat::Visit(Box::new(visit));
        self.taken += 1;
        self.arm(id);
    }

    /// Reads on, once, and answers when the request is whole; it is looked at again in the next turn
    /// where more may wait, or where its peer's end waits behind what was read.
    pub(super) fn visit(&mut self, id: LinkId, ends: bool) {
        let Seat::Visit(visit) = &mut self.seats[id.index()] else { return };
        // What the socket had no room for; why it takes nothing any more shows in the read.
        let _ = visit.transport.flush();
        // TLS decrypts into more than it reads; a plain head is small.
        let room = if visit.arrival.is_secure { self.buffer.len() } else { HEAD_READ_BYTES };
        let got = visit.transport.read(&mut self.buffer[..room], &mut self.raw);
        #[cfg(feature = "tls")]
        if visit.transport.tls().is_some_and(|tls| !tls.is_handshaking() && tls.is_h2()) {
            if let Ok(Got { bytes, .. }) = got {
                visit.read.extend_from_slice(&self.buffer[..bytes]);
            }
            return self.hand_off(id);
        }
        let filled = match got {
            Ok(got) if got.is_end() => {
                return self.visit_lost(id, &io::ErrorKind::UnexpectedEof.into());
            }
            Ok(Got { bytes, filled, .. }) => {
                visit.read.extend_from_slice(&self.buffer[..bytes]);
                filled
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(error) => return self.visit_lost(id, &error),
        };
        match self.next(id) {
            Next::More if filled || ends => self.readable.push_back(id),
            Next::More => {}
            Next::HandOff => self.hand_off(id),
            Next::Open(grant, behind) => self.open(id, *grant, behind),
            Next::Refuse(response) => self.refuse(id, *response),
            Next::Reset => self.reset(id),
        }
    }

    fn next(&mut self, id: LinkId) -> Next<H> {
        let is_stopping = self.is_stopping();
        let Self { seats, handler, .. } = self;
        let Seat::Visit(visit) = &mut seats[id.index()] else { return Next::More };
        let Visit { granted, reader, read, arrival, .. } = &mut **visit;
        let (grant, len) = match granted.take() {
            Some(granted) => granted,
            None => {
                if !arrival.is_secure {
                    match begins_http2(read) {
                        None => return Next::More,
                        Some(true) => return Next::HandOff,
                        Some(false) => {}
                    }
                }
                let (head, len) = match reader.request(read) {
                    Ok(None) => return Next::More,
                    Ok(Some(whole)) => whole,
                    Err(error) => return Next::Refuse(response(HandshakeError::from(error))),
                };
                let decide = AssertUnwindSafe(|| handler.decide(head, arrival));
                match catch_unwind(decide) {
                    Ok(Decision::Accept(_)) if is_stopping => return Next::Refuse(stopping()),
                    Ok(Decision::Accept(grant)) => (grant, len),
                    Ok(Decision::HandOff) => return Next::HandOff,
                    Ok(Decision::Refuse(response)) => return Next::Refuse(response),
                    Ok(Decision::Reset) => return Next::Reset,
                    Err(_) => return Next::Refuse(broken()),
                }
            }
        };
        let behind = len + grant.upgrade.key3_bytes();
        if read.len() < behind {
            *granted = Some((grant, len));
            return Next::More;
        }
        Next::Open(grant, len)
    }

    /// Answers 101, opens the link, and takes what was already sent behind the request.
    fn open(&mut self, id: LinkId, grant: Grant<H>, len: usize) {
        let Grant { upgrade, accept, limits, backlog, open } = grant;
        let Seat::Visit(visit) = &mut self.seats[id.index()] else { return };
        let behind = len + upgrade.key3_bytes();
        let (answer, agreement) = match upgrade.accept(&accept, &visit.read[len..behind]) {
            Ok(accepted) => accepted,
            Err(error) => return self.refuse(id, *response(error)),
        };
        let Seat::Visit(visit) = std::mem::replace(&mut self.seats[id.index()], Seat::Vacant)
        else {
            unreachable!("it was there a moment ago");
        };
        let Visit { due, transport, read, .. } = *visit;
        let connection = Connection::new(Role::Server, &agreement, limits, self.now);
        let (incoming, outgoing) = connection.into_halves();
        let link = self.link(id);
        {
            let mut lines = self.worker.lines().borrow_mut();
            lines.open(id, Line::new(outgoing, transport, backlog));
            lines.cork(id);
            lines.say_raw(&answer);
        }
        let handler = &mut self.handler;
        let opened = catch_unwind(AssertUnwindSafe(|| open(handler, &link, &agreement)));
        self.worker.lines().borrow_mut().uncork();
        let Ok(state) = opened else {
            self.handler.trouble(&Trouble::Panicked(&link));
            link.close(CloseCode::INTERNAL, "internal error");
            self.worker.lines().borrow_mut().flush_line(id);
            return self.leave_unopened(id, due);
        };
        self.seats[id.index()] =
            Seat::Open(Open { generation: id.generation, due, incoming, state, spill: None });
        self.arm(id);
        let early = &read[behind..];
        if !early.is_empty() {
            if self.buffer.len() < early.len() {
                // A head in pieces, and a whole buffer behind the last of them.
                self.buffer.resize(early.len(), 0);
            }
            self.buffer[..early.len()].copy_from_slice(early);
            self.receive(id, early.len());
        }
        self.readable.push_back(id);
    }

    fn hand_off(&mut self, id: LinkId) {
        let Seat::Visit(visit) = std::mem::replace(&mut self.seats[id.index()], Seat::Vacant)
        else {
            return;
        };
        self.taken -= 1;
        self.worker.lines().borrow_mut().release(id);
        let Visit { mut transport, arrival, read, .. } = *visit;
        let registry = self.poll.get_ref().registry();
        match registry.deregister(&mut transport.socket) {
            Ok(()) => self.hand_over(arrival, transport, read.into()),
            Err(error) => self.handler.trouble(&Trouble::Handshake(&arrival, &error)),
        }
    }

    /// Hands a connection over that the poll does not know.
    pub(super) fn hand_over(&mut self, arrival: Arrival, transport: Transport, read: Bytes) {
        let counted = Counted::new(&self.handed, self.worker.inbox());
        match Handoff::new(arrival.clone(), transport, read, counted) {
            Ok(handoff) => {
                let handler = &mut self.handler;
                if catch_unwind(AssertUnwindSafe(|| handler.hand_off(handoff))).is_err() {
                    let error = io::Error::other("the handler panicked");
                    self.handler.trouble(&Trouble::Handshake(&arrival, &error));
                }
            }
            Err(error) => self.handler.trouble(&Trouble::Handshake(&arrival, &error)),
        }
    }

    fn visit_lost(&mut self, id: LinkId, error: &io::Error) {
        if let Seat::Visit(visit) = &self.seats[id.index()] {
            self.handler.trouble(&Trouble::Handshake(&visit.arrival, error));
            self.vacate(id);
        }
    }

    /// The request was not whole in time.
    pub(super) fn visit_too_long(&mut self, id: LinkId) {
        let Seat::Visit(visit) = &self.seats[id.index()] else { return };
        if visit.is_speechless() {
            let reason = "the TLS handshake took too long (setting `handshake_within`)";
            return self.visit_lost(id, &io::Error::new(io::ErrorKind::TimedOut, reason));
        }
        let reason = "the request took too long (setting `handshake_within`)";
        self.refuse(id, *text(StatusCode::REQUEST_TIMEOUT, reason));
    }

    /// The server stops.
    pub(super) fn send_away(&mut self, id: LinkId) {
        let Seat::Visit(visit) = &self.seats[id.index()] else { return };
        if visit.read.is_empty() {
            return self.visit_lost(id, &io::Error::other("the server stops"));
        }
        self.refuse(id, *stopping());
    }

    fn refuse(&mut self, id: LinkId, mut response: Response<Bytes>) {
        self.handler.harden(&mut response);
        let seat = &mut self.seats[id.index()];
        let Seat::Visit(visit) = std::mem::replace(seat, Seat::Vacant) else { return };
        let Visit { due, arrival, transport, .. } = *visit;
        self.handler.trouble(&Trouble::Refused(&arrival, &response));
        self.seats[id.index()] = Seat::Refused(Box::new(Refused {
            generation: id.generation,
            due,
            deadline: self.now + LINGER,
            transport,
            answer: encode_response(&response).into(),
            is_shut: false,
            left: LINGER_BYTES,
        }));
        self.arm(id);
        self.dismiss(id);
    }

    fn reset(&mut self, id: LinkId) {
        let Seat::Visit(visit) = &self.seats[id.index()] else { return };
        match visit.transport.socket.reset_when_closed() {
            Ok(()) => self.vacate(id),
            Err(error) => self.visit_lost(id, &error),
        }
    }

    /// Writes the refusal, and throws away what comes until the client goes.
    pub(super) fn dismiss(&mut self, id: LinkId) {
        let Seat::Refused(refused) = &mut self.seats[id.index()] else { return };
        match refused.dismiss(&mut self.buffer, &mut self.raw) {
            Ok(false) => self.readable.push_back(id),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // Whoever left needs no answer.
            _ => self.vacate(id),
        }
    }
}

impl<H: Handler> Visit<H> {
    /// Whether there is nobody yet who would understand an answer.
    fn is_speechless(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.transport.tls().is_some() && self.read.is_empty();
        #[cfg(not(feature = "tls"))]
        false
    }
}

impl Refused {
    /// Goes on for one turn; whether it is over.
    fn dismiss(&mut self, buffer: &mut [u8], raw: &mut [u8]) -> io::Result<bool> {
        while !self.answer.is_empty() {
            let written = self.transport.write(&self.answer)?;
            drop(self.answer.split_to(written));
        }
        if !self.transport.flush()? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if !std::mem::replace(&mut self.is_shut, true) {
            self.transport.shutdown()?;
        }
        let got = self.transport.read(buffer, raw)?;
        self.left = self.left.saturating_sub(got.bytes);
        Ok(got.is_end() || self.left == 0)
    }
}

fn response(error: HandshakeError) -> Box<Response<Bytes>> {
    Box::new(error.response().map(Bytes::from))
}

/// The answer to who comes while the server stops.
fn stopping() -> Box<Response<Bytes>> {
    text(StatusCode::SERVICE_UNAVAILABLE, "the server stops: come back later")
}

/// The answer to who met a fault of the program.
fn broken() -> Box<Response<Bytes>> {
    text(StatusCode::INTERNAL_SERVER_ERROR, "the server made a mistake")
}

fn text(status: StatusCode, reason: &str) -> Box<Response<Bytes>> {
    let mut response = Response::new(format!("{reason}\n").into());
    *response.status_mut() = status;
    Box::new(response)
}
