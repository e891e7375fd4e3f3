//! Which names a listener answers to, so that no page reaches a loopback one by a name of its own.

use crate::http::Authority;

/// The `Host` values that a listener accepts, any port with each.
///
/// A page on `attacker.test` whose name suddenly resolves to 127.0.0.1 is of the same origin as
/// what listens there; its `Host` header gives it away. So a loopback listener answers to loopback
/// names alone, to ordinary requests and upgrades alike.
///
/// # Example
///
/// ```
/// use tieline_proto::handshake::Hosts;
///
/// let hosts = Hosts::default();
/// assert!(hosts.allows(Some("localhost:8080")));
/// assert!(!hosts.allows(Some("attacker.test:8080")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hosts {
    /// Every host, and none: for listeners that the network reaches anyway.
    Any,
    /// `localhost`, `127.0.0.1`, `[::1]`, and these names or addresses, each without a port.
    Loopback(Vec<String>),
}

impl Default for Hosts {
    /// The loopback names alone.
    fn default() -> Self {
        Self::Loopback(Vec::new())
    }
}

impl Hosts {
    /// Whether a request with this `Host` is answered; one without is not, unless any is.
    pub fn allows(&self, host: Option<&str>) -> bool {
        let Self::Loopback(names) = self else { return true };
        let Some(asked) = host.and_then(Authority::parse) else { return false };
        let is_asked = |name: &str| {
            Authority::parse(name)
                .is_some_and(|name| name.port.is_none() && name.host == asked.host)
        };
        matches!(asked.host.as_str(), "localhost" | "127.0.0.1" | "[::1]")
            || names.iter().any(|name| is_asked(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_listener_answers_to_its_own_names() {
        let hosts = Hosts::Loopback(vec!["Tieline.Test".into(), "192.0.2.7".into()]);
        for host in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1:8080",
            "[::1]",
            "[0:0::1]:443",
            "tieline.test",
            "tieline.test:8080",
            "192.0.2.7:80",
        ] {
            assert!(hosts.allows(Some(host)), "{host}");
        }
        for host in [
            "attacker.test",
            "localhost.attacker.test",
            "attackerlocalhost",
            "127.0.0.1.nip.test",
            "localhost@attacker.test",
            "localhost,attacker.test",
            "0.0.0.0",
            "127.1",
            "[::2]",
            "",
            "tieline.test.attacker.test",
        ] {
            assert!(!hosts.allows(Some(host)), "{host}");
        }
        assert!(!hosts.allows(None));
    }

    #[test]
    fn a_public_listener_answers_to_every_name() {
        assert!(Hosts::Any.allows(Some("attacker.test")) && Hosts::Any.allows(None));
    }
}
