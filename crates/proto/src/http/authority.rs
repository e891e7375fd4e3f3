//! The `host[:port]` of a `Host` header and of an origin, in one spelling.

use std::net::Ipv6Addr;

/// A host and perhaps a port, normalised so that equal places compare equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authority {
    /// A name in lower case, an IPv4 address, or an IPv6 address in brackets.
    pub(crate) host: String,
    /// The port, where one is written.
    pub(crate) port: Option<u16>,
}

impl Authority {
    /// Parses `host`, `host:port`, `[v6]` or `[v6]:port`; `None` for anything else.
    ///
    /// User information, paths, percent signs and characters beyond ASCII are refused: names in
    /// other scripts come as punycode.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) = rest.split_once(']')?;
                (format!("[{}]", address.parse::<Ipv6Addr>().ok()?), rest)
            }
            None => {
                let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
                (name(host)?, port)
            }
        };
        let port = match port {
            "" => None,
            port => Some(digits(port.strip_prefix(':')?)?),
        };
        Some(Self { host, port })
    }
}

/// Whether `byte` may stand in a `Host` header (RFC 3986 §3.2.2, without the comma: it would hide
/// two hosts in one).
pub(crate) const fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'%'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b';'
                | b'='
                | b':'
                | b'['
                | b']'
        )
}

fn name(host: &str) -> Option<String> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (!host.is_empty() && host.bytes().all(is_name)).then(|| host.to_ascii_lowercase())
}

/// `u16::from_str` alone would take a sign.
fn digits(port: &str) -> Option<u16> {
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    port.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_has_one_spelling() {
        let parsed = |text| Authority::parse(text).map(|place| (place.host, place.port));
        assert_eq!(parsed("Example.COM:8080"), Some(("example.com".into(), Some(8080))));
        assert_eq!(parsed("127.0.0.1"), Some(("127.0.0.1".into(), None)));
        assert_eq!(parsed("[0:0:0:0:0:0:0:1]:80"), Some(("[::1]".into(), Some(80))));
        assert_eq!(parsed("xn--bcher-kva.example"), Some(("xn--bcher-kva.example".into(), None)));
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in [
            "",
            ":80",
            "a:",
            "a:+80",
            "a:65536",
            "a:80:80",
            "::1",
            "[::1",
            "[::1]80",
            "[a]",
            "a b",
            "user@a",
            "a/b",
            "a?b",
            "a#b",
            "a\\b",
            "a,b",
            "bücher.example",
            "%61",
            "a\r\nb",
        ] {
            assert_eq!(Authority::parse(text), None, "{text:?}");
        }
    }
}
