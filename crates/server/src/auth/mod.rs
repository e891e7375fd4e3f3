//! Access to a route: whose request it is, and whether that one may.
//!
//! ```text
//! request ─▶ Sources::find ─▶ token ─▶ Tokens │ Jwt ─▶ Identity ─▶ rights ─▶ Request::identity
//!              header, subprotocol,        └ Keys: files, or an address (jwks)
//!              cookie, query
//! ```
//!
//! There is one gate, `gate.rs`, for upgrades and for ordinary requests alike; whoever does
//! not pass is told so by a [`Denied`], which knows its HTTP status. A token is never logged, never
//! kept, and never in anything's `Debug`.

mod denied;
mod error;
mod expiries;
mod identity;
mod jwks;
mod jwt;
mod key;
mod keys;
mod renewal;
mod secret;
mod sources;
mod standing;
mod tickets;
mod tokens;

use std::sync::Arc;
use std::time::SystemTime;

pub(crate) use denied::Denied;
pub use error::AccessError;
pub(crate) use expiries::Expiries;
pub use identity::Identity;
pub(crate) use jwks::Jwks;
pub(crate) use jwt::{Claims, Jwt, MAX_ID_BYTES};
pub use key::Algorithm;
pub(crate) use keys::{KeyFiles, Keys};
pub use renewal::Renewal;
pub(crate) use secret::Secret;
pub(crate) use sources::{Presented, Sources, bearer, of_cookies, redact_protocols};
pub(crate) use standing::{End, Listed, RevokeError, Revoked, Standing, Whose};
pub(crate) use tickets::{TICKET_PATH, Ticketed, Tickets, cookie_name};
pub(crate) use tokens::Tokens;

use crate::refusal::Refusal;

/// Longest token, in bytes.
const MAX_TOKEN_BYTES: usize = 8 << 10;

/// What a route asks of who comes, read and found good.
#[derive(Debug)]
pub struct Access {
    pub(crate) rule: Rule,
    /// Where a token may be.
    pub(crate) sources: Sources,
    /// What whoever comes must have the right to; all of it.
    pub(crate) rights: Vec<String>,
    /// Whether who has no token comes in as well.
    pub(crate) anonymous: bool,
    /// Whose tokens hold no more.
    pub(crate) standing: Standing,
}

/// How a token is judged.
#[derive(Debug)]
pub(crate) enum Rule {
    Jwt(Box<Jwt>),
    Ticket(Ticketed),
    Tokens(Tokens),
}

impl Access {
    /// Whoever this rule lets in, with a token in the usual places.
    #[cfg(test)]
    pub(crate) fn of(rule: Rule) -> Self {
        let (sources, standing) = (Sources::default(), Standing::default());
        Self { rule, sources, rights: Vec::new(), anonymous: false, standing }
    }

    /// Whose request it is; `None` for nobody's, where that is let in.
    pub(crate) fn judge(
        &self,
        presented: &Presented<'_>,
        now: SystemTime,
    ) -> Result<Option<Identity>, Denied> {
        let token = match &self.rule {
            Rule::Ticket(_) => Ticketed::find(presented).ok_or(Denied::NoPass)?,
            Rule::Jwt(_) | Rule::Tokens(_) => match self.sources.find(presented)? {
                None if self.anonymous => return Ok(None),
                token => token.ok_or(Denied::Missing)?,
            },
        };
        self.check(&token, now).map(Some)
    }

    /// Whose token it is, if that one may.
    ///
    /// # Errors
    ///
    /// [`Denied`] says what is wrong with it.
    pub(crate) fn check(&self, token: &str, now: SystemTime) -> Result<Identity, Denied> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Denied::Malformed);
        }
        let identity = match &self.rule {
            Rule::Jwt(jwt) => jwt.check(token, now)?,
            Rule::Ticket(ticketed) => ticketed.check(token, now)?,
            Rule::Tokens(tokens) => tokens.check(token)?,
        };
        self.standing.check(&identity, now)?;
        if !self.is_enough(&identity) {
            return Err(Denied::Rights { needed: self.rights.join(" ") });
        }
        Ok(identity)
    }

    /// Whether somebody has all the rights that are wanted here.
    pub(crate) fn is_enough(&self, identity: &Identity) -> bool {
        self.rights.iter().all(|right| identity.rights.contains(right))
    }

    /// The same for people who want to know beforehand: who it would be, or what it would be
    /// answered.
    ///
    /// # Errors
    ///
    /// What the request would be refused with.
    pub fn try_token(&self, token: &str) -> Result<Identity, Refusal> {
        self.check(token, SystemTime::now()).map_err(|denied| denied.refusal())
    }

    /// Has the keys from an address fetched, where they come from there.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the keys as they were.
    pub async fn fetch_keys(&self) {
        if let Some(jwks) = self.jwks() {
            jwks.refresh().await;
        }
    }

    /// The keys to ask for again, where a token named one that is not known and it is time to ask.
    pub(crate) fn to_refresh(&self, denied: &Denied) -> Option<&Arc<Jwks>> {
        match (denied, self.jwks()) {
            (Denied::UnknownKey | Denied::NoKeys, Some(jwks)) if jwks.may_refresh() => Some(jwks),
            _ => None,
        }
    }

    /// The keys that come from an address.
    pub(crate) fn jwks(&self) -> Option<&Arc<Jwks>> {
        match &self.rule {
            Rule::Jwt(jwt) => jwt.keys.fetched(),
            Rule::Ticket(_) | Rule::Tokens(_) => None,
        }
    }

    /// The ticket that lets in here, where one does.
    pub(crate) const fn ticketed(&self) -> Option<&Ticketed> {
        match &self.rule {
            Rule::Ticket(ticketed) => Some(ticketed),
            Rule::Jwt(_) | Rule::Tokens(_) => None,
        }
    }

    /// Reads its files again; where they are bad, the old ones stay.
    ///
    /// # Errors
    ///
    /// [`AccessError`] names the file.
    pub(crate) fn reload(&self) -> Result<(), AccessError> {
        match &self.rule {
            Rule::Jwt(jwt) => jwt.keys.reload(),
            Rule::Ticket(_) => Ok(()),
            Rule::Tokens(tokens) => tokens.reload(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::by_hand::file;

    #[test]
    fn a_token_that_is_too_long_is_none_wherever_it_comes_from() {
        let (longest, longer) = ("x".repeat(MAX_TOKEN_BYTES), "x".repeat(MAX_TOKEN_BYTES + 1));
        let tokens = Tokens::load(file(&format!("{longest}\n{longer}\n"))).unwrap();
        let access = Access::of(Rule::Tokens(tokens));
        assert!(access.try_token(&longest).is_ok());
        assert_eq!(access.check(&longer, SystemTime::now()), Err(Denied::Malformed));
    }
}
