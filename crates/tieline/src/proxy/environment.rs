//! What the environment says about proxies.
//!
//! There is no standard; this is what curl, wget and most others agree on.

use std::net::IpAddr;

use url::Host;

use crate::url::Target;

/// The URL of the proxy for this target; `None` where it is to be reached directly.
pub(super) fn proxy_for(
    target: &Target,
    variable: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let read = |name: &&str| variable(name).filter(|value| !value.trim().is_empty());
    let names: &[&str] = match target.is_secure() {
        true => &["wss_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        false => &["ws_proxy", "http_proxy", "all_proxy", "ALL_PROXY"],
    };
    let proxy = names.iter().find_map(read)?;
    let excluded = ["no_proxy", "NO_PROXY"].iter().find_map(read).unwrap_or_default();
    let is_direct = excluded
        .split([',', ' '])
        .map(str::trim)
        .any(|rule| covers(rule, target.host(), target.port()));
    (!is_direct).then(|| proxy.trim().to_owned())
}

/// Whether one element of `NO_PROXY` names the host.
fn covers(rule: &str, host: &Host, port: u16) -> bool {
    if rule == "*" {
        return true;
    }
    let (rule, rule_port) = split_port(rule);
    if rule_port.is_some_and(|rule_port| rule_port != port) {
        return false;
    }
    match host {
        Host::Domain(name) => covers_name(rule, name),
        Host::Ipv4(address) => covers_address(rule, (*address).into()),
        Host::Ipv6(address) => covers_address(rule, (*address).into()),
    }
}

/// A colon ends the host only where it is the only one, or follows a bracket.
fn split_port(rule: &str) -> (&str, Option<u16>) {
    if let Some((address, rest)) = rule.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (address, rest.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match rule.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, port.parse().ok()),
        _ => (rule, None),
    }
}

/// A name covers itself and all that is below it, with or without a dot in front.
fn covers_name(rule: &str, name: &str) -> bool {
    let rule = rule.trim_start_matches("*.").trim_start_matches('.').to_ascii_lowercase();
    match name.strip_suffix(rule.as_str()) {
        _ if rule.is_empty() => false,
        Some(rest) => rest.is_empty() || rest.ends_with('.'),
        None => false,
    }
}

/// An address covers itself; `address/bits` covers its network.
fn covers_address(rule: &str, address: IpAddr) -> bool {
    let Some((network, bits)) = rule.split_once('/') else {
        return rule.parse() == Ok(address);
    };
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else {
        return false;
    };
    let differ = match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            (network.to_bits() ^ address.to_bits()).leading_zeros()
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            (network.to_bits() ^ address.to_bits()).leading_zeros()
        }
        _ => return false,
    };
    differ >= bits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(url: &str, variables: &[(&str, &str)]) -> Option<String> {
        let read = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        proxy_for(&Target::parse(url).unwrap(), read)
    }

    #[test]
    fn each_scheme_has_its_variables() {
        let variables = [("http_proxy", "a:1"), ("HTTPS_PROXY", "b:2"), ("HTTP_PROXY", "evil")];
        assert_eq!(proxy("ws://x/", &variables).as_deref(), Some("a:1"));
        assert_eq!(proxy("wss://x/", &variables).as_deref(), Some("b:2"));
        assert_eq!(proxy("ws://x/", &[("ALL_PROXY", "c")]).as_deref(), Some("c"));
        assert_eq!(proxy("ws://x/", &[("HTTP_PROXY", "evil")]), None);
        assert_eq!(proxy("ws://x/", &[("http_proxy", "")]), None);
    }

    #[test]
    fn no_proxy_names_what_is_reached_directly() {
        let is_direct = |url: &str, excluded: &str| {
            proxy(url, &[("all_proxy", "p"), ("NO_PROXY", excluded)]).is_none()
        };
        assert!(is_direct("ws://a.example/", "*"));
        assert!(is_direct("ws://a.example/", "b.example, A.example"));
        assert!(is_direct("ws://sub.a.example/", "a.example"));
        assert!(is_direct("ws://sub.a.example/", ".a.example"));
        assert!(is_direct("ws://a.example:81/", "a.example:81"));
        assert!(!is_direct("ws://a.example:81/", "a.example:80"));
        assert!(!is_direct("ws://aa.example/", "a.example"));
        assert!(!is_direct("ws://a.example/", ""));
        assert!(is_direct("ws://10.1.2.3/", "10.0.0.0/8"));
        assert!(!is_direct("ws://11.1.2.3/", "10.0.0.0/8"));
        assert!(is_direct("ws://11.1.2.3/", "0.0.0.0/0"));
        assert!(is_direct("ws://[::1]/", "::1"));
        assert!(is_direct("ws://[::1]:9/", "[::1]:9"));
        assert!(is_direct("ws://[fe80::1]/", "fe80::/10"));
        assert!(!is_direct("ws://127.0.0.1/", "::1/0"));
    }
}
