//! Random bits of the system, fit to be secrets.

use data_encoding::HEXLOWER;

/// So many random bytes.
pub(crate) fn bytes<const COUNT: usize>() -> [u8; COUNT] {
    let mut bytes = [0; COUNT];
    getrandom::fill(&mut bytes).expect("the system has randomness: TLS could not do without");
    bytes
}

/// 128 random bits as 32 hexadecimal digits: unique, and not to be guessed.
pub(crate) fn id() -> String {
    HEXLOWER.encode(&bytes::<16>())
}

/// A random number from 0 to 1.
pub(crate) fn fraction() -> f64 {
    f64::from(u32::from_ne_bytes(bytes())) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_32_digits_and_is_another_each_time() {
        let (first, second) = (id(), id());
        assert!(first.len() == 32 && first.bytes().all(|byte| byte.is_ascii_hexdigit()), "{first}");
        assert_ne!(first, second);
    }
}
