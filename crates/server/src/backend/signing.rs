//! How a backend knows that a request comes from this server: HMAC-SHA256 over what matters of it.
//!
//! ```text
//! tieline-signature: t=1763750000,v1=6b0e…        hexadecimal, over these lines, each ended by \n:
//!
//! v1
//! POST                                           the method
//! /base/devices?id=7                             path and query, as they are sent
//! 1763750000                                     t: seconds since 1970
//! 2cf24dba5fb0a30e…                              SHA-256 of the body, hexadecimal
//! d1@app                                         x-ca-deviceid, empty where there is none
//! d1.7.connected.1                               idempotency-key, empty where there is none
//! ```
//!
//! `docs/backends.md` says how a backend checks it.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use sha2::{Digest, Sha256};

/// Where the signature is.
pub(super) const SIGNATURE: HeaderName = HeaderName::from_static("tieline-signature");

/// The headers that are signed, in this order.
const SIGNED: [HeaderName; 2] =
    [HeaderName::from_static("x-ca-deviceid"), HeaderName::from_static("idempotency-key")];

/// Shortest secret, in bytes.
pub(crate) const MIN_SECRET_BYTES: usize = 16;

/// What signs; it is never printed.
#[derive(Clone)]
pub(crate) struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// A secret of at least [`MIN_SECRET_BYTES`]; `None` for a shorter one.
    pub(crate) fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < MIN_SECRET_BYTES {
            return None;
        }
        Some(Self(Hmac::new_from_slice(bytes).expect("HMAC takes keys of every length")))
    }

    /// The header's value for a request sent at this time.
    pub(super) fn sign(
        &self,
        method: &str,
        path_and_query: &str,
        headers: &HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> HeaderValue {
        // Before 1970 there is no time; a backend refuses such a signature as too old.
        let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut mac = self.0.clone();
        let mut line = |text: &[u8]| {
            mac.update(text);
            mac.update(b"\n");
        };
        line(b"v1");
        line(method.as_bytes());
        line(path_and_query.as_bytes());
        line(seconds.to_string().as_bytes());
        line(HEXLOWER.encode(&Sha256::digest(body)).as_bytes());
        for name in SIGNED {
            line(headers.get(name).map_or(&[], HeaderValue::as_bytes));
        }
        let signature = HEXLOWER.encode(&mac.finalize().into_bytes());
        let value = format!("t={seconds},v1={signature}");
        HeaderValue::try_from(value).expect("it is of letters, digits and signs")
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// The vector of `docs/backends.md`, made with OpenSSL and not with this code.
    #[test]
    fn signs_the_request_of_the_documentation() {
        let secret = SigningKey::new(b"0123456789abcdef").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-ca-deviceid", "d1@app".parse().unwrap());
        headers.insert("idempotency-key", "d1@app.7.connected.1".parse().unwrap());
        let now = UNIX_EPOCH + Duration::from_secs(1_763_750_000);
        let path = "/base/events?x=1";
        let value = secret.sign("POST", path, &headers, br#"{"event":"connected"}"#, now);
        assert_eq!(value, VECTOR);
    }

    const VECTOR: &str =
        "t=1763750000,v1=ec77556d0d49ec22e724da28d01063c0d4067ff40f4a6b5056a73cefbc72a251";

    #[test]
    fn whatever_changes_changes_the_signature() {
        let secret = SigningKey::new(b"0123456789abcdef").unwrap();
        let (none, now) = (HeaderMap::new(), UNIX_EPOCH);
        let first = secret.sign("GET", "/", &none, b"", now);
        let mut other = HeaderMap::new();
        other.insert("x-ca-deviceid", "d1".parse().unwrap());
        assert_ne!(first, secret.sign("PUT", "/", &none, b"", now));
        assert_ne!(first, secret.sign("GET", "/?", &none, b"", now));
        assert_ne!(first, secret.sign("GET", "/", &other, b"", now));
        assert_ne!(first, secret.sign("GET", "/", &none, b"x", now));
        assert_ne!(first, secret.sign("GET", "/", &none, b"", now + Duration::from_secs(1)));
        assert_ne!(first, SigningKey::new(&[7; 16]).unwrap().sign("GET", "/", &none, b"", now));
        assert_eq!(first, secret.sign("GET", "/", &none, b"", now));
    }

    #[test]
    fn a_short_secret_is_none_and_no_secret_is_printed() {
        assert!(SigningKey::new(&[b'a'; 15]).is_none());
        let secret = SigningKey::new(b"canary-canary-canary").unwrap();
        assert!(!format!("{secret:?}").contains("canary"));
    }
}
