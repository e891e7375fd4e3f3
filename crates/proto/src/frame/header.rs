//! The two to fourteen bytes in front of every payload.
//!
//! ```text
//!  byte 0            byte 1            then
//! +-+---+---------+ +-+--------------+ +----------------+-----------+
//! |F|RSV| opcode  | |M| length 7     | | length 16 / 64 | mask 32   |
//! |1| 3 |    4    | |1| 126→16 127→64| | big-endian     | if M      |
//! +-+---+---------+ +-+--------------+ +----------------+-----------+
//! ```

use crate::close::MAX_CONTROL_BYTES;
use crate::error::ProtocolError;

/// The longest header: two bytes, a 64-bit length and a mask.
pub const MAX_HEADER_BYTES: usize = 14;

/// A frame header, decoded.
///
/// Spec: RFC 6455 §5.2.
///
/// # Example
///
/// ```
/// use tieline_proto::frame::{Header, Opcode};
///
/// let (header, length) = Header::decode(&[0x81, 0x05, b'H']).unwrap().unwrap();
/// assert_eq!((header.opcode, header.len, length), (Opcode::Text, 5, 2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the fields are the RFC's")]
pub struct Header {
    /// Last fragment of its message.
    pub fin: bool,
    /// RSV1–3 in the low three bits, RSV1 highest; extensions give them meaning.
    pub reserved: u8,
    /// What the payload is.
    pub opcode: Opcode,
    /// XOR key of the payload, present exactly when the client is the sender (§5.3).
    pub mask: Option<[u8; 4]>,
    /// Payload length in bytes, as announced; not yet checked against any limit.
    pub len: u64,
}

/// What a frame carries (§11.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, missing_docs, reason = "the names and the set are the RFC's")]
pub enum Opcode {
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xA,
}

impl Opcode {
    const fn from_wire(nibble: u8) -> Result<Self, ProtocolError> {
        Ok(match nibble {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            other => return Err(ProtocolError::UnknownOpcode(other)),
        })
    }

    /// Close, ping and pong: never fragmented, at most 125 bytes (§5.5).
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

impl Header {
    /// RSV1 in [`reserved`](Self::reserved): the message is compressed (RFC 7692 §6).
    pub const COMPRESSED: u8 = 0b100;

    /// Decodes the header at the front of `buf`.
    ///
    /// Answers the header and its own length in bytes (2–14), or `None` while `buf` holds less than
    /// a whole header. Takes nothing from `buf`.
    ///
    /// # Errors
    ///
    /// [`UnknownOpcode`](ProtocolError::UnknownOpcode),
    /// [`InvalidControlFrame`](ProtocolError::InvalidControlFrame) and
    /// [`InvalidLength`](ProtocolError::InvalidLength), each as soon as the bytes at hand show it.
    #[inline]
    pub fn decode(buf: &[u8]) -> Result<Option<(Self, usize)>, ProtocolError> {
        let &[first, second, ref rest @ ..] = buf else {
            return Ok(None);
        };
        let fin = first & 0x80 != 0;
        let opcode = Opcode::from_wire(first & 0x0F)?;
        let short = second & 0x7F;
        if opcode.is_control() && (!fin || usize::from(short) > MAX_CONTROL_BYTES) {
            return Err(ProtocolError::InvalidControlFrame);
        }

        let (len, rest) = match short {
            126 => match rest.split_first_chunk() {
                Some((bytes, rest)) => (u16::from_be_bytes(*bytes).into(), rest),
                None => return Ok(None),
            },
            127 => match rest.split_first_chunk() {
                Some((bytes, rest)) => (u64::from_be_bytes(*bytes), rest),
                None => return Ok(None),
            },
            short => (short.into(), rest),
        };
        // §5.2: the minimal number of bytes MUST be used; the most significant bit MUST be 0.
        if (short == 126 && len < 126)
            || (short == 127 && len <= u16::MAX.into())
            || len > i64::MAX as u64
        {
            return Err(ProtocolError::InvalidLength);
        }
        let (mask, rest) = match (second & 0x80 != 0, rest.split_first_chunk()) {
            (false, _) => (None, rest),
            (true, Some((key, rest))) => (Some(*key), rest),
            (true, None) => return Ok(None),
        };

        let header = Self { fin, reserved: (first >> 4) & 0b111, opcode, mask, len };
        Ok(Some((header, buf.len() - rest.len())))
    }

    /// Appends the header to `out`, its length in the fewest bytes.
    #[inline(always)] // Where it is known that there is no mask, half of it goes: `benches/counts.rs`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let first = u8::from(self.fin) << 7 | (self.reserved & 0b111) << 4 | self.opcode as u8;
        let masked = u8::from(self.mask.is_some()) << 7;
        // Each piece has a length that the compiler knows: no loop, no call.
        match self.len {
            len @ 0..=125 => out.extend_from_slice(&[first, masked | len as u8]),
            len @ 126..=0xFFFF => {
                let [high, low] = (len as u16).to_be_bytes();
                out.extend_from_slice(&[first, masked | 126, high, low]);
            }
            len => {
                out.extend_from_slice(&[first, masked | 127]);
                out.extend_from_slice(&len.to_be_bytes());
            }
        }
        if let Some(key) = self.mask {
            out.extend_from_slice(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455 §5.7, the masked "Hello".
    #[test]
    fn decodes_the_masked_hello_of_the_rfc() {
        let wire = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        let (header, consumed) = Header::decode(&wire).unwrap().unwrap();
        assert_eq!(consumed, 6);
        assert_eq!(header.opcode, Opcode::Text);
        assert_eq!(header.mask, Some([0x37, 0xfa, 0x21, 0x3d]));
        assert_eq!(header.len, 5);
    }

    #[test]
    fn waits_for_every_missing_byte() {
        let wire = [0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4];
        for cut in 0..wire.len() {
            assert_eq!(Header::decode(&wire[..cut]), Ok(None), "cut at {cut}");
        }
        assert_eq!(Header::decode(&wire).unwrap().unwrap().1, 14);
    }

    #[test]
    fn refuses_a_fragmented_ping_at_the_second_byte() {
        assert_eq!(Header::decode(&[0x09, 0x00]), Err(ProtocolError::InvalidControlFrame));
        assert_eq!(Header::decode(&[0x89, 0x7E]), Err(ProtocolError::InvalidControlFrame));
    }

    #[test]
    fn refuses_a_length_that_is_not_in_its_shortest_form() {
        assert_eq!(Header::decode(&[0x82, 126, 0, 125]), Err(ProtocolError::InvalidLength));
        let long = [0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF];
        assert_eq!(Header::decode(&long), Err(ProtocolError::InvalidLength));
        let top_bit = [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Header::decode(&top_bit), Err(ProtocolError::InvalidLength));
    }

    #[test]
    fn what_is_encoded_is_decoded_at_every_length_boundary() {
        for len in [0, 1, 125, 126, 127, 0xFFFF, 0x1_0000, 1 << 40, i64::MAX as u64] {
            for mask in [None, Some([1, 2, 3, 4])] {
                let header = Header { fin: true, reserved: 0b100, opcode: Opcode::Text, mask, len };
                let mut wire = Vec::new();
                header.encode(&mut wire);
                assert_eq!(Header::decode(&wire), Ok(Some((header, wire.len()))));
            }
        }
    }

    #[test]
    fn every_reserved_opcode_is_refused() {
        for nibble in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
            let refused = Err(ProtocolError::UnknownOpcode(nibble));
            assert_eq!(Header::decode(&[0x80 | nibble, 0]), refused);
        }
    }
}
