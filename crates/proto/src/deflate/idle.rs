//! The codecs of a thread that nobody uses right now.
//!
//! Where no window is kept from message to message, nothing of a codec outlives a message, and a
//! codec is a hundred times larger than an idle line. So the lines of a thread share them: a codec
//! is taken from here for one message, made where there is none, and given back when the message
//! is whole. While it is taken it belongs to that message alone, so streams never mix.
//!
//! This is a cache and no state: what is given back is reset, and a codec that was reset does what
//! a new one does.
//!
//! | codec      | kept on a thread                                             |
//! |------------|--------------------------------------------------------------|
//! | inflater   | one, with the largest window, which reads what any wrote     |
//! | compressor | one for each level and window that was agreed on             |

use std::cell::{Cell, RefCell};

use flate2::{Compress, Compression};

use super::Inflater;

thread_local! {
    static INFLATER: Cell<Option<Inflater>> = const { Cell::new(None) };
    static COMPRESSORS: RefCell<Vec<(Effort, Compress)>> = const { RefCell::new(Vec::new()) };
}

/// What tells compressors apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Effort {
    /// 1 to 9.
    pub(super) level: u8,
    /// The window as a power of two, 9 to 15.
    pub(super) bits: u8,
}

impl Effort {
    pub(super) fn compressor(self) -> Compress {
        Compress::new_with_window_bits(Compression::new(self.level.into()), false, self.bits)
    }
}

/// An inflater that has seen nothing.
pub(super) fn take_inflater() -> Inflater {
    // A thread that ends has no cache any more; then one is made.
    let idle = INFLATER.try_with(Cell::take).ok().flatten();
    idle.unwrap_or_else(|| Inflater::new(15))
}

pub(super) fn give_inflater(mut inflater: Inflater) {
    inflater.reset();
    // Without a cache it is dropped.
    _ = INFLATER.try_with(|idle| idle.set(Some(inflater)));
}

/// A compressor that has seen nothing.
pub(super) fn take_compressor(effort: Effort) -> Compress {
    let idle = COMPRESSORS.try_with(|idle| {
        let mut idle = idle.borrow_mut();
        let at = idle.iter().position(|(known, _)| *known == effort)?;
        Some(idle.swap_remove(at).1)
    });
    idle.ok().flatten().unwrap_or_else(|| effort.compressor())
}

pub(super) fn give_compressor(effort: Effort, mut compressor: Compress) {
    compressor.reset();
    // Without a cache it is dropped.
    _ = COMPRESSORS.try_with(|idle| idle.borrow_mut().push((effort, compressor)));
}

#[cfg(test)]
mod tests {
    use flate2::FlushCompress;

    use super::*;

    fn compress(compressor: &mut Compress, message: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(2 * message.len() + 64);
        compressor.compress_vec(message, &mut out, FlushCompress::Sync).unwrap();
        out
    }

    #[test]
    fn a_codec_that_was_given_back_does_what_a_new_one_does() {
        let message: Vec<u8> = (0..40_000u32).map(|n| ((n * n) >> 9) as u8).collect();
        for (level, bits) in [(1, 15), (6, 15), (6, 9), (9, 12)] {
            let effort = Effort { level, bits };
            let fresh = compress(&mut effort.compressor(), &message);
            for _ in 0..3 {
                let mut shared = take_compressor(effort);
                assert_eq!(compress(&mut shared, &message), fresh, "{effort:?}");
                give_compressor(effort, shared);
            }
        }
        assert_eq!(COMPRESSORS.with_borrow(Vec::len), 4);
    }
}
