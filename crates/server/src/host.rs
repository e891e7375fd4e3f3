//! The host that a request asks for.

use http::header::HOST;
use http::{HeaderMap, Uri};

/// The host that a request asks for, and its port where one is named: in the target where that is
/// whole, in `Host` otherwise.
pub(crate) fn host<'r>(uri: &'r Uri, headers: &'r HeaderMap) -> Option<&'r str> {
    match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => headers.get(HOST)?.to_str().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_target_goes_before_the_header() {
        let with = |target: &str, headers: &[&str]| {
            let headers = headers.iter().map(|value| (HOST, value.parse().unwrap())).collect();
            host(&target.parse().unwrap(), &headers).map(str::to_owned)
        };
        assert_eq!(with("http://a:1/x", &["b"]).as_deref(), Some("a:1"));
        assert_eq!(with("/x", &["b:2"]).as_deref(), Some("b:2"));
        assert_eq!(with("/x", &[]), None);
    }
}
