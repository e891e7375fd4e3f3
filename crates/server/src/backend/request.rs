//! A call, made ready to be sent as often as it takes.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::{HeaderName, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method};
use percent_encoding::percent_decode_str;
use url::{Position, Url};

use super::call::Call;
use super::error::BackendError;
use super::signing::SIGNATURE;
use super::{headers, trace};
use crate::config::PlannedBackend;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Who asks, where a caller does not say it.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("tieline/", env!("CARGO_PKG_VERSION")));

/// What goes to the backend.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: Bytes,
    /// Whether it may be sent again when it is not known what came of it.
    pub(super) is_repeatable: bool,
    headers: HeaderMap,
}

impl Request {
    /// Checks the path, and puts the headers together.
    pub(super) fn new(plan: &PlannedBackend, call: Call) -> Result<Self, BackendError> {
        let Call { method, path_and_query, mut headers, body, idempotency_key, .. } = call;
        let url = url(&plan.url, &path_and_query)?;
        headers::for_backend(&mut headers);
        headers.entry(USER_AGENT).or_insert(AGENT);
        let is_repeatable = idempotency_key.is_some() || method.is_idempotent();
        if let Some(key) = idempotency_key {
            let key = HeaderValue::try_from(key).map_err(|_| {
                BackendError::Request("the idempotency key is no value of a header".to_owned())
            })?;
            headers.insert(IDEMPOTENCY_KEY, key);
        }
        trace::trace(&mut headers);
        Ok(Self { method, url, body, is_repeatable, headers })
    }

    /// Its headers when it is sent now: the signature says when.
    pub(super) fn headers(&self, plan: &PlannedBackend) -> HeaderMap {
        let mut headers = self.headers.clone();
        if let Some(secret) = &plan.secret {
            let (path, now) = (self.path_and_query(), SystemTime::now());
            let signature = secret.sign(self.method.as_str(), path, &headers, &self.body, now);
            headers.insert(SIGNATURE, signature);
        }
        headers
    }

    /// As it is sent.
    fn path_and_query(&self) -> &str {
        &self.url[Position::BeforePath..Position::AfterQuery]
    }
}

/// The base and what is below it. Nothing leads out of the base, in whichever way it is written.
fn url(base: &Url, path_and_query: &str) -> Result<Url, BackendError> {
    let refuse =
        || BackendError::Request(format!("{path_and_query:?} is not a path below the backend's"));
    let parsed: PathAndQuery = path_and_query.parse().map_err(|_| refuse())?;
    let path = parsed.path();
    // The parser of URLs takes a backslash for a slash, and goes up where it reads dots.
    let leads_out = |segment: &str| {
        let decoded = percent_decode_str(segment).decode_utf8_lossy();
        matches!(&*decoded, "." | "..")
    };
    let is_below = path_and_query.starts_with('/')
        && !path_and_query.contains(['\\', '#'])
        && !path.split('/').any(leads_out);
    if !is_below {
        return Err(refuse());
    }
    let base = base.as_str().trim_end_matches('/');
    format!("{base}{path_and_query}").parse().map_err(|_| refuse())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_lies_below_the_base() {
        let sent = |base: &str, path: &str| {
            let url = url(&base.parse().unwrap(), path)?;
            assert_eq!(url.host_str(), Some("a.example"));
            Ok::<_, BackendError>(url[Position::BeforePath..].to_owned())
        };
        for (base, path, whole) in [
            ("http://a.example", "/x?y=1", "/x?y=1"),
            ("http://a.example/", "/", "/"),
            ("http://a.example/base", "/x/", "/base/x/"),
            ("http://a.example/base/", "/x//y", "/base/x//y"),
            ("http://a.example/base", "/a%20b?c=%2F..", "/base/a%20b?c=%2F.."),
            ("http://a.example/base", "//evil.example/x", "/base//evil.example/x"),
        ] {
            assert_eq!(sent(base, path).unwrap(), whole);
        }
        for path in [
            "",
            "x",
            "*",
            "@evil.example",
            "/..",
            "/a/../b",
            "/./a",
            "/%2e%2E/b",
            "/.%2e",
            "/a\\..\\b",
            "/a b",
            "/a\n",
            "/a#b",
            "http://evil.example/",
            "?x",
        ] {
            assert!(sent("http://a.example/base", path).is_err(), "{path:?}");
        }
    }
}
