//! Whose lines are open, and whose tokens hold no more: what an operator ends.
//!
//! ```text
//! a line of somebody who is known ─▶ list ─▶ Listed: there until it is dropped
//! operator ─▶ revoke: remembered, on disk where there is a store ─▶ its lines end with 4403
//!                └─▶ check: its tokens are refused, at the gate and in band, until it is over
//! ```
//!
//! A revocation lasts as long as it is told, which is to be longer than tokens live. A user's is of the
//! tokens that were made until then, where they say when (`iat`), and of all that do not say.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tieline::CloseCode;
use tieline_store::{Batch, Space, Store, StoreError};
use tokio::sync::oneshot;

use super::denied::Denied;
use super::identity::Identity;
use crate::peer::Remote;
use crate::peer_id::PeerId;

/// The code that ends a line whose token was revoked.
pub(crate) const REVOKED: CloseCode = CloseCode::new(4403);

/// What is said with it.
const REVOKED_REASON: &str = "the token was revoked";

/// Most revocations at a time.
const MAX_REVOKED: usize = 100_000;

/// What the routes of a server share. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Standing(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    /// Whether anything is revoked: mostly not.
    has_revoked: AtomicBool,
    store: OnceLock<Store>,
}

#[derive(Default)]
struct State {
    lines: HashMap<PeerId, Line>,
    revoked: BTreeMap<Whose, Revoked>,
}

/// An open line of somebody who is known.
struct Line {
    user: Box<str>,
    token: Option<Box<str>>,
    end: End,
}

/// How a line is ended.
pub(crate) enum End {
    /// By its worker.
    Peer(Remote),
    /// By the task that streams it.
    Tunnel(Option<oneshot::Sender<CloseCode>>),
}

/// A line is listed until this is dropped.
pub(crate) struct Listed(Standing, PeerId);

/// Whose tokens are revoked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Whose {
    /// The one with this id (`jti`).
    Token(String),
    /// All of this user.
    User(String),
}

/// When, and until when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Revoked {
    pub(crate) at: SystemTime,
    pub(crate) until: SystemTime,
}

/// Nothing was revoked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RevokeError {
    /// As many are as may be.
    #[error("{MAX_REVOKED} are revoked, which is as many as may be")]
    Full,
    /// It holds, and is forgotten with the process.
    #[error("it is revoked until the server stops: it could not be stored")]
    Store(#[from] StoreError),
}

impl Standing {
    /// Goes on with what is in the store, and stores there from now on.
    pub(crate) fn open(&self, store: &Store) -> Result<(), StoreError> {
        let mut state = self.lock();
        for (key, value) in store.scan(Space::Revocations, b"")? {
            let (whose, revoked) = decode(&key, &value)
                .ok_or_else(|| store.corrupt("a revocation cannot be understood"))?;
            state.revoked.insert(whose, revoked);
        }
        self.0.has_revoked.store(!state.revoked.is_empty(), Ordering::Release);
        drop(state);
        assert!(self.0.store.set(store.clone()).is_ok(), "a store is opened once");
        Ok(())
    }

    /// Whether a token still holds.
    pub(super) fn check(&self, identity: &Identity, now: SystemTime) -> Result<(), Denied> {
        if !self.0.has_revoked.load(Ordering::Acquire) {
            return Ok(());
        }
        if self.lock().holds(identity, now) { Ok(()) } else { Err(Denied::Revoked) }
    }

    /// Lists an open line. Where its token was revoked meanwhile, it ends at once.
    pub(crate) fn list(&self, peer: PeerId, identity: &Identity, end: End) -> Listed {
        let (user, token) = (identity.user.as_str().into(), token(identity));
        let mut state = self.lock();
        state.lines.insert(peer, Line { user, token, end });
        if !state.holds(identity, SystemTime::now())
            && let Some(line) = state.lines.get_mut(&peer)
        {
            line.end(REVOKED, REVOKED_REASON);
        }
        drop(state);
        Listed(self.clone(), peer)
    }

    /// A line goes on with a newer token.
    pub(super) fn renewed(&self, peer: PeerId, identity: &Identity) {
        if let Some(line) = self.lock().lines.get_mut(&peer) {
            line.token = token(identity);
        }
    }

    /// Whose line it is, where that is known.
    pub(crate) fn user_of(&self, peer: PeerId) -> Option<String> {
        self.lock().lines.get(&peer).map(|line| line.user.as_ref().to_owned())
    }

    /// Ends the lines of a user; how many there were.
    pub(crate) fn disconnect(&self, user: &str, code: CloseCode, reason: &str) -> usize {
        self.lock().end(|line| &*line.user == user, code, reason)
    }

    /// Refuses tokens from now on, for so long, and ends their lines; how many there were.
    pub(crate) async fn revoke(
        &self,
        whose: Whose,
        now: SystemTime,
        lasts: Duration,
    ) -> Result<usize, RevokeError> {
        let revoked = Revoked { at: now, until: now + lasts };
        let mut batch = Batch::default();
        let lines = {
            let mut state = self.lock();
            state.forget_what_is_over(now, &mut batch);
            if state.revoked.len() >= MAX_REVOKED && !state.revoked.contains_key(&whose) {
                return Err(RevokeError::Full);
            }
            batch.put(Space::Revocations, &whose.key(), &revoked.encode());
            let lines = state.end(|line| whose.is_of(line), REVOKED, REVOKED_REASON);
            state.revoked.insert(whose, revoked);
            self.0.has_revoked.store(true, Ordering::Release);
            lines
        };
        self.write(batch).await?;
        Ok(lines)
    }

    /// Lets tokens hold again; whether they were revoked.
    pub(crate) async fn take_back(&self, whose: &Whose) -> Result<bool, RevokeError> {
        if self.lock().revoked.remove(whose).is_none() {
            return Ok(false);
        }
        let mut batch = Batch::default();
        batch.remove(Space::Revocations, &whose.key());
        self.write(batch).await?;
        Ok(true)
    }

    /// What is revoked, in order, behind one of them.
    pub(crate) fn list_revoked(
        &self,
        after: Option<&Whose>,
        most: usize,
        now: SystemTime,
    ) -> Vec<(Whose, Revoked)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.lock();
        let revoked = state.revoked.range((from, Bound::Unbounded));
        let revoked = revoked.filter(|(_, revoked)| revoked.until > now).take(most);
        revoked.map(|(whose, revoked)| (whose.clone(), *revoked)).collect()
    }

    async fn write(&self, batch: Batch) -> Result<(), StoreError> {
        match self.0.store.get() {
            Some(store) => store.write(batch).await,
            None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn holds(&self, identity: &Identity, now: SystemTime) -> bool {
        let is_revoked = |whose: &Whose| {
            let revoked = self.revoked.get(whose).filter(|revoked| revoked.until > now);
            revoked.is_some_and(|revoked| match whose {
                Whose::Token(_) => true,
                Whose::User(_) => identity.issued.is_none_or(|issued| issued <= revoked.at),
            })
        };
        let token = identity.id.clone().map(Whose::Token);
        self.revoked.is_empty()
            || !(is_revoked(&Whose::User(identity.user.clone()))
                || token.as_ref().is_some_and(is_revoked))
    }

    fn end(&mut self, which: impl Fn(&Line) -> bool, code: CloseCode, reason: &str) -> usize {
        let lines = self.lines.values_mut().filter(|line| which(line));
        lines.map(|line| line.end(code, reason)).count()
    }

    fn forget_what_is_over(&mut self, now: SystemTime, batch: &mut Batch) {
        self.revoked.retain(|whose, revoked| {
            let is_over = revoked.until <= now;
            if is_over {
                batch.remove(Space::Revocations, &whose.key());
            }
            !is_over
        });
    }
}

impl Line {
    fn end(&mut self, code: CloseCode, reason: &str) {
        match &mut self.end {
            End::Peer(remote) => remote.close(code, reason),
            End::Tunnel(end) => {
                if let Some(end) = end.take() {
                    // One that ends by itself does not want to know.
                    let _ = end.send(code);
                }
            }
        }
    }
}

impl Whose {
    fn is_of(&self, line: &Line) -> bool {
        match self {
            Self::Token(id) => line.token.as_deref() == Some(id),
            Self::User(user) => *line.user == **user,
        }
    }

    /// Its key on disk.
    fn key(&self) -> Vec<u8> {
        let (kind, name) = match self {
            Self::Token(id) => (b't', id),
            Self::User(user) => (b'u', user),
        };
        [&[kind], name.as_bytes()].concat()
    }
}

impl Revoked {
    /// Its value on disk: two times in milliseconds since 1970.
    fn encode(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        for (at, time) in [self.at, self.until].into_iter().enumerate() {
            let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
            bytes[8 * at..][..8].copy_from_slice(&(since.as_millis() as u64).to_be_bytes());
        }
        bytes
    }
}

fn decode(key: &[u8], value: &[u8]) -> Option<(Whose, Revoked)> {
    let (kind, name) = key.split_first()?;
    let name = str::from_utf8(name).ok()?.to_owned();
    let whose = match kind {
        b't' => Whose::Token(name),
        b'u' => Whose::User(name),
        _ => return None,
    };
    let (at, until) = value.split_at_checked(8)?;
    let time = |bytes: &[u8]| {
        let since = Duration::from_millis(u64::from_be_bytes(bytes.try_into().ok()?));
        UNIX_EPOCH.checked_add(since)
    };
    Some((whose, Revoked { at: time(at)?, until: time(until)? }))
}

fn token(identity: &Identity) -> Option<Box<str>> {
    identity.id.as_deref().map(Into::into)
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.0.lock().lines.remove(&self.1);
    }
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standing").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn identity(user: &str, id: Option<&str>, issued: Option<SystemTime>) -> Identity {
        Identity { id: id.map(str::to_owned), issued, ..Identity::of(user) }
    }

    #[tokio::test]
    async fn what_was_made_until_then_holds_no_more_until_it_is_over() {
        let (standing, now) = (Standing::default(), SystemTime::now());
        let (old, new) = (Some(now - HOUR), Some(now + Duration::from_secs(1)));
        standing.revoke(Whose::User("alice".into()), now, 2 * HOUR).await.unwrap();
        standing.revoke(Whose::Token("7".into()), now, HOUR).await.unwrap();
        for (whose, holds) in [
            (identity("alice", None, None), false),
            (identity("alice", Some("1"), old), false),
            (identity("alice", Some("2"), new), true),
            (identity("bob", None, None), true),
            (identity("bob", Some("7"), new), false),
        ] {
            let checked = standing.check(&whose, now + Duration::from_secs(5));
            assert_eq!(checked.is_ok(), holds, "{whose:?}");
            assert!(standing.check(&whose, now + 2 * HOUR).is_ok());
        }
        assert!(standing.take_back(&Whose::User("alice".into())).await.unwrap());
        assert!(!standing.take_back(&Whose::User("alice".into())).await.unwrap());
        assert!(standing.check(&identity("alice", None, None), now).is_ok());
    }

    #[tokio::test]
    async fn a_tunnel_ends_with_its_token_and_with_what_was_revoked_before_it_was_there() {
        let (standing, now) = (Standing::default(), SystemTime::now());
        let bob = identity("bob", Some("7"), None);
        let (end, ends) = oneshot::channel();
        let listed = standing.list(PeerId::next(), &bob, End::Tunnel(Some(end)));
        assert_eq!(standing.revoke(Whose::Token("8".into()), now, HOUR).await.unwrap(), 0);
        assert_eq!(standing.revoke(Whose::Token("7".into()), now, HOUR).await.unwrap(), 1);
        assert_eq!(ends.await.unwrap(), REVOKED);
        drop(listed);
        assert_eq!(standing.disconnect("bob", CloseCode::RESTART, ""), 0);
        let (end, ends) = oneshot::channel();
        let _listed = standing.list(PeerId::next(), &bob, End::Tunnel(Some(end)));
        assert_eq!(ends.await.unwrap(), REVOKED);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let at = UNIX_EPOCH + Duration::from_millis(1_800_000_000_123);
        for whose in [Whose::Token(String::new()), Whose::User("ä".into())] {
            let revoked = Revoked { at, until: at + HOUR };
            let (read, times) = decode(&whose.key(), &revoked.encode()).unwrap();
            assert_eq!((read, times.at, times.until), (whose, at, at + HOUR));
        }
        for (key, value) in [(&b""[..], &[0; 16][..]), (b"x", &[0; 16]), (b"u", &[0; 15])] {
            assert!(decode(key, value).is_none());
        }
    }
}
