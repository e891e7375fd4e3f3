//! The compressor of one direction.

use flate2::{Compress, FlushCompress};

use super::idle::{self, Effort};
use super::{Agreed, Window};

/// Compresses whole messages, each ended by a flush whose four known bytes are left away.
#[derive(Debug)]
pub(crate) struct Compressor {
    /// The codec of a window that is kept, made with the first message that needs it.
    kept: Option<Box<Compress>>,
    min_bytes: u32,
    effort: Effort,
    context_takeover: bool,
}

impl Compressor {
    pub(crate) fn new(agreed: Agreed) -> Self {
        let Agreed { ours, level, min_bytes, .. } = agreed;
        Self {
            kept: None,
            // Out of the reach of any message there is no difference.
            min_bytes: u32::try_from(min_bytes).unwrap_or(u32::MAX),
            effort: Effort { level: level.clamp(1, 9) as u8, bits: ours.bits.clamp(9, 15) },
            context_takeover: ours.context_takeover,
        }
    }

    /// What was agreed on.
    pub(crate) const fn window(&self) -> Window {
        Window { bits: self.effort.bits, context_takeover: self.context_takeover }
    }

    /// From what length on, and how, messages are compressed; `None` where that depends on those
    /// before.
    pub(crate) fn habit(&self) -> Option<(u32, Effort)> {
        (!self.context_takeover).then_some((self.min_bytes, self.effort))
    }

    /// Whether a message of this length is worth the effort.
    ///
    /// An empty one never is: its compressed form is longer.
    pub(crate) fn wants(&self, bytes: usize) -> bool {
        bytes >= (self.min_bytes as usize).max(1)
    }

    /// Compresses one message onto the end of `out` (RFC 7692 §7.2.1).
    pub(crate) fn compress(&mut self, message: &[u8], out: &mut Vec<u8>) {
        #[cfg(feature = "libdeflate")]
        if !self.context_takeover && super::one_shot::compress(self.effort, message, out) {
            return;
        }
        if self.context_takeover {
            let codec = self.kept.get_or_insert_with(|| Box::new(self.effort.compressor()));
            flush(codec, message, out);
        } else {
            let mut codec = idle::take_compressor(self.effort);
            flush(&mut codec, message, out);
            idle::give_compressor(self.effort, codec);
        }
    }
}

fn flush(codec: &mut Compress, mut message: &[u8], out: &mut Vec<u8>) {
    out.reserve(message.len() / 2 + 64);
    loop {
        let before = codec.total_in();
        codec
            .compress_vec(message, out, FlushCompress::Sync)
            .expect("the compressor takes any bytes: it was made with a valid level and window");
        message = &message[(codec.total_in() - before) as usize..];
        // Room was left, so the flush is whole.
        if message.is_empty() && out.len() < out.capacity() {
            break;
        }
        out.reserve(message.len() / 2 + 64);
    }
    // §7.2.1: the last four bytes, `00 00 FF FF`, are removed.
    out.truncate(out.len() - 4);
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
                let mut inflater = Inflater::new(bits);
                for message in [&noise[..], b"x", &[0; 70_000], &noise[..300]] {
                    let (mut wire, mut out) = (Vec::new(), Vec::new());
                    compressor.compress(message, &mut wire);
                    inflater.push(&wire, &mut out, 1 << 20).unwrap();
                    inflater.finish(&mut out, 1 << 20).unwrap();
                    if !takeover {
                        inflater = Inflater::new(bits);
                    }
                    assert!(out == message, "{bits} bits, takeover {takeover}");
                }
            }
        }
    }

    #[test]
    fn a_kept_window_makes_a_repeated_message_small() {
        let text = "a text that comes again, and again: it is short in the second message";
        let sizes = |context_takeover| {
            let mut compressor = Compressor::new(agreed(15, context_takeover));
            [(); 2].map(|()| {
                let mut out = Vec::new();
                compressor.compress(text.as_bytes(), &mut out);
                out.len()
            })
        };
        let [first, second] = sizes(true);
        assert!(second < first / 4);
        let [first, second] = sizes(false);
        assert_eq!(first, second);
    }
}
