//! What a thread does once its connections are open: answers are counted, and messages follow.

use std::io;
use std::sync::atomic::Ordering;

use tieline::ProtocolError;
use tieline_proto::close;
use tieline_proto::frame::Opcode;

use super::common::Phase;
use super::line::{Line, Open, Stage};
use super::outgoing;
use super::pace::SLOW_EVERY;
use super::plan::Mode;
use super::tally::ErrorKind;
use super::transport::Taken;
use super::worker::Worker;

/// Full buffers read from one socket before the others have their turn.
const READS_PER_TURN: usize = 8;

impl Worker<'_> {
    /// The open connection at this place.
    pub(super) fn open(&mut self, at: usize) -> Option<&mut Open> {
        match self.lines.get_mut(at)? {
            Some(Line { stage: Stage::Open(open), .. }) => Some(open),
            _ => None,
        }
    }

    /// Reads what there is, and answers it; a short read is enough, but where `to_the_end`.
    pub(super) fn receive(&mut self, at: usize, to_the_end: bool) {
        for _ in 0..READS_PER_TURN {
            match self.read(at, usize::MAX) {
                None => return,
                Some((_, more)) if !more && !to_the_end => return,
                Some(_) => {}
            }
        }
        self.again.push(at);
    }

    /// Reads once; answers how much there was, and whether there may be more.
    fn read(&mut self, at: usize, limit: usize) -> Option<(usize, bool)> {
        let Some(Some(line)) = self.lines.get_mut(at) else { return None };
        let Stage::Open(open) = &mut line.stage else { return None };
        match line.transport.read(&mut self.shared, limit) {
            Ok(Taken::Bytes { bytes, more }) => {
                let got = bytes.len();
                let result = open.incoming.receive(bytes, self.plan.expected(), &mut self.found);
                self.answer(at, result);
                Some((got, more))
            }
            Ok(Taken::Nothing) => None,
            Ok(Taken::Eof) => {
                let what = "the server ended the connection without a close".to_owned();
                self.end(at, ErrorKind::Lost, what);
                None
            }
            Err(error) => {
                self.end(at, ErrorKind::Lost, error.to_string());
                None
            }
        }
    }

    /// Takes bytes that were read already.
    pub(super) fn take(&mut self, at: usize, bytes: &mut [u8]) {
        let expected = self.plan.expected();
        let Some(Some(Line { stage: Stage::Open(open), .. })) = self.lines.get_mut(at) else {
            return;
        };
        let result = open.incoming.receive(bytes, expected, &mut self.found);
        self.answer(at, result);
    }

    /// Counts what a read brought, and sends what follows from it in one write.
    fn answer(&mut self, at: usize, result: Result<(), ProtocolError>) {
        let Some(Some(line)) = self.lines.get_mut(at) else { return };
        let (number, is_slow) = (line.number, line.is_slow);
        let Stage::Open(open) = &mut line.stage else { return };
        let mut answers = std::mem::take(&mut self.found.answers);
        let mut others = std::mem::take(&mut self.found.others);
        let altered = std::mem::take(&mut self.found.altered);
        if open.greetings > 0 {
            // The answers to what it said first are none to what it says later.
            open.greetings = open.greetings.saturating_sub((answers + others) as usize);
            (answers, others) = (0, 0);
            if open.greetings == 0 {
                self.opened(at);
            }
        }
        let Some(Some(Line { stage: Stage::Open(open), .. })) = self.lines.get_mut(at) else {
            return;
        };
        // Greetings are no answers. Another thread may have begun to speak in this very turn.
        let is_on = self.phase != Phase::Connecting
            || (answers > 0 && self.common.phase() != Phase::Connecting);
        if answers > 0 && is_on {
            let (now, times) = (self.now, &mut self.outcome.times);
            let awaited = match self.plan.mode {
                Mode::Closed => {
                    let awaited = open.waiting.answered(answers, |at, count| {
                        if !is_slow {
                            times.add(now.saturating_sub(at), count);
                        }
                    });
                    open.owe(awaited);
                    open.waiting.sent(now, awaited);
                    awaited
                }
                Mode::Open { .. } => {
                    let awaited = answers.min(open.due - open.heard);
                    if let Some(pace) = &self.pace {
                        for turn in open.heard..open.heard + awaited {
                            times.add(now.saturating_sub(pace.due(at as u64, turn)), 1);
                        }
                    }
                    awaited
                }
                Mode::FanOut { .. } => {
                    if self.plan.listens(number) {
                        let said_at = self.common.round.said_at.load(Ordering::Relaxed);
                        times.add(now.saturating_sub(said_at), answers);
                        self.delivered += i64::try_from(answers).unwrap_or(i64::MAX);
                    }
                    answers
                }
                Mode::Idle => 0,
            };
            open.heard += awaited;
            self.received += awaited;
            others += answers - awaited;
        }
        if is_on && !matches!(self.plan.mode, Mode::FanOut { .. }) {
            let what = || "a message that is not what was sent (--any-reply takes it)".to_owned();
            self.outcome.errors.add(ErrorKind::Unexpected, others, what);
            let what = || "an answer holds something else than was sent".to_owned();
            self.outcome.errors.add(ErrorKind::Altered, altered, what);
        }
        if !self.found.control.is_empty() {
            self.obey(at);
        }
        match result {
            Ok(()) => self.flush(at),
            Err(error) => {
                let code = error.close_code();
                let payload = close::encode(code, "").unwrap_or_default();
                self.say(at, Opcode::Close, &payload);
                self.end(at, ErrorKind::Protocol, error.to_string());
            }
        }
    }

    /// Answers control frames.
    #[cold]
    fn obey(&mut self, at: usize) {
        for (opcode, payload) in std::mem::take(&mut self.found.control) {
            match opcode {
                Opcode::Ping => {
                    if let Some(open) = self.open(at) {
                        outgoing::frame(Opcode::Pong, &payload, open.outgoing.control());
                    }
                }
                Opcode::Close => {
                    let (kind, what) = match close::decode(&payload) {
                        Ok((code, "")) => (ErrorKind::Closed, format!("closed with {code}")),
                        Ok((code, reason)) => {
                            let reason = reason.escape_debug();
                            (ErrorKind::Closed, format!("closed with {code}: {reason}"))
                        }
                        Err(error) => (ErrorKind::Protocol, error.to_string()),
                    };
                    self.say(at, Opcode::Close, payload.get(..2).unwrap_or_default());
                    self.end(at, kind, what);
                }
                _ => {}
            }
        }
    }

    /// Sends a control frame as the last thing, where the socket takes it.
    fn say(&mut self, at: usize, opcode: Opcode, payload: &[u8]) {
        if let Some(open) = self.open(at) {
            open.outgoing.abandon();
            outgoing::frame(opcode, payload, open.outgoing.control());
            self.flush(at);
        }
    }

    /// Writes what waits, as far as the socket takes it.
    pub(super) fn flush(&mut self, at: usize) {
        let Some(Some(line)) = self.lines.get_mut(at) else { return };
        let Stage::Open(open) = &mut line.stage else { return };
        let (transport, bytes_out) = (&mut line.transport, &mut self.shared.bytes_out);
        let flushed = transport.flush(bytes_out).and_then(|()| {
            open.outgoing.flush(&open.prepared, |bytes| transport.write(bytes, bytes_out))
        });
        match flushed {
            Ok(finished) => self.sent += finished,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => self.end(at, ErrorKind::Lost, error.to_string()),
        }
    }

    /// In an open loop, sends what the clock asks for.
    pub(super) fn send_what_is_due(&mut self) {
        let Some(mut pace) = self.pace.take() else { return };
        let mut touched = Vec::new();
        let mut lost = 0;
        while let Some(at) = pace.take(self.now) {
            match self.open(at) {
                Some(open) => {
                    open.owe(1);
                    touched.push(at);
                }
                None => lost += 1,
            }
        }
        self.pace = Some(pace);
        let what = || "the connection that was to send it is no more".to_owned();
        self.outcome.errors.add(ErrorKind::NotSent, lost, what);
        for at in touched {
            self.flush(at);
        }
    }

    /// What was not answered when the run ended took at least until then.
    pub(super) fn count_unanswered(&mut self, at: usize) {
        let now = self.now;
        let Some(pace) = self.pace.take() else { return };
        if let Some(open) = self.open(at) {
            for turn in open.heard..open.due {
                let age = now.saturating_sub(pace.due(at as u64, turn));
                self.outcome.times.add(age, 1);
            }
        }
        self.pace = Some(pace);
    }

    /// Lets slow readers read what they may.
    pub(super) fn read_slowly(&mut self) {
        if self.slow.is_empty() || self.now < self.next_slow {
            return;
        }
        self.next_slow = self.now + SLOW_EVERY;
        let share = self.plan.slow.bytes_per_second as f64 * SLOW_EVERY as f64 / 1e9;
        for at in std::mem::take(&mut self.slow) {
            let Some(open) = self.open(at) else { continue };
            // What was not used is not saved for a rush.
            open.allowance = (open.allowance + share).min(share.max(1.0) * 2.0);
            let limit = open.allowance as usize;
            if limit > 0
                && let Some((got, _)) = self.read(at, limit)
                && let Some(open) = self.open(at)
            {
                open.allowance -= got as f64;
            }
            self.slow.push(at);
        }
    }

    /// In a fan-out, tells what was delivered, and speaks when all have heard.
    pub(super) fn go_round(&mut self) {
        let Mode::FanOut { .. } = self.plan.mode else { return };
        let round = &self.common.round;
        let delivered = std::mem::take(&mut self.delivered);
        if delivered != 0 {
            let before = round.left.fetch_sub(delivered, Ordering::AcqRel);
            if before > 0 && before <= delivered && self.index != 0 {
                self.common.wake(0);
            }
        }
        let is_on = self.phase != Phase::Connecting;
        if self.index == 0 && is_on && round.left.load(Ordering::Acquire) <= 0 {
            let messages = self.plan.in_flight as u64;
            let listeners = round.listeners.load(Ordering::Relaxed);
            if listeners <= 0 {
                return;
            }
            round.said.fetch_add(messages, Ordering::Relaxed);
            round.said_at.store(self.common.now(), Ordering::Relaxed);
            round.left.store(listeners * messages as i64, Ordering::Release);
            if let Some(open) = self.open(0) {
                open.owe(messages);
                self.flush(0);
            }
        }
    }
}
