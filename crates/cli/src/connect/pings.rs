//! Pings that were sent by hand, until they are answered.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tieline::bytes::Bytes;

/// Most that are waited for.
const MAX_WAITING: usize = 64;

/// Pings that were sent by hand.
#[derive(Debug, Default)]
pub(super) struct Pings {
    waiting: VecDeque<(Bytes, Instant)>,
    sent: u64,
}

impl Pings {
    /// A ping that is sent now; one that says nothing is given a number, so that its pong is known.
    pub(super) fn send(&mut self, payload: Vec<u8>) -> Bytes {
        self.sent += 1;
        let payload = match payload.is_empty() {
            true => self.sent.to_string().into(),
            false => Bytes::from(payload),
        };
        if self.waiting.len() == MAX_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back((payload.clone(), Instant::now()));
        payload
    }

    /// How long ago the ping was sent that this answers, and those before it, which an endpoint may
    /// leave out (RFC 6455 §5.5.3).
    pub(super) fn answered(&mut self, payload: &Bytes) -> Option<Duration> {
        let at = self.waiting.iter().position(|(waiting, _)| waiting == payload)?;
        self.waiting.drain(..=at).next_back().map(|(_, since)| since.elapsed())
    }

    /// The line is another one.
    pub(super) fn forget(&mut self) {
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pong_answers_its_ping_and_those_before() {
        let mut pings = Pings::default();
        let first = pings.send(Vec::new());
        let second = pings.send(b"x".to_vec());
        assert_eq!((&first[..], &second[..]), (&b"1"[..], &b"x"[..]));
        assert!(pings.answered(&"unasked".into()).is_none());
        assert!(pings.answered(&second).is_some());
        assert!(pings.answered(&first).is_none());
    }
}
