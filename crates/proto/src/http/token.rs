//! Tokens, and the comma lists of them that `Connection` and `Upgrade` hold.

use http::HeaderMap;

/// Whether `byte` may stand in a token: a visible ASCII character that is no separator.
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    matches!(
        byte,
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'!' | b'#' | b'$' | b'%' | b'&' | b'\''
            | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
    )
}

/// Whether `text` is a token: one or more visible ASCII characters and no separator.
///
/// Spec: RFC 9110 §5.6.2.
pub fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| is_token_byte(byte))
}

/// The elements of a comma list, over all header lines of that name, in order.
///
/// White space around an element is dropped, and so are empty elements. Elements are not checked
/// to be tokens. `name` may be in any case.
///
/// Spec: RFC 9110 §5.6.1.
pub fn tokens<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
    headers
        .get_all(name)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|element| !element.is_empty())
}

/// Whether a comma list names `token`, in any case.
///
/// # Example
///
/// ```
/// let mut headers = http::HeaderMap::new();
/// headers.insert("connection", "keep-alive, Upgrade".parse()?);
/// assert!(tieline_proto::http::has_token(&headers, "Connection", "upgrade"));
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
pub fn has_token(headers: &HeaderMap, name: &'static str, token: &str) -> bool {
    tokens(headers, name).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("connection", line.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_token_has_no_separator() {
        for token in ["websocket", "x-webkit-deflate-frame", "tieline.v1", "!#$%&'*+-.^_`|~09azAZ"]
        {
            assert!(is_token(token.as_bytes()), "{token}");
        }
        for other in ["", "a b", "a,b", "a;b", "a=b", "\"a\"", "a/b", "a:b", "a@b", "é", "a\0"] {
            assert!(!is_token(other.as_bytes()), "{other:?}");
        }
    }

    #[test]
    fn a_list_goes_on_over_several_lines() {
        let headers = headers(&["keep-alive ,, te", "\tUpgrade "]);
        let elements: Vec<_> = tokens(&headers, "connection").collect();
        assert_eq!(elements, [&b"keep-alive"[..], b"te", b"Upgrade"]);
        assert!(has_token(&headers, "Connection", "UPGRADE"));
    }

    #[test]
    fn a_part_of_an_element_is_not_the_element() {
        assert!(!has_token(&headers(&["no-upgrade", "upgrades"]), "connection", "upgrade"));
        assert!(!has_token(&headers(&[]), "connection", "upgrade"));
    }
}
