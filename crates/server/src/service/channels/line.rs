//! One line: who it is, its calls, and the session that it carries.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;
use tieline::serve::Message;
use tieline::{CloseCode, Closed};
use tieline_hub::Channel;
use tokio::task::spawn_local;

use super::Shared;
use super::dialect::Dialect;
use super::fault::Fault;
use super::namespaces::{Act, Namespace};
use super::outlet::Worker;
use super::session::{Newcomer, Resumed, Session};
use super::subscription::Subscription;
use super::words::{Connect, Connected, Disconnect, Resumable, Unsubscribed, notification, result};
use crate::auth::{Identity, Renewal};
use crate::peer::Peer;
use crate::request::Request;
use crate::service::Conversation;
use crate::service::rpc::{self, Ask, Id, Item, RpcError, Said, decode, parse, written};

/// Seconds between two signs of life that a client may count on.
const PING: u64 = 25;

/// How long somebody is still present whose line is lost: it may come back.
pub(super) const LOST_LEASE: Duration = Duration::from_secs(10);

/// A line as its worker sees it.
pub(super) struct Line(Rc<State>);

/// What the calls of a line share, also those that go on when it is over.
pub(super) struct State {
    pub(super) shared: Arc<Shared>,
    pub(super) peer: Peer,
    pub(super) outlet: Worker,
    pub(super) identity: RefCell<Option<Arc<Identity>>>,
    pub(super) subscriptions: RefCell<HashMap<String, Subscription>>,
    /// The device that has registered here last.
    pub(super) device: RefCell<Option<Rc<str>>>,
    /// Whether something says from time to time that it is still present.
    pub(super) is_staying: Cell<bool>,
    pub(super) is_over: Cell<bool>,
    /// Where from; `None` over a Unix socket.
    pub(super) address: Option<IpAddr>,
    renewal: Option<Renewal>,
    session: RefCell<Option<Arc<Session>>>,
    in_flight: Cell<usize>,
    is_paused: Cell<bool>,
}

/// What a call comes to: an answer, or one that was given already.
pub(super) type Outcome = Result<Option<Box<RawValue>>, RpcError>;

impl Line {
    pub(super) fn new(shared: &Arc<Shared>, peer: &Peer, request: &Request) -> Self {
        let state = Rc::new(State {
            shared: Arc::clone(shared),
            peer: peer.clone(),
            outlet: Worker::new(peer.inbox(), &shared.namespaces, Dialect::Native),
            identity: RefCell::new(request.identity().cloned().map(Arc::new)),
            subscriptions: RefCell::default(),
            device: RefCell::default(),
            is_staying: Cell::default(),
            is_over: Cell::default(),
            address: request.address().map(|address| address.ip()),
            renewal: request.renewal(),
            session: RefCell::default(),
            in_flight: Cell::default(),
            is_paused: Cell::default(),
        });
        state.expect_connect();
        Self(state)
    }

    fn hear(&self, item: Item) {
        match item {
            // Nothing is asked of a client.
            Item::Answer(_) => {}
            Item::Wrong(id, fault) => self.0.say(written::error(&id, &fault.error())),
            Item::Ask(ask) => self.0.take(ask),
        }
    }
}

impl Conversation for Line {
    fn message(&mut self, peer: &Peer, message: Message<'_>) {
        let Some(text) = message.text() else {
            return peer.close(CloseCode::UNSUPPORTED, "the native line speaks text");
        };
        match parse(text.as_bytes(), self.0.shared.limits.max_batch) {
            Ok(Said::One(item)) => self.hear(item),
            Ok(Said::Batch(items)) => items.into_iter().for_each(|item| self.hear(item)),
            Err(unread) => self.0.say(unread.answer()),
        }
    }

    fn writable(&mut self, _peer: &Peer) {
        self.0.go_on();
    }

    fn drain(&mut self, peer: &Peer) {
        let most = self.0.shared.limits.leave_over.get();
        let after = most.mul_f64(crate::random::fraction());
        peer.send(Disconnect::stopping(after).text());
    }

    fn close(&mut self, _peer: &Peer, how: &Closed) {
        self.0.close(how);
    }
}

impl State {
    /// Closes the line where nobody says who it is.
    fn expect_connect(self: &Rc<Self>) {
        let (line, within) = (Rc::downgrade(self), self.shared.limits.connect_within.get());
        spawn_local(async move {
            tokio::time::sleep(within).await;
            if let Some(line) = line.upgrade().filter(|line| line.session.borrow().is_none()) {
                line.peer.close(CloseCode::POLICY, "nothing was said of who this is in time");
            }
        });
    }

    pub(super) fn session(&self) -> Option<Arc<Session>> {
        self.session.borrow().clone()
    }

    /// Says something that has to arrive.
    fn say(&self, text: String) {
        match self.session() {
            Some(session) => session.say(text),
            None => self.peer.send(text),
        }
    }

    fn answer(&self, id: Option<&Id>, outcome: Result<Box<RawValue>, RpcError>) {
        if let Some(id) = id {
            self.say(written::answer(id, &outcome));
        }
    }

    /// Takes a call or a notification.
    fn take(self: &Rc<Self>, ask: Ask) {
        let Ask { id, method, params } = ask;
        let params = params.as_deref();
        let session = match (&*method, self.session()) {
            ("connect", None) => return self.connect(id.as_ref(), params),
            ("connect", Some(_)) => return self.answer(id.as_ref(), Err(Fault::Connected.into())),
            (_, None) => return self.answer(id.as_ref(), Err(Fault::NotConnected.into())),
            (_, Some(session)) => session,
        };
        if method == "ack" {
            if let Ok(Seen { seen }) = decode(params) {
                session.acknowledge(seen);
            }
            return;
        }
        if method == "received" {
            if let Ok(received) = decode(params) {
                self.received(&received);
            }
            return;
        }
        session.take();
        let line = Rc::clone(self);
        let done = match &*method {
            "call" => decode(params).map(|asked| self.work(id.clone(), line.call(asked))),
            "history" => decode(params).map(|asked| self.work(id.clone(), line.history(asked))),
            "ping" => {
                self.answer(id.as_ref(), Ok(nothing()));
                Ok(())
            }
            "presence" => decode(params).map(|asked| self.work(id.clone(), line.presence(asked))),
            "presence_stats" => {
                decode(params).map(|asked| self.work(id.clone(), line.presence_stats(asked)))
            }
            "publish" => decode(params).map(|asked| self.work(id.clone(), line.publish(asked))),
            "refresh" => self.refresh(params).map(|told| self.answer(id.as_ref(), Ok(told))),
            "register" => decode(params).map(|asked| {
                self.work(id.clone(), line.register(id.clone(), session, asked));
            }),
            "subscribe" => decode(params).map(|asked| {
                self.work(id.clone(), line.subscribe(id.clone(), session, asked));
            }),
            "unregister" => {
                decode(params).map(|asked| self.work(id.clone(), line.unregister(asked)))
            }
            "unsubscribe" => decode(params)
                .and_then(|asked| self.unsubscribe(&session, &asked))
                .map(|()| self.answer(id.as_ref(), Ok(nothing()))),
            _ => Err(RpcError::method_not_found(&method)),
        };
        if let Err(error) = done {
            self.answer(id.as_ref(), Err(error));
        }
    }

    /// Works on a call: what is done at once is answered at once. It outlives the line, for its answer
    /// is the session's.
    fn work(self: &Rc<Self>, id: Option<Id>, work: impl Future<Output = Outcome> + 'static) {
        self.set_in_flight(self.in_flight.get() + 1);
        let (line, session) = (Rc::clone(self), self.session());
        let mut work = Box::pin(async move {
            let outcome = work.await.transpose();
            if let (Some(outcome), Some(id), Some(session)) = (outcome, id, session) {
                session.say(written::answer(&id, &outcome));
            }
            line.set_in_flight(line.in_flight.get() - 1);
        });
        if work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            spawn_local(work);
        }
    }

    fn set_in_flight(&self, count: usize) {
        self.in_flight.set(count);
        let is_full = count >= self.shared.limits.max_in_flight;
        match (is_full, self.is_paused.replace(is_full)) {
            (true, false) => self.peer.pause(),
            (false, true) => self.peer.resume(),
            _ => {}
        }
    }

    fn connect(&self, id: Option<&Id>, params: Option<&RawValue>) {
        let Some(id) = id else { return };
        match decode(params).and_then(|connect| self.begin(id, connect)) {
            Ok(session) => *self.session.borrow_mut() = Some(session),
            Err(error) => self.answer(Some(id), Err(error)),
        }
    }

    /// Begins a session, or goes on with one; its answer goes before all else.
    fn begin(&self, id: &Id, connect: Connect) -> Result<Arc<Session>, RpcError> {
        let Connect { token, name, session } = connect;
        if name.as_deref().is_some_and(|name| !Identity::is_name(name)) {
            return Err(RpcError::invalid_params("a name has 1 to 256 bytes, none of control"));
        }
        if let (Some(token), Some(renewal)) = (token, &self.renewal) {
            self.renew(renewal, &token)?;
        }
        let sessions = &self.shared.sessions;
        let identity = self.identity.borrow();
        let user = identity.as_ref().map(|identity| &*identity.user);
        let connected = |session: &Session, secret: &str, recovered, seen| {
            let keep = sessions.keep().as_secs();
            let resumable = Resumable { id: &session.id, secret, keep };
            let client = &*session.id;
            result(id, &Connected { client, user, session: resumable, recovered, seen, ping: PING })
        };
        let resumed = session.and_then(|asked| {
            let answer = |Resumed { session, taken }: &Resumed| {
                connected(session, &asked.secret, true, *taken)
            };
            let line = self.peer.remote();
            let resumed = sessions.resume(&asked.id, &asked.secret, user, asked.seen, line, answer);
            self.shared.counts.resumed(resumed.is_some());
            resumed
        });
        Ok(resumed.unwrap_or_else(|| {
            let newcomer = Newcomer { user: user.map(Arc::from), name: name.map(Arc::from) };
            let (session, secret) = sessions.begin(newcomer, self.peer.remote());
            self.peer.remote().send(connected(&session, &secret, false, 0));
            session
        }))
    }

    fn refresh(self: &Rc<Self>, params: Option<&RawValue>) -> Result<Box<RawValue>, RpcError> {
        let Token { token } = decode(params)?;
        let identity = self.renew(self.renewal.as_ref().ok_or(Fault::Token)?, &token)?;
        self.let_go_of_what_is_forbidden();
        Ok(rpc::told(&identity))
    }

    fn renew(&self, renewal: &Renewal, token: &str) -> Result<Arc<Identity>, Fault> {
        let identity = renewal.renew(&self.peer, token).map_err(|_| Fault::Token)?;
        let identity = Arc::new(identity);
        *self.identity.borrow_mut() = Some(Arc::clone(&identity));
        Ok(identity)
    }

    /// A newer token may give less than the one before.
    fn let_go_of_what_is_forbidden(self: &Rc<Self>) {
        let Some(session) = self.session() else { return };
        let is_forbidden = |subscription: &Subscription| {
            let identity = self.identity.borrow();
            subscription.check(&self.shared.namespaces, identity.as_deref()).is_err()
        };
        let subscriptions = self.subscriptions.borrow();
        let forbidden = subscriptions.iter().filter(|(_, it)| is_forbidden(it));
        let names: Vec<_> = forbidden.map(|(name, _)| name.clone()).collect();
        drop(subscriptions);
        for name in names {
            self.leave(&session, &name, Duration::ZERO);
            let RpcError { code, message, .. } = Fault::Forbidden.into();
            let told = Unsubscribed { channel: &name, code, reason: &message };
            self.peer.send(notification("unsubscribed", &told));
        }
    }

    /// The channel of this name, where the peer may do that there.
    pub(super) fn channel(&self, name: &str, act: Act) -> Result<(Channel, Arc<Namespace>), Fault> {
        let channel = Channel::new(name).map_err(|_| Fault::UnknownChannel)?;
        let identity = self.identity.borrow();
        let namespace = self.shared.namespaces.for_channel(&channel, act, identity.as_deref())?;
        Ok((channel, Arc::clone(namespace)))
    }

    /// The line is over; its session waits for the next, unless its client has said that there is none.
    fn close(self: &Rc<Self>, how: &Closed) {
        self.is_over.set(true);
        self.leave_device();
        let Some(session) = self.session() else { return };
        let goes_on = self.shared.sessions.park(&session, self.peer.id());
        let is_for_good = !goes_on && is_goodbye(how);
        if is_for_good {
            self.shared.sessions.end(&session);
        }
        let names: Vec<_> = self.subscriptions.borrow().keys().cloned().collect();
        for name in names {
            if goes_on {
                self.unsubscribe_from(&name);
            } else {
                let present = if is_for_good { Duration::ZERO } else { LOST_LEASE };
                self.leave(&session, &name, present);
            }
        }
    }
}

/// Whether a client has ended its line itself, and does not come back. What the server ends for a reason has
/// another code.
fn is_goodbye(how: &Closed) -> bool {
    let codes = [CloseCode::NORMAL, CloseCode::GOING_AWAY, CloseCode::NO_STATUS];
    matches!(how, Closed::Cleanly { code, .. } if codes.contains(code))
}

/// The parameters of `ack`.
#[derive(serde::Deserialize)]
struct Seen {
    seen: u64,
}

/// The parameters of `refresh`.
#[derive(serde::Deserialize)]
struct Token {
    token: String,
}

/// An answer in our own words.
pub(super) fn told(answer: &impl Serialize) -> Outcome {
    let answer = serde_json::value::to_raw_value(answer);
    answer.map(Some).map_err(|_| RpcError::internal())
}

fn nothing() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).expect("this is JSON")
}
