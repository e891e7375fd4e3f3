//! How often, how many, and how much: what one address, one user and one line may cost.
//!
//! | what                                | counted                                | beyond             |
//! |-------------------------------------|----------------------------------------|--------------------|
//! | connects of an address or a user    | by [`Keyed`], shared by all workers    | 429, `Retry-After` |
//! | open lines of an address or a user  | by [`Lines`], shared by all workers    | 429, `Retry-After` |
//! | messages and bytes of a line        | by [`Flow`], in the line's own state   | a pause, or 1008   |
//! | the same of an address or a user    | by [`Together`], shared by their lines | a pause, or 1008   |
//!
//! Where nothing is limited, nothing is counted.

mod excess;
mod flow;
mod gcra;
mod key;
mod keyed;
mod lines;
mod shared;

use std::net::IpAddr;
use std::sync::Arc;

pub(crate) use excess::Exceeded;
pub(crate) use flow::{Flow, Verdict};
pub(crate) use key::Key;
pub(crate) use keyed::Keyed;
pub(crate) use lines::Held;
use lines::Lines;
use shared::{Together, Unit};

use crate::config;

/// The limits of a route or a listener, and what they have counted.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    connects_per_address: Option<Keyed>,
    connects_per_user: Option<Keyed>,
    lines_per_address: Option<Arc<Lines>>,
    lines_per_user: Option<Arc<Lines>>,
    messages: Option<config::Rate>,
    bytes: Option<config::Rate>,
    said_per_address: Vec<Arc<Together>>,
    said_per_user: Vec<Arc<Together>>,
    excess: config::Excess,
}

impl Limiter {
    pub(crate) fn of_route(limits: &config::Limits) -> Self {
        let config::Limits { connects_per_address, connects_per_user, .. } = limits;
        Self {
            connects_per_address: connects_per_address.map(Keyed::new),
            connects_per_user: connects_per_user.map(Keyed::new),
            lines_per_address: limits.lines_per_address.map(Lines::new),
            lines_per_user: limits.lines_per_user.map(Lines::new),
            messages: limits.messages,
            bytes: limits.bytes,
            said_per_address: together([
                ("messages_per_address", Unit::Messages, limits.messages_per_address),
                ("bytes_per_address", Unit::Bytes, limits.bytes_per_address),
            ]),
            said_per_user: together([
                ("messages_per_user", Unit::Messages, limits.messages_per_user),
                ("bytes_per_user", Unit::Bytes, limits.bytes_per_user),
            ]),
            excess: limits.excess,
        }
    }

    pub(crate) fn of_listener(limits: &config::HandshakeLimits) -> Self {
        Self {
            connects_per_address: limits.connects_per_address.map(Keyed::new),
            lines_per_address: limits.lines_per_address.map(Lines::new),
            ..Self::default()
        }
    }

    /// Counts a connect of an address; before anything else is done for it.
    pub(crate) fn connect_from(&self, address: Option<IpAddr>) -> Result<(), Exceeded> {
        match (&self.connects_per_address, address) {
            (Some(keyed), Some(address)) => {
                keyed.take(Key::of_address(address), "connects_per_address")
            }
            _ => Ok(()),
        }
    }

    /// Counts a connect of a user.
    pub(crate) fn connect_of(&self, user: Option<&str>) -> Result<(), Exceeded> {
        match (&self.connects_per_user, user) {
            (Some(keyed), Some(user)) => keyed.take(Key::of_user(user), "connects_per_user"),
            _ => Ok(()),
        }
    }

    /// Counts a line, until what is added to `held` is dropped.
    pub(crate) fn hold(
        &self,
        address: Option<IpAddr>,
        user: Option<&str>,
        held: &mut Held,
    ) -> Result<(), Exceeded> {
        if let (Some(lines), Some(address)) = (&self.lines_per_address, address) {
            held.add(lines, Key::of_address(address), "lines_per_address")?;
        }
        if let (Some(lines), Some(user)) = (&self.lines_per_user, user) {
            held.add(lines, Key::of_user(user), "lines_per_user")?;
        }
        Ok(())
    }

    /// What a new line may say; `None` where that is not limited.
    pub(crate) fn flow(&self, address: Option<IpAddr>, user: Option<&str>) -> Option<Flow> {
        let of_address = address.into_iter().flat_map(|address| {
            let key = Key::of_address(address);
            self.said_per_address.iter().map(move |together| together.share(key))
        });
        let of_user = user.into_iter().flat_map(|user| {
            let key = Key::of_user(user);
            self.said_per_user.iter().map(move |together| together.share(key))
        });
        let shares = of_address.chain(of_user).collect();
        Flow::new(self.messages, self.bytes, shares, self.excess)
    }
}

fn together(rates: [(&'static str, Unit, Option<config::Rate>); 2]) -> Vec<Arc<Together>> {
    let set = rates.into_iter().filter_map(|(setting, unit, rate)| Some((setting, unit, rate?)));
    set.map(|(setting, unit, rate)| Together::new(setting, unit, rate)).collect()
}
