//! What one end sends, put together again from segments in any order.

use std::collections::BTreeMap;
use std::time::Duration;

/// Most bytes that wait for those before them; what is missing then counts as lost.
const MAX_WAITING_BYTES: usize = 1 << 20;

/// What a segment that waits costs beside its bytes, about.
const SEGMENT_BYTES: usize = 96;

/// How long what is missing is waited for, where the other end has it.
const PATIENCE: Duration = Duration::from_secs(2);

/// What one end sends.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// Its first number, where that was seen.
    first: Option<u32>,
    /// The number of the next byte, in a count that does not wrap; `None` before the first.
    next: Option<u64>,
    /// What came before those before it, by the number of its first byte.
    waiting: BTreeMap<u64, Waiting>,
    waiting_bytes: usize,
    /// Since when something waits.
    stalled: Option<Duration>,
    /// The number behind its last byte.
    end: Option<u64>,
}

/// A segment that waits for what comes before it.
#[derive(Debug)]
struct Waiting {
    bytes: Vec<u8>,
    /// Bytes behind them that were not captured.
    missing: u64,
}

/// The next of what is sent.
pub(crate) enum Piece<'a> {
    Bytes(&'a [u8]),
    /// So many bytes were not captured.
    Gap(u64),
}

type Give<'g> = &'g mut dyn FnMut(Piece<'_>);

impl Stream {
    /// Takes note of the first number: what follows begins behind it.
    pub(crate) fn begin(&mut self, sequence: u32) {
        if self.next.is_none() {
            self.first = Some(sequence);
            self.next = Some(ORIGIN + u64::from(sequence) + 1);
        }
    }

    /// Whether it began, and not with this number.
    pub(crate) fn began_otherwise(&self, sequence: u32) -> bool {
        self.next.is_some() && self.first != Some(sequence)
    }

    /// Whether nothing more comes.
    pub(crate) fn is_over(&self) -> bool {
        self.end.is_some() && self.next >= self.end
    }

    /// How much memory it holds.
    pub(crate) const fn held(&self) -> usize {
        self.waiting_bytes
    }

    /// Takes a segment: `payload` and `missing` bytes that were not captured; gives what comes next.
    pub(crate) fn segment(
        &mut self,
        sequence: u32,
        payload: &[u8],
        missing: usize,
        time: Duration,
        give: Give<'_>,
    ) {
        let first = *self.next.get_or_insert_with(|| ORIGIN + u64::from(sequence));
        let start = unwrapped(first, sequence);
        if start <= first {
            self.take(start, payload, missing as u64, give);
            self.go_on(give);
            return;
        }
        if payload.is_empty() && missing == 0 {
            return;
        }
        self.stalled.get_or_insert(time);
        let waiting = Waiting { bytes: payload.to_vec(), missing: missing as u64 };
        let (cost, len) = (waiting.cost(), waiting.len());
        match self.waiting.get(&start) {
            Some(known) if known.bytes.len() >= payload.len() && known.len() >= len => return,
            Some(known) => self.waiting_bytes -= known.cost(),
            None => {}
        }
        self.waiting.insert(start, waiting);
        self.waiting_bytes += cost;
        while self.waiting_bytes > MAX_WAITING_BYTES {
            self.give_up(give);
        }
    }

    /// Takes note that it ends behind this number.
    pub(crate) fn finish_at(&mut self, sequence: u32) {
        if let Some(next) = self.next {
            self.end = Some(unwrapped(next, sequence));
        }
    }

    /// Takes note that the other end has all before this number: what is missing of it for long was
    /// not captured.
    pub(crate) fn acknowledge(&mut self, sequence: u32, time: Duration, give: Give<'_>) {
        let (Some(next), Some(stalled)) = (self.next, self.stalled) else { return };
        if unwrapped(next, sequence) > next && time.saturating_sub(stalled) > PATIENCE {
            self.give_up(give);
        }
    }

    /// Nothing more is captured: gives all that waits, with its gaps.
    pub(crate) fn flush(&mut self, give: Give<'_>) {
        while !self.waiting.is_empty() {
            self.give_up(give);
        }
    }

    /// Counts what is missing as lost.
    fn give_up(&mut self, give: Give<'_>) {
        let (Some(next), Some((&start, _))) = (self.next, self.waiting.first_key_value()) else {
            return;
        };
        if start > next {
            give(Piece::Gap(start - next));
            self.next = Some(start);
        }
        self.go_on(give);
    }

    /// Gives what waits and comes next.
    fn go_on(&mut self, give: Give<'_>) {
        while let Some(entry) = self.waiting.first_entry() {
            if Some(*entry.key()) > self.next {
                return;
            }
            let (start, waiting) = entry.remove_entry();
            self.waiting_bytes -= waiting.cost();
            self.take(start, &waiting.bytes, waiting.missing, give);
        }
        self.stalled = None;
    }

    /// Gives what of a segment is new; it begins at the next byte or before.
    fn take(&mut self, start: u64, payload: &[u8], missing: u64, give: Give<'_>) {
        let Some(next) = self.next else { return };
        let captured = start + payload.len() as u64;
        let end = captured + missing;
        if end <= next {
            return;
        }
        if captured > next {
            // It fits: it is shorter than the payload.
            give(Piece::Bytes(&payload[(next - start) as usize..]));
        }
        if missing > 0 {
            give(Piece::Gap(end - captured.max(next)));
        }
        self.next = Some(end);
    }
}

impl Waiting {
    const fn cost(&self) -> usize {
        self.bytes.len() + SEGMENT_BYTES
    }

    const fn len(&self) -> u64 {
        self.bytes.len() as u64 + self.missing
    }
}

/// Where the count begins that does not wrap, so that what comes late is not below zero.
const ORIGIN: u64 = 1 << 32;

/// The number in a count that does not wrap, the one nearest to `next`.
const fn unwrapped(next: u64, sequence: u32) -> u64 {
    let ahead = sequence.wrapping_sub(next as u32).cast_signed();
    next.saturating_add_signed(ahead as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is given of segments, gaps as their lengths in brackets.
    fn given(segments: &[(u32, &str)]) -> String {
        let mut stream = Stream::default();
        stream.begin(u32::MAX - 2);
        let mut given = String::new();
        let mut give = |piece: Piece<'_>| match piece {
            Piece::Bytes(bytes) => given.push_str(str::from_utf8(bytes).unwrap()),
            Piece::Gap(bytes) => given.push_str(&format!("[{bytes}]")),
        };
        for (at, payload) in segments {
            let sequence = (u32::MAX - 1).wrapping_add(*at);
            stream.segment(sequence, payload.as_bytes(), 0, Duration::ZERO, &mut give);
        }
        stream.flush(&mut give);
        given
    }

    #[test]
    fn segments_in_any_order_are_put_together_also_where_numbers_wrap() {
        assert_eq!(given(&[(0, "ab"), (2, "cd"), (4, "ef")]), "abcdef");
        assert_eq!(given(&[(4, "ef"), (2, "cd"), (0, "ab")]), "abcdef");
        assert_eq!(given(&[(2, "cd"), (0, "ab"), (0, "abc"), (1, "bcdef")]), "abcdef");
        assert_eq!(given(&[(3, "d"), (1, "bcd"), (1, "bcdef"), (0, "a")]), "abcdef");
    }

    #[test]
    fn what_never_comes_is_a_gap() {
        assert_eq!(given(&[(0, "ab"), (4, "ef"), (9, "j")]), "ab[2]ef[3]j");
    }

    #[test]
    fn what_waits_is_bounded_and_a_gap_that_never_closes_ends() {
        let mut stream = Stream::default();
        stream.begin(0);
        let mut gaps = 0;
        let mut give = |piece: Piece<'_>| gaps += u32::from(matches!(piece, Piece::Gap(_)));
        for at in 0..1_000_000u32 {
            stream.segment(3 + 2 * at, b"x", 0, Duration::ZERO, &mut give);
            assert!(stream.held() <= MAX_WAITING_BYTES);
        }
        assert!(gaps > 900_000, "{gaps}");
    }

    #[test]
    fn what_the_other_end_has_is_not_waited_for_longer_than_is_sensible() {
        let mut stream = Stream::default();
        stream.begin(0);
        let mut gaps = 0;
        let mut give = |piece: Piece<'_>| gaps += u32::from(matches!(piece, Piece::Gap(_)));
        stream.segment(5, b"x", 0, Duration::ZERO, &mut give);
        stream.acknowledge(6, Duration::from_secs(1), &mut give);
        stream.acknowledge(1, Duration::from_secs(3), &mut give);
        assert_eq!(stream.held(), 1 + SEGMENT_BYTES);
        stream.acknowledge(6, Duration::from_secs(3), &mut give);
        assert_eq!((stream.held(), gaps), (0, 1));
    }
}
