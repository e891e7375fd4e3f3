//! Whom something is counted for: a number, so that each costs the same to remember.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::OnceLock;

/// An address or a user, as a number that nobody outside can foresee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(u64);

impl Key {
    /// All together.
    pub(crate) const EVERYBODY: Self = Self(0);

    /// An address of IPv6 stands for its /64: whoever has one has all of that.
    pub(crate) fn of_address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::of(&(4, u64::from(address.to_bits()))),
            IpAddr::V6(address) => Self::of(&(6, (address.to_bits() >> 64) as u64)),
        }
    }

    pub(super) fn of_user(user: &str) -> Self {
        Self::of(user)
    }

    fn of(what: &(impl std::hash::Hash + ?Sized)) -> Self {
        static SEED: OnceLock<RandomState> = OnceLock::new();
        Self(SEED.get_or_init(RandomState::new).hash_one(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(address: &str) -> Key {
        Key::of_address(address.parse().unwrap())
    }

    #[test]
    fn an_address_stands_for_what_one_owner_has() {
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
        assert_eq!(key("192.0.2.1"), key("::ffff:192.0.2.1"));
    }
}
