//! How a line subscribes, and says where it is present.

use std::iter;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tieline_hub::{BrokerError, Channel, Member, Pattern};
use tokio::task::spawn_local;
use tokio::time::sleep;

use super::fault::Fault;
use super::line::{Outcome, State};
use super::namespaces::{Act, Namespace};
use super::outlet::{Beginning, Subscriber};
use super::session::{Newcomer, Session};
use super::subscription::Subscription;
use super::words::{Named, Subscribe};
use super::{MOST, Shared};
use crate::service::rpc::{Id, RpcError};

/// How long somebody is present without its line saying so again.
const LEASE: Duration = Duration::from_secs(60);

/// How often a line says that it is still present.
const SAY_EVERY: Duration = Duration::from_secs(20);

/// Gaps that a line is told of before it is seen whether it reads on.
const GAPS_AT_ONCE: usize = 16;

impl State {
    pub(super) async fn subscribe(
        self: Rc<Self>,
        id: Option<Id>,
        session: Arc<Session>,
        asked: Subscribe,
    ) -> Outcome {
        let Subscribe { channel: name, position } = asked;
        if self.subscriptions.borrow().contains_key(&name) {
            return Err(Fault::Subscribed.into());
        }
        if self.subscriptions.borrow().len() >= self.shared.limits.max_subscriptions {
            return Err(Fault::TooMany.into());
        }
        let asked = id.map(|id| (Arc::clone(&session), id));
        let subscriber = self.subscriber(Beginning::Answer(asked));
        if name.ends_with('*') {
            return self.subscribe_all(name, subscriber);
        }
        let (channel, namespace) = self.channel(&name, Act::Subscribe)?;
        let since = position.map(|place| place.position()).transpose()?;
        self.subscriptions.borrow_mut().insert(name.clone(), Subscription::Asked);
        let Shared { hub, .. } = &*self.shared;
        let joined =
            hub.subscribe(&channel, &namespace.keep, since, MOST, &self.outlet, subscriber);
        if let Err(error) = joined.await {
            self.subscriptions.borrow_mut().remove(&name);
            return Err(Fault::from(&error).into());
        }
        let subscription = Subscription::Channel(channel.clone(), Arc::clone(&namespace));
        self.shared.counts.subscribed();
        self.subscriptions.borrow_mut().insert(name.clone(), subscription);
        if self.is_over.get() {
            self.unsubscribe_from(&name);
        } else if namespace.has_presence {
            // The answer was given already: who cannot be shown hears all the same.
            let _ = self.shared.enter(&channel, &namespace, &session, LEASE).await;
            self.stay(&session);
        }
        // The answer was given where the first publication could not come before it.
        Ok(None)
    }

    fn subscriber(&self, told: Beginning) -> Subscriber {
        let counts = self.shared.counts.clone();
        Subscriber { target: self.peer.target(), told, counts }
    }

    fn subscribe_all(&self, name: String, subscriber: Subscriber) -> Outcome {
        let pattern = Pattern::new(&name).map_err(|_| Fault::UnknownChannel)?;
        self.shared.namespaces.for_pattern(&pattern, self.identity.borrow().as_deref())?;
        self.shared.hub.subscribe_all(&pattern, &self.outlet, subscriber);
        self.shared.counts.subscribed();
        self.subscriptions.borrow_mut().insert(name, Subscription::Pattern(pattern));
        Ok(None)
    }

    /// Has the peer hear again what it was too slow for, now that it has read. Each is told of its gap:
    /// only some at once, for it may be too slow for those, too.
    pub(super) fn go_on(&self) {
        let hub = &self.shared.hub;
        for name in iter::from_fn(|| self.peer.next_skipped()).take(GAPS_AT_ONCE) {
            let subscriber = self.subscriber(Beginning::Gap);
            match self.subscriptions.borrow().get(&*name) {
                Some(Subscription::Channel(channel, _)) => {
                    hub.go_on(channel, &self.outlet, subscriber);
                }
                Some(Subscription::Pattern(pattern)) => {
                    hub.go_on_all(pattern, &self.outlet, subscriber);
                }
                // It begins anew by itself, or is not wanted any more.
                Some(Subscription::Asked) | None => {}
            }
        }
    }

    pub(super) fn unsubscribe(
        self: &Rc<Self>,
        session: &Arc<Session>,
        Named { channel }: &Named,
    ) -> Result<(), RpcError> {
        let is_there = match self.subscriptions.borrow().get(channel) {
            Some(Subscription::Asked) | None => false,
            Some(_) => true,
        };
        if !is_there {
            return Err(Fault::NotSubscribed.into());
        }
        self.leave(session, channel, Duration::ZERO);
        Ok(())
    }

    /// Ends a subscription; whoever was present there is for as long as this still.
    pub(super) fn leave(self: &Rc<Self>, session: &Arc<Session>, name: &str, present: Duration) {
        let left = self.unsubscribe_from(name);
        let Some((channel, namespace)) = left.as_ref().and_then(Subscription::presence) else {
            return;
        };
        let (shared, session) = (Arc::clone(&self.shared), Arc::clone(session));
        let (channel, namespace) = (channel.clone(), Arc::clone(namespace));
        spawn_local(async move {
            // Its client may have come back meanwhile, and is present by its new line.
            if present.is_zero() || !session.has_line() {
                // Where it cannot be told, its lease ends.
                let _ = shared.enter(&channel, &namespace, &session, present).await;
            }
        });
    }

    /// Ends a subscription, and says nothing of who is present.
    pub(super) fn unsubscribe_from(&self, name: &str) -> Option<Subscription> {
        let subscription = self.subscriptions.borrow_mut().remove(name)?;
        let subscriber = self.subscriber(Beginning::Answer(None));
        let hub = &self.shared.hub;
        match &subscription {
            Subscription::Asked => return None,
            Subscription::Channel(channel, namespace) => {
                hub.unsubscribe(channel, &namespace.keep, &self.outlet, subscriber);
            }
            Subscription::Pattern(pattern) => {
                hub.unsubscribe_all(pattern, &self.outlet, subscriber);
            }
        }
        self.shared.counts.unsubscribed();
        Some(subscription)
    }

    /// Says from time to time that it is still present, for as long as it is anywhere.
    fn stay(self: &Rc<Self>, session: &Arc<Session>) {
        if self.is_staying.replace(true) {
            return;
        }
        let (line, session) = (Rc::downgrade(self), Arc::clone(session));
        spawn_local(async move {
            loop {
                sleep(SAY_EVERY).await;
                let Some(line) = line.upgrade().filter(|line| !line.is_over.get()) else { return };
                let places: Vec<_> = line
                    .subscriptions
                    .borrow()
                    .values()
                    .filter_map(Subscription::presence)
                    .map(|(channel, namespace)| (channel.clone(), Arc::clone(namespace)))
                    .collect();
                if places.is_empty() {
                    return line.is_staying.set(false);
                }
                for (channel, namespace) in places {
                    // Where it cannot be told now, it is the next time.
                    let _ = line.shared.enter(&channel, &namespace, &session, LEASE).await;
                }
            }
        });
    }
}

impl Shared {
    /// A session is present in a channel for so long; with no time it leaves.
    async fn enter(
        &self,
        channel: &Channel,
        namespace: &Namespace,
        session: &Session,
        lease: Duration,
    ) -> Result<(), BrokerError> {
        let broker = self.hub.broker(&namespace.keep)?;
        if lease.is_zero() {
            return broker.leave(channel, &session.id).await;
        }
        let Newcomer { user, name } = &session.newcomer;
        let info =
            name.as_ref().map_or_else(Bytes::new, |name| Bytes::copy_from_slice(name.as_bytes()));
        let member = Member { id: Arc::clone(&session.id), user: user.clone(), info };
        broker.enter(channel, member, lease).await
    }
}
