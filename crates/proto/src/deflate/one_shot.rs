//! Whole messages through libdeflate, which wants a message whole and is faster for it.
//!
//! Only where no window is kept, and a compressor's is the largest. Whatever it declines, a fault
//! and a message above the limit included, zlib looks at afresh: its verdict is the one that counts,
//! so what is accepted and what is refused does not depend on the feature that this file needs.
//!
//! ```text
//! compressed:  | blocks, the last one final | 00 |              RFC 7692 §7.2.3.4
//! inflated:    | what came | 00 00 FF FF | a final, stored block: the mark |
//! ```
//!
//! libdeflate stops at a final block and does not say how far it read; a sender may end its stream
//! early and begin another inside the same message. So a mark of the thread's own is appended: an
//! output that does not end with it came from a stream that ended before. The mark is no secret of
//! the protocol, and nothing depends on its value; it is random so that no peer can write it.

use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, RandomState};

use libdeflater::{CompressionLvl, Compressor, DecompressionError, Decompressor};

use super::idle::Effort;

/// Largest scratch memory that a thread keeps, in bytes each way.
const KEPT: usize = 256 << 10;

/// The end of the flush, and the header of a stored block of eight bytes: the mark's.
const TRAILER: [u8; 9] = [0x00, 0x00, 0xFF, 0xFF, 0x01, 0x08, 0x00, 0xF7, 0xFF];

/// The level of libdeflate that shrinks about as much as zlib's of that number, from 1 on.
const LEVELS: [i32; 9] = [1, 1, 2, 3, 5, 5, 6, 7, 8];

thread_local! {
    static INFLATER: Cell<Option<Box<Inflater>>> = const { Cell::new(None) };
    static COMPRESSORS: RefCell<Vec<(u8, Compressor)>> = const { RefCell::new(Vec::new()) };
}

struct Inflater {
    codec: Decompressor,
    mark: [u8; 8],
    compressed: Vec<u8>,
    plain: Vec<u8>,
}

/// Inflates a whole message, given in two pieces, onto the end of `out`, where it can; nothing is
/// changed where it cannot.
pub(super) fn inflate(pieces: [&[u8]; 2], out: &mut Vec<u8>, limit: usize) -> bool {
    // A thread that ends has no cache any more; then one is made.
    let idle = INFLATER.try_with(Cell::take).ok().flatten();
    let mut inflater = idle.unwrap_or_else(|| Box::new(Inflater::new()));
    let plain = inflater.inflate(pieces, limit.saturating_sub(out.len()));
    if let Some(plain) = plain {
        out.extend_from_slice(plain);
    }
    let done = plain.is_some();
    inflater.shrink();
    // Without a cache it is dropped.
    _ = INFLATER.try_with(|idle| idle.set(Some(inflater)));
    done
}

/// Compresses a whole message onto the end of `out`, where it can.
pub(super) fn compress(effort: Effort, message: &[u8], out: &mut Vec<u8>) -> bool {
    if effort.bits != 15 {
        return false;
    }
    COMPRESSORS
        .try_with(|compressors| compress_with(&mut compressors.borrow_mut(), effort, message, out))
        .unwrap_or(false)
}

fn compress_with(
    compressors: &mut Vec<(u8, Compressor)>,
    effort: Effort,
    message: &[u8],
    out: &mut Vec<u8>,
) -> bool {
    let at = compressors.iter().position(|(level, _)| *level == effort.level);
    let at = at.unwrap_or_else(|| {
        let level = CompressionLvl::new(LEVELS[usize::from(effort.level.clamp(1, 9)) - 1]);
        let codec = Compressor::new(level.expect("the table holds levels that there are"));
        compressors.push((effort.level, codec));
        compressors.len() - 1
    });
    let codec = &mut compressors[at].1;
    let start = out.len();
    out.resize(start + codec.deflate_compress_bound(message.len()), 0);
    let written = codec.deflate_compress(message, &mut out[start..]).ok();
    out.truncate(start + written.unwrap_or(0));
    if written.is_some() {
        out.push(0x00);
    }
    written.is_some()
}

impl Inflater {
    fn new() -> Self {
        let mark = RandomState::new().hash_one("the end of a message").to_ne_bytes();
        Self { codec: Decompressor::new(), mark, compressed: Vec::new(), plain: Vec::new() }
    }

    fn inflate(&mut self, pieces: [&[u8]; 2], limit: usize) -> Option<&[u8]> {
        let Self { codec, mark, compressed, plain } = self;
        compressed.clear();
        for piece in pieces {
            compressed.extend_from_slice(piece);
        }
        compressed.extend_from_slice(&TRAILER);
        compressed.extend_from_slice(mark);

        let most = limit.saturating_add(mark.len());
        let mut room = compressed.len().saturating_mul(8).max(4 << 10).min(most);
        loop {
            if plain.len() < room {
                plain.resize(room, 0);
            }
            match codec.deflate_decompress(compressed, &mut plain[..room]) {
                // A stored block that claims the trailer as its data: zlib reads it otherwise.
                Ok(len) => {
                    let message = plain[..len].strip_suffix(mark);
                    return message.filter(|message| !message.ends_with(&TRAILER));
                }
                Err(DecompressionError::InsufficientSpace) if room < most => {
                    room = room.saturating_mul(4).min(most);
                }
                Err(_) => return None,
            }
        }
    }

    fn shrink(&mut self) {
        for scratch in [&mut self.compressed, &mut self.plain] {
            if scratch.capacity() > KEPT {
                *scratch = Vec::new();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Inflater as Zlib;
    use super::*;
    use crate::error::ProtocolError;

    fn by_zlib(message: &[u8], limit: usize) -> Result<Vec<u8>, ProtocolError> {
        let (mut inflater, mut out) = (Zlib::new(15), Vec::new());
        inflater.push(message, &mut out, limit)?;
        inflater.finish(&mut out, limit)?;
        Ok(out)
    }

    /// RFC 7692 §7.2.3.4 and 7.2.3.5: a stream that ends inside the message is zlib's.
    #[test]
    fn a_stream_that_ends_early_is_left_alone() {
        let hello = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        for message in [[&hello[..], &[0x00]].concat(), [&hello[..], &hello, &[0x00]].concat()] {
            let mut out = b"before".to_vec();
            assert!(!inflate([&message, &[]], &mut out, 100));
            assert_eq!(out, b"before");
        }
    }

    #[test]
    fn the_limit_is_exact() {
        let mut wire = Vec::new();
        assert!(compress(Effort { level: 6, bits: 15 }, &[7; 50_000], &mut wire));
        assert_eq!(by_zlib(&wire, 50_000).unwrap(), [7; 50_000]);
        let (mut zlib, mut wire) = (flate2::Compress::new(Default::default(), false), Vec::new());
        wire.reserve(1_000);
        zlib.compress_vec(&[7; 50_000], &mut wire, flate2::FlushCompress::Sync).unwrap();
        let wire = &wire[..wire.len() - 4];
        for (limit, fits) in [(49_999, false), (50_000, true), (usize::MAX, true)] {
            let mut out = Vec::new();
            assert_eq!(inflate([&wire[..9], &wire[9..]], &mut out, limit), fits, "{limit}");
            assert_eq!(out.len(), if fits { 50_000 } else { 0 });
        }
    }

    proptest! {
        #[test]
        fn what_it_takes_zlib_takes_in_the_same_way(
            mut wire in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                "\\PC{0,200}".prop_map(|text| {
                    let (mut zlib, mut wire) = (flate2::Compress::new(Default::default(), false), Vec::with_capacity(2_000));
                    zlib.compress_vec(text.as_bytes(), &mut wire, flate2::FlushCompress::Sync).unwrap();
                    wire.truncate(wire.len() - 4);
                    wire
                }),
            ],
            flip in any::<Option<(prop::sample::Index, u8)>>(),
            limit in 0..600usize,
        ) {
            if let Some((at, byte)) = flip && !wire.is_empty() {
                let at = at.index(wire.len());
                wire[at] = byte;
            }
            let mut out = Vec::new();
            if inflate([&wire, &[]], &mut out, limit) {
                prop_assert_eq!(by_zlib(&wire, limit), Ok(out));
            }
        }

        #[test]
        fn what_it_compresses_zlib_inflates(
            text in "\\PC{0,2000}",
            level in 1..=9u8,
        ) {
            let mut wire = Vec::new();
            let done = compress(Effort { level, bits: 15 }, text.as_bytes(), &mut wire);
            prop_assert!(done);
            prop_assert_eq!(by_zlib(&wire, 1 << 20), Ok(text.into_bytes()));
        }
    }
}
