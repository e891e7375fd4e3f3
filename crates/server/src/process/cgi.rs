//! What a program is told of the request that started it: the variables of CGI.
//!
//! Spec: RFC 3875 §4.1.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use percent_encoding::percent_decode_str;

use super::environment::Variables;
use crate::request::Request;

/// The variables for a request to the route with this path; of its headers those of the list.
///
/// A header that says who somebody is, is never handed on, nor is `Proxy`, whose variable programs
/// take for a setting.
pub(crate) fn variables(request: &Request, route: &str, headers: &[HeaderName]) -> Variables {
    let (path, query) = (request.path(), request.query().unwrap_or_default());
    let mut variables = Variables::new();
    let mut add = |name: &str, value: &[u8]| {
        // What no variable can hold was never meant for a program.
        if !value.contains(&0) {
            variables.push((name.into(), OsString::from_vec(value.to_vec())));
        }
    };
    add("GATEWAY_INTERFACE", b"CGI/1.1");
    add("REQUEST_METHOD", b"GET");
    match query {
        "" => add("REQUEST_URI", path.as_bytes()),
        query => add("REQUEST_URI", format!("{path}?{query}").as_bytes()),
    }
    add("SCRIPT_NAME", route.trim_end_matches('/').as_bytes());
    let below = path.strip_prefix(route.trim_end_matches('/')).unwrap_or_default();
    add("PATH_INFO", &percent_decode_str(below).collect::<Vec<_>>());
    add("QUERY_STRING", query.as_bytes());
    if let Some(address) = request.address() {
        add("REMOTE_ADDR", address.ip().to_canonical().to_string().as_bytes());
        add("REMOTE_PORT", address.port().to_string().as_bytes());
    }
    if let Some(identity) = request.identity() {
        add("REMOTE_USER", identity.user.as_bytes());
    }
    let (name, port) = server(request);
    add("SERVER_NAME", name.as_bytes());
    add("SERVER_PORT", port.as_bytes());
    let protocol = if request.via() == "h2" { "HTTP/2" } else { "HTTP/1.1" };
    add("SERVER_PROTOCOL", protocol.as_bytes());
    add("SERVER_SOFTWARE", concat!("tieline/", env!("CARGO_PKG_VERSION")).as_bytes());
    if request.is_secure() {
        add("HTTPS", b"on");
    }
    for name in headers.iter().filter(|name| may_be_handed_on(name)) {
        let values: Vec<_> =
            request.headers().get_all(name).iter().map(|it| it.as_bytes()).collect();
        if !values.is_empty() {
            add(&variable(name), &values.join(&b", "[..]));
        }
    }
    variables
}

/// Whether a program may be told of a header.
pub(crate) fn may_be_handed_on(name: &HeaderName) -> bool {
    ![AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION].contains(name) && name != "proxy"
}

/// Under which name, such as `HTTP_USER_AGENT`.
fn variable(name: &HeaderName) -> String {
    format!("HTTP_{}", name.as_str().to_ascii_uppercase().replace('-', "_"))
}

/// Name and port that were asked for.
fn server(request: &Request) -> (String, String) {
    let usual = if request.is_secure() { "443" } else { "80" };
    let host = request.host().unwrap_or_default();
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            (name.to_owned(), port.to_owned())
        }
        _ => (host.to_owned(), usual.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn of(uri: &str, headers: &[(&str, &str)], listed: &[&'static str]) -> HashMap<String, String> {
        let mut head = http::Request::get(uri);
        for (name, value) in headers {
            head = head.header(*name, *value);
        }
        let (head, ()) = head.body(()).unwrap().into_parts();
        let request =
            Request::new(&head, &[], Some("[::ffff:192.0.2.7]:4711".parse().unwrap()), true);
        let listed: Vec<_> = listed.iter().map(|&name| HeaderName::from_static(name)).collect();
        variables(&request, "/run", &listed)
            .into_iter()
            .map(|(name, value)| (name.into_string().unwrap(), value.into_string().unwrap()))
            .collect()
    }

    #[test]
    fn path_query_and_who_asks_are_told() {
        let told = of("/run/a%20b?x=1&y", &[("host", "a.example:8443")], &[]);
        for (name, value) in [
            ("GATEWAY_INTERFACE", "CGI/1.1"),
            ("REQUEST_URI", "/run/a%20b?x=1&y"),
            ("SCRIPT_NAME", "/run"),
            ("PATH_INFO", "/a b"),
            ("QUERY_STRING", "x=1&y"),
            ("REMOTE_ADDR", "192.0.2.7"),
            ("REMOTE_PORT", "4711"),
            ("SERVER_NAME", "a.example"),
            ("SERVER_PORT", "8443"),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("HTTPS", "on"),
        ] {
            assert_eq!(told[name], value, "{name}");
        }
        assert!(!told.contains_key("REMOTE_USER"));
    }

    #[test]
    fn of_the_headers_only_those_of_the_list_and_never_a_secret() {
        let headers = [
            ("cookie", "session=secret"),
            ("authorization", "Bearer secret"),
            ("proxy", "http://evil.example"),
            ("user-agent", "me"),
            ("accept-language", "de"),
            ("x-twice", "a"),
            ("x-twice", "b"),
        ];
        let listed = ["cookie", "authorization", "proxy", "user-agent", "x-twice", "x-missing"];
        let told = of("/run", &headers, &listed);
        let http: std::collections::BTreeMap<_, _> =
            told.iter().filter(|(name, _)| name.starts_with("HTTP_")).collect();
        assert_eq!(http.len(), 2, "{http:?}");
        assert_eq!(told["HTTP_USER_AGENT"], "me");
        assert_eq!(told["HTTP_X_TWICE"], "a, b");
    }

    #[test]
    fn a_path_that_no_variable_can_hold_is_not_told() {
        let told = of("/run/a%00b", &[], &[]);
        assert!(!told.contains_key("PATH_INFO"));
        assert_eq!(told["REQUEST_URI"], "/run/a%00b");
    }
}
