//! One message of a peer that keeps no window.

use super::Inflater;
use super::idle;
use crate::error::ProtocolError;

/// Most compressed bytes that wait for the rest of their message, rather than for them to get an
/// inflater: a peer that stalls costs what it sent, and not forty times as much.
const MOST_WAITING: usize = 16 << 10;

/// Inflates one message: at once where it is short, and as it arrives where it is long.
#[derive(Debug, Default)]
pub(crate) struct MessageInflater {
    /// The beginning of a message, not yet inflated.
    waiting: Vec<u8>,
    /// That of a long message, until its end.
    inflater: Option<Inflater>,
}

impl MessageInflater {
    /// Takes the next piece of the message; what is inflated goes to the end of `out`, which never
    /// grows past `limit` by more than one byte.
    ///
    /// How the message is cut into pieces changes neither the output nor the error.
    pub(crate) fn push(
        &mut self,
        piece: &[u8],
        last: bool,
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), ProtocolError> {
        let is_short = self.inflater.is_none() && self.waiting.len() + piece.len() <= MOST_WAITING;
        if is_short && !last {
            self.waiting.extend_from_slice(piece);
            return Ok(());
        }
        #[cfg(feature = "libdeflate")]
        if is_short && super::one_shot::inflate([&self.waiting, piece], out, limit) {
            return Ok(());
        }
        // One that met an error is not given back.
        let mut inflater = self.inflater.take().unwrap_or_else(idle::take_inflater);
        if !self.waiting.is_empty() {
            inflater.push(&std::mem::take(&mut self.waiting), out, limit)?;
        }
        inflater.push(piece, out, limit)?;
        if last {
            inflater.finish(out, limit)?;
            idle::give_inflater(inflater);
        } else {
            self.inflater = Some(inflater);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Agreed, Compressor, Window};
    use super::*;

    fn compressed(message: &[u8]) -> Vec<u8> {
        let window = Window { bits: 15, context_takeover: false };
        let agreed = Agreed { ours: window, theirs: window, level: 6, min_bytes: 0 };
        let mut out = Vec::new();
        Compressor::new(agreed).compress(message, &mut out);
        out
    }

    /// Bytes that do not shrink.
    fn noise(len: u64) -> Vec<u8> {
        let mixed = |n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 29;
        (0..len).map(|n| (mixed(mixed(n + 1)) >> 8) as u8).collect()
    }

    #[test]
    fn a_short_message_waits_for_its_end_and_a_long_one_does_not() {
        for (len, waits) in [(100, true), (100_000, false)] {
            let message = noise(len);
            let wire = compressed(&message);
            let (head, tail) = wire.split_at(wire.len() - 1);
            let (mut inflater, mut out) = (MessageInflater::default(), Vec::new());
            for piece in head.chunks(1_000) {
                inflater.push(piece, false, &mut out, 1 << 20).unwrap();
            }
            assert_eq!(out.is_empty(), waits);
            inflater.push(tail, true, &mut out, 1 << 20).unwrap();
            assert!(out == message);
        }
    }

    #[test]
    fn an_error_in_one_message_leaves_nothing_to_the_next() {
        let wire = compressed(b"whole and well");
        for _ in 0..3 {
            let mut out = Vec::new();
            let refused = MessageInflater::default().push(&[0xFF; 40], true, &mut out, 1 << 10);
            assert_eq!(refused, Err(ProtocolError::InvalidDeflate));
            out.clear();
            MessageInflater::default().push(&wire, true, &mut out, 1 << 10).unwrap();
            assert_eq!(out, b"whole and well");
        }
    }
}
