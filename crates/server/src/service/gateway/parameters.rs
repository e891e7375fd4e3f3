//! Parameters as forms and queries write them: `name=value&name=value`, escaped by `%XX` and `+`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

/// What stays as it is in an encoded name or value.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The parameters of a form or a query, decoded, in their order.
pub(super) fn decode(text: &[u8]) -> Vec<(String, String)> {
    let pairs = text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    let pair = |pair: &[u8]| match pair.iter().position(|byte| *byte == b'=') {
        Some(at) => (unescape(&pair[..at]), unescape(&pair[at + 1..])),
        None => (unescape(pair), String::new()),
    };
    pairs.map(pair).collect()
}

/// The query that says these parameters.
pub(super) fn encode(parameters: &[(String, String)]) -> String {
    let mut query = String::new();
    for (name, value) in parameters {
        if !query.is_empty() {
            query.push('&');
        }
        query.extend(utf8_percent_encode(name, ESCAPED));
        query.push('=');
        query.extend(utf8_percent_encode(value, ESCAPED));
    }
    query
}

/// A value for one segment of a path.
pub(super) fn escape_segment(value: &str) -> String {
    utf8_percent_encode(value, ESCAPED).to_string()
}

fn unescape(text: &[u8]) -> String {
    let spaced: Vec<u8> =
        text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_again() {
        let own = |pairs: &[(&str, &str)]| -> Vec<_> {
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
        };
        let pairs = own(&[("a b", "c&d=é+%"), ("e", "")]);
        assert_eq!(encode(&pairs), "a%20b=c%26d%3D%C3%A9%2B%25&e=");
        assert_eq!(decode(encode(&pairs).as_bytes()), pairs);
        assert_eq!(decode(b"a+b=1&&c"), own(&[("a b", "1"), ("c", "")]));
    }

    #[test]
    fn a_segment_stays_one() {
        assert_eq!(escape_segment("../x"), "..%2Fx");
    }
}
