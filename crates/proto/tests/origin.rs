//! RFC 6455 §10.2: which pages may open a line.

use tieline_proto::handshake::{Claim, Legacy, Origin, Origins, Scheme};

fn claim<'a>(origin: &'a str, host: &'a str, scheme: Option<Scheme>) -> Claim<'a> {
    Claim { origin: Some(origin), host: Some(host), scheme, legacy: Legacy::Off }
}

fn list(origins: &[&str]) -> Vec<Origin> {
    origins.iter().map(|origin| origin.parse().expect("an origin")).collect()
}

#[test]
fn the_same_origin_is_scheme_host_and_port() {
    use Scheme::{Http, Https};
    let same = Origins::default();
    for (origin, host, scheme, allowed) in [
        ("http://example.com", "example.com", Some(Http), true),
        ("http://example.com", "example.com:80", Some(Http), true),
        ("http://example.com:80", "example.com", Some(Http), true),
        ("https://example.com", "example.com", Some(Https), true),
        ("https://example.com", "example.com:443", Some(Https), true),
        ("http://localhost:8080", "localhost:8080", Some(Http), true),
        ("http://[::1]:8080", "[0:0::1]:8080", Some(Http), true),
        ("HTTP://EXAMPLE.COM", "Example.Com", Some(Http), true),
        ("http://xn--bcher-kva.example", "xn--bcher-kva.example", Some(Http), true),
        // The scheme counts where it is known, and its port where it is not.
        ("http://example.com", "example.com", Some(Https), false),
        ("https://example.com", "example.com", Some(Http), false),
        ("https://example.com", "example.com", None, true),
        ("http://example.com", "example.com", None, true),
        ("https://example.com", "example.com:80", None, false),
        ("https://example.com:8443", "example.com:8443", None, true),
        ("ftp://example.com", "example.com", None, false),
        ("ws://example.com", "example.com", Some(Http), false),
        // Another port, another host, and hosts that only look alike.
        ("http://example.com:8080", "example.com", Some(Http), false),
        ("http://example.com", "example.com:8080", Some(Http), false),
        ("http://attacker.test", "example.com", Some(Http), false),
        ("http://www.example.com", "example.com", Some(Http), false),
        ("http://example.com", "www.example.com", Some(Http), false),
        ("http://evil-example.com", "example.com", Some(Http), false),
        ("http://example.com.evil", "example.com", Some(Http), false),
        ("http://example.com.", "example.com", Some(Http), false),
        ("http://example.co", "example.com", Some(Http), false),
        ("http://127.0.0.1", "localhost", Some(Http), false),
        // What is no origin.
        ("null", "example.com", Some(Http), false),
        ("", "example.com", Some(Http), false),
        ("example.com", "example.com", Some(Http), false),
        ("http://example.com/", "example.com", Some(Http), false),
        ("http://example.com?", "example.com", Some(Http), false),
        ("http://user@example.com", "example.com", Some(Http), false),
        ("http://example.com@attacker.test", "example.com", Some(Http), false),
        ("http://attacker.test#example.com", "example.com", Some(Http), false),
        ("http://example.com http://example.com", "example.com", Some(Http), false),
        ("http://example.com, http://attacker.test", "example.com", Some(Http), false),
        ("http://bücher.example", "bücher.example", Some(Http), false),
        ("http://example.com:", "example.com", Some(Http), false),
        ("http://example.com:0x50", "example.com", Some(Http), false),
        ("//example.com", "example.com", Some(Http), false),
        ("://example.com", "example.com", Some(Http), false),
    ] {
        let got = same.allows(&claim(origin, host, scheme));
        assert_eq!(got, allowed, "{origin} on {host} over {scheme:?}");
    }
}

#[test]
fn a_request_that_names_no_origin_comes_from_no_page() {
    let claim = Claim { origin: None, ..claim("", "example.com", None) };
    for origins in [Origins::DangerAny, Origins::SameOrigin, Origins::List(vec![])] {
        assert!(origins.allows(&claim), "{origins:?}");
    }
}

#[test]
fn a_page_is_of_no_origin_where_the_host_is_unknown() {
    let claim = Claim { host: None, ..claim("http://example.com", "", None) };
    assert!(!Origins::SameOrigin.allows(&claim));
    assert!(Origins::List(list(&["http://example.com"])).allows(&claim));
}

#[test]
fn a_list_is_exact() {
    let origins = Origins::List(list(&["https://Example.com:443", "http://a.test:8080"]));
    let allows = |origin| origins.allows(&claim(origin, "served.test", None));
    assert!(allows("https://example.com") && allows("http://a.test:8080"));
    for origin in [
        "http://example.com",
        "https://example.com:8443",
        "https://sub.example.com",
        "https://example.com.evil",
        "https://evil-example.com",
        "http://a.test",
        "http://served.test",
        "null",
    ] {
        assert!(!allows(origin), "{origin}");
    }
}

#[test]
fn the_same_origin_may_be_let_in_beside_a_list() {
    let origins = Origins::SameOriginOr(list(&["https://a.test"]));
    let allows = |origin| origins.allows(&claim(origin, "served.test", None));
    assert!(allows("https://a.test") && allows("http://served.test"));
    assert!(!allows("http://b.test") && !allows("null"));
}

#[test]
fn null_is_let_in_only_where_it_is_listed() {
    assert!(Origins::List(list(&["null"])).allows(&claim("null", "a.test", None)));
    assert!(!Origins::List(list(&["null"])).allows(&claim("NULL", "a.test", None)));
    assert!(!Origins::SameOrigin.allows(&claim("null", "null", None)));
}

#[test]
fn any_page_is_let_in_under_the_setting_with_the_ugly_name() {
    for origin in ["http://attacker.test", "null", "", "what?"] {
        assert!(Origins::DangerAny.allows(&claim(origin, "a.test", None)), "{origin}");
    }
}

#[test]
fn an_origin_without_a_scheme_is_the_same_only_where_the_drafts_are_let_in() {
    for legacy in [Legacy::Off, Legacy::On] {
        let allows = |origins: &Origins, origin| {
            origins.allows(&Claim { legacy, ..claim(origin, "127.0.0.1:8080", None) })
        };
        assert_eq!(allows(&Origins::SameOrigin, "127.0.0.1:8080"), legacy == Legacy::On);
        for origin in ["127.0.0.1", "127.0.0.1:80", "localhost:8080", "127.0.0.1:8080/", ""] {
            assert!(!allows(&Origins::SameOrigin, origin), "{origin}");
        }
        assert!(!allows(&Origins::List(vec![]), "127.0.0.1:8080"));
    }
}

#[test]
fn an_origin_has_one_spelling() {
    for (text, written) in [
        ("null", "null"),
        ("HTTP://A.Test:80", "http://a.test"),
        ("https://a.test:8443", "https://a.test:8443"),
        ("http://[0::1]", "http://[::1]"),
        ("file://", "file://"),
        ("chrome-extension://abc", "chrome-extension://abc"),
    ] {
        assert_eq!(text.parse::<Origin>().map(|origin| origin.to_string()), Ok(written.into()));
    }
    for text in
        ["", "Null", "a.test", "http://", "http://a.test/", "http://*.a.test", "*", "a b://c"]
    {
        assert!(text.parse::<Origin>().is_err(), "{text}");
    }
}
