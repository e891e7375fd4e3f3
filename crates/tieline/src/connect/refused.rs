//! A server's answer that opened nothing, kept for whoever has to find out why.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

/// Most bytes of a body that are kept.
pub(super) const MAX_BODY_BYTES: usize = 4 << 10;

/// A server's answer that is not 101.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The first bytes of the body, at most 4 KiB and as far as they came within a second.
    pub body: Bytes,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "server answered {} instead of 101", self.status)?;
        match self.first_line() {
            Some(line) => write!(f, ": {line}"),
            None => Ok(()),
        }
    }
}

impl Refused {
    /// The first line of a plain text, escaped, so that it cannot steer a terminal.
    fn first_line(&self) -> Option<String> {
        let kind = self.headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        if !kind.to_ascii_lowercase().starts_with("text/plain") {
            return None;
        }
        let text = String::from_utf8_lossy(&self.body);
        let line: String = text.lines().next()?.trim().chars().take(200).collect();
        (!line.is_empty()).then(|| line.escape_debug().to_string())
    }
}

/// The bytes of a chunked body, as far as they are whole enough to read.
///
/// Spec: RFC 9112 §7.1.
pub(super) fn unchunked(mut raw: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some((size, rest)) = chunk_size(raw) {
        if size == 0 {
            break;
        }
        body.extend_from_slice(&rest[..size.min(rest.len())]);
        raw = rest.get(size.saturating_add(2)..).unwrap_or_default();
    }
    body
}

/// The size in the line in front of a chunk, and what follows the line.
fn chunk_size(raw: &[u8]) -> Option<(usize, &[u8])> {
    let end = raw.windows(2).position(|pair| pair == b"\r\n")?;
    let line = std::str::from_utf8(&raw[..end]).ok()?;
    let size = line.split(';').next().unwrap_or_default().trim();
    Some((usize::from_str_radix(size, 16).ok()?, &raw[end + 2..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_put_together_as_far_as_they_go() {
        assert_eq!(unchunked(b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n"), b"abc0123456789");
        assert_eq!(unchunked(b"5\r\nab"), b"ab");
        assert_eq!(unchunked(b"ffffffffffffffff\r\nab"), b"ab");
        assert_eq!(unchunked(b"not chunked"), b"");
    }

    #[test]
    fn a_plain_text_is_shown_and_cannot_steer_a_terminal() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "text/plain; charset=utf-8".parse().unwrap());
        let body = Bytes::from_static(b"no \x1b[2J\nmore");
        let mut refused = Refused { status: StatusCode::FORBIDDEN, headers, body };
        let expected = "server answered 403 Forbidden instead of 101: no \\u{1b}[2J";
        assert_eq!(refused.to_string(), expected);
        refused.headers.clear();
        assert_eq!(refused.to_string(), "server answered 403 Forbidden instead of 101");
    }
}
