//! What others may know a peer by.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// What others may know a peer by: its user's name where the route asks who comes; otherwise its
/// IP address, or `guest-N` over a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Name {
    /// Where it comes from.
    Address(IpAddr),
    /// The how many-eth it is of those without an address.
    Guest(u32),
    /// Who it is.
    User(Arc<str>),
}

impl Name {
    /// An IPv4 address that came through an IPv6 socket is still written as one.
    pub(crate) fn of(address: Option<IpAddr>) -> Self {
        static GUESTS: AtomicU32 = AtomicU32::new(1);
        match address {
            Some(address) => Self::Address(address.to_canonical()),
            None => Self::Guest(GUESTS.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Guest(number) => write!(f, "guest-{number}"),
            Self::User(user) => f.write_str(user),
        }
    }
}
