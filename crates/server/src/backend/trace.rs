//! `traceparent`: which trace a call belongs to (W3C Trace Context, level 1).

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};

use crate::random;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Leaves a caller's trace as it is, and begins one where there is none.
pub(super) fn trace(headers: &mut HeaderMap) {
    let mut given = headers.get_all(&TRACEPARENT).iter();
    if let (Some(value), None) = (given.next(), given.next())
        && is_traceparent(value.as_bytes())
    {
        return;
    }
    // §4.3: with a traceparent that cannot be read, its tracestate goes, too.
    headers.remove(&TRACESTATE);
    headers.insert(TRACEPARENT, begin());
}

/// A trace of its own. It is marked as recorded, so that a backend which follows its callers does
/// not take it for one that nobody wants.
fn begin() -> HeaderValue {
    let mut id = random::bytes::<24>();
    // §3.2.2.3: neither of the ids is all zero.
    id[15] |= 1;
    id[23] |= 1;
    let hex = data_encoding::HEXLOWER.encode(&id);
    let (trace, parent) = hex.split_at(32);
    let value = format!("00-{trace}-{parent}-01");
    HeaderValue::try_from(value).expect("it is of hexadecimal digits")
}

/// `version-trace-parent-flags`, of which later versions may have more.
fn is_traceparent(value: &[u8]) -> bool {
    let Some((head, rest)) = value.split_at_checked(55) else { return false };
    let parts: Vec<_> = head.split(|byte| *byte == b'-').collect();
    let is_hex = |part: &&[u8]| part.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let is_zero = |part: &[u8]| part.iter().all(|byte| *byte == b'0');
    let [version, trace, parent, flags] = parts.as_slice() else { return false };
    let lengths = [version.len(), trace.len(), parent.len(), flags.len()];
    lengths == [2, 32, 16, 2]
        && parts.iter().all(is_hex)
        && *version != b"ff"
        && !is_zero(trace)
        && !is_zero(parent)
        && (rest.is_empty() || *version != b"00" && rest[0] == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn traced(given: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in given {
            headers.append("traceparent", value.parse().unwrap());
        }
        headers.insert("tracestate", "a=b".parse().unwrap());
        trace(&mut headers);
        headers
    }

    #[test]
    fn a_trace_that_is_given_goes_on_with_its_state() {
        for given in [GIVEN, "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"] {
            let headers = traced(&[given]);
            assert_eq!(headers["traceparent"], given);
            assert_eq!(headers["tracestate"], "a=b");
        }
    }

    #[test]
    fn one_that_is_missing_or_broken_is_begun_anew() {
        for given in [
            &[][..],
            &[""],
            &["é"],
            &[GIVEN, GIVEN],
            &["00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"],
            &["00-00000000000000000000000000000000-b7ad6b7169203331-01"],
            &["00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"],
            &["ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
            &["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"],
            &["00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-001"],
        ] {
            let headers = traced(given);
            let made = headers["traceparent"].as_bytes();
            assert!(is_traceparent(made), "{made:?}");
            assert!(!given.iter().any(|given| given.as_bytes() == made));
            assert_eq!(headers.get_all("traceparent").iter().count(), 1);
            assert!(!headers.contains_key("tracestate"));
        }
    }

    #[test]
    fn each_trace_has_an_id_of_its_own() {
        assert_ne!(begin(), begin());
    }
}
