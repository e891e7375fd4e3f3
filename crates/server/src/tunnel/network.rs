//! Addresses that an operator names together.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// An address, a network such as `10.0.0.0/8`, or everybody who comes by a Unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    Ip {
        address: IpAddr,
        /// How many of its first bits count.
        bits: u8,
    },
    Unix,
}

impl Network {
    /// Whether a peer is in it; `None` came by a Unix socket.
    pub(crate) fn holds(&self, from: Option<SocketAddr>) -> bool {
        match (self, from) {
            (Self::Unix, None) => true,
            (Self::Ip { address, bits }, Some(from)) => {
                is_within(*address, *bits, from.ip().to_canonical())
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text == "unix" {
            return Ok(Self::Unix);
        }
        let (address, bits) = match text.split_once('/') {
            None => (text, None),
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| ())?)),
        };
        let address: IpAddr = address.parse().map_err(|_| ())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        match bits.unwrap_or(most) {
            bits if bits <= most => Ok(Self::Ip { address, bits }),
            _ => Err(()),
        }
    }
}

fn is_within(network: IpAddr, bits: u8, address: IpAddr) -> bool {
    let (network, address, all) = match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            (u128::from(network.to_bits()), u128::from(address.to_bits()), 32)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => (network.to_bits(), address.to_bits(), 128),
        _ => return false,
    };
    let ignored = all - u32::from(bits);
    network.checked_shr(ignored).unwrap_or(0) == address.checked_shr(ignored).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(network: &str, address: &str) -> bool {
        let address = SocketAddr::new(address.parse().unwrap(), 1);
        network.parse::<Network>().unwrap().holds(Some(address))
    }

    #[test]
    fn a_network_holds_what_begins_as_it_does() {
        assert!(holds("10.0.0.0/8", "10.255.0.1"));
        assert!(!holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("192.0.2.7", "192.0.2.7") && !holds("192.0.2.7", "192.0.2.6"));
        assert!(holds("0.0.0.0/0", "203.0.113.1") && !holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("2001:db8::/32", "2001:db8:1::1") && !holds("2001:db8::/32", "2001:db9::1"));
        assert!(holds("::/0", "2001:db8::1"));
        assert!(holds("127.0.0.0/8", "::ffff:127.0.0.1"), "IPv4 in IPv6's clothes");
    }

    #[test]
    fn who_comes_by_a_unix_socket_is_named_apart() {
        assert!(Network::Unix.holds(None));
        assert!(!"0.0.0.0/0".parse::<Network>().unwrap().holds(None));
        assert!(!Network::Unix.holds(Some(([127, 0, 0, 1], 1).into())));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0", "::/129", "localhost", "10.0.0.0/-1"]
        {
            assert_eq!(text.parse::<Network>(), Err(()), "{text}");
        }
    }
}
