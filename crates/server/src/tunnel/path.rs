//! The path that an upstream is asked for.

use http::Uri;
use percent_encoding::percent_decode_str;

use super::fault::Fault;
use super::plan::Target;

/// Path and query for an upstream: `path` without `prefix`, behind the upstream's own. A path that
/// climbs is refused: whoever resolves its dots would land outside of the route.
pub(super) fn rewrite(
    path: &str,
    query: Option<&str>,
    prefix: &str,
    target: &Target,
) -> Result<Uri, Fault> {
    if climbs(path) {
        return Err(Fault::Climbs);
    }
    let rest = path.strip_prefix(prefix).unwrap_or(path);
    let mut out = format!("{}{rest}", target.base);
    if out.is_empty() {
        out.push('/');
    }
    if let Some(query) = query {
        out.push('?');
        out.push_str(query);
    }
    // Of what a client may ask for, only its length can be too much behind the upstream's own path.
    out.parse().map_err(|_| Fault::PathTooLong)
}

/// Whether it has a segment `..`, however it is written; for some servers what follows a `;` is a
/// parameter of a segment, and no part of it.
fn climbs(path: &str) -> bool {
    if !path.contains("..") && !path.contains('%') {
        return false;
    }
    let decoded: Vec<u8> = percent_decode_str(path).collect();
    decoded
        .split(|byte| matches!(byte, b'/' | b'\\'))
        .any(|segment| segment.split(|byte| *byte == b';').next() == Some(b".."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunnel::by_hand;

    fn rewritten(path: &str, prefix: &str, base: &str) -> Option<String> {
        let mut target = by_hand::plan(&["127.0.0.1:1"]).upstreams.remove(0);
        target.base = base.to_owned();
        rewrite(path, None, prefix, &target).ok().map(|uri| uri.to_string())
    }

    #[test]
    fn a_prefix_goes_and_a_base_comes() {
        assert_eq!(rewritten("/app/x", "", "").unwrap(), "/app/x");
        assert_eq!(rewritten("/app/x", "/app", "").unwrap(), "/x");
        assert_eq!(rewritten("/app", "/app", "").unwrap(), "/");
        assert_eq!(rewritten("/app/", "/app", "/v1").unwrap(), "/v1/");
        let target = by_hand::plan(&["127.0.0.1:1"]).upstreams.remove(0);
        assert_eq!(rewrite("/app", Some("a=b?c"), "/app", &target).unwrap(), "/?a=b?c");
    }

    #[test]
    fn a_path_that_climbs_is_refused() {
        for path in [
            "/app/../admin",
            "/app/%2e%2E/admin",
            "/app/..%2fadmin",
            "/app/..\\x",
            "/app/..",
            "/app/..;/admin",
            "/app/..;a=b/admin",
            "/app/%2e.%3b/admin",
        ] {
            assert_eq!(rewritten(path, "/app", ""), None, "{path}");
        }
        for path in ["/app/a..b", "/app/...", "/app/%20x", "/app/.well-known", "/app/a;..b"] {
            assert!(rewritten(path, "", "").is_some(), "{path}");
        }
    }
    #[test]
    fn a_path_that_is_too_long_behind_another_is_refused() {
        let path = format!("/{}", "x".repeat(65_000));
        assert!(rewritten(&path, "", "").is_some());
        assert_eq!(rewritten(&path, "", &format!("/{}", "y".repeat(1_000))), None);
    }
}
