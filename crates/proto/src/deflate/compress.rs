//! The compressor of one direction.

use flate2::{Compress, Compression, FlushCompress};

use super::Agreed;

/// Compresses whole messages, each ended by a flush whose four known bytes are left away.
///
/// The codec is made with the first message that needs it, and freed after every message where no
/// window is kept.
#[derive(Debug)]
pub(crate) struct Compressor {
    agreed: Agreed,
    codec: Option<Compress>,
}

impl Compressor {
    pub(crate) const fn new(agreed: Agreed) -> Self {
        Self { agreed, codec: None }
    }

    /// Whether a message of this length is worth the effort.
    ///
    /// An empty one never is: its compressed form is longer.
    pub(crate) fn wants(&self, bytes: usize) -> bool {
        bytes >= self.agreed.min_bytes.max(1)
    }

    /// Compresses one message (RFC 7692 §7.2.1).
    pub(crate) fn compress(&mut self, mut message: &[u8]) -> Vec<u8> {
        let Agreed { ours, level, .. } = self.agreed;
        let codec = self.codec.get_or_insert_with(|| {
            let level = Compression::new(level.clamp(1, 9));
            Compress::new_with_window_bits(level, false, ours.bits.clamp(9, 15))
        });
        let mut out = Vec::with_capacity(message.len() / 2 + 64);
        loop {
            let before = codec.total_in();
            codec.compress_vec(message, &mut out, FlushCompress::Sync).expect(
                "the compressor takes any bytes: it was made with a valid level and window",
            );
            message = &message[(codec.total_in() - before) as usize..];
            // Room was left, so the flush is whole.
            if message.is_empty() && out.len() < out.capacity() {
                break;
            }
            out.reserve(message.len() / 2 + 64);
        }
        // §7.2.1: the last four bytes, `00 00 FF FF`, are removed.
        out.truncate(out.len() - 4);
        if !ours.context_takeover {
            self.codec = None;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Inflater, Window};
    use super::*;

    fn agreed(bits: u8, context_takeover: bool) -> Agreed {
        let window = Window { bits, context_takeover };
        Agreed { ours: window, theirs: window, level: 6, min_bytes: 0 }
    }

    #[test]
    fn what_is_compressed_is_inflated_with_every_window() {
        let noise: Vec<u8> =
            (0..100_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for bits in 9..=15 {
            for takeover in [true, false] {
                let agreed = agreed(bits, takeover);
                let mut compressor = Compressor::new(agreed);
                let mut inflater = Inflater::new(agreed.theirs);
                for message in [&noise[..], b"x", &[0; 70_000], &noise[..300]] {
                    let mut out = Vec::new();
                    inflater.push(&compressor.compress(message), &mut out, 1 << 20).unwrap();
                    inflater.finish(&mut out, 1 << 20).unwrap();
                    assert!(out == message, "{bits} bits, takeover {takeover}");
                }
            }
        }
    }

    #[test]
    fn a_kept_window_makes_a_repeated_message_small() {
        let text = "a text that comes again, and again: it is short in the second message";
        let mut kept = Compressor::new(agreed(15, true));
        let first = kept.compress(text.as_bytes());
        assert!(kept.compress(text.as_bytes()).len() < first.len() / 4);
        let mut fresh = Compressor::new(agreed(15, false));
        assert_eq!(fresh.compress(text.as_bytes()), fresh.compress(text.as_bytes()));
    }
}
