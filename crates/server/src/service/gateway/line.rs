//! One line: whose it is, what it may still do, and how long it may last.
//!
//! ```text
//!           RG           bound, RO          REGISTER 200
//! New ─────────▶ Binding ─────────▶ Bound ───────────────▶ Bound, ready
//!  └─ NOTIFY ─▶ Backend
//! ```
//!
//! | the line ends with | when                                                              |
//! |--------------------|-------------------------------------------------------------------|
//! | 1000               | the device has a newer one                                        |
//! | 1001               | the server stops, after `CR`, each in its turn                    |
//! | 1003               | a binary message                                                  |
//! | 1008               | no RG in time, no REGISTER in time, no heartbeat, or a flood      |
//! | 1012               | after `CR`, where the device did not leave                        |
//! | 1013               | after `OS`, where the device did not leave                        |

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use tieline::CloseCode;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep_until};

use super::Shared;
use super::bucket::Bucket;
use super::job::Job;
use super::word::Word;
use crate::auth::{Renewal, bearer};
use crate::devices::is_id;
use crate::events::SessionId;
use crate::peer::Peer;
use crate::random;
use crate::request::Request;
use crate::service::Refusal;
use crate::service::misunderstood::Misunderstood;

/// Texts beyond the rate after which the line is ended at once, as many times what may come at once.
const FLOOD: u32 = 10;

/// A few devices need no long time to leave one after the other: so long for each of a worker's.
const LEAVE_EACH: Duration = Duration::from_millis(1);

/// A line that the gateway has with a device or a backend.
pub(super) struct Line {
    pub(super) shared: Arc<Shared>,
    pub(super) peer: Peer,
    pub(super) address: Option<IpAddr>,
    /// Whose it is, where the route asks.
    pub(super) user: Option<String>,
    /// Where that ends.
    renewal: Option<Renewal>,
    /// What the device knows the line by.
    pub(super) credential: String,
    pub(super) state: RefCell<State>,
}

pub(super) struct State {
    pub(super) phase: Phase,
    /// Since when it has been in that phase.
    pub(super) since: Instant,
    /// When something was last heard.
    heard: Instant,
    /// When its life is over.
    ends: Option<Instant>,
    /// When it is ended by force, and how, once it was told to leave.
    farewell: Option<(Instant, CloseCode)>,
    texts: Bucket,
    beats: Bucket,
    /// Texts beyond the rate.
    excess: u32,
    /// What is done one after the other, and whether somebody does it.
    pub(super) queue: VecDeque<Job>,
    pub(super) is_working: bool,
    /// How many of `queue` are calls.
    pub(super) waiting: usize,
    /// Calls without order that run.
    pub(super) running: usize,
    /// Notifications that are not answered yet.
    pub(super) notifying: usize,
    is_paused: bool,
    /// Calls so far: each has a number.
    calls: u64,
    /// What backends were told of.
    pub(super) session: Option<SessionId>,
    pub(super) misunderstood: Misunderstood,
}

/// How far a line has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// A backend's, which notifies.
    Backend,
    /// A device has said that it is its line.
    Binding(Rc<str>),
    /// It is a device's line.
    Bound { device: Rc<str>, is_ready: bool },
    /// It has ended; of the device that it was bound to.
    Closed(Option<Rc<str>>),
    /// Nobody's yet.
    New,
}

/// Whether a text may be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    Normally,
    /// Too much was said.
    NotNow,
}

impl Line {
    pub(super) fn new(shared: &Arc<Shared>, peer: &Peer, request: &Request) -> Rc<Self> {
        let now = Instant::now();
        let limits = &shared.plan.limits;
        let life = shared.plan.line_life.get();
        let ends = request.identity().is_some_and(|identity| identity.expires.is_some());
        let state = State {
            phase: Phase::New,
            since: now,
            heard: now,
            ends: (!life.is_zero()).then(|| now + shortened(life)),
            farewell: None,
            texts: Bucket::new(limits.texts_per_second, now),
            beats: Bucket::new(limits.beats_per_second, now),
            excess: 0,
            queue: VecDeque::new(),
            is_working: false,
            waiting: 0,
            running: 0,
            notifying: 0,
            is_paused: false,
            calls: 0,
            session: None,
            misunderstood: Misunderstood::new("gateway"),
        };
        Rc::new(Self {
            shared: Arc::clone(shared),
            peer: peer.clone(),
            address: request.address().map(|address| address.ip()),
            user: request.identity().map(|identity| identity.user.clone()),
            renewal: request.renewal().filter(|_| ends),
            credential: credential(),
            state: RefCell::new(state),
        })
    }

    /// A device says that this is its line.
    pub(super) fn bind(self: &Rc<Self>, id: &str) {
        if !is_id(id) {
            return self.say(Word::BindFailed("InvalidDeviceId"));
        }
        let phase = self.state.borrow().phase.clone();
        match phase {
            Phase::New => {
                let device: Rc<str> = id.into();
                self.enter(Phase::Binding(Rc::clone(&device)));
                self.state.borrow_mut().queue.push_front(Job::Bind(device));
                self.work();
            }
            // It is told when it is; or it asks whether it was.
            Phase::Binding(device) if *device == *id => {}
            Phase::Bound { device, .. } if *device == *id => self.say_bound(),
            _ => self.say(Word::BindFailed("AlreadyBound")),
        }
    }

    /// Renews the identity that the line has, where that ends and a call brings a newer token.
    pub(super) fn renew(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(renewal) = &self.renewal else { return Ok(()) };
        if let Some(token) = bearer(headers).map_err(|denied| denied.refusal())? {
            renewal.renew(&self.peer, &token)?;
        }
        Ok(())
    }

    /// The device lives. It is told at once that this was heard, so many times in a second.
    pub(super) fn beat(&self) {
        let is_answered = {
            let mut state = self.state.borrow_mut();
            matches!(state.phase, Phase::Bound { .. }) && state.beats.take(Instant::now())
        };
        if is_answered {
            self.say(Word::BeatHeard(&self.credential));
        }
    }

    /// The device has answered a message.
    pub(super) fn noted(&self) {
        if let Phase::Bound { device, .. } = &self.state.borrow().phase {
            self.shared.devices.acknowledged(device, self.peer.id());
        }
    }

    /// Something was heard.
    pub(super) fn hear(&self) {
        self.state.borrow_mut().heard = Instant::now();
    }

    /// Counts a text against the line's rate; beyond it the device is told `OS`, once.
    pub(super) fn allow(&self) -> Allowed {
        let mut state = self.state.borrow_mut();
        // What a backend says is bounded by what of it is not answered yet.
        if state.phase == Phase::Backend || state.texts.take(Instant::now()) {
            return Allowed::Normally;
        }
        state.excess += 1;
        let is_flood = state.excess > FLOOD * 2 * self.shared.plan.limits.texts_per_second;
        drop(state);
        if is_flood {
            self.end(CloseCode::POLICY, "far more texts than texts_per_second");
        } else {
            self.send_off(Word::Overloaded, CloseCode::TRY_AGAIN);
        }
        Allowed::NotNow
    }

    /// Tells the device to leave, once; it is ended by force later.
    pub(super) fn send_off(&self, word: Word<'_>, code: CloseCode) {
        let until = Instant::now() + self.shared.plan.leave_within.get();
        let is_told = self.state.borrow().farewell.is_some();
        if !is_told {
            self.state.borrow_mut().farewell = Some((until, code));
            self.say(word);
        }
    }

    /// Ends the line. What comes for the device from here on waits for its next.
    fn end(&self, code: CloseCode, reason: &str) {
        if let Phase::Bound { device, .. } = &self.state.borrow().phase {
            self.shared.devices.left(device, self.peer.id());
        }
        self.peer.close(code, reason);
    }

    /// Whether it stays until its turn to leave when the server stops: where it is a device's.
    pub(super) fn lingers(&self) -> bool {
        self.is_of_device() && !self.shared.plan.leave_over.get().is_zero()
    }

    /// The server stops: a device is told to leave when it is its turn among so many, that not all
    /// return in one moment.
    pub(super) fn leave_in_turn(self: &Rc<Self>, among: usize) {
        if !self.is_of_device() {
            return;
        }
        if !self.lingers() {
            return self.say(Word::Expired);
        }
        let few = LEAVE_EACH * u32::try_from(among).unwrap_or(u32::MAX);
        let turn = Instant::now() + self.shared.plan.leave_over.get().min(few).mul_f64(share());
        let line = Rc::clone(self);
        spawn_local(async move {
            sleep_until(turn).await;
            line.send_off(Word::Expired, CloseCode::GOING_AWAY);
            line.end(CloseCode::GOING_AWAY, "the server stops");
        });
    }

    /// It is bound.
    pub(super) fn say_bound(&self) {
        let keep_alive = self.shared.plan.keep_alive.get();
        self.say(Word::Bound { credential: &self.credential, keep_alive });
    }

    pub(super) fn say(&self, word: Word<'_>) {
        self.peer.send(word.to_string().as_str());
    }

    /// Goes into another phase, where the line has not ended.
    pub(super) fn enter(&self, phase: Phase) {
        let mut state = self.state.borrow_mut();
        if !matches!(state.phase, Phase::Closed(_)) {
            (state.phase, state.since) = (phase, Instant::now());
        }
    }

    /// Whether a device has said that it is its line.
    pub(super) fn is_of_device(&self) -> bool {
        matches!(self.state.borrow().phase, Phase::Binding(_) | Phase::Bound { .. })
    }

    /// The device it is bound to, or was when it ended.
    pub(super) fn device(&self) -> Option<Rc<str>> {
        match &self.state.borrow().phase {
            Phase::Bound { device, .. } => Some(Rc::clone(device)),
            Phase::Closed(device) => device.clone(),
            _ => None,
        }
    }

    /// Another call's id: no two are the same, whichever their lines.
    pub(super) fn next_id(&self) -> String {
        let mut state = self.state.borrow_mut();
        state.calls += 1;
        format!("{}.{}", self.credential, state.calls)
    }

    /// Reads from the peer, or not, by how much of what it said is not done.
    pub(super) fn pause_or_resume(&self) {
        let limits = &self.shared.plan.limits;
        let mut state = self.state.borrow_mut();
        let is_full =
            state.waiting >= limits.max_waiting || state.notifying >= limits.max_notifying;
        let has_room =
            state.waiting <= limits.max_waiting / 2 && state.notifying <= limits.max_notifying / 2;
        if is_full && !state.is_paused {
            state.is_paused = true;
            self.peer.pause();
        } else if has_room && state.is_paused {
            state.is_paused = false;
            // What it said meanwhile was not read.
            state.heard = Instant::now();
            self.peer.resume();
        }
    }

    /// Looks at the clock. `may_expire` is whether lines may be told to leave now; whether this one
    /// was.
    pub(super) fn tick(&self, now: Instant, may_expire: bool) -> bool {
        let plan = &self.shared.plan;
        let state = self.state.borrow();
        let (since, heard) = (now - state.since, now - state.heard);
        let silence = 3 * plan.keep_alive.get();
        let end = match &state.phase {
            _ if state.farewell.is_some_and(|(until, _)| now >= until) => {
                let code = state.farewell.map_or(CloseCode::RESTART, |(_, code)| code);
                Some((code, "told to leave, and did not"))
            }
            Phase::New if since > plan.bind_within.get() => {
                Some((CloseCode::POLICY, "no RG in time (setting bind_within)"))
            }
            Phase::Bound { is_ready: false, .. }
                if !plan.register_within.get().is_zero() && since > plan.register_within.get() =>
            {
                Some((CloseCode::POLICY, "no REGISTER in time (setting register_within)"))
            }
            Phase::Bound { .. } if heard > silence && !state.is_paused => {
                Some((CloseCode::POLICY, "no heartbeat for three times keep_alive"))
            }
            _ => None,
        };
        let expires = may_expire
            && end.is_none()
            && state.farewell.is_none()
            && matches!(state.phase, Phase::Bound { .. })
            && state.ends.is_some_and(|ends| now >= ends);
        drop(state);
        if let Some((code, reason)) = end {
            self.end(code, reason);
        }
        if expires {
            self.send_off(Word::Expired, CloseCode::RESTART);
        }
        expires
    }
}

/// An id of digits, as that of the documents, not to be guessed.
fn credential() -> String {
    // Whoever reads it as a number reads it right.
    below_2_53().to_string()
}

/// A duration, or up to a tenth less.
fn shortened(duration: Duration) -> Duration {
    duration - duration.mul_f64(0.1 * share())
}

/// A number from 0 up to 1, at random.
fn share() -> f64 {
    below_2_53() as f64 / (1_u64 << 53) as f64
}

fn below_2_53() -> u64 {
    u64::from_ne_bytes(random::bytes()) >> 11
}
