//! One line: its calls, what it has subscribed to, and the session that it carries.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tieline::serve::Message;
use tieline::{CloseCode, Closed};
use tieline_hub::{BrokerError, Channel, Member, New, Pattern, Range};
use tokio::task::spawn_local;

use super::Shared;
use super::fault::Fault;
use super::namespaces::{Act, Namespace};
use super::outlet::{Subscriber, Worker, result};
use super::session::{Resumed, Session};
use super::words::{
    Connect, Connected, Counted, HistoryIs, HistoryOf, Item, MembersAre, Named, Publish,
    PublishedAt, Resumable, Subscribe, Who,
};
use crate::auth::{Identity, Renewal};
use crate::peer::Peer;
use crate::request::Request;
use crate::service::Conversation;
use crate::service::rpc::{Ask, Id, Item as Asked, RpcError, Said, decode, parse, written};

/// Most publications that are given at once.
const MAX_AT_ONCE: usize = 1_000;

/// How long somebody is present without its line saying so again.
const LEASE: Duration = Duration::from_secs(60);

/// How long somebody is still present whose line is lost: it may come back.
const LOST_LEASE: Duration = Duration::from_secs(10);

/// Seconds between two pings of the server.
const PING: u64 = 25;

/// A line as its worker sees it.
pub(super) struct Line(Rc<State>);

struct State {
    shared: Arc<Shared>,
    peer: Peer,
    outlet: Worker,
    identity: Option<Identity>,
    renewal: Option<Renewal>,
    session: RefCell<Option<Arc<Session>>>,
    subscriptions: RefCell<HashMap<String, Subscription>>,
    in_flight: Cell<usize>,
    is_paused: Cell<bool>,
    is_over: Cell<bool>,
}

/// What a line has subscribed to, by what it called it.
enum Subscription {
    /// It is under way.
    Asked,
    Channel(Channel, Arc<Namespace>),
    Pattern(Pattern),
}

/// What a call comes to: an answer, or one that was given already.
type Outcome = Result<Option<Box<RawValue>>, RpcError>;

impl Line {
    pub(super) fn new(shared: &Arc<Shared>, peer: &Peer, request: &Request) -> Self {
        let state = Rc::new(State {
            shared: Arc::clone(shared),
            peer: peer.clone(),
            outlet: Worker::of(peer.inbox()),
            identity: request.identity().cloned(),
            renewal: request.renewal(),
            session: RefCell::default(),
            subscriptions: RefCell::default(),
            in_flight: Cell::default(),
            is_paused: Cell::default(),
            is_over: Cell::default(),
        });
        state.expect_connect();
        Self(state)
    }

    fn hear(&self, item: Asked) {
        match item {
            // Nothing is asked of a client.
            Asked::Answer(_) => {}
            Asked::Wrong(id, fault) => self.0.say(written::error(&id, &fault.error())),
            Asked::Ask(ask) => self.0.take(ask),
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

    fn session(&self) -> Option<Arc<Session>> {
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
        session.take();
        let done = match &*method {
            "history" => decode(params)
                .map(|asked| self.work(id.clone(), Self::history(Rc::clone(self), asked))),
            "ping" => Ok(self.answer(id.as_ref(), Ok(nothing()))),
            "presence" => decode(params)
                .map(|asked| self.work(id.clone(), Self::presence(Rc::clone(self), asked))),
            "presence_stats" => decode(params)
                .map(|asked| self.work(id.clone(), Self::presence_stats(Rc::clone(self), asked))),
            "publish" => decode(params)
                .map(|asked| self.work(id.clone(), Self::publish(Rc::clone(self), asked))),
            "refresh" => Ok(self.answer(id.as_ref(), self.refresh(params))),
            "subscribe" => {
                let own = id.clone();
                decode(params).map(|asked| {
                    self.work(id.clone(), Self::subscribe(Rc::clone(self), own, session, asked))
                })
            }
            "unsubscribe" => decode(params).map(|asked| {
                let outcome = self.unsubscribe(&session, asked);
                self.answer(id.as_ref(), outcome);
            }),
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
        let Connect { token, session } = match decode(params) {
            Ok(connect) => connect,
            Err(error) => return self.answer(Some(id), Err(error)),
        };
        if let (Some(token), Some(renewal)) = (token, &self.renewal)
            && renewal.renew(&self.peer, &token).is_err()
        {
            return self.answer(Some(id), Err(Fault::Token.into()));
        }
        let sessions = &self.shared.sessions;
        let user = self.identity.as_ref().map(|identity| &*identity.user);
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
            sessions.resume(&asked.id, &asked.secret, user, asked.seen, line, answer)
        });
        let session = resumed.unwrap_or_else(|| {
            let (session, secret) = sessions.begin(user.map(Arc::from), self.peer.remote());
            self.peer.remote().send(connected(&session, &secret, false, 0));
            session
        });
        *self.session.borrow_mut() = Some(session);
    }

    fn refresh(&self, params: Option<&RawValue>) -> Result<Box<RawValue>, RpcError> {
        let Token { token } = decode(params)?;
        let renewal = self.renewal.as_ref().ok_or(Fault::Token)?;
        let identity = renewal.renew(&self.peer, &token).map_err(|_| Fault::Token)?;
        Ok(crate::service::rpc::told(&identity))
    }

    async fn subscribe(
        self: Rc<Self>,
        id: Option<Id>,
        session: Arc<Session>,
        asked: Subscribe,
    ) -> Outcome {
        let name = asked.channel.clone();
        if self.subscriptions.borrow().contains_key(&name) {
            return Err(Fault::Subscribed.into());
        }
        if self.subscriptions.borrow().len() >= self.shared.limits.max_subscriptions {
            return Err(Fault::TooMany.into());
        }
        let subscriber = Subscriber { session, target: self.peer.target(), id };
        if name.ends_with('*') {
            return self.subscribe_all(name, subscriber);
        }
        let (channel, namespace) = self.channel(&name, Act::Subscribe)?;
        let since =
            match asked.position {
                Some(place) => Some(place.position().ok_or_else(|| {
                    RpcError::invalid_params("an epoch is what the server has said")
                })?),
                None => None,
            };
        self.subscriptions.borrow_mut().insert(name.clone(), Subscription::Asked);
        let (keep, session) = (&namespace.keep, Arc::clone(&subscriber.session));
        let hub = &self.shared.hub;
        let joined = hub.subscribe(&channel, keep, since, MAX_AT_ONCE, &self.outlet, subscriber);
        if let Err(error) = joined.await {
            self.subscriptions.borrow_mut().remove(&name);
            return Err(Fault::from(&error).into());
        }
        let subscription = Subscription::Channel(channel.clone(), Arc::clone(&namespace));
        self.subscriptions.borrow_mut().insert(name.clone(), subscription);
        if self.is_over.get() {
            self.leave(&session, &name, LOST_LEASE);
        } else if namespace.has_presence {
            // The answer was given already: who cannot be shown hears all the same.
            let _ = self.enter(&channel, &namespace, &session, LEASE).await;
        }
        // The answer was given where the first publication could not come before it.
        Ok(None)
    }

    fn subscribe_all(&self, name: String, subscriber: Subscriber) -> Outcome {
        let pattern = Pattern::new(&name).map_err(|_| Fault::UnknownChannel)?;
        self.shared.namespaces.for_pattern(&pattern, self.identity.as_ref())?;
        self.shared.hub.subscribe_all(&pattern, &self.outlet, subscriber);
        self.subscriptions.borrow_mut().insert(name, Subscription::Pattern(pattern));
        Ok(None)
    }

    fn unsubscribe(
        self: &Rc<Self>,
        session: &Arc<Session>,
        Named { channel }: Named,
    ) -> Result<Box<RawValue>, RpcError> {
        let is_there = match self.subscriptions.borrow().get(&channel) {
            Some(Subscription::Asked) | None => false,
            Some(_) => true,
        };
        if !is_there {
            return Err(Fault::NotSubscribed.into());
        }
        self.leave(session, &channel, Duration::ZERO);
        Ok(nothing())
    }

    /// Ends a subscription; whoever was present there is for as long as this still.
    fn leave(self: &Rc<Self>, session: &Arc<Session>, name: &str, present: Duration) {
        let subscriber =
            Subscriber { session: Arc::clone(session), target: self.peer.target(), id: None };
        let hub = &self.shared.hub;
        match self.subscriptions.borrow_mut().remove(name) {
            Some(Subscription::Channel(channel, namespace)) => {
                hub.unsubscribe(&channel, &namespace.keep, &self.outlet, subscriber);
                if namespace.has_presence {
                    let (line, session) = (Rc::clone(self), Arc::clone(session));
                    spawn_local(async move {
                        // Where it cannot be told, its lease ends.
                        let _ = line.enter(&channel, &namespace, &session, present).await;
                    });
                }
            }
            Some(Subscription::Pattern(pattern)) => {
                hub.unsubscribe_all(&pattern, &self.outlet, subscriber);
            }
            Some(Subscription::Asked) | None => {}
        }
    }

    /// It is present in a channel for so long; with no time it leaves.
    async fn enter(
        &self,
        channel: &Channel,
        namespace: &Namespace,
        session: &Session,
        lease: Duration,
    ) -> Result<(), BrokerError> {
        let broker = self.shared.hub.broker(&namespace.keep)?;
        if lease.is_zero() {
            return broker.leave(channel, &session.id).await;
        }
        let (id, user) = (Arc::clone(&session.id), session.user.clone());
        broker.enter(channel, Member { id, user, info: Bytes::new() }, lease).await
    }

    async fn publish(self: Rc<Self>, asked: Publish) -> Outcome {
        let (channel, namespace) = self.channel(&asked.channel, Act::Publish)?;
        let new = New {
            data: Bytes::from(asked.data.get().to_owned()),
            from: self.identity.as_ref().map(|identity| identity.user.as_str().into()),
            key: match asked.key {
                Some(key) if key.is_empty() || key.len() > New::MAX_KEY_BYTES => {
                    let why = format!("a key has 1 to {} bytes", New::MAX_KEY_BYTES);
                    return Err(RpcError::invalid_params(why));
                }
                key => key.map(Arc::from),
            },
        };
        let published = self.shared.hub.publish(&channel, &namespace.keep, new).await;
        let published = published.map_err(|error| Fault::from(&error))?;
        let position = published.position.into();
        told(&PublishedAt { position, repeat: published.is_repeat })
    }

    async fn history(self: Rc<Self>, asked: HistoryOf) -> Outcome {
        let (channel, namespace) = self.channel(&asked.channel, Act::Subscribe)?;
        let range = match (asked.after, asked.before) {
            (Some(after), None) => Range::After(after),
            (None, Some(before)) => Range::Before(before),
            (None, None) => Range::NEWEST,
            (Some(_), Some(_)) => {
                return Err(RpcError::invalid_params("either `after` or `before`"));
            }
        };
        let limit = asked.limit.unwrap_or(MAX_AT_ONCE).min(MAX_AT_ONCE);
        let history = self.shared.hub.history(&channel, &namespace.keep, range, limit).await;
        let history = history.map_err(|error| Fault::from(&error))?;
        told(&HistoryIs {
            position: history.position.into(),
            oldest: history.oldest,
            publications: history.publications.iter().map(|it| Item::of(it)).collect(),
        })
    }

    async fn presence(self: Rc<Self>, asked: Named) -> Outcome {
        let members = self.members(&asked).await?;
        told(&MembersAre { members: members.iter().map(Who::of).collect() })
    }

    async fn presence_stats(self: Rc<Self>, asked: Named) -> Outcome {
        let members = self.members(&asked).await?;
        let mut users: Vec<_> = members.iter().filter_map(|it| it.user.as_deref()).collect();
        users.sort_unstable();
        users.dedup();
        told(&Counted { clients: members.len(), users: users.len() })
    }

    async fn members(&self, asked: &Named) -> Result<Vec<Member>, RpcError> {
        let (channel, namespace) = self.channel(&asked.channel, Act::Subscribe)?;
        if !namespace.has_presence {
            return Err(Fault::NoPresence.into());
        }
        let broker = self.shared.hub.broker(&namespace.keep);
        let broker = broker.map_err(|error| Fault::from(&error))?;
        let members = broker.members(&channel).await;
        members.map_err(|error| Fault::from(&error).into())
    }

    /// The channel of this name, where the peer may do that there.
    fn channel(&self, name: &str, act: Act) -> Result<(Channel, Arc<Namespace>), Fault> {
        let channel = Channel::new(name).map_err(|_| Fault::UnknownChannel)?;
        let namespace =
            self.shared.namespaces.for_channel(&channel, act, self.identity.as_ref())?;
        Ok((channel, Arc::clone(namespace)))
    }

    /// The line is over; its session waits for the next.
    fn close(self: &Rc<Self>, how: &Closed) {
        self.is_over.set(true);
        let Some(session) = self.session() else { return };
        let is_superseded = session.park(self.peer.id());
        let is_for_good = matches!(how, Closed::Cleanly { .. }) && !is_superseded;
        let present = if is_for_good { Duration::ZERO } else { LOST_LEASE };
        let names: Vec<_> = self.subscriptions.borrow().keys().cloned().collect();
        for name in names {
            self.leave(&session, &name, present);
        }
    }
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

fn told(answer: &impl Serialize) -> Outcome {
    let answer = serde_json::value::to_raw_value(answer);
    answer.map(Some).map_err(|_| RpcError::internal())
}

fn nothing() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).expect("this is JSON")
}
