//! Which HTTP a plain connection speaks; over TLS both ends agree on it before.

/// What a client sends first over HTTP/2 (RFC 9113 §3.4). No request of HTTP/1 begins like it.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Whether the first bytes of a plain connection are HTTP/2's; `None` while these may become so.
pub(super) fn begins_http2(read: &[u8]) -> Option<bool> {
    if read.len() < PREFACE.len() && PREFACE.starts_with(read) {
        return None;
    }
    Some(read.starts_with(PREFACE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_that_differs_decides() {
        for len in 0..PREFACE.len() {
            assert_eq!(begins_http2(&PREFACE[..len]), None, "{len}");
            assert_eq!(begins_http2(&[&PREFACE[..len], b"x"].concat()), Some(false), "{len}");
        }
        assert_eq!(begins_http2(PREFACE), Some(true));
        assert_eq!(begins_http2(&[PREFACE, b"more"].concat()), Some(true));
        for head in ["POST / HTTP/1.1\r\n", "PUT", "GET", "PRI * HTTP/1.1\r\n"] {
            assert_eq!(begins_http2(head.as_bytes()), Some(false), "{head}");
        }
    }
}
