//! How often methods may be called.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::names::Names;

/// All rates of a route, shared by its workers.
#[derive(Debug, Default)]
pub(crate) struct Rates(Vec<Rate>);

/// So many calls of some methods within some time.
#[derive(Debug)]
pub(crate) struct Rate {
    methods: Names,
    limiter: Limiter,
}

/// Whose calls are counted together.
#[derive(Debug)]
enum Limiter {
    /// Those of one IP address; of IPv6 its first 64 bits. Unix sockets are one address.
    Address(DefaultKeyedRateLimiter<Option<IpAddr>>),
    /// Those of everybody.
    Route(DefaultDirectRateLimiter),
}

impl Rate {
    /// At most `calls` within `within`, at once or spread; both are more than nothing.
    pub(crate) fn new(
        methods: Names,
        calls: NonZeroU32,
        within: Duration,
        by_address: bool,
    ) -> Self {
        let each = (within / calls.get()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(each).expect("longer than nothing").allow_burst(calls);
        let limiter = if by_address {
            Limiter::Address(RateLimiter::keyed(quota))
        } else {
            Limiter::Route(RateLimiter::direct(quota))
        };
        Self { methods, limiter }
    }
}

impl Rates {
    pub(crate) const fn new(rates: Vec<Rate>) -> Self {
        Self(rates)
    }

    /// Counts a call; whether it may be made.
    pub(crate) fn allow(&self, method: &str, address: Option<IpAddr>) -> bool {
        let mut counted = self.0.iter().filter(|rate| rate.methods.has(method));
        counted.all(|rate| match &rate.limiter {
            Limiter::Address(limiter) => limiter.check_key(&address.map(network)).is_ok(),
            Limiter::Route(limiter) => limiter.check().is_ok(),
        })
    }

    /// Forgets the addresses that have not called for so long that nothing is held against them.
    pub(crate) fn tidy(&self) {
        for rate in &self.0 {
            if let Limiter::Address(limiter) = &rate.limiter {
                limiter.retain_recent();
                limiter.shrink_to_fit();
            }
        }
    }

    /// Whether there is anything to tidy.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Who has an address of IPv6 has all that share its first half.
const fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let network = address.to_bits() & !(u64::MAX as u128);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(pattern: &str, calls: u32, by_address: bool) -> Rate {
        let hour = Duration::from_secs(3_600);
        let methods = Names::of([pattern]);
        Rate::new(methods, calls.try_into().unwrap(), hour, by_address)
    }

    #[test]
    fn each_address_has_its_own_calls() {
        let rates = Rates::new(vec![rate("eth_*", 2, true)]);
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
    }

    #[test]
    fn the_calls_of_a_route_are_everybodys() {
        let rates = Rates::new(vec![rate("*", 1, false)]);
        assert!(rates.allow("a", Some("192.0.2.1".parse().unwrap())));
        assert!(!rates.allow("b", None));
    }
}
