//! Where a backend may lead: the rules against requests to the inside (SSRF).
//!
//! | address | named itself, in the URL | `localhost` | another name | `allow_private` |
//! |---|---|---|---|---|
//! | link-local, metadata, multicast, unspecified, reserved | refused | refused | refused | refused |
//! | loopback | yes | yes | refused | yes |
//! | private, unique local, shared | yes | refused | refused | yes |
//! | any other | yes | refused | yes | yes |
//!
//! Each name is looked up when a connection is opened, and the connection goes to the very address
//! that was looked at: a name that changes its mind in between changes nothing.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

/// What a backend's name may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// This machine alone, because it is named `localhost`.
    Loopback,
    /// Private addresses as well, because the configuration says so.
    Private,
    /// Public addresses alone.
    Public,
}

/// A name that leads to no address that it may lead to; here is one of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) IpAddr);

/// Looks names up, and keeps to the rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resolver(pub(crate) Reach);

impl Reach {
    /// Whether a name may lead there.
    pub(super) const fn allows(self, address: IpAddr) -> bool {
        let address = unwrapped(address);
        if is_refused(address) {
            return false;
        }
        match self {
            Self::Loopback => address.is_loopback(),
            Self::Private => true,
            Self::Public => !address.is_loopback() && !is_private(address),
        }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found: Vec<SocketAddr> = lookup_host((name.as_str(), 0)).await?.collect();
            allowed(reach, found)
        })
    }
}

fn allowed(
    reach: Reach,
    found: Vec<SocketAddr>,
) -> Result<Addrs, Box<dyn std::error::Error + Send + Sync>> {
    let Some(first) = found.first().map(SocketAddr::ip) else {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address").into());
    };
    let allowed: Vec<_> = found.into_iter().filter(|at| reach.allows(at.ip())).collect();
    if allowed.is_empty() { Err(Refused(first).into()) } else { Ok(Box::new(allowed.into_iter())) }
}

/// Addresses that no backend has: nothing in a configuration makes them good.
pub(crate) const fn is_refused(address: IpAddr) -> bool {
    match unwrapped(address) {
        IpAddr::V4(address) => {
            let [a, ..] = address.octets();
            address.is_link_local()
                || address.is_multicast()
                || a == 0
                || a >= 240
                // The metadata of clouds that do not lie at link-local addresses.
                || matches!(address.octets(), [100, 100, 100, 200] | [168, 63, 129, 16])
                || matches!(address.octets(), [192, 0, 0, _])
        }
        IpAddr::V6(address) => {
            address.is_unspecified()
                || address.is_multicast()
                || address.is_unicast_link_local()
                || matches!(address.segments(), [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254])
        }
    }
}

const fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [a, b, _, _] = address.octets();
            address.is_private() || (a == 100 && b & 0xC0 == 64) || (a == 198 && b & 0xFE == 18)
        }
        IpAddr::V6(address) => {
            let [first, ..] = address.segments();
            address.is_unique_local()
                || first & 0xFFC0 == 0xFEC0
                // Translated by a network to whatever it likes (RFC 8215).
                || matches!(address.segments(), [0x64, 0xFF9B, 1, ..])
        }
    }
}

/// The IPv4 address that an IPv6 one stands for: mapped, compatible, translated (NAT64) or 6to4.
const fn unwrapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => address,
        [0, 0, 0, 0, 0, 0 | 0xFFFF, high, low] | [0x64, 0xFF9B, 0, 0, 0, 0, high, low] => {
            v4(high, low)
        }
        [0x2002, high, low, ..] => v4(high, low),
        _ => IpAddr::V6(v6),
    }
}

const fn v4(high: u16, low: u16) -> IpAddr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the address {} is refused", self.0)
    }
}

impl std::error::Error for Refused {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv6Addr;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn no_setting_leads_to_metadata_and_other_places_that_are_no_backend() {
        for address in [
            "169.254.169.254",
            "169.254.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.0.192",
            "::",
            "fe80::1",
            "ff02::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
        ] {
            assert!(is_refused(ip(address)), "{address}");
            for reach in [Reach::Loopback, Reach::Private, Reach::Public] {
                assert!(!reach.allows(ip(address)), "{address} {reach:?}");
            }
        }
    }

    #[test]
    fn a_name_leads_inside_only_where_that_is_said() {
        for address in [
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "198.18.0.1",
            "fd12::1",
            "fec0::1",
            "64:ff9b:1::7f00:1",
            "::ffff:10.0.0.1",
            "64:ff9b::c0a8:101",
            "2002:a00:1::",
        ] {
            assert!(!Reach::Public.allows(ip(address)), "{address}");
            assert!(!Reach::Loopback.allows(ip(address)), "{address}");
            assert!(Reach::Private.allows(ip(address)), "{address}");
        }
        for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(!Reach::Public.allows(ip(address)), "{address}");
            assert!(Reach::Loopback.allows(ip(address)), "{address}");
            assert!(Reach::Private.allows(ip(address)), "{address}");
        }
        for address in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111"] {
            assert!(Reach::Public.allows(ip(address)), "{address}");
            assert!(!Reach::Loopback.allows(ip(address)), "{address}");
        }
    }

    #[test]
    fn of_the_addresses_of_a_name_only_the_good_ones_are_used() {
        let at = |addresses: &[&str]| -> Vec<_> {
            addresses.iter().map(|text| SocketAddr::new(ip(text), 0)).collect()
        };
        let used = allowed(Reach::Public, at(&["10.0.0.1", "1.1.1.1", "127.0.0.1"])).unwrap();
        assert_eq!(used.collect::<Vec<_>>(), at(&["1.1.1.1"]));
        let Err(error) = allowed(Reach::Public, at(&["10.0.0.1", "::1"])) else { panic!() };
        assert_eq!(error.downcast_ref(), Some(&Refused(ip("10.0.0.1"))));
        assert!(allowed(Reach::Public, Vec::new()).is_err());
    }

    #[test]
    fn the_local_address_of_version_6_is_not_taken_for_one_of_version_4() {
        assert_eq!(unwrapped(Ipv6Addr::LOCALHOST.into()), IpAddr::V6(Ipv6Addr::LOCALHOST));
        assert_eq!(unwrapped(ip("::ffff:1.2.3.4")), ip("1.2.3.4"));
    }
}
