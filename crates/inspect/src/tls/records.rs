//! The records of one end, from bytes that arrive in pieces.
//!
//! ```text
//! record = type (1) version (2) length (2) body
//! ```

/// Longest body of a record (RFC 8446 §5.2, RFC 5246 §6.2.3).
const MAX_BODY_BYTES: usize = (1 << 14) + 2048;

/// Most bytes that wait until they can be read.
const MAX_WAITING: usize = 256 << 10;

/// The records of one end.
#[derive(Debug, Default)]
pub(super) struct Records {
    waiting: Vec<u8>,
}

/// A record.
pub(super) struct Record {
    pub(super) head: [u8; 5],
    pub(super) body: Vec<u8>,
}

/// These are no records of TLS, or more of them wait than there is room for.
#[derive(Debug)]
pub(super) struct Broken;

impl Records {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
    }

    /// How much memory it holds.
    pub(super) const fn held(&self) -> usize {
        self.waiting.capacity()
    }

    /// Whether more waits than is good.
    pub(super) const fn is_full(&self) -> bool {
        self.waiting.len() > MAX_WAITING
    }

    /// The next record, or `None` while it is not whole.
    pub(super) fn next(&mut self) -> Result<Option<Record>, Broken> {
        let Some(head) = self.waiting.first_chunk::<5>().copied() else { return Ok(None) };
        let len = usize::from(u16::from_be_bytes([head[3], head[4]]));
        if !(20..=24).contains(&head[0]) || head[1] != 3 || len > MAX_BODY_BYTES {
            return Err(Broken);
        }
        let Some(body) = self.waiting.get(5..5 + len).map(<[u8]>::to_vec) else { return Ok(None) };
        self.waiting.drain(..5 + len);
        Ok(Some(Record { head, body }))
    }
}
