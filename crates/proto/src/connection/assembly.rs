//! The bytes of a message that is put together, with memory that lies ready behind them.

/// The least that is read past the buffer, and the least that a message has before.
const MIN_ROOM: usize = 16 << 10;

/// The most that is read past the buffer at once.
const MAX_ROOM: usize = 1 << 20;

/// A message is given memory for so many times what has come of it: it need not move as it grows,
/// and a peer that announces much has to send some of it first.
const GROWTH: usize = 16;

/// A message so far.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// The message so far, and behind it bytes that mean nothing: a read may be put there, and none
    /// of them has to be cleared for it.
    memory: Vec<u8>,
    len: usize,
}

impl Assembly {
    /// The message so far.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.memory[..self.len]
    }

    /// Bytes of the message so far.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Puts a piece behind what there is; `rest` bytes are announced to come behind it.
    pub(super) fn push(&mut self, piece: &[u8], rest: usize) {
        let end = self.len + piece.len();
        if let Some(ready) = self.memory.get_mut(self.len..end) {
            ready.copy_from_slice(piece);
            self.len = end;
            return;
        }
        self.append(|bytes| {
            // Behind the first piece it is not known yet whether the next are put here, or read.
            if !bytes.is_empty() {
                bytes.reserve(piece.len() + rest.min(GROWTH * end));
            }
            bytes.extend_from_slice(piece);
        });
    }

    /// Has something append to the message.
    pub(super) fn append<T>(&mut self, something: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        self.memory.truncate(self.len);
        let made = something(&mut self.memory);
        self.len = self.memory.len();
        made
    }

    /// Has some of the `rest` that is announced put behind what there is, never the last byte, with
    /// which the message is told of. Answers what was put there, or `None` where it is not worth it.
    /// `more` gives memory of so many bytes, whatever they are, or of fewer.
    pub(super) fn fill(
        &mut self,
        rest: usize,
        more: impl FnOnce(usize) -> Vec<u8>,
        put: impl FnOnce(&mut [u8]) -> usize,
    ) -> Option<&mut [u8]> {
        if rest <= MIN_ROOM || self.len < MIN_ROOM {
            return None;
        }
        let start = self.len;
        let room = (rest - 1).min(MAX_ROOM);
        if self.memory.len() < start + room {
            let wanted = start + rest.min((GROWTH * start).max(room));
            let mut memory = more(wanted);
            if memory.len() < wanted {
                memory.resize(wanted, 0);
            }
            memory[..start].copy_from_slice(self.bytes());
            self.memory = memory;
        }
        self.len += put(&mut self.memory[start..start + room]).min(room);
        Some(&mut self.memory[start..self.len])
    }

    /// The message, which is whole.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.memory.truncate(self.len);
        self.len = 0;
        std::mem::take(&mut self.memory)
    }
}
