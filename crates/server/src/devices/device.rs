//! One device: its line, its registration, and what waits for it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use bytestring::ByteString;
use tokio::time::{Duration, Instant};

use super::inbox::{Inbox, Kept, Waiting};
use super::{DeviceInfo, Notified, Rules, Said};
use crate::peer::Remote;
use crate::peer_id::PeerId;

/// Messages that may be sent and unanswered at a time, where answers count.
const MAX_UNANSWERED: usize = 64;

/// Keys of messages that are known, and how long.
const MAX_KEYS: usize = 64;
const KEYS_KNOWN_FOR: Duration = Duration::from_secs(10 * 60);

#[derive(Debug)]
pub(super) struct Device {
    pub(super) rules: Arc<Rules>,
    pub(super) line: Option<Line>,
    /// As what it has registered; unless `is_changing`, the store knows it so, too.
    pub(super) registration: Option<Registration>,
    /// Whether its registration is being written, or removed: one change comes after the other.
    pub(super) is_changing: bool,
    pub(super) user: Option<String>,
    pub(super) inbox: Inbox,
    /// Made when it is first asked for.
    pub(super) turn: Option<Arc<tokio::sync::Mutex<()>>>,
    /// Since when it has been away.
    away: Instant,
    /// What was sent under keys lately, the oldest first.
    keys: VecDeque<(u128, Instant, Notified)>,
}

/// As what a device has registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Registration {
    pub(super) route: Arc<str>,
    pub(super) user: Option<String>,
}

/// The line that a device has.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) remote: Remote,
    /// Whether it has registered on this line.
    pub(super) is_ready: bool,
    since: SystemTime,
}

/// What became of a message at once.
pub(super) enum Sent {
    Now,
    Refused(Notified),
    /// It is in the inbox, the last of all.
    Waits,
}

impl Line {
    pub(super) fn new(remote: Remote) -> Self {
        Self { remote, is_ready: false, since: SystemTime::now() }
    }
}

impl Device {
    pub(super) fn new(rules: &Arc<Rules>) -> Self {
        Self {
            rules: Arc::clone(rules),
            line: None,
            registration: None,
            is_changing: false,
            user: None,
            inbox: Inbox::default(),
            turn: None,
            away: Instant::now(),
            keys: VecDeque::new(),
        }
    }

    /// Sends a message, or puts it into the inbox.
    pub(super) fn take(&mut self, said: &Said<'_>, key: Option<u128>, now_ms: u64) -> Sent {
        if self.registration.is_none() && !self.is_ready() {
            return Sent::Refused(Notified::Unknown);
        }
        if self.line.as_ref().is_some_and(|line| line.remote.is_full()) {
            return Sent::Refused(Notified::Full);
        }
        if !self.keeps() {
            return match &self.line {
                Some(line) => {
                    line.remote.send((self.rules.dialect.say)(*said));
                    Sent::Now
                }
                None => Sent::Refused(Notified::Full),
            };
        }
        let Said { number, text, .. } = *said;
        let Rules { ref route, max_messages, max_bytes, time_to_live, .. } = *self.rules;
        if !self.inbox.has_room(text.len(), max_messages, max_bytes) {
            return Sent::Refused(Notified::Full);
        }
        let expires_ms = now_ms.saturating_add(time_to_live.as_millis() as u64);
        let (route, text) = (Arc::clone(route), ByteString::from(text));
        self.inbox.push(Waiting { number, route, text, expires_ms, key, kept: Kept::InMemory });
        Sent::Waits
    }

    /// Sends what may be sent of what waits, and answers what is not kept any more.
    pub(super) fn send_waiting(&mut self, id: &str, now_ms: u64) -> Vec<Waiting> {
        let mut taken = self.inbox.expire(now_ms);
        let Some(line) = self.line.as_ref().filter(|line| line.is_ready) else { return taken };
        let say = |waiting: &Waiting| {
            let Waiting { number, text, .. } = waiting;
            (self.rules.dialect.say)(Said { device: id, number: *number, text })
        };
        if self.rules.until_acknowledged {
            while let Some(waiting) = self.inbox.send_next(MAX_UNANSWERED) {
                line.remote.send(say(waiting));
            }
        } else {
            while let Some(waiting) = self.inbox.take() {
                line.remote.send(say(&waiting));
                taken.push(waiting);
            }
        }
        taken
    }

    /// Whether a message goes through the inbox: there is nobody to send it to now, or it stays
    /// until it is answered.
    pub(super) fn keeps(&self) -> bool {
        self.rules.until_acknowledged || !self.is_ready()
    }

    /// As what it would register now.
    pub(super) fn as_it_is(&self) -> Registration {
        Registration { route: Arc::clone(&self.rules.route), user: self.user.clone() }
    }

    /// What became of a message under this key, if there was one lately.
    pub(super) fn earlier(&mut self, key: u128) -> Option<Notified> {
        while self.keys.front().is_some_and(|(_, since, _)| since.elapsed() > KEYS_KNOWN_FOR) {
            self.keys.pop_front();
        }
        let known = self.keys.iter().find(|(known, ..)| *known == key);
        let waits = || self.inbox.has_key(key).then_some(Notified::Stored);
        known.map(|(_, _, notified)| *notified).or_else(waits)
    }

    /// Remembers what became of the message under this key.
    pub(super) fn remember(&mut self, key: u128, notified: Notified) {
        if self.keys.len() >= MAX_KEYS {
            self.keys.pop_front();
        }
        self.keys.push_back((key, Instant::now(), notified));
    }

    /// The store has the message of this number; what became of it.
    pub(super) fn written(&mut self, number: u64) -> Notified {
        if let Some(waiting) = self.inbox.find(number) {
            waiting.kept = Kept::OnDisk;
        }
        if self.inbox.is_sent(number) { Notified::Delivered } else { Notified::Stored }
    }

    /// The store cannot have it: unless it was sent it never was, and may be sent again.
    pub(super) fn withdraw(&mut self, number: u64) -> Notified {
        let Some(waiting) = self.inbox.withdraw(number) else { return Notified::Delivered };
        self.keys.retain(|(key, ..)| Some(*key) != waiting.key);
        Notified::Full
    }

    /// The line has ended.
    pub(super) fn leave(&mut self) {
        self.line = None;
        self.inbox.rewind();
        self.away = Instant::now();
    }

    /// Takes back the registration; answers what waited.
    pub(super) fn forget(&mut self) -> Vec<Waiting> {
        self.registration = None;
        self.keys.clear();
        if let Some(line) = &mut self.line {
            line.is_ready = false;
        }
        std::iter::from_fn(|| self.inbox.take()).collect()
    }

    /// Whether a line of this user's, at the route that has these rules, may be its line.
    pub(super) fn may_be_of(&self, user: Option<&str>, rules: &Rules) -> bool {
        match (self.user.as_deref(), user) {
            (None, _) => true,
            (Some(own), Some(user)) => own == user,
            // Its route has ceased to ask who comes; another that never asked says nothing, and who comes
            // as nobody where somebody is asked for is not the user.
            (Some(_), None) => !rules.asks_who && self.rules.route == rules.route,
        }
    }

    /// Whether this is its line.
    pub(super) fn is_on(&self, line: PeerId) -> bool {
        self.line.as_ref().is_some_and(|own| own.remote.id() == line)
    }

    /// Whether it has been away so long that its registration is void.
    pub(super) fn is_forgotten(&self) -> bool {
        self.registration.is_some()
            && !self.is_changing
            && self.line.is_none()
            && self.away.elapsed() > self.rules.forget_after
    }

    /// Whether nothing is left to know of it.
    pub(super) fn is_over(&self) -> bool {
        let has_turn = self.turn.as_ref().is_some_and(|turn| Arc::strong_count(turn) > 1);
        self.line.is_none()
            && self.registration.is_none()
            && !self.is_changing
            && self.inbox.len() == 0
            && !has_turn
    }

    pub(super) fn info(&self, id: &str) -> DeviceInfo {
        DeviceInfo {
            id: id.to_owned(),
            route: self.rules.route.to_string(),
            is_online: self.line.is_some(),
            is_registered: self.registration.is_some(),
            user: self.user.clone(),
            since: self.line.as_ref().map(|line| line.since),
            waiting_messages: self.inbox.len(),
            waiting_bytes: self.inbox.bytes(),
        }
    }

    fn is_ready(&self) -> bool {
        self.line.as_ref().is_some_and(|line| line.is_ready)
    }
}
