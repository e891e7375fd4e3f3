//! What nobody can guess.

use data_encoding::BASE64URL_NOPAD;

/// Random bytes.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has randomness: TLS could not do without");
    bytes
}

/// 128 random bits, in letters that may stand anywhere.
pub(crate) fn text() -> String {
    BASE64URL_NOPAD.encode(&bytes::<16>())
}

/// A random number from 0 to 1.
pub(crate) fn fraction() -> f64 {
    f64::from(u32::from_ne_bytes(bytes())) / f64::from(u32::MAX)
}
