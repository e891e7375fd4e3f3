//! How often methods may be called.

use std::net::IpAddr;

use super::names::Names;
use crate::config::{self, RateOf, RpcRate};
use crate::limits::{Key, Keyed};

/// All rates of a route, shared by its workers.
#[derive(Debug, Default)]
pub(crate) struct Rates(Vec<Rate>);

/// So many calls of some methods within some time.
#[derive(Debug)]
struct Rate {
    methods: Names,
    of: RateOf,
    calls: Keyed,
}

impl Rates {
    pub(crate) fn new(rates: &[RpcRate]) -> Self {
        let rate = |written: &RpcRate| Rate {
            methods: Names::of(&written.methods),
            of: written.of,
            calls: Keyed::new(config::Rate::of(written.calls, written.within)),
        };
        Self(rates.iter().map(rate).collect())
    }

    /// Counts a call; whether it may be made.
    pub(crate) fn allow(&self, method: &str, address: Option<IpAddr>) -> bool {
        let mut counted = self.0.iter().filter(|rate| rate.methods.has(method));
        counted.all(|rate| {
            let key = match (rate.of, address) {
                (RateOf::Address, Some(address)) => Key::of_address(address),
                // All Unix sockets are one.
                (RateOf::Address, None) | (RateOf::Route, _) => Key::EVERYBODY,
            };
            rate.calls.take(key, "rate").is_ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Span;

    fn rates(pattern: &str, calls: u32, of: RateOf) -> Rates {
        let methods = vec![pattern.to_owned()];
        Rates::new(&[RpcRate { methods, calls, within: Span::from_secs(3_600), of }])
    }

    #[test]
    fn each_address_has_its_own_calls() {
        let rates = rates("eth_*", 2, RateOf::Address);
        let a = Some("192.0.2.1".parse().unwrap());
        assert!(rates.allow("eth_call", a) && rates.allow("eth_call", a));
        assert!(!rates.allow("eth_call", a));
        assert!(rates.allow("net_version", a));
        assert!(rates.allow("eth_call", None));
        let six = |text: &str| Some(text.parse().unwrap());
        assert!(rates.allow("eth_call", six("2001:db8::1")));
        assert!(rates.allow("eth_call", six("2001:db8::2")));
        assert!(!rates.allow("eth_call", six("2001:db8::3")));
        assert!(rates.allow("eth_call", six("2001:db8:0:1::3")));
        // As they come to a socket of both families.
        assert!(!rates.allow("eth_call", six("::ffff:192.0.2.1")));
        assert!(rates.allow("eth_call", six("::ffff:192.0.2.2")));
    }

    #[test]
    fn the_calls_of_a_route_are_everybodys() {
        let rates = rates("*", 1, RateOf::Route);
        assert!(rates.allow("a", Some("192.0.2.1".parse().unwrap())));
        assert!(!rates.allow("b", None));
    }
}
