//! Which headers go on, and which end here.

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
    TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderValue};

use super::signing::SIGNATURE;

/// Those that belong to one connection (RFC 9110 §7.6.1).
const OF_A_CONNECTION: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Takes out of a caller's headers what is not for the backend, or what only Tieline may say.
pub(crate) fn for_backend(headers: &mut HeaderMap) {
    strip(headers);
    for name in [CONTENT_LENGTH, EXPECT, HOST, PROXY_AUTHORIZATION, SIGNATURE] {
        headers.remove(name);
    }
}

/// Takes out of an answer what belonged to the connection that brought it. The length is that of
/// what is read, which whoever sends it on says anew.
pub(crate) fn for_caller(headers: &mut HeaderMap) {
    strip(headers);
    headers.remove(CONTENT_LENGTH);
}

fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers.get_all(CONNECTION).iter().flat_map(names).collect();
    for name in named.into_iter().chain(OF_A_CONNECTION) {
        headers.remove(name);
    }
}

fn names(value: &HeaderValue) -> impl Iterator<Item = HeaderName> {
    let names = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    names.filter_map(|name| HeaderName::from_bytes(name).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_connection_ends_here_also_what_it_names_itself() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Hop"),
            ("connection", "x-other"),
            ("x-hop", "1"),
            ("x-other", "1"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("host", "evil.example"),
            ("content-length", "7"),
            ("tieline-signature", "t=1,v1=00"),
            ("proxy-authorization", "Basic x"),
            ("content-type", "text/plain"),
            ("x-ca-deviceid", "d1"),
        ] {
            headers.append(name, value.parse().unwrap());
        }
        for_backend(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["content-type", "x-ca-deviceid"]);
    }
}
