//! What of a head is handed on: nothing that is meant for one hop alone, and who asks.
//!
//! Spec: RFC 9110 §7.6; RFC 7239.

use std::net::SocketAddr;

use http::header::{
    CONNECTION, EXPECT, FORWARDED, HOST, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::{HeaderMap, HeaderValue};
use tieline_proto::http::tokens;

use super::network::Network;
use crate::request::Request;

const X_FORWARDED: &str = "x-forwarded-";
const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Takes out what is between two neighbours: what `Connection` names, and what always is. Who asks is
/// for nobody to take out: a client could so unsay what a proxy in front says of it.
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = tokens(headers, "Connection")
        .filter_map(|name| HeaderName::from_bytes(name).ok())
        .filter(|name| !is_claim(name.as_str()))
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in [CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, UPGRADE] {
        headers.remove(name);
    }
    headers.remove(TRANSFER_ENCODING);
    headers.remove("keep-alive");
    headers.remove("proxy-connection");
}

/// The headers of a request as an upstream sees them, but for the length of its body.
pub(super) fn of_request(request: &Request, trusted: &[Network]) -> HeaderMap {
    let mut headers = request.headers().clone();
    strip_hop_by_hop(&mut headers);
    // It is answered here: a body is asked for when the upstream takes it.
    headers.remove(EXPECT);
    let is_trusted = trusted.iter().any(|network| network.holds(request.address()));
    let claimed: Vec<HeaderName> =
        headers.keys().filter(|name| is_false_claim(name.as_str(), is_trusted)).cloned().collect();
    for name in claimed {
        headers.remove(name);
    }
    // Over HTTP/2 it came as `:authority`.
    if let Some(host) = request.host().and_then(|host| HeaderValue::from_str(host).ok()) {
        headers.insert(HOST, host);
    }
    say_who_asks(&mut headers, request);
    headers.append(VIA, HeaderValue::from_static("1.1 tieline"));
    headers
}

/// Whether a header says who asks.
fn is_claim(name: &str) -> bool {
    name.starts_with(X_FORWARDED) || name == FORWARDED || name == REAL_IP
}

/// The same, where it is not to be believed. No proxy writes it with `_`, which is the same as `-` to
/// servers that make variables of headers.
fn is_false_claim(name: &str, is_trusted: bool) -> bool {
    match name.contains('_') {
        true => is_claim(&name.replace('_', "-")),
        false => !is_trusted && is_claim(name),
    }
}

fn say_who_asks(headers: &mut HeaderMap, request: &Request) {
    let ip = request.address().map(|from| from.ip().to_canonical().to_string());
    let host = request.host().filter(|host| is_plain(host));
    let proto = if request.is_secure() { "https" } else { "http" };
    if let Some(ip) = &ip {
        extend(headers, FOR, ip);
    }
    // A proxy in front that told these knows better what the client asked.
    headers.entry(PROTO).or_insert(HeaderValue::from_static(proto));
    if let Some(host) = host.and_then(|host| HeaderValue::from_str(host).ok()) {
        headers.entry(FORWARDED_HOST).or_insert(host);
    }
    let mut element = format!("for={};proto={proto}", node(request.address()));
    if let Some(host) = host {
        element.push_str(&format!(";host=\"{host}\""));
    }
    extend(headers, FORWARDED, &element);
}

/// Adds an element to a list that may be there already.
fn extend(headers: &mut HeaderMap, name: HeaderName, element: &str) {
    let before: Vec<&[u8]> = headers.get_all(&name).iter().map(HeaderValue::as_bytes).collect();
    let mut list = before.join(&b", "[..]);
    if !list.is_empty() {
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(element.as_bytes());
    let list = HeaderValue::from_bytes(&list).expect("values and tokens make a value");
    headers.insert(name, list);
}

/// RFC 7239 §6: an address of IPv6 is in brackets, and so in quotes.
fn node(from: Option<SocketAddr>) -> String {
    match from.map(|from| from.ip().to_canonical()) {
        None => "unknown".to_owned(),
        Some(ip) if ip.is_ipv4() => ip.to_string(),
        Some(ip) => format!("\"[{ip}]\""),
    }
}

/// A host as it may stand in quotes.
fn is_plain(host: &str) -> bool {
    host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:[]%".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(from: &str, headers: &[(&str, &str)]) -> Request {
        let mut builder = http::Request::get("/").header("host", "line.example:81");
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let (head, ()) = builder.body(()).unwrap().into_parts();
        Request::new(&head, &[], from.parse().ok().map(|ip| SocketAddr::new(ip, 1)), false)
    }

    const CLAIMS: &[(&str, &str)] = &[
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "shop.example"),
        ("x-forwarded-prefix", "/evil"),
        ("x-real-ip", "203.0.113.9"),
        ("forwarded", "for=203.0.113.9"),
        ("x_forwarded_for", "203.0.113.9"),
        ("X-Real_IP", "203.0.113.9"),
    ];

    #[test]
    fn what_a_stranger_claims_is_replaced() {
        let headers = of_request(&request("2001:db8::1", CLAIMS), &[]);
        assert_eq!(headers["x-forwarded-for"], "2001:db8::1");
        assert_eq!(headers["x-forwarded-proto"], "http");
        assert_eq!(headers["x-forwarded-host"], "line.example:81");
        let forwarded = "for=\"[2001:db8::1]\";proto=http;host=\"line.example:81\"";
        assert_eq!(headers["forwarded"], forwarded);
        assert!(!headers.contains_key("x-real-ip") && !headers.contains_key("x-forwarded-prefix"));
        assert!(headers.keys().all(|name| !name.as_str().contains('_')), "{headers:?}");
    }

    #[test]
    fn what_a_trusted_proxy_says_is_kept_and_added_to() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let headers = of_request(&request("10.0.0.7", CLAIMS), &trusted);
        assert_eq!(headers["x-forwarded-for"], "203.0.113.9, 10.0.0.7");
        assert_eq!(headers["x-forwarded-proto"], "https");
        assert_eq!(headers["x-forwarded-host"], "shop.example");
        let forwarded = "for=203.0.113.9, for=10.0.0.7;proto=http;host=\"line.example:81\"";
        assert_eq!(headers["forwarded"], forwarded);
        assert_eq!(headers["x-real-ip"], "203.0.113.9");
        assert!(headers.keys().all(|name| !name.as_str().contains('_')), "{headers:?}");
    }

    #[test]
    fn a_client_cannot_unsay_what_a_trusted_proxy_says_of_it() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let named = "close, X-Forwarded-For, Forwarded, X-Real-IP, Cookie, Host";
        let sent = [CLAIMS, &[("connection", named), ("cookie", "a=1")]].concat();
        let headers = of_request(&request("10.0.0.7", &sent), &trusted);
        assert_eq!(headers["x-forwarded-for"], "203.0.113.9, 10.0.0.7");
        assert_eq!(headers["x-real-ip"], "203.0.113.9");
        assert!(headers["forwarded"].to_str().unwrap().starts_with("for=203.0.113.9, "));
        assert_eq!(headers["host"], "line.example:81");
        assert!(!headers.contains_key("cookie"), "what is the client's own it may take out");
    }

    #[test]
    fn the_authority_of_http_2_is_the_host() {
        let builder = http::Request::get("https://line.example/").version(http::Version::HTTP_2);
        let (head, ()) = builder.body(()).unwrap().into_parts();
        let headers = of_request(&Request::new(&head, &[], None, true), &[]);
        assert_eq!(headers["host"], "line.example");
        assert_eq!(headers["x-forwarded-host"], "line.example");
        assert_eq!(headers["x-forwarded-proto"], "https");
    }

    #[test]
    fn who_comes_by_a_unix_socket_has_no_address() {
        let headers = of_request(&request("", CLAIMS), &[]);
        assert!(!headers.contains_key("x-forwarded-for"));
        assert!(headers["forwarded"].to_str().unwrap().starts_with("for=unknown;"));
    }

    #[test]
    fn what_is_for_one_hop_is_not_handed_on() {
        let sent = [
            ("connection", "keep-alive, X-Secret"),
            ("keep-alive", "timeout=5"),
            ("x-secret", "1"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("proxy-authorization", "Basic eA=="),
            ("expect", "100-continue"),
            ("cookie", "a=1"),
        ];
        let headers = of_request(&request("192.0.2.1", &sent), &[]);
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        let kept = ["cookie", "forwarded", "host", "via"];
        let forwarded = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];
        assert_eq!(names, [&kept[..], &forwarded[..]].concat());
    }
}
