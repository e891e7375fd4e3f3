//! Memory for large messages, used again: what was cleared and paged in once need not be again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// The most that one worker keeps, in bytes.
const KEPT_BYTES: usize = 16 << 20;

/// Memory of so many times what is wanted is left for those who need it.
const TOO_LARGE: usize = 4;

/// The memory that one worker keeps for large messages. Clones are the same memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(Arc<Mutex<Kept>>);

/// What nobody uses at the moment.
#[derive(Debug, Default)]
struct Kept {
    pieces: Vec<Vec<u8>>,
    bytes: usize,
    /// Pieces that were there all the time since the last look.
    unneeded: usize,
}

/// A message in memory that is wanted back.
struct Lent {
    message: Vec<u8>,
    memory: Memory,
}

impl Memory {
    /// Memory that has room for so many bytes; what lies in it means nothing.
    pub(super) fn take(&self, len: usize) -> Vec<u8> {
        let kept = self.kept().take(len);
        kept.unwrap_or_else(|| vec![0; len])
    }

    /// A message whose memory is used again once nobody reads it any more.
    pub(super) fn lend(&self, message: Vec<u8>) -> Bytes {
        Bytes::from_owner(Lent { message, memory: self.clone() })
    }

    /// Lets go of what was not needed since the last call.
    pub(super) fn trim(&self) {
        self.kept().trim();
    }

    /// Whether nothing is kept.
    pub(super) fn is_empty(&self) -> bool {
        self.kept().pieces.is_empty()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// The smallest piece that suffices, if there is one that is not far too large; of several the
    /// last that was given back, which may still be in a cache.
    fn take(&mut self, len: usize) -> Option<Vec<u8>> {
        let sizes = self.pieces.iter().map(Vec::capacity).enumerate().rev();
        let fits = sizes.filter(|(_, size)| (len..=len.saturating_mul(TOO_LARGE)).contains(size));
        let (at, size) = fits.min_by_key(|&(_, size)| size)?;
        self.bytes -= size;
        let piece = self.pieces.remove(at);
        self.unneeded = self.unneeded.min(self.pieces.len());
        Some(piece)
    }

    fn give_back(&mut self, piece: Vec<u8>) {
        if self.bytes + piece.capacity() <= KEPT_BYTES {
            self.bytes += piece.capacity();
            self.pieces.push(piece);
        }
    }

    fn trim(&mut self) {
        for piece in self.pieces.drain(..self.unneeded) {
            self.bytes -= piece.capacity();
        }
        self.unneeded = self.pieces.len();
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.message
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.memory.kept().give_back(std::mem::take(&mut self.message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_reads_any_more_is_used_again() {
        let memory = Memory::default();
        let message = memory.lend(vec![7; 1_000]);
        let part = message.slice(10..20);
        drop(message);
        assert_eq!(memory.take(1_000), vec![0; 1_000], "somebody still reads it");
        drop(part);
        assert_eq!(memory.take(900), vec![7; 1_000]);
        assert!(memory.kept().pieces.is_empty() && memory.kept().bytes == 0);
    }

    #[test]
    fn a_small_message_does_not_get_much_memory() {
        let memory = Memory::default();
        drop(memory.lend(vec![7; 1_000]));
        drop(memory.lend(vec![7; 400]));
        assert_eq!(memory.take(200).len(), 400);
        assert_eq!(memory.take(200).len(), 200);
        assert_eq!(memory.take(250).len(), 1_000);
    }

    #[test]
    fn no_more_is_kept_than_may_be() {
        let memory = Memory::default();
        let messages: Vec<Bytes> = (0..3).map(|_| memory.lend(vec![7; KEPT_BYTES / 2])).collect();
        drop(messages);
        assert_eq!(memory.kept().pieces.len(), 2);
        assert!(memory.kept().bytes <= KEPT_BYTES);
    }

    #[test]
    fn what_is_not_needed_is_let_go_of() {
        let memory = Memory::default();
        let messages: Vec<Bytes> = (0..3).map(|_| memory.lend(vec![7; 1_000])).collect();
        drop(messages);
        memory.trim();
        drop(memory.lend(memory.take(1_000)));
        memory.trim();
        assert_eq!(memory.kept().pieces.len(), 1, "one was needed, two were not");
        memory.trim();
        assert!(memory.kept().pieces.is_empty() && memory.kept().bytes == 0);
    }
}
