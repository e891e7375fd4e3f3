//! Where the entries of an outbox are in the store: its name, then a number, both so that the
//! order of the keys is the order of the numbers.

/// The beginning of all keys of an outbox; none is the beginning of another's.
pub(super) fn prefix(outbox: &str) -> Vec<u8> {
    let len = u16::try_from(outbox.len()).expect("a name is shorter than a request's head");
    [&len.to_be_bytes(), outbox.as_bytes()].concat()
}

/// The key of an entry.
pub(super) fn key(prefix: &[u8], number: u64) -> Vec<u8> {
    [prefix, &number.to_be_bytes()].concat()
}

/// The outbox and the number of a key, if it is one.
pub(super) fn parse(key: &[u8]) -> Option<(&str, u64)> {
    let (len, rest) = key.split_first_chunk()?;
    let (name, number) = rest.split_at_checked(u16::from_be_bytes(*len).into())?;
    Some((str::from_utf8(name).ok()?, u64::from_be_bytes(number.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written_and_in_order() {
        for (outbox, number) in [("/", 0), ("/gate", 255), ("", u64::MAX)] {
            assert_eq!(parse(&key(&prefix(outbox), number)), Some((outbox, number)));
        }
        assert!(key(&prefix("/a"), 255) < key(&prefix("/a"), 256));
        assert!(!key(&prefix("/ab"), 1).starts_with(&prefix("/a")));
        for broken in [&b""[..], b"\0", b"\0\x05abc", b"\0\x01a\0\0\0\0\0\0\0\0\0"] {
            assert_eq!(parse(broken), None);
        }
    }
}
