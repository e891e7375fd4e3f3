//! The handshake of hixie-76: two keys hidden in header lines, and eight bytes behind the head.
//!
//! ```text
//! HTTP/1.1 101 WebSocket Protocol Handshake
//! Upgrade: WebSocket
//! Connection: Upgrade
//! Sec-WebSocket-Origin: …
//! Sec-WebSocket-Location: …
//! Sec-WebSocket-Protocol: …    (where one was chosen)
//!
//! MD5(part 1 (32) | part 2 (32) | key3 (64))
//! ```
//!
//! Spec: draft-hixie-thewebsocketprotocol-76 §5.2.

use md5::{Digest, Md5};

use super::hixie75::{Head, line};

/// Bytes of key3, which the client sends behind its head.
pub(crate) const KEY3_BYTES: usize = 8;

/// The number hidden in `Sec-WebSocket-Key1` or `-Key2`: its digits, read as one number, divided by
/// its count of spaces.
///
/// `None` without a digit or a space, where the division leaves a rest, and where the digits do
/// not fit 32 bits, which no client of the draft writes.
pub(crate) fn part(key: &[u8]) -> Option<u32> {
    let mut number: Option<u32> = None;
    let mut spaces: u32 = 0;
    for &byte in key {
        match byte {
            b'0'..=b'9' => {
                let shifted = number.unwrap_or(0).checked_mul(10)?;
                number = Some(shifted.checked_add(u32::from(byte - b'0'))?);
            }
            b' ' => spaces = spaces.checked_add(1)?,
            _ => {}
        }
    }
    let number = number?;
    (number.checked_rem(spaces)? == 0).then(|| number / spaces)
}

/// The sixteen bytes that stand behind the answer's head.
pub(crate) fn reply([first, second]: [u32; 2], key3: [u8; KEY3_BYTES]) -> [u8; 16] {
    let mut hash = Md5::new();
    hash.update(first.to_be_bytes());
    hash.update(second.to_be_bytes());
    hash.update(key3);
    hash.finalize().into()
}

/// Writes the head without the empty line that ends it.
pub(crate) fn encode(head: Head<'_>) -> Vec<u8> {
    let mut out = b"HTTP/1.1 101 WebSocket Protocol Handshake\r\n\
        Upgrade: WebSocket\r\n\
        Connection: Upgrade\r\n"
        .to_vec();
    line(&mut out, "Sec-WebSocket-Origin", head.origin);
    line(&mut out, "Sec-WebSocket-Location", Some(head.location));
    line(&mut out, "Sec-WebSocket-Protocol", head.protocol);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(key1: &str, key2: &str, key3: &[u8; 8]) -> String {
        let parts = [part(key1.as_bytes()).unwrap(), part(key2.as_bytes()).unwrap()];
        String::from_utf8(reply(parts, *key3).to_vec()).unwrap()
    }

    #[test]
    fn answers_the_examples_of_the_draft() {
        assert_eq!(part(b"4 @1  46546xW%0l 1 5"), Some(829_309_203));
        assert_eq!(part(b"12998 5 Y3 1  .P00"), Some(259_970_620));
        let answered = answer("4 @1  46546xW%0l 1 5", "12998 5 Y3 1  .P00", b"^n:ds[4U");
        assert_eq!(answered, "8jKS'y:G*Co,Wxa-");
        let (key1, key2) =
            ("18x 6]8vM;54 *(5:  {   U1]8  z [  8", "1_ tx7X d  <  nf  334J702) 7]o}` 0");
        assert_eq!(part(key1.as_bytes()), Some(155_712_099));
        assert_eq!(part(key2.as_bytes()), Some(173_347_027));
        assert_eq!(answer(key1, key2, b"Tm[K T2u"), "fQJ,fN/4F4!~K~MH");
    }

    #[test]
    fn a_key_that_hides_no_number_is_refused() {
        for key in ["", "12", " ", "a b", "3 3 3 1", "10 0 1", "4294967296 ", "99999999999 "] {
            assert_eq!(part(key.as_bytes()), None, "{key:?}");
        }
        assert_eq!(part(b"4294967295 "), Some(u32::MAX));
        assert_eq!(part(b"0 "), Some(0));
        assert_eq!(part(&[b' '; 100]), None);
    }

    proptest::proptest! {
        /// The client of the draft (§4.1, steps 16 to 23) hides a number as it is hidden here.
        #[test]
        fn the_number_that_a_client_hides_is_found(
            spaces in 1..=12_u32,
            number: u32,
            inserted in proptest::collection::vec(("[!-/:-~]", 0..64_usize), 1..=12),
            places in proptest::collection::vec(0..64_usize, 12),
        ) {
            let number = number / spaces;
            let mut key = (number * spaces).to_string();
            for (text, at) in inserted {
                key.insert_str(at % (key.len() + 1), &text);
            }
            for at in &places[..spaces as usize] {
                key.insert(1 + at % (key.len() - 1), ' ');
            }
            assert_eq!(part(key.as_bytes()), Some(number), "{key:?}");
        }
    }
}
