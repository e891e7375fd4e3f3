//! The one inflater, capped inside its loop.

use flate2::{Decompress, FlushDecompress, Status};

use crate::error::ProtocolError;

/// What a sender leaves away from the end of every message (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// The least room that the output grows by, in bytes.
const GROWTH: usize = 4 << 10;

/// Inflates messages, piece by piece: all those of a peer that keeps its window, or one of another.
#[derive(Debug)]
pub(crate) struct Inflater {
    codec: Decompress,
    /// The stream ended inside this message, and nothing has been fed to the next one.
    fresh: bool,
}

impl Inflater {
    /// An inflater for what was compressed with a window of `bits`.
    pub(crate) fn new(bits: u8) -> Self {
        Self { codec: Decompress::new_with_window_bits(false, bits.clamp(9, 15)), fresh: false }
    }

    /// Forgets everything.
    pub(super) fn reset(&mut self) {
        self.codec.reset(false);
        self.fresh = false;
    }

    /// Inflates the next piece of a message onto the end of `out`, which never grows past
    /// `limit` by more than one byte.
    pub(crate) fn push(
        &mut self,
        mut input: &[u8],
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), ProtocolError> {
        let codec = &mut self.codec;
        loop {
            check(out, limit)?;
            if out.capacity() == out.len() {
                let room = (limit - out.len()).saturating_add(1);
                out.reserve_exact(out.len().max(GROWTH).min(room));
            }
            let before = (codec.total_in(), out.len());
            let status = codec.decompress_vec(input, out, FlushDecompress::Sync);
            let Ok(status) = status else {
                // What was inflated before the fault counts first, however the input was cut.
                check(out, limit)?;
                return Err(ProtocolError::InvalidDeflate);
            };
            let taken = (codec.total_in() - before.0) as usize;
            input = &input[taken..];
            self.fresh &= taken == 0;

            match status {
                // RFC 7692 §7.2.3.4: a sender may end its stream inside a message.
                Status::StreamEnd => {
                    codec.reset(false);
                    self.fresh = true;
                    if input.is_empty() {
                        break;
                    }
                }
                // Room was left, so nothing more is held back.
                _ if input.is_empty() && out.len() < out.capacity() => break,
                _ if taken == 0 && out.len() == before.1 && out.len() < out.capacity() => {
                    return Err(ProtocolError::InvalidDeflate);
                }
                _ => {}
            }
        }
        check(out, limit)
    }

    /// Ends the message.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>, limit: usize) -> Result<(), ProtocolError> {
        if !self.fresh {
            self.push(&TAIL, out, limit)?;
        }
        self.fresh = false;
        Ok(())
    }
}

/// Whether the output is within the limit. How far beyond is not known: inflation stopped there.
fn check(out: &[u8], limit: usize) -> Result<(), ProtocolError> {
    if out.len() > limit {
        return Err(ProtocolError::MessageTooBig { bytes: limit as u64 + 1, limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inflate(pieces: &[&[u8]], limit: usize) -> Result<Vec<u8>, ProtocolError> {
        let (mut inflater, mut out) = (Inflater::new(15), Vec::new());
        for piece in pieces {
            inflater.push(piece, &mut out, limit)?;
        }
        inflater.finish(&mut out, limit)?;
        Ok(out)
    }

    /// RFC 7692 §7.2.3.1 and 7.2.3.3 to 7.2.3.5: one block, a stored one, a final one, two blocks.
    #[test]
    fn inflates_the_hellos_of_the_rfc() {
        let hellos: [&[u8]; 4] = [
            &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
            &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
            &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
        ];
        for hello in hellos {
            assert_eq!(inflate(&[hello], 5).unwrap(), b"Hello", "{hello:02x?}");
            for cut in 0..hello.len() {
                let (head, tail) = hello.split_at(cut);
                assert_eq!(inflate(&[head, tail], 5).unwrap(), b"Hello", "cut at {cut}");
            }
        }
    }

    /// RFC 7692 §7.2.3.2: the second message refers to the first one's window.
    #[test]
    fn keeps_the_window_from_message_to_message() {
        let (mut inflater, mut out) = (Inflater::new(15), Vec::new());
        for message in [&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..], &[0xf2, 0x00, 0x11, 0, 0]]
        {
            inflater.push(message, &mut out, 10).unwrap();
            inflater.finish(&mut out, 10).unwrap();
        }
        assert_eq!(out, b"HelloHello");
    }

    #[test]
    fn stops_inside_the_loop_at_the_limit() {
        let mut bomb = Vec::with_capacity(1 << 20);
        let mut codec = flate2::Compress::new(flate2::Compression::best(), false);
        codec.compress_vec(&vec![0; 64 << 20], &mut bomb, flate2::FlushCompress::Sync).unwrap();
        let (mut inflater, mut out) = (Inflater::new(15), Vec::new());
        let limit = 100_000;
        let refused = inflater.push(&bomb, &mut out, limit);
        assert_eq!(refused, Err(ProtocolError::MessageTooBig { bytes: 100_001, limit }));
        assert!(out.capacity() <= limit + 1, "{} bytes reserved", out.capacity());
    }

    #[test]
    fn garbage_is_invalid_data() {
        assert_eq!(inflate(&[&[0xFF; 32]], 1 << 20), Err(ProtocolError::InvalidDeflate));
    }
}
