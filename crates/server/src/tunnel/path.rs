//! The path that an upstream is asked for.

use percent_encoding::percent_decode_str;

use super::plan::Target;

/// Path and query for an upstream: `path` without `prefix`, behind the upstream's own. `None` for a
/// path that climbs: whoever resolves its dots would land outside of the route.
pub(super) fn rewrite(
    path: &str,
    query: Option<&str>,
    prefix: &str,
    target: &Target,
) -> Option<String> {
    if climbs(path) {
        return None;
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
    Some(out)
}

/// Whether it has a segment `..`, however it is written.
fn climbs(path: &str) -> bool {
    if !path.contains("..") && !path.contains('%') {
        return false;
    }
    let decoded: Vec<u8> = percent_decode_str(path).collect();
    decoded.split(|byte| matches!(byte, b'/' | b'\\')).any(|segment| segment == b"..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunnel::by_hand;

    fn rewritten(path: &str, prefix: &str, base: &str) -> Option<String> {
        let mut target = by_hand::plan(&["127.0.0.1:1"]).upstreams.remove(0);
        target.base = base.to_owned();
        rewrite(path, None, prefix, &target)
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
        for path in
            ["/app/../admin", "/app/%2e%2E/admin", "/app/..%2fadmin", "/app/..\\x", "/app/.."]
        {
            assert_eq!(rewritten(path, "/app", ""), None, "{path}");
        }
        for path in ["/app/a..b", "/app/...", "/app/%20x", "/app/.well-known"] {
            assert!(rewritten(path, "", "").is_some(), "{path}");
        }
    }
}
