//! Writing a whole HTTP answer: a refusal, or anything else short that ends the connection.

use http::{HeaderMap, HeaderName, Response, StatusCode, header};

/// Encodes a response head and its small body; the connection ends after it.
///
/// `Connection: close` and `Content-Length` are written here, and so is `Connection: upgrade` where
/// the response has an `Upgrade` header (RFC 9110 §7.8); such headers in the response itself are
/// left out. A body that names no `Content-Type` is plain UTF-8 text.
///
/// # Example
///
/// ```
/// let refusal = http::Response::builder().status(403).body("origin not allowed\n")?;
/// let bytes = tieline_proto::http::encode_response(&refusal);
/// assert!(bytes.starts_with(b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\n"));
/// # Ok::<(), http::Error>(())
/// ```
pub fn encode_response(response: &Response<impl AsRef<[u8]>>) -> Vec<u8> {
    let (status, headers) = (response.status(), response.headers());
    let body = if has_body(status) { response.body().as_ref() } else { &[] };

    let mut out = Vec::with_capacity(256 + body.len());
    let reason = status.canonical_reason().unwrap_or_default();
    out.extend_from_slice(format!("HTTP/1.1 {} {reason}\r\n", status.as_str()).as_bytes());
    let upgrade = if headers.contains_key(header::UPGRADE) { ", upgrade" } else { "" };
    out.extend_from_slice(format!("Connection: close{upgrade}\r\n").as_bytes());
    if has_body(status) {
        out.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    if !body.is_empty() && !headers.contains_key(header::CONTENT_TYPE) {
        out.extend_from_slice(b"Content-Type: text/plain; charset=utf-8\r\n");
    }
    write_headers(&mut out, headers, is_written_here);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out
}

/// Writes every header line that is not skipped, the names in their usual case.
///
/// A `HeaderValue` holds no line end, so none of them can start a line of its own.
pub(crate) fn write_headers(
    out: &mut Vec<u8>,
    headers: &HeaderMap,
    skip: impl Fn(&HeaderName) -> bool,
) {
    for (name, value) in headers.iter().filter(|(name, _)| !skip(name)) {
        write_name(out, name.as_str());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

/// Names are case-insensitive, but not every peer knows: `set-cookie` is written `Set-Cookie`.
fn write_name(out: &mut Vec<u8>, name: &str) {
    for (index, word) in name.split('-').enumerate() {
        if index > 0 {
            out.push(b'-');
        }
        match word.as_bytes() {
            b"websocket" => out.extend_from_slice(b"WebSocket"),
            [first, rest @ ..] => {
                out.push(first.to_ascii_uppercase());
                out.extend_from_slice(rest);
            }
            [] => {}
        }
    }
}

/// RFC 9112 §6.3: these end with their head.
fn has_body(status: StatusCode) -> bool {
    !status.is_informational()
        && status != StatusCode::NO_CONTENT
        && status != StatusCode::NOT_MODIFIED
}

fn is_written_here(name: &HeaderName) -> bool {
    *name == header::CONNECTION
        || *name == header::CONTENT_LENGTH
        || *name == header::TRANSFER_ENCODING
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_its_length_and_that_it_is_the_last() {
        let response = Response::builder()
            .status(426)
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13, 8, 7")
            .header("content-length", "999")
            .body("no\n")
            .unwrap();
        let expected = "HTTP/1.1 426 Upgrade Required\r\n\
            Connection: close, upgrade\r\n\
            Content-Length: 3\r\n\
            Content-Type: text/plain; charset=utf-8\r\n\
            Upgrade: websocket\r\n\
            Sec-WebSocket-Version: 13, 8, 7\r\n\
            \r\n\
            no\n";
        assert_eq!(String::from_utf8(encode_response(&response)).unwrap(), expected);
    }

    #[test]
    fn an_answer_that_cannot_have_a_body_has_none() {
        let response = Response::builder().status(204).body("lost").unwrap();
        let expected = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
        assert_eq!(encode_response(&response), expected);
    }

    #[test]
    fn a_status_without_a_name_keeps_its_space() {
        let response = Response::builder().status(599).body("").unwrap();
        assert!(encode_response(&response).starts_with(b"HTTP/1.1 599 \r\n"));
    }
}
