//! How an open line is given more time: a newer token of the same user, in band.

use std::sync::Arc;
use std::time::SystemTime;

use super::Access;
use super::denied::Denied;
use super::identity::Identity;
use crate::peer::Peer;
use crate::refusal::Refusal;

/// What a conversation keeps to renew the identity of its peer, from
/// [`Request::renewal`](crate::Request::renewal).
#[derive(Clone, Debug)]
pub struct Renewal {
    access: Arc<Access>,
    user: String,
}

impl Renewal {
    pub(crate) fn new(access: &Arc<Access>, user: &str) -> Self {
        Self { access: Arc::clone(access), user: user.to_owned() }
    }

    /// Judges a newer token as the first was judged; the peer's line then ends when that does.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] for a token that would not open the line, and for another user's; the line is
    /// as it was.
    pub fn renew(&self, peer: &Peer, token: &str) -> Result<Identity, Refusal> {
        let identity = self.check(token, SystemTime::now()).map_err(|denied| denied.refusal())?;
        peer.renew(identity.expires);
        self.access.standing.renewed(peer.id(), &identity);
        Ok(identity)
    }

    fn check(&self, token: &str, now: SystemTime) -> Result<Identity, Denied> {
        let identity = self.access.check(token, now)?;
        if identity.user == self.user { Ok(identity) } else { Err(Denied::OtherUser) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Rule, Tokens};
    use crate::by_hand::file;

    #[test]
    fn nobody_becomes_somebody_else() {
        let tokens = file("alice alice-0123456789\nalice alice-9876543210\nbob bob-0123456789ab\n");
        let access = Access::of(Rule::Tokens(Tokens::load(tokens).unwrap()));
        let renewal = Renewal::new(&Arc::new(access), "alice");
        let now = SystemTime::now();
        assert!(renewal.check("alice-9876543210", now).is_ok());
        assert_eq!(renewal.check("bob-0123456789ab", now), Err(Denied::OtherUser));
        assert_eq!(renewal.check("nobody-0123456789", now), Err(Denied::Malformed));
    }
}
