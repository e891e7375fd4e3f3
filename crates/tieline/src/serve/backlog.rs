//! What waits for one peer that does not read: bounded in bytes, with a rule for when it is full.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::Bytes;

use crate::Message;

/// How much may wait for a peer, and what happens when it reads too slowly for that.
///
/// # Example
///
/// ```
/// use tieline::serve::{Backlog, Overflow};
///
/// let backlog = Backlog { overflow: Overflow::Wait, ..Backlog::default() };
/// assert_eq!(backlog.max_bytes, 1 << 20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "options are plain structs: callers write `..default()`"
)]
pub struct Backlog {
    /// Most bytes that wait, what holding them costs included. Default 1 MiB. One message of any
    /// size may wait when nothing else does.
    pub max_bytes: usize,
    /// What happens when a message does not fit. Default [`Overflow::Close`].
    pub overflow: Overflow,
}

/// What happens when a peer reads more slowly than it is spoken to, and its backlog is full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// The line is closed with 1013: for services where others speak to the peer.
    #[default]
    Close,
    /// The oldest messages that wait are dropped, whole; where some were, the peer is sent this
    /// message in their place, if there is one: for news of which the latest counts.
    DropOldest(Option<Message>),
    /// Nothing more is read from the peer until it has read: for services that only answer. What
    /// is said to it otherwise, by a task, a topic or another thread, may come to as much again,
    /// or to 1 MiB where that is more; then the line is closed with 1013.
    Wait,
}

impl Default for Backlog {
    fn default() -> Self {
        Self { max_bytes: 1 << 20, overflow: Overflow::default() }
    }
}

/// What it costs to hold a message beyond its bytes: its place in the queue and its allocation.
const HOLDING_BYTES: usize = 64;

/// Small pieces are put together up to this size.
const PIECE_BYTES: usize = 16 << 10;

/// Pieces that one write takes.
pub(super) const PIECES: usize = 32;

/// The bytes that wait, in the order in which they go out.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pieces: VecDeque<Piece>,
    /// What all pieces cost.
    cost: usize,
    /// Bytes of the first piece that were sent.
    sent: usize,
}

#[derive(Debug)]
struct Piece {
    bytes: Held,
    kind: Kind,
    /// How many messages were put together here, beyond the first.
    merged: usize,
}

/// What may become of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Whole messages that may be left out; one with the same key may take its place.
    Apart(Option<u64>),
    /// Control frames: they stay, and go before what was not begun.
    Control,
    /// Stands where others were left out.
    Gap,
    /// Goes on with a message that was begun before it.
    Rest,
    /// Begins with a message, and stays.
    Whole,
}

#[derive(Debug)]
enum Held {
    Own(Vec<u8>),
    Shared(Bytes),
}

impl Held {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

impl Piece {
    const fn new(bytes: Held, kind: Kind) -> Self {
        Self { bytes, kind, merged: 0 }
    }

    /// A peer can cause any number of messages without a payload: each has its price.
    fn cost(&self) -> usize {
        HOLDING_BYTES + self.merged * (HOLDING_BYTES / 2) + self.bytes.as_slice().len()
    }
}

impl Queue {
    /// What is waiting costs.
    pub(super) const fn cost(&self) -> usize {
        self.cost
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Bytes that wait.
    pub(super) fn len(&self) -> usize {
        let all: usize = self.pieces.iter().map(|piece| piece.bytes.as_slice().len()).sum();
        all - self.sent
    }

    /// Appends what `write` appends to a buffer. Small pieces are put together.
    pub(super) fn append<R>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        if let Some(last) = self.pieces.back_mut()
            && let Piece { bytes: Held::Own(tail), kind: Kind::Rest | Kind::Whole, merged } = last
            && tail.len() < PIECE_BYTES
        {
            let before = tail.len();
            let result = write(tail);
            *merged += 1;
            self.cost += tail.len() - before + HOLDING_BYTES / 2;
            return result;
        }
        let mut bytes = Vec::new();
        let result = write(&mut bytes);
        self.push(Held::Own(bytes), Kind::Whole);
        result
    }

    /// Appends the rest of what was begun: it is sent whatever happens.
    pub(super) fn append_rest(&mut self, bytes: Bytes) {
        self.push(Held::Shared(bytes), Kind::Rest);
    }

    /// Appends whole messages that may be left out again, or replaced by others with their key.
    pub(super) fn append_apart(&mut self, bytes: Vec<u8>, key: Option<u64>) {
        self.push(Held::Own(bytes), Kind::Apart(key));
    }

    /// Appends whole messages that others hold as well.
    pub(super) fn append_shared(&mut self, bytes: Bytes, may_go: bool) {
        self.push(Held::Shared(bytes), if may_go { Kind::Apart(None) } else { Kind::Whole });
    }

    /// Puts another in the place of what waits under this key; whether there was one.
    pub(super) fn replace(&mut self, key: u64, bytes: Vec<u8>) -> Result<(), Vec<u8>> {
        let begun = usize::from(self.sent > 0);
        let sought = Kind::Apart(Some(key));
        let found = self.pieces.iter_mut().skip(begun).find(|piece| piece.kind == sought);
        let Some(piece) = found else { return Err(bytes) };
        self.cost -= piece.cost();
        *piece = Piece::new(Held::Own(bytes), sought);
        self.cost += piece.cost();
        Ok(())
    }

    fn push(&mut self, bytes: Held, kind: Kind) {
        if bytes.as_slice().is_empty() {
            return;
        }
        let piece = Piece::new(bytes, kind);
        self.cost += piece.cost();
        self.pieces.push_back(piece);
    }

    /// Drops the oldest that may go until no more than `cost` is left; answers where they were, when
    /// any were dropped and nothing says so there yet.
    pub(super) fn drop_oldest(&mut self, cost: usize) -> Option<usize> {
        let begun = usize::from(self.sent > 0);
        let mut gap = None;
        let mut at = begun;
        while self.cost > cost && at < self.pieces.len() {
            if let Kind::Apart(_) = self.pieces[at].kind {
                let piece = self.pieces.remove(at).expect("within the queue");
                self.cost -= piece.cost();
                gap.get_or_insert(at);
            } else {
                at += 1;
            }
        }
        let is_told = |at: &usize| *at > 0 && self.pieces[at - 1].kind == Kind::Gap;
        gap.filter(|at| !is_told(at))
    }

    /// Puts whole messages at a place that [`drop_oldest`](Self::drop_oldest) answered. They stay.
    pub(super) fn insert_gap(&mut self, at: usize, bytes: Vec<u8>) {
        self.insert(at, Piece::new(Held::Own(bytes), Kind::Gap));
    }

    /// Puts control frames behind what was begun, before everything else.
    pub(super) fn insert_control(&mut self, bytes: Vec<u8>) {
        self.insert(self.begun(), Piece::new(Held::Own(bytes), Kind::Control));
    }

    /// Whether control frames wait.
    pub(super) fn has_control(&self) -> bool {
        self.pieces.iter().take(self.begun() + 1).any(|piece| piece.kind == Kind::Control)
    }

    fn insert(&mut self, at: usize, piece: Piece) {
        self.cost += piece.cost();
        self.pieces.insert(at, piece);
    }

    /// Drops everything of which nothing was sent yet: what was begun has to be ended.
    pub(super) fn clear(&mut self) {
        self.pieces.truncate(self.begun());
        self.cost = self.pieces.iter().map(Piece::cost).sum();
    }

    /// Bytes that wait of a message of which some was sent, and of what waits in one piece with it.
    pub(super) fn begun_bytes(&self) -> usize {
        let begun = self.pieces.iter().take(self.begun());
        begun.map(|piece| piece.bytes.as_slice().len()).sum::<usize>().saturating_sub(self.sent)
    }

    /// How many pieces belong to a message of which some was sent.
    fn begun(&self) -> usize {
        let first = usize::from(self.sent > 0 && !self.pieces.is_empty());
        let goes_on = self.pieces.iter().skip(first).take_while(|piece| piece.kind == Kind::Rest);
        first + goes_on.count()
    }

    /// The next bytes to send.
    pub(super) fn slices(&self) -> ([IoSlice<'_>; PIECES], usize) {
        let mut slices = [IoSlice::new(&[]); PIECES];
        let mut used = 0;
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            let sent = if used == 0 { self.sent } else { 0 };
            *slice = IoSlice::new(&piece.bytes.as_slice()[sent..]);
            used += 1;
        }
        (slices, used)
    }

    /// Takes note that bytes were sent.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.sent += bytes;
        while let Some(first) = self.pieces.front() {
            let len = first.bytes.as_slice().len();
            if self.sent < len {
                return;
            }
            self.sent -= len;
            self.cost -= first.cost();
            self.pieces.pop_front();
        }
        debug_assert_eq!(self.cost, 0, "each piece takes its cost with it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(queue: &Queue) -> Vec<u8> {
        let (slices, used) = queue.slices();
        slices[..used].iter().flat_map(|slice| slice.to_vec()).collect()
    }

    #[test]
    fn goes_out_in_order_from_where_it_was_left() {
        let mut queue = Queue::default();
        queue.append(|out| out.extend_from_slice(b"abc"));
        queue.append_shared(Bytes::from_static(b"defg"), false);
        queue.append(|out| out.extend_from_slice(b"h"));
        queue.advance(4);
        assert_eq!(bytes(&queue), b"efgh");
        assert_eq!(queue.len(), 4);
        queue.advance(4);
        assert!(queue.is_empty());
        assert_eq!(queue.cost(), 0);
    }

    #[test]
    fn the_oldest_go_first_but_never_what_was_begun() {
        let mut queue = Queue::default();
        for text in [&b"first"[..], b"second", b"third"] {
            queue.append_apart(text.to_vec(), None);
        }
        queue.advance(1);
        assert_eq!(queue.drop_oldest(2 * HOLDING_BYTES + 10), Some(1));
        queue.insert_gap(1, b"(gap)".to_vec());
        assert_eq!(bytes(&queue), b"irst(gap)third");
        assert_eq!(queue.begun_bytes(), 4);
    }

    #[test]
    fn the_latest_replaces_what_waits_under_its_key() {
        let mut queue = Queue::default();
        queue.append_apart(b"price 1".to_vec(), Some(1));
        queue.append_apart(b"size 1".to_vec(), Some(2));
        assert_eq!(queue.replace(1, b"price 2".to_vec()), Ok(()));
        assert_eq!(queue.replace(3, b"new".to_vec()), Err(b"new".to_vec()));
        assert_eq!(bytes(&queue), b"price 2size 1");
        queue.advance(1);
        assert!(queue.replace(1, b"price 3".to_vec()).is_err());
    }

    #[test]
    fn what_was_begun_is_ended_even_when_all_else_is_dropped() {
        let mut queue = Queue::default();
        queue.append_apart(b"one".to_vec(), None);
        queue.append_apart(b"two".to_vec(), None);
        queue.advance(1);
        queue.clear();
        assert_eq!(bytes(&queue), b"ne");
        queue.advance(2);
        assert_eq!((queue.cost(), queue.is_empty()), (0, true));
    }

    #[test]
    fn a_message_in_pieces_is_ended_when_it_was_begun() {
        let mut queue = Queue::default();
        queue.append_rest(Bytes::from_static(b"rest, "));
        queue.append_shared(Bytes::from_static(b"next"), false);
        queue.clear();
        assert_eq!(bytes(&queue), b"rest, ");
        queue.append(|out| out.extend_from_slice(b"header, "));
        queue.append_rest(Bytes::from_static(b"payload"));
        queue.advance(7);
        queue.clear();
        assert_eq!(bytes(&queue), b"eader, payload");
    }

    #[test]
    fn a_gap_is_told_once_however_often_something_is_left_out() {
        let mut queue = Queue::default();
        for round in 0..100 {
            queue.append_apart(vec![b'0' + round % 10; 100], None);
            if let Some(at) = queue.drop_oldest(3 * (HOLDING_BYTES + 100)) {
                queue.insert_gap(at, b"(gap)".to_vec());
            }
        }
        let told = bytes(&queue);
        assert!(told.starts_with(b"(gap)") && told.ends_with(b"9"));
        assert_eq!(told.len(), 5 + 2 * 100);
    }

    #[test]
    fn messages_of_a_byte_are_charged_for_being_held() {
        let mut queue = Queue::default();
        for _ in 0..1_000 {
            queue.append(|out| out.push(0));
        }
        assert!(queue.cost() > 1_000 * HOLDING_BYTES / 2, "{}", queue.cost());
    }

    #[test]
    fn the_price_of_small_messages_goes_with_them() {
        let mut queue = Queue::default();
        for _ in 0..1_000 {
            queue.append(|out| out.extend_from_slice(&[0; 100]));
        }
        queue.advance(queue.len() - 1);
        assert!(queue.cost() < 2 * PIECE_BYTES, "{}", queue.cost());
        queue.advance(1);
        assert_eq!(queue.cost(), 0);
    }

    #[test]
    fn control_frames_go_behind_what_was_begun_and_before_the_rest() {
        let mut queue = Queue::default();
        queue.append(|out| out.extend_from_slice(b"header, "));
        queue.append_rest(Bytes::from_static(b"payload, "));
        queue.append_shared(Bytes::from_static(b"next"), false);
        queue.advance(1);
        queue.insert_control(b"ping, ".to_vec());
        assert_eq!(bytes(&queue), b"eader, payload, ping, next");
        assert!(queue.has_control());
        queue.advance(17);
        assert_eq!(bytes(&queue), b"ing, next");
        assert!(queue.has_control());
        queue.advance(5);
        assert!(!queue.has_control());
    }
}
