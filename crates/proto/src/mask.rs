//! The XOR mask that every client puts on its payloads (RFC 6455 §5.3).

/// Bytes that are masked in one step: two vector registers' worth, so that the compiler may use them.
const STEP: usize = 32;

/// Bytes of a machine word.
const WORD: usize = 8;

/// Masks or unmasks `data` in place, and answers the key turned so that it fits the byte after it.
///
/// Masking is its own inverse. A payload that arrives in pieces is unmasked piece by piece, each
/// with the key that the one before it answered. `benches/mask.rs` measures this against a plain loop.
///
/// Spec: RFC 6455 §5.3.
///
/// # Example
///
/// ```
/// use tieline_proto::mask;
///
/// let mut hello = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
/// let key = mask::apply(&mut hello[..2], [0x37, 0xfa, 0x21, 0x3d]);
/// mask::apply(&mut hello[2..], key);
/// assert_eq!(&hello, b"Hello");
/// ```
#[inline]
pub fn apply(data: &mut [u8], key: [u8; 4]) -> [u8; 4] {
    let turned = u32::from_le_bytes(key).rotate_right(8 * (data.len() as u32 % 4)).to_le_bytes();
    let (steps, rest) = data.as_chunks_mut::<STEP>();
    let pattern: [u8; STEP] = std::array::from_fn(|at| key[at % 4]);
    for step in steps {
        for (byte, mask) in step.iter_mut().zip(pattern) {
            *byte ^= mask;
        }
    }
    // Most messages are short: what is left of a step is worth a word at a time.
    let (words, rest) = rest.as_chunks_mut::<WORD>();
    let [a, b, c, d] = key;
    let mask = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ mask).to_ne_bytes();
    }
    let (half, rest) = rest.as_chunks_mut::<4>();
    for half in half {
        *half = (u32::from_ne_bytes(*half) ^ u32::from_ne_bytes(key)).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(key) {
        *byte ^= mask;
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(data: &mut [u8], key: [u8; 4]) {
        for (at, byte) in data.iter_mut().enumerate() {
            *byte ^= key[at % 4];
        }
    }

    #[test]
    fn agrees_with_the_plain_loop_at_every_length_and_cut() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        for len in 0..=3 * STEP {
            let original: Vec<u8> = (0..len).map(|at| at as u8).collect();
            let mut expected = original.clone();
            plain(&mut expected, key);
            for cut in 0..=len {
                let mut masked = original.clone();
                let turned = apply(&mut masked[..cut], key);
                apply(&mut masked[cut..], turned);
                assert_eq!(masked, expected, "{len} bytes cut at {cut}");
            }
        }
    }
}
