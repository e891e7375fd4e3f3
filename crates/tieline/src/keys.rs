//! Mask keys from the system's cryptographic source, many for one system call.

use tieline_proto::connection::MaskKeys;

/// Keys drawn at once: enough for a busy client, and little memory for an idle one.
const DRAWN: usize = 32;

/// A source of mask keys that asks the operating system.
///
/// RFC 6455 §10.3: the key of a frame must not be predictable by who writes its payload, or a page
/// could choose the bytes that proxies see on the wire.
///
/// # Panics
///
/// The source panics where the operating system has no randomness to give: there is then no safe
/// way to send.
///
/// # Example
///
/// ```
/// let mut keys = tieline::mask_keys();
/// assert_ne!([keys(), keys()], [keys(), keys()]);
/// ```
pub fn mask_keys() -> MaskKeys {
    let mut keys = Keys { drawn: [[0; 4]; DRAWN], left: 0 };
    Box::new(move || keys.next())
}

struct Keys {
    drawn: [[u8; 4]; DRAWN],
    /// How many at the front are still unused.
    left: usize,
}

impl Keys {
    fn next(&mut self) -> [u8; 4] {
        if self.left == 0 {
            getrandom::fill(self.drawn.as_flattened_mut())
                .expect("the operating system gives randomness: masking is not safe without");
            self.left = DRAWN;
        }
        self.left -= 1;
        // A key is given once, and is not kept once it was given.
        std::mem::take(&mut self.drawn[self.left])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_do_not_repeat_from_one_draw_to_the_next() {
        let mut keys = mask_keys();
        let drawn: HashSet<_> = (0..10 * DRAWN).map(|_| keys()).collect();
        assert!(drawn.len() > 10 * DRAWN - 3, "{} of {}", drawn.len(), 10 * DRAWN);
    }
}
