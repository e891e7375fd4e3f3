//! UTF-8, checked as it arrives: a bad byte is found with the piece that brings it.

/// Up to how many bytes a text is first looked at for ASCII alone: `benches/utf8.rs`.
const SHORT: usize = 256;

/// Checks a text that comes in pieces, cut anywhere.
///
/// Holds at most three bytes: the beginning of a character whose end is still to come.
///
/// Spec: RFC 6455 §8.1; RFC 3629.
///
/// # Example
///
/// ```
/// use tieline_proto::utf8::Validator;
///
/// let mut text = Validator::default();
/// assert!(text.push(&[0xE2, 0x82]).is_ok());
/// assert!(!text.is_complete());
/// assert!(text.push(&[0xAC]).is_ok() && text.is_complete());
/// assert!(text.push(&[0xFF]).is_err());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Validator {
    /// The first bytes of an unfinished character.
    partial: [u8; 4],
    /// How many of them there are, at most 3.
    held: u8,
}

/// Bytes that no UTF-8 text can hold at their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing more to say")]
pub struct Invalid;

impl Validator {
    /// Takes the next piece of the text.
    ///
    /// # Errors
    ///
    /// [`Invalid`] as soon as no further bytes could make the text valid.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), Invalid> {
        while self.held > 0 {
            let Some((&byte, rest)) = bytes.split_first() else {
                return Ok(());
            };
            bytes = rest;
            self.partial[usize::from(self.held)] = byte;
            self.held += 1;
            match std::str::from_utf8(&self.partial[..usize::from(self.held)]) {
                Ok(_) => self.held = 0,
                Err(error) if error.error_len().is_some() => return Err(Invalid),
                Err(_) => {}
            }
        }
        let Err(error) = simdutf8::compat::from_utf8(bytes) else {
            return Ok(());
        };
        if error.error_len().is_some() {
            return Err(Invalid);
        }
        let tail = &bytes[error.valid_up_to()..];
        self.partial[..tail.len()].copy_from_slice(tail);
        self.held = tail.len() as u8;
        Ok(())
    }

    /// Whether the text could end here: no character is cut off.
    pub const fn is_complete(&self) -> bool {
        self.held == 0
    }
}

/// Checks a text that is here as a whole; faster than a [`Validator`] with one piece.
#[inline]
pub fn is_valid(bytes: &[u8]) -> bool {
    // A short text is mostly ASCII, and seen to be so before the vector check has begun.
    (bytes.len() <= SHORT && bytes.is_ascii()) || simdutf8::basic::from_utf8(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(pieces: &[&[u8]]) -> bool {
        let mut text = Validator::default();
        pieces.iter().all(|piece| text.push(piece).is_ok()) && text.is_complete()
    }

    #[test]
    fn agrees_with_std_however_it_is_cut() {
        let texts: [&[u8]; 9] = [
            "κόσμε 😀".as_bytes(),
            &[0xED, 0xA0, 0x80],
            &[0xF4, 0x90, 0x80, 0x80],
            &[0xC0, 0xAF],
            &[0xE0, 0x80, 0xAF],
            &[b'a', 0xF0, 0x9F, 0x98],
            &[0xF0, 0x9F, 0x98, 0x80, 0x80],
            &[0xEF, 0xBF, 0xBF],
            &[],
        ];
        for text in texts {
            let valid = std::str::from_utf8(text).is_ok();
            assert_eq!(is_valid(text), valid, "{text:02x?}");
            for cut in 0..=text.len() {
                let (head, tail) = text.split_at(cut);
                assert_eq!(accepts(&[head, tail]), valid, "{text:02x?} cut at {cut}");
            }
            let single: Vec<&[u8]> = text.chunks(1).collect();
            assert_eq!(accepts(&single), valid, "{text:02x?} byte by byte");
        }
    }

    /// Autobahn 6.4.3: the third byte of `F4 90` can never become valid.
    #[test]
    fn fails_at_the_first_byte_that_cannot_be_right() {
        let mut text = Validator::default();
        assert!(text.push(&[0xF4]).is_ok());
        assert_eq!(text.push(&[0x90]), Err(Invalid));
    }
}
