//! What the program wants said: any thread puts it in, one task takes it out.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tieline::bytes::Bytes;
use tieline::{CloseCode, Message, ReadyState};

use crate::code::{Code, Failure};

/// What a message costs beside its payload: the largest header of a frame, rounded up. Without it
/// empty messages would fill the memory and never the queue.
const HEADER: usize = 16;
/// Longest payload of a ping (RFC 6455 §5.5).
const MAX_PING: usize = 125;
/// Longest reason of a close (RFC 6455 §5.5.1).
const MAX_REASON: usize = 123;

/// A queue bounded in bytes, and what the program knows about the line.
///
/// Something is taken in only while the line is open whose OPEN the program took last: what is meant
/// for one line is never said on the next.
#[derive(Debug)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    orders: VecDeque<Order>,
    /// What the orders cost.
    bytes: usize,
    /// What the line has and the system has not taken yet.
    in_line: usize,
    /// How many lines were opened.
    lines: u64,
    /// Whether the last of them is open.
    is_open: bool,
    /// The line whose OPEN was taken last; 0 before, and again when its CLOSE was.
    seen: u64,
    /// Whether the last event was taken.
    over: bool,
    close: Option<(CloseCode, String)>,
}

/// Something to say.
#[derive(Debug)]
pub(crate) enum Order {
    Message(Message),
    Ping(Bytes),
}

impl Order {
    fn cost(&self) -> usize {
        HEADER
            + match self {
                Self::Message(message) => message.len(),
                Self::Ping(payload) => payload.len(),
            }
    }
}

/// The program's side.
impl Outbox {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self { state: Mutex::default(), max_bytes }
    }

    /// Takes something in, whole or not at all.
    pub(crate) fn push(&self, order: Order) -> Result<(), Failure> {
        let cost = order.cost();
        if let Order::Ping(payload) = &order
            && payload.len() > MAX_PING
        {
            let text = format!("a ping of {} bytes is too long: 125 are allowed", payload.len());
            return Err(Failure::new(Code::TooBig, text));
        }
        if cost > self.max_bytes {
            let text = format!(
                "a message of {} bytes is larger than the queue: `send_queue_bytes` is {}, of which each message \
                 takes {HEADER} more than its length",
                cost - HEADER,
                self.max_bytes
            );
            return Err(Failure::new(Code::TooBig, text));
        }
        let mut state = self.lock();
        if state.ready_state() != ReadyState::Open {
            return Err(Failure::new(Code::NotOpen, state.why_not()));
        }
        let waiting = state.bytes + state.in_line;
        if waiting + cost > self.max_bytes {
            let text = format!(
                "{waiting} of {} bytes wait for the server to read: poll, and send again when \
                 tieline_ws_buffered_amount is less",
                self.max_bytes
            );
            return Err(Failure::new(Code::Full, text));
        }
        state.bytes += cost;
        state.orders.push_back(order);
        Ok(())
    }

    /// Asks for the end; asked again, or after it, it changes nothing.
    pub(crate) fn close(&self, code: u32, reason: &str) -> Result<(), Failure> {
        let close_code = u16::try_from(code).ok().map(CloseCode::new);
        let Some(close_code) = close_code.filter(|code| code.may_be_sent()) else {
            let text = format!(
                "close code {code} must not be sent: 1000 to 1003, 1007 to 1014 and 3000 to 4999 may be"
            );
            return Err(Failure::new(Code::Argument, text));
        };
        if reason.len() > MAX_REASON {
            let text =
                format!("a reason of {} bytes is too long: {MAX_REASON} are allowed", reason.len());
            return Err(Failure::new(Code::TooBig, text));
        }
        self.lock().close.get_or_insert_with(|| (close_code, reason.to_owned()));
        Ok(())
    }

    /// Where in its life the client is, as far as its program has heard.
    pub(crate) fn ready_state(&self) -> ReadyState {
        self.lock().ready_state()
    }

    /// Bytes that the system has not taken yet.
    pub(crate) fn buffered_amount(&self) -> usize {
        let state = self.lock();
        state.bytes + state.in_line
    }

    /// The program took the OPEN of this line, or with 0 a CLOSE.
    pub(crate) fn seen(&self, line: u64) {
        self.lock().seen = line;
    }

    /// The program took the last event.
    pub(crate) fn over(&self) {
        self.lock().over = true;
    }
}

/// The task's side.
impl Outbox {
    /// A line is open; answers which one.
    pub(crate) fn opened(&self) -> u64 {
        let mut state = self.lock();
        state.lines += 1;
        state.is_open = true;
        state.lines
    }

    /// The line is gone, and with it what was meant for it.
    pub(crate) fn ended(&self) {
        let mut state = self.lock();
        state.is_open = false;
        (state.bytes, state.in_line) = (0, 0);
        state.orders.clear();
    }

    pub(crate) fn has_orders(&self) -> bool {
        !self.lock().orders.is_empty()
    }

    pub(crate) fn next(&self) -> Option<Order> {
        let mut state = self.lock();
        let order = state.orders.pop_front()?;
        state.bytes -= order.cost();
        // Until the task tells more exactly, so that nothing fits in between.
        state.in_line += order.cost();
        Some(order)
    }

    /// How much the line has that the system has not taken yet.
    pub(crate) fn set_in_line(&self, bytes: usize) {
        self.lock().in_line = bytes;
    }

    /// The end that the program asked for.
    pub(crate) fn wants_close(&self) -> Option<(CloseCode, String)> {
        self.lock().close.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    const fn ready_state(&self) -> ReadyState {
        match (self.over, self.seen) {
            (true, _) => ReadyState::Closed,
            (false, _) if self.close.is_some() => ReadyState::Closing,
            (false, 0) => ReadyState::Connecting,
            // The line that was seen is gone, and its CLOSE not yet taken.
            (false, seen) if !self.is_open || seen != self.lines => ReadyState::Closing,
            (false, _) => ReadyState::Open,
        }
    }

    const fn why_not(&self) -> &'static str {
        match self.ready_state() {
            ReadyState::Closed => {
                "the line is closed for good: free the client, and connect another"
            }
            ReadyState::Closing if self.close.is_some() => {
                "tieline_ws_close was called: nothing is sent after it"
            }
            ReadyState::Closing => "the line was lost: poll takes the event that says why",
            _ => "no line is open yet: send when poll has given the event OPEN",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(max_bytes: usize) -> Outbox {
        let outbox = Outbox::new(max_bytes);
        outbox.seen(outbox.opened());
        outbox
    }

    fn text(text: &str) -> Order {
        Order::Message(text.into())
    }

    fn code(result: Result<(), Failure>) -> Code {
        result.map_or_else(|failure| failure.code, |()| Code::None)
    }

    #[test]
    fn it_is_full_when_the_next_message_does_not_fit_and_takes_it_when_there_is_room() {
        let outbox = open(2 * HEADER + 10);
        assert_eq!(code(outbox.push(text("12345"))), Code::None);
        assert_eq!(code(outbox.push(text("123456"))), Code::Full);
        assert_eq!(code(outbox.push(text("12345"))), Code::None);
        assert_eq!(outbox.buffered_amount(), 2 * HEADER + 10);
        outbox.next();
        assert_eq!(code(outbox.push(text(""))), Code::Full, "the line still has it");
        outbox.set_in_line(0);
        assert_eq!(code(outbox.push(text("12345"))), Code::None);
        assert_eq!(code(outbox.push(text(&"x".repeat(100)))), Code::TooBig);
        assert_eq!(code(outbox.push(Order::Ping(vec![0; 126].into()))), Code::TooBig);
    }

    #[test]
    fn empty_messages_fill_it_too() {
        let outbox = open(10 * HEADER);
        let taken = (0..100).filter(|_| outbox.push(text("")).is_ok()).count();
        assert_eq!(taken, 10);
    }

    #[test]
    fn nothing_is_taken_for_a_line_whose_opening_was_not_seen() {
        let outbox = Outbox::new(100);
        assert_eq!(code(outbox.push(text(""))), Code::NotOpen);
        let first = outbox.opened();
        assert_eq!(outbox.ready_state(), ReadyState::Connecting);
        outbox.seen(first);
        assert_eq!(code(outbox.push(text(""))), Code::None);
        outbox.ended();
        assert_eq!((outbox.ready_state(), outbox.buffered_amount()), (ReadyState::Closing, 0));
        let second = outbox.opened();
        assert_eq!(code(outbox.push(text(""))), Code::NotOpen, "it is meant for the first line");
        outbox.seen(0);
        assert_eq!(outbox.ready_state(), ReadyState::Connecting);
        outbox.seen(second);
        assert_eq!(outbox.ready_state(), ReadyState::Open);
    }

    #[test]
    fn only_codes_and_reasons_that_may_be_sent_close() {
        let outbox = open(100);
        for wrong in [0, 999, 1005, 1006, 1015, 5000, 65_536 + 1000] {
            assert_eq!(code(outbox.close(wrong, "")), Code::Argument, "{wrong}");
        }
        assert_eq!(code(outbox.close(1000, &"x".repeat(124))), Code::TooBig);
        assert_eq!(outbox.ready_state(), ReadyState::Open);
        assert_eq!(code(outbox.close(4000, "why")), Code::None);
        assert_eq!(code(outbox.close(1000, "again")), Code::None);
        assert_eq!(outbox.wants_close(), Some((CloseCode::new(4000), "why".to_owned())));
        assert_eq!(code(outbox.push(text(""))), Code::NotOpen);
    }
}
