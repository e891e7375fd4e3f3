//! One emulated line, on its worker: a peer whose bytes come and go by requests.
//!
//! ```text
//! asks ─▶ send    ─▶ those not heard before ─▶ conversation
//!      ─▶ receive ─▶ the newest takes the place of the one before
//! outbox ─▶ kept, numbered ─▶ an array, or the pipe of a stream
//!            └─ until they are known to have arrived
//! ```
//!
//! What waits in the outbox and what is kept are bounded together by the route's backlog. Half of it may be
//! on the way: a stream that nobody acknowledges ends there, and goes on with the next request, which says
//! what was seen.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use tieline::serve::Message;
use tieline::{CloseCode, Closed, Lost, Message as Owned};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep, sleep};

use super::format::Format;
use super::kept::{Kept, Unseen};
use crate::ask::{Answer, Ask, Fault, How, LineSecret, What, Writer, pipe};
use crate::carrier::line::Line;
use crate::outbox::End;

/// Messages are put together up to this size before they are written.
const PIECE: usize = 32 << 10;

/// How long messages of the client wait for a service that cannot hear them yet, before the client is told
/// how far it was heard.
const PATIENCE: Duration = Duration::from_secs(25);

/// Where an answer goes.
type Answering = oneshot::Sender<Result<Answer, Fault>>;

/// What holds of a line as long as it lives.
#[derive(Debug)]
pub(super) struct Rules {
    /// The path of its route: a line is asked for at no other.
    pub(super) route: Arc<str>,
    pub(super) secret: LineSecret,
    /// Whether messages of the service stand as they are.
    pub(super) is_json: bool,
    /// Most bytes that are on the way.
    pub(super) window: usize,
    /// How often something is said.
    pub(super) heartbeat: Duration,
    /// How long nobody may ask for it.
    pub(super) silence: Duration,
    /// How long one that ends waits to be asked why.
    pub(super) close_within: Duration,
}

pub(super) struct Emulation<'w> {
    rules: Rules,
    pub(super) line: Line<'w>,
    asks: mpsc::UnboundedReceiver<Ask>,
    /// What the client may not have seen.
    kept: Kept,
    /// How many messages of the client were heard.
    heard: u64,
    sending: Option<Sending>,
    receiving: Option<Receiving>,
    /// The end, once it was asked for and all before it was said.
    end: Option<End>,
    /// Runs while nobody asks for the line.
    silent: Pin<Box<Sleep>>,
    is_ending: bool,
}

/// Messages of the client that are not heard yet.
struct Sending {
    messages: VecDeque<ByteString>,
    answer: Answering,
    until: Pin<Box<Sleep>>,
}

/// The newest request for messages.
enum Receiving {
    Poll { seen: u64, answer: Answering, until: Pin<Box<Sleep>> },
    Stream(Stream),
}

struct Stream {
    format: Format,
    writer: Writer,
    /// The number of the last message that was written.
    written: u64,
    beat: Pin<Box<Sleep>>,
}

/// What came of putting messages together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filled {
    /// Nothing more waits.
    All,
    /// The end was among them.
    End,
    /// There may be more.
    Piece,
    /// So much is on the way that it has to be acknowledged first.
    Window,
}

impl<'w> Emulation<'w> {
    pub(super) fn new(rules: Rules, line: Line<'w>, asks: mpsc::UnboundedReceiver<Ask>) -> Self {
        let silent = Box::pin(sleep(rules.silence));
        Self {
            rules,
            line,
            asks,
            kept: Kept::default(),
            heard: 0,
            sending: None,
            receiving: None,
            end: None,
            silent,
            is_ending: false,
        }
    }

    /// Carries the peer until its line has ended; answers how.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Closed> {
        loop {
            self.line.drain();
            let mut has_moved = false;
            while let Poll::Ready(Some(ask)) = self.asks.poll_recv(cx) {
                has_moved = true;
                if let Some(closed) = self.take(ask) {
                    return Poll::Ready(closed);
                }
            }
            // A service may have more to say since something has arrived, whether or not it is asked.
            let may_speak = self.line.may_read();
            has_moved |= self.hear(may_speak, cx);
            has_moved |= self.tell(cx);
            if has_moved {
                continue;
            }
            if let Some(closed) = self.is_lost(cx) {
                return Poll::Ready(closed);
            }
            self.line.outbox().borrow_mut().listen(cx);
            return Poll::Pending;
        }
    }

    /// Does what a request asks, or begins to.
    fn take(&mut self, ask: Ask) -> Option<Closed> {
        if ask.route != self.rules.route {
            ask.refuse(Fault::Unknown);
            return None;
        }
        if !self.rules.secret.is(&ask.secret) {
            ask.refuse(Fault::Secret);
            return None;
        }
        self.rest();
        match ask.what {
            What::Close => {
                // Whoever asked may have gone, and meant it.
                let _ = ask.answer.send(Ok(Answer::Closed));
                return Some(Closed::Cleanly { code: CloseCode::NORMAL, reason: String::new() });
            }
            What::Receive { seen, how } => match self.kept.resume(seen) {
                Err(unseen) => ask.refuse(unseen.into()),
                Ok(()) => self.receive(seen, how, ask.answer),
            },
            What::Send { from, messages, seen } => {
                let is_known = seen.map_or(Ok(()), |seen| self.kept.acknowledge(seen));
                let expected = self.heard + 1;
                let fault = match is_known {
                    Err(unseen) => Some(unseen.into()),
                    Ok(()) if self.line.peer().is_closing() => Some(Fault::Ended),
                    Ok(()) if from > expected => Some(Fault::OutOfOrder(expected)),
                    Ok(()) => None,
                };
                if let Some(fault) = fault {
                    let _ = ask.answer.send(Err(fault));
                    return None;
                }
                // A repetition: what was heard is heard once.
                let known = usize::try_from(expected - from).unwrap_or(usize::MAX);
                let messages = messages.into_iter().skip(known).collect();
                let until = Box::pin(sleep(PATIENCE));
                let sending = Sending { messages, answer: ask.answer, until };
                if let Some(before) = self.sending.replace(sending) {
                    let _ = before.answer.send(Ok(Answer::Taken(self.heard)));
                }
            }
        }
        self.line.outbox().borrow_mut().set_in_carrier(self.kept.bytes());
        None
    }

    /// Puts a request for messages in the place of the one before.
    fn receive(&mut self, seen: u64, how: How, answer: Answering) {
        let format = match how {
            How::Poll(wait) => {
                let until = Box::pin(sleep(wait));
                return self.replace(Some(Receiving::Poll { seen, answer, until }));
            }
            How::Events => Format::Events,
            How::Lines => Format::Lines,
        };
        let (writer, reader) = pipe(Bytes::from_static(format.beginning()));
        if answer.send(Ok(Answer::Stream(reader))).is_ok() {
            let beat = Box::pin(sleep(self.rules.heartbeat));
            self.replace(Some(Receiving::Stream(Stream { format, writer, written: seen, beat })));
        }
    }

    fn replace(&mut self, receiving: Option<Receiving>) {
        if let Some(Receiving::Poll { answer, .. }) =
            std::mem::replace(&mut self.receiving, receiving)
        {
            let _ = answer.send(Err(Fault::Replaced));
        }
    }

    /// Has the service hear what the client has sent, where it can.
    fn hear(&mut self, mut may_speak: bool, cx: &mut Context<'_>) -> bool {
        let Some(sending) = &mut self.sending else { return false };
        let mut has_moved = false;
        let answer = loop {
            if sending.messages.is_empty() || self.line.peer().is_closing() {
                break Ok(Answer::Taken(self.heard));
            }
            if !may_speak || self.line.is_paused(cx) {
                match sending.until.as_mut().poll(cx) {
                    Poll::Ready(()) => break Ok(Answer::Taken(self.heard)),
                    Poll::Pending => return has_moved,
                }
            }
            let Some(text) = sending.messages.pop_front() else { continue };
            self.heard += 1;
            has_moved = true;
            self.line.receive(Message::from(&*text));
            may_speak = self.line.may_read();
        };
        if let Some(sending) = self.sending.take() {
            let _ = sending.answer.send(answer);
        }
        self.rest();
        true
    }

    /// Says what waits to whoever asks for it.
    fn tell(&mut self, cx: &mut Context<'_>) -> bool {
        match self.receiving.take() {
            None => false,
            Some(Receiving::Poll { seen, answer, until }) => {
                self.tell_poll(seen, answer, until, cx)
            }
            Some(Receiving::Stream(stream)) => self.tell_stream(stream, cx),
        }
    }

    fn tell_poll(
        &mut self,
        seen: u64,
        mut answer: Answering,
        mut until: Pin<Box<Sleep>>,
        cx: &mut Context<'_>,
    ) -> bool {
        if answer.poll_closed(cx).is_ready() {
            self.rest();
            return true;
        }
        let mut written = seen;
        let mut output = BytesMut::from(Format::Array.beginning());
        let filled = self.fill(&mut written, Format::Array, &mut output);
        let is_empty = written == seen && filled != Filled::End;
        if is_empty && until.as_mut().poll(cx).is_pending() {
            self.receiving = Some(Receiving::Poll { seen, answer, until });
            return false;
        }
        output.extend_from_slice(Format::Array.ending());
        // What does not arrive is asked for again.
        let _ = answer.send(Ok(Answer::Messages(output.freeze())));
        self.rest();
        true
    }

    fn tell_stream(&mut self, mut stream: Stream, cx: &mut Context<'_>) -> bool {
        let mut has_moved = false;
        loop {
            if stream.writer.poll_gone(cx).is_ready() {
                self.rest();
                return true;
            }
            if stream.writer.poll_ready(cx).is_pending() {
                break;
            }
            let mut output = BytesMut::new();
            let filled = self.fill(&mut stream.written, stream.format, &mut output);
            if output.is_empty() && filled == Filled::All {
                if stream.beat.as_mut().poll(cx).is_pending() {
                    break;
                }
                output.extend_from_slice(stream.format.heartbeat());
            }
            if !output.is_empty() {
                stream.writer.write(output.freeze());
                stream.beat.as_mut().reset(Instant::now() + self.rules.heartbeat);
                has_moved = true;
            }
            if matches!(filled, Filled::End | Filled::Window) {
                self.rest();
                return true;
            }
        }
        self.receiving = Some(Receiving::Stream(stream));
        has_moved
    }

    /// Puts together what comes behind a number.
    fn fill(&mut self, written: &mut u64, format: Format, output: &mut BytesMut) -> Filled {
        // What is known to have arrived was told by another request.
        *written = self.kept.arrived().max(*written);
        loop {
            while let Some(text) = self.kept.get(*written + 1) {
                *written += 1;
                format.message(*written, text, self.rules.is_json, output);
                if output.len() >= PIECE {
                    return Filled::Piece;
                }
            }
            if self.kept.bytes() >= self.rules.window {
                return Filled::Window;
            }
            let mut outbox = self.line.served.outbox().borrow_mut();
            match outbox.pop() {
                Some(Owned::Text(text)) => {
                    self.line.traffic.sent(text.len());
                    self.kept.push(text);
                    outbox.set_in_carrier(self.kept.bytes());
                }
                Some(Owned::Binary(_)) => {
                    let reason = "binary messages need a WebSocket";
                    outbox.end(CloseCode::UNSUPPORTED, reason);
                }
                None => {
                    let end = outbox.take_end();
                    drop(outbox);
                    if let Some(end) = end {
                        let (code, reason) = end.clone();
                        self.line.end(&Closed::Cleanly { code, reason });
                        self.end = Some(end);
                    }
                    let Some(end) = &self.end else { return Filled::All };
                    format.close(end, output);
                    return Filled::End;
                }
            }
        }
    }

    /// Somebody was there: from now on nobody may be for a while.
    fn rest(&mut self) {
        let within = if self.is_ending { self.rules.close_within } else { self.rules.silence };
        self.silent.as_mut().reset(Instant::now() + within);
    }

    /// How the line has ended, once nobody was there for too long.
    fn is_lost(&mut self, cx: &mut Context<'_>) -> Option<Closed> {
        if !self.is_ending && self.line.peer().is_closing() {
            self.is_ending = true;
            self.rest();
        }
        if self.receiving.is_some() || self.sending.is_some() {
            return None;
        }
        // Nobody can come any more once the server stops.
        let is_over = self.is_ending && self.line.is_stopping();
        let lost = if self.is_ending { Lost::CloseTimeout } else { Lost::PongTimeout };
        (is_over || self.silent.as_mut().poll(cx).is_ready()).then_some(Closed::Lost(lost))
    }
}

impl From<Unseen> for Fault {
    fn from(unseen: Unseen) -> Self {
        match unseen {
            Unseen::NoMore(last) => Self::Seen(
                "what came behind it was acknowledged and is not kept: `expected` is the last that was",
                last,
            ),
            Unseen::NotYet(last) => Self::Seen(
                "there was no such message yet: `expected` is the number of the last",
                last,
            ),
        }
    }
}
