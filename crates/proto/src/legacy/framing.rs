//! The framing of both drafts.
//!
//! ```text
//!  text    | 00 | UTF-8 … | FF |
//!  skipped | 80–FF | length in base 128, high bit = more follows | that many bytes |
//!  close   | FF | 00 |                                    (76 only; 75 ignores it)
//! ```

use crate::error::{ProtocolError, UsageError};
use crate::limits::Limits;
use crate::utf8::Validator;

/// The closing handshake of hixie-76, the same in both directions.
pub(crate) const CLOSE: [u8; 2] = [0xFF, 0x00];

/// Ends a text; it occurs nowhere in UTF-8.
const END_OF_TEXT: u8 = 0xFF;

/// Reads frames from bytes that are cut anywhere.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    stage: Stage,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Type,
    /// Inside a text; `kept` is false for the types 01 to 7F, whose text is thrown away.
    Text {
        utf8: Validator,
        bytes: usize,
        kept: bool,
    },
    /// Inside the length of a frame that is skipped.
    Length {
        kind: u8,
        len: u64,
    },
    Skip {
        left: u64,
    },
}

/// What a piece of bytes brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decoded {
    /// A whole text now stands in the assembly.
    Text,
    /// `FF 00`.
    Close,
}

impl Decoder {
    /// Whether no frame is cut off.
    pub(crate) const fn is_between_frames(&self) -> bool {
        matches!(self.stage, Stage::Type)
    }

    /// Takes bytes from the front of `bytes` until a frame is whole; text goes to `assembly`.
    ///
    /// Answers how many were taken; all of them where nothing is whole yet.
    pub(crate) fn decode(
        &mut self,
        bytes: &[u8],
        assembly: &mut Vec<u8>,
        limits: &Limits,
    ) -> Result<(usize, Option<Decoded>), ProtocolError> {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            match &mut self.stage {
                Stage::Type => {
                    rest = after;
                    self.stage = match byte {
                        0x00..0x80 => {
                            Stage::Text { utf8: Validator::default(), bytes: 0, kept: byte == 0 }
                        }
                        kind => Stage::Length { kind, len: 0 },
                    };
                }
                Stage::Text { utf8, bytes: held, kept } => {
                    let end = memchr::memchr(END_OF_TEXT, rest);
                    let piece = &rest[..end.unwrap_or(rest.len())];
                    // What fits is checked first, so that the verdict does not depend on the cuts.
                    let room = limits.max_message_bytes - *held;
                    let fitting = &piece[..piece.len().min(room)];
                    utf8.push(fitting).map_err(|_| ProtocolError::InvalidUtf8)?;
                    limits
                        .admit(*held, (fitting.len() + usize::from(piece.len() > room)) as u64)?;
                    *held += piece.len();
                    if *kept {
                        assembly.extend_from_slice(piece);
                    }
                    rest = &rest[piece.len()..];
                    if end.is_some() {
                        rest = &rest[1..];
                        let (complete, kept) = (utf8.is_complete(), *kept);
                        self.stage = Stage::Type;
                        if !complete {
                            return Err(ProtocolError::InvalidUtf8);
                        }
                        if kept {
                            return Ok((bytes.len() - rest.len(), Some(Decoded::Text)));
                        }
                    }
                }
                Stage::Length { kind, len } => {
                    rest = after;
                    *len = len.saturating_mul(128).saturating_add(u64::from(byte & 0x7F));
                    limits.admit(0, *len)?;
                    if byte & 0x80 == 0 {
                        let (kind, left) = (*kind, *len);
                        self.stage = if left == 0 { Stage::Type } else { Stage::Skip { left } };
                        if [kind, byte] == CLOSE && left == 0 {
                            return Ok((bytes.len() - rest.len(), Some(Decoded::Close)));
                        }
                    }
                }
                Stage::Skip { left } => {
                    let skipped = (*left).min(rest.len() as u64);
                    *left -= skipped;
                    rest = &rest[skipped as usize..];
                    if *left == 0 {
                        self.stage = Stage::Type;
                    }
                }
            }
        }
        Ok((bytes.len(), None))
    }
}

/// Appends a text frame to `out`.
///
/// # Errors
///
/// [`InvalidUtf8`](UsageError::InvalidUtf8) where the text holds the byte that ends it.
pub(crate) fn encode(text: &[u8], out: &mut Vec<u8>) -> Result<(), UsageError> {
    if memchr::memchr(END_OF_TEXT, text).is_some() {
        return Err(UsageError::InvalidUtf8);
    }
    out.reserve(text.len() + 2);
    out.push(0x00);
    out.extend_from_slice(text);
    out.push(END_OF_TEXT);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every frame of `wire`, cut at `cut`, with the texts that came.
    fn decode(wire: &[u8], cut: usize) -> Result<(Vec<Decoded>, Vec<u8>), ProtocolError> {
        let limits = Limits { max_message_bytes: 1_000, ..Limits::default() };
        let (mut decoder, mut found, mut texts) = (Decoder::default(), Vec::new(), Vec::new());
        for mut piece in [&wire[..cut], &wire[cut..]] {
            while !piece.is_empty() {
                let (taken, decoded) = decoder.decode(piece, &mut texts, &limits)?;
                piece = &piece[taken..];
                found.extend(decoded);
            }
        }
        Ok((found, texts))
    }

    #[test]
    fn reads_texts_and_the_close_however_they_are_cut() {
        let wire = b"\x00H\xC3\xA9llo\xFF\x00\xFF\x80\x03abc\x05skipped\xFF\x00!\xFF\xFF\x00";
        for cut in 0..=wire.len() {
            let (found, texts) = decode(wire, cut).unwrap();
            assert_eq!(found, [Decoded::Text, Decoded::Text, Decoded::Text, Decoded::Close]);
            assert_eq!(texts, "Héllo!".as_bytes(), "cut at {cut}");
        }
    }

    /// The example of the draft: `80 85 02` skips 642 bytes.
    #[test]
    fn skips_by_a_length_in_base_128() {
        let wire = [&[0x80, 0x85, 0x02][..], &[0xFF; 642], &[0x00, b'x', 0xFF]].concat();
        assert_eq!(decode(&wire, 300).unwrap(), (vec![Decoded::Text], b"x".to_vec()));
    }

    #[test]
    fn a_text_or_a_length_above_the_limit_fails_as_it_arrives() {
        let too_big = |result: Result<_, _>| {
            matches!(result, Err(ProtocolError::MessageTooBig { limit: 1_000, .. }))
        };
        assert!(too_big(decode(&[&[0x00][..], &[b'x'; 1_001]].concat(), 0)));
        assert!(too_big(decode(&[0x80, 0xFF, 0xFF, 0xFF], 0)));
    }

    #[test]
    fn text_that_is_not_utf8_is_refused() {
        assert_eq!(decode(b"\x00\xC3\xFF", 0), Err(ProtocolError::InvalidUtf8));
        assert_eq!(decode(b"\x00\xC3\x28\xFF", 2), Err(ProtocolError::InvalidUtf8));
    }
}
