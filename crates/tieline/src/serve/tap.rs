//! What goes over one link, for who watches it: copied into a queue bounded in bytes, and never
//! waited for.
//!
//! ```text
//! Watch::new ─┬─▶ Tap ── Link::tap ──▶ the link's worker ── bytes as they come and go ──┐
//!             └─▶ Watch ◀── Seen::Begins, Bytes …, Missing, Bytes … ◀── queue, bounded ◀┘
//! ```
//!
//! Each direction begins between two messages, and goes on so where its watcher was too slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::SystemTime;

use bytes::Bytes;
use tieline_proto::connection::Cut;
use tieline_proto::handshake::{Agreement, Dialect};
use tokio::sync::mpsc;

use super::walk::Walk;

/// Bytes that one item of the queue holds at most.
const PIECE_BYTES: usize = 64 << 10;

/// What an item of the queue costs beyond its bytes.
const HOLDING_BYTES: usize = 128;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a line has two directions")]
pub enum Direction {
    /// From the peer.
    In,
    /// To the peer.
    Out,
}

/// What is seen of a link.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Seen {
    /// It is watched from here on; what both ends agreed on, but for the subprotocol.
    Begins(Agreement),
    /// Bytes as they are on the wire, TLS taken off: frames, in pieces as they come and go.
    Bytes {
        /// Which way they went.
        direction: Direction,
        /// When.
        at: SystemTime,
        /// The bytes.
        bytes: Bytes,
    },
    /// Bytes that were left out: of a message that was begun before, or because the watcher was too
    /// slow. The next bytes of this direction begin a message.
    Missing {
        /// Which way they went.
        direction: Direction,
        /// When the last of them went.
        at: SystemTime,
        /// How many.
        bytes: u64,
    },
}

/// The end of a watch that is given to a link.
#[derive(Debug)]
pub struct Tap {
    seen: mpsc::UnboundedSender<Seen>,
    shared: Arc<Shared>,
    max_bytes: usize,
    received: Way,
    sent: Way,
}

/// The watcher's end. Dropping it ends the watch.
#[derive(Debug)]
pub struct Watch {
    seen: mpsc::UnboundedReceiver<Seen>,
    shared: Arc<Shared>,
}

/// What both ends know.
#[derive(Debug, Default)]
struct Shared {
    /// What waits, in bytes.
    waiting: AtomicUsize,
    /// Bytes of each direction that are missing and were not told of yet.
    missing: [AtomicU64; 2],
}

/// One direction.
#[derive(Debug)]
struct Way {
    walk: Walk,
    /// Whether bytes are left out, until a message begins and there is room.
    is_lost: bool,
}

impl Watch {
    /// Both ends of a watch, which lets so many bytes wait.
    pub fn new(max_bytes: usize) -> (Tap, Self) {
        let (told, seen) = mpsc::unbounded_channel();
        let shared = Arc::<Shared>::default();
        let tap = Tap {
            seen: told,
            shared: Arc::clone(&shared),
            max_bytes,
            received: Way::blind(),
            sent: Way::blind(),
        };
        (tap, Self { seen, shared })
    }

    /// What is seen next; `None` once the link is gone.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Seen> {
        let seen = match self.try_next() {
            Some(seen) => return Some(seen),
            None => self.seen.recv().await?,
        };
        self.taken(&seen);
        Some(seen)
    }

    /// What waits; behind all of that, what is missing.
    fn try_next(&mut self) -> Option<Seen> {
        loop {
            let missing = self.shared.missing.each_ref().map(|it| it.load(Ordering::Acquire));
            if let Ok(seen) = self.seen.try_recv() {
                self.taken(&seen);
                return Some(seen);
            }
            let mut ways = [Direction::In, Direction::Out].into_iter().zip(missing);
            let (direction, bytes) = ways.find(|(_, bytes)| *bytes > 0)?;
            // Where it is another number by now, something may have come before it.
            let untold = &self.shared.missing[direction as usize];
            if untold.compare_exchange(bytes, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                return Some(Seen::Missing { direction, at: SystemTime::now(), bytes });
            }
        }
    }

    fn taken(&self, seen: &Seen) {
        self.shared.waiting.fetch_sub(cost(seen), Ordering::Relaxed);
    }
}

impl Tap {
    /// The link is watched from here on: of what is not whole yet of what was received, and of so many
    /// bytes of what is sent, the rest is left out.
    pub(super) fn begin(&mut self, agreement: Agreement, cut: Cut<'_>, unsent: usize) {
        if agreement.dialect == Dialect::Hybi {
            self.received.begin(cut);
            self.sent.begin(Cut { left: unsent as u64, ..Cut::default() });
        }
        self.tell(Seen::Begins(agreement));
    }

    /// Bytes went over the link; whether anybody still watches.
    pub(super) fn take(&mut self, direction: Direction, bytes: &[u8]) -> bool {
        let at = SystemTime::now();
        bytes.chunks(PIECE_BYTES).for_each(|piece| self.take_piece(direction, at, piece));
        !self.seen.is_closed()
    }

    fn take_piece(&mut self, direction: Direction, at: SystemTime, bytes: &[u8]) {
        let (max_bytes, waiting) = (self.max_bytes, self.shared.waiting.load(Ordering::Relaxed));
        let untold = &self.shared.missing[direction as usize];
        let way = match direction {
            Direction::In => &mut self.received,
            Direction::Out => &mut self.sent,
        };
        // Who was too slow is to have read half of what waits before there is more.
        let has_room = |rest: &[u8]| waiting + rest.len() + HOLDING_BYTES <= max_bytes;
        let goes_on = |rest: &[u8]| has_room(rest) && waiting <= max_bytes / 2;
        let mut rest = bytes;
        let mut gap = 0;
        if way.is_lost {
            while !rest.is_empty() {
                if way.walk.is_between() && goes_on(rest) {
                    break;
                }
                let taken = way.walk.step(rest);
                rest = &rest[taken..];
            }
            let passed = (bytes.len() - rest.len()) as u64;
            if rest.is_empty() {
                untold.fetch_add(passed, Ordering::AcqRel);
                return;
            }
            gap = untold.swap(0, Ordering::AcqRel) + passed;
            way.is_lost = false;
        }
        way.walk.go_over(rest);
        way.is_lost = !has_room(rest);
        if way.is_lost {
            untold.fetch_add(rest.len() as u64, Ordering::AcqRel);
        }
        let is_shown = !way.is_lost;
        if gap > 0 {
            self.tell(Seen::Missing { direction, at, bytes: gap });
        }
        if is_shown {
            self.tell(Seen::Bytes { direction, at, bytes: Bytes::copy_from_slice(rest) });
        }
    }

    fn tell(&self, seen: Seen) {
        self.shared.waiting.fetch_add(cost(&seen), Ordering::Relaxed);
        // Whoever watched may have gone.
        let _ = self.seen.send(seen);
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        let at = SystemTime::now();
        for direction in [Direction::In, Direction::Out] {
            let bytes = self.shared.missing[direction as usize].swap(0, Ordering::AcqRel);
            if bytes > 0 {
                self.tell(Seen::Missing { direction, at, bytes });
            }
        }
    }
}

impl Way {
    fn blind() -> Self {
        Self { walk: Walk::blind(), is_lost: false }
    }

    fn begin(&mut self, cut: Cut<'_>) {
        self.walk = Walk::from(cut);
        self.is_lost = !self.walk.is_between();
    }
}

fn cost(seen: &Seen) -> usize {
    HOLDING_BYTES
        + match seen {
            Seen::Bytes { bytes, .. } => bytes.len(),
            Seen::Begins(_) | Seen::Missing { .. } => 0,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What waits for the watcher, in short.
    fn seen(watch: &mut Watch) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(seen) = watch.try_next() {
            told.push(match seen {
                Seen::Begins(_) => "begins".to_owned(),
                Seen::Bytes { direction, bytes, .. } => {
                    format!("{direction:?} {}", bytes.escape_ascii())
                }
                Seen::Missing { direction, bytes, .. } => format!("{direction:?} -{bytes}"),
            });
        }
        told
    }

    fn begun(max_bytes: usize) -> (Tap, Watch) {
        let (mut tap, mut watch) = Watch::new(max_bytes);
        tap.begin(Agreement::default(), Cut::default(), 0);
        assert_eq!(seen(&mut watch), ["begins"]);
        (tap, watch)
    }

    #[test]
    fn who_is_too_slow_is_told_what_is_missing_and_goes_on_with_a_message() {
        let (mut tap, mut watch) = begun(2 * HOLDING_BYTES + 8);
        assert!(tap.take(Direction::In, b"\x82\x02ab"));
        assert!(tap.take(Direction::In, b"\x82\x02c"));
        // There is no room for this any more, and none for what lies behind it until one has read.
        assert!(tap.take(Direction::In, b"d\x82\x01e"));
        assert!(tap.take(Direction::In, b"\x02\x01f"));
        assert_eq!(seen(&mut watch), ["In \\x82\\x02ab", "In \\x82\\x02c", "In -7"]);
        // In the middle of a message nothing can be made of the rest of it.
        assert!(tap.take(Direction::In, b"\x00\x01g\x80\x01h\x82\x01i"));
        assert_eq!(seen(&mut watch), ["In -6", "In \\x82\\x01i"]);
    }

    #[test]
    fn of_what_was_begun_before_the_rest_is_left_out() {
        let (mut tap, mut watch) = Watch::new(1 << 20);
        let cut = Cut { left: 2, is_fragment: true, ..Cut::default() };
        tap.begin(Agreement::default(), cut, 3);
        assert!(tap.take(Direction::In, b"ab\x80\x00\x81\x01c"));
        assert!(tap.take(Direction::Out, b"ab"));
        assert!(tap.take(Direction::Out, b"c\x81\x01d"));
        let expected = ["begins", "In -4", "In \\x81\\x01c", "Out -3", "Out \\x81\\x01d"];
        assert_eq!(seen(&mut watch), expected);
    }

    #[test]
    fn what_is_still_missing_at_the_end_is_told() {
        let (mut tap, mut watch) = begun(HOLDING_BYTES);
        assert!(tap.take(Direction::Out, b"\x81\x01a"));
        drop(tap);
        assert_eq!(seen(&mut watch), ["Out -3"]);
        let (mut tap, mut watch) = begun(HOLDING_BYTES);
        assert!(tap.take(Direction::Out, b"\x81\x01a"));
        assert_eq!(seen(&mut watch), ["Out -3"]);
        drop(tap);
        assert!(seen(&mut watch).is_empty(), "it is told once");
    }

    #[test]
    fn a_large_write_costs_no_more_than_may_wait() {
        let (mut tap, mut watch) = begun(1 << 20);
        let wire = [&b"\x82\x7f\0\0\0\0\0\x80\0\0"[..], &vec![0; 8 << 20]].concat();
        assert!(tap.take(Direction::Out, &wire));
        assert!(watch.shared.waiting.load(Ordering::Relaxed) <= 1 << 20);
        let all = seen(&mut watch);
        assert!(all.len() > 8 && all.last().unwrap().starts_with("Out -7"), "{}", all.len());
    }

    #[test]
    fn nobody_who_watches_is_noticed() {
        let (mut tap, watch) = begun(1 << 20);
        drop(watch);
        assert!(!tap.take(Direction::Out, b"\x81\x01a"));
    }
}
