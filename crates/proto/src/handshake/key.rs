//! The keys of RFC 6455: a nonce that the client makes, and the answer that proves it was read.

use data_encoding::BASE64;
use sha1_smol::Sha1;

/// What the server appends to the key (RFC 6455 §1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Computes the `Sec-WebSocket-Accept` that answers a `Sec-WebSocket-Key`: the base64 of the SHA-1
/// of the key, as it is written, and a fixed GUID.
///
/// Spec: RFC 6455 §4.2.2, step 5.4.
///
/// # Example
///
/// ```
/// use tieline_proto::handshake::accept_key;
///
/// assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
pub fn accept_key(key: &str) -> String {
    let mut hash = Sha1::from(key);
    hash.update(GUID);
    BASE64.encode(&hash.digest().bytes())
}

/// The key as it is written on the wire.
pub(super) fn encode(key: &[u8; 16]) -> String {
    BASE64.encode(key)
}

/// Whether a key is one that its version may write.
///
/// §4.1: the base64 of 16 bytes, canonical. Below version 13 clients are known that encode other
/// lengths, and the answer hashes the text alone.
pub(super) fn is_valid(key: &str, version: u8) -> bool {
    match version {
        13 => key.len() == 24 && BASE64.decode(key.as_bytes()).is_ok_and(|key| key.len() == 16),
        _ => !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_known_keys() {
        for (key, answer) in [
            ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ("sN9cRrP/n9NdMgdcy2VJFQ==", "fFBooB7FAkLlXgRSz0BT3v4hq5s="),
            ("In1aAp/ya9Lkv+tsUtXLXQ==", "HBMDBbZMiS59r3aAITpGtJ64Mfc="),
        ] {
            assert_eq!(accept_key(key), answer);
        }
    }

    #[test]
    fn a_key_of_version_13_is_sixteen_bytes_of_canonical_base64() {
        assert_eq!(encode(b"the sample nonce"), "dGhlIHNhbXBsZSBub25jZQ==");
        assert!(is_valid("dGhlIHNhbXBsZSBub25jZQ==", 13));
        for key in [
            "",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZR==",
            "dGhlIHNhbXBsZSBub25jZQ=a",
            "dGhlIHNhbXBsZSBub25jZXM=",
            "dGhlIHNhbXBsZSBub25j",
            "dGhlIHNhbXBsZSBub25_ZQ==",
            "dGhlIHNhbXBs ZSBub25jZQ=",
        ] {
            assert!(!is_valid(key, 13), "{key:?}");
        }
    }

    #[test]
    fn an_older_key_has_any_length() {
        assert!(is_valid("dGhlIHNhbXBsZSBub25j", 8));
        assert!(!is_valid("", 7));
        assert!(!is_valid("a b", 8));
    }
}
