//! Where in a request a token is.
//!
//! | in order                                | when                                              |
//! |-----------------------------------------|---------------------------------------------------|
//! | `Authorization: Bearer TOKEN`           | always                                            |
//! | `tieline.bearer.BASE64URL`, offered as a subprotocol beside a real one | upgrades           |
//! | the query                               | where `danger_query` names the parameter          |
//! | a cookie                                | where `cookie` names it, and the page is ours     |

use data_encoding::BASE64URL_NOPAD;
use http::header::{AUTHORIZATION, COOKIE, SEC_WEBSOCKET_PROTOCOL};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Uri};
use percent_encoding::percent_decode_str;

use super::denied::Denied;

/// What a subprotocol begins with that is no subprotocol but a token.
const BEARER_PROTOCOL: &str = "tieline.bearer.";

/// Where a token may be, beside the places where it always may.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// The name of the cookie.
    pub(crate) cookie: Option<String>,
    /// The name of the parameter in the query.
    pub(crate) query: Option<String>,
}

/// What of a request may hold a token.
#[derive(Debug)]
pub(crate) struct Presented<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) uri: &'a Uri,
    /// The subprotocols that an upgrade offers.
    pub(crate) protocols: &'a [String],
    /// Whether a cookie says who asks: not where another site's page may have asked.
    pub(crate) is_own_page: bool,
}

impl Sources {
    /// The token.
    pub(super) fn find(&self, presented: &Presented<'_>) -> Result<Option<String>, Denied> {
        let explicit = [
            bearer(presented.headers)?,
            of_protocols(presented.protocols)?,
            self.query.as_ref().and_then(|name| of_query(presented.uri.query()?, name)),
        ];
        let mut explicit = explicit.into_iter().flatten();
        match (explicit.next(), explicit.next()) {
            (Some(_), Some(_)) => Err(Denied::Twice),
            (Some(token), None) => Ok(Some(token)),
            (None, _) if presented.is_own_page => {
                Ok(self.cookie.as_ref().and_then(|name| of_cookies(presented.headers, name)))
            }
            (None, _) => Ok(None),
        }
    }

    /// Takes the token out of what services are given of a request, wherever they do not expect it.
    pub(crate) fn redact(&self, headers: &mut HeaderMap, uri: &mut Uri) {
        if let Some(value) = headers.get_mut(AUTHORIZATION) {
            value.set_sensitive(true);
        }
        if let Some(name) = &self.query
            && let Some(query) = uri.query()
            && of_query(query, name).is_some()
        {
            *uri = without_parameter(uri, query, name);
        }
    }
}

/// Whether a subprotocol is none but a token.
fn is_bearer(protocol: &str) -> bool {
    protocol.starts_with(BEARER_PROTOCOL)
}

/// Takes tokens out of the subprotocols that a request offers: nobody is to echo them.
pub(crate) fn redact_protocols(headers: &mut HeaderMap, protocols: &mut Vec<String>) {
    if !protocols.iter().any(|name| is_bearer(name)) {
        return;
    }
    protocols.retain(|name| !is_bearer(name));
    headers.remove(SEC_WEBSOCKET_PROTOCOL);
    if !protocols.is_empty() {
        let rest = HeaderValue::try_from(protocols.join(", ")).expect("tokens are header values");
        headers.insert(SEC_WEBSOCKET_PROTOCOL, rest);
    }
}

/// RFC 6750 §2.1; credentials of another scheme are not for this server.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<String>, Denied> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), rest) = (values.next(), values.next()) else { return Ok(None) };
    if rest.is_some() {
        return Err(Denied::Twice);
    }
    let text = value.to_str().map_err(|_| Denied::Malformed)?;
    let Some((scheme, token)) = text.split_once(' ') else { return Ok(None) };
    Ok(scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned()))
}

fn of_protocols(protocols: &[String]) -> Result<Option<String>, Denied> {
    let mut encoded = protocols.iter().filter_map(|name| name.strip_prefix(BEARER_PROTOCOL));
    let Some(first) = encoded.next() else { return Ok(None) };
    if encoded.next().is_some() {
        return Err(Denied::Twice);
    }
    let bytes = BASE64URL_NOPAD.decode(first.as_bytes()).map_err(|_| Denied::Malformed)?;
    String::from_utf8(bytes).map(Some).map_err(|_| Denied::Malformed)
}

fn of_query(query: &str, name: &str) -> Option<String> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

pub(crate) fn of_cookies(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).find_map(|cookies| {
        let mut cookies = cookies.split(';').map(str::trim);
        let value = cookies.find_map(|cookie| cookie.strip_prefix(name)?.strip_prefix('='))?;
        Some(value.trim_matches('"').to_owned())
    })
}

fn without_parameter(uri: &Uri, query: &str, name: &str) -> Uri {
    let is_other = |pair: &&str| !pair.strip_prefix(name).is_some_and(|it| it.starts_with('='));
    let rest: Vec<_> = query.split('&').filter(is_other).collect();
    let target = match rest.is_empty() {
        true => uri.path().to_owned(),
        false => format!("{}?{}", uri.path(), rest.join("&")),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(target).expect("a part of what it was"));
    Uri::from_parts(parts).expect("its other parts are as they were")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &str = "dGhlIHRva2Vu"; // "the token"

    fn find(
        sources: &Sources,
        lines: &[(&str, &str)],
        target: &str,
    ) -> Result<Option<String>, Denied> {
        let request = lines.iter().fold(http::Request::get(target), |request, (name, value)| {
            request.header(*name, *value)
        });
        let (head, ()) = request.body(()).unwrap().into_parts();
        let offered = head.headers.get(SEC_WEBSOCKET_PROTOCOL);
        let protocols: Vec<_> = offered
            .iter()
            .flat_map(|value| value.to_str().unwrap().split(", ").map(str::to_owned))
            .collect();
        let is_own_page = !head.headers.contains_key("origin");
        sources.find(&Presented {
            headers: &head.headers,
            uri: &head.uri,
            protocols: &protocols,
            is_own_page,
        })
    }

    #[test]
    fn a_token_is_found_in_each_of_its_places_and_nowhere_else() {
        let all = Sources { cookie: Some("auth".into()), query: Some("token".into()) };
        let only = Sources::default();
        let offered = format!("chat.v1, {BEARER_PROTOCOL}{BOTH}");
        let protocol: &[_] = &[("sec-websocket-protocol", offered.as_str())];
        let cookie: &[_] = &[("cookie", "a=b; auth=the token; authx=no")];
        let foreign: &[_] = &[("cookie", "auth=the token"), ("origin", "https://evil.test")];
        for (sources, lines, target, found) in [
            (&only, &[("authorization", "Bearer the token")][..], "/", true),
            (&only, &[("authorization", "bEARER the token")], "/", true),
            (&only, &[("authorization", "Basic the token")], "/", false),
            (&only, protocol, "/", true),
            (&only, cookie, "/", false),
            (&all, cookie, "/", true),
            (&all, foreign, "/", false),
            (&only, &[], "/?token=the%20token", false),
            (&all, &[], "/?a=1&token=the%20token", true),
            (&all, &[], "/?tokens=the%20token", false),
        ] {
            let expected = found.then(|| "the token".to_owned());
            assert_eq!(find(sources, lines, target), Ok(expected), "{lines:?} {target}");
        }
    }

    #[test]
    fn two_tokens_are_none_but_a_cookie_comes_by_itself() {
        let all = Sources { cookie: Some("auth".into()), query: Some("token".into()) };
        let header = ("authorization", "Bearer one");
        assert_eq!(find(&all, &[header, header], "/"), Err(Denied::Twice));
        assert_eq!(find(&all, &[header], "/?token=two"), Err(Denied::Twice));
        let found = find(&all, &[header, ("cookie", "auth=two")], "/");
        assert_eq!(found, Ok(Some("one".into())));
    }

    #[test]
    fn what_services_see_holds_no_token() {
        let sources = Sources { cookie: None, query: Some("token".into()) };
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer canary"));
        let mut protocols = vec!["chat.v1".to_owned(), format!("{BEARER_PROTOCOL}canary")];
        headers.insert(SEC_WEBSOCKET_PROTOCOL, protocols.join(", ").parse().unwrap());
        let mut uri: Uri = "/chat?a=1&token=canary&b=2".parse().unwrap();
        sources.redact(&mut headers, &mut uri);
        redact_protocols(&mut headers, &mut protocols);
        assert_eq!(
            (uri.to_string().as_str(), protocols.as_slice()),
            ("/chat?a=1&b=2", &["chat.v1".into()][..])
        );
        assert!(!format!("{headers:?}").contains("canary"), "{headers:?}");
        let mut uri: Uri = "/chat?token=canary".parse().unwrap();
        sources.redact(&mut headers, &mut uri);
        assert_eq!(uri, "/chat");
    }
}
