//! A subscription as its subscriber has it, and how what it brings reaches all of a worker.
//!
//! ```text
//!                    ┌─ once for each worker ─▶ Here ─┬─▶ Subscription
//!  line ─▶ keeper ───┤                                └─▶ Subscription
//!                    └────────────────────────▶ Here ───▶ Subscription
//! ```

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, ThreadId};
use std::time::Instant;

use prometheus_client::metrics::gauge::Gauge;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;

use super::keeper::{MAX_WAITING, Placed};
use super::line::Kept;
use super::push::Push;
use crate::service::rpc::error::RpcError;

/// What one subscriber hears. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Subscription {
    pushes: mpsc::Receiver<Push>,
    here: Arc<Here>,
}

/// Where something is heard, by worker and what is heard.
type ByName = HashMap<(ThreadId, Arc<str>), Weak<Here>>;

/// All workers on which somebody hears something.
#[derive(Debug)]
pub(super) struct Everywhere {
    all: Mutex<ByName>,
    /// How many hear something.
    count: Gauge,
}

/// One subscription on one worker, for all who hear it there, or wait to.
#[derive(Debug)]
struct Here {
    subscribers: Arc<Subscribers>,
    /// Whether it is placed, once that is known.
    placed: watch::Receiver<Option<Result<(), RpcError>>>,
    carrying: AbortHandle,
    count: Gauge,
}

/// `None` once nothing is carried any more.
#[derive(Debug)]
struct Subscribers(Mutex<Option<Vec<mpsc::Sender<Push>>>>);

/// A worker's place in a subscription; the keeper hears when it is left, however that comes.
struct Seat {
    kept: Arc<Kept>,
    name: Arc<str>,
    answer: Option<oneshot::Receiver<Placed>>,
    pushes: Option<mpsc::Receiver<Push>>,
}

impl Subscription {
    fn new(here: Arc<Here>, pushes: mpsc::Receiver<Push>) -> Self {
        here.count.inc();
        Self { pushes, here }
    }

    /// What comes next. `None` when the subscriber, or its worker, did not keep up and something
    /// was dropped, or when the node refused to place the subscription again: then the client's
    /// line should end with 1013, so that it subscribes anew.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Option<Push> {
        self.pushes.recv().await
    }

    async fn is_placed(&self) -> Result<(), RpcError> {
        let mut placed = self.here.placed.clone();
        match placed.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(placed)) => placed.clone(),
            // Nobody carries it any more.
            Ok(None) | Err(_) => Err(RpcError::internal()),
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.here.count.dec();
    }
}

/// Subscribes on the worker that this runs on, to what has this name.
pub(super) async fn subscribe(
    everywhere: &Everywhere,
    kept: &Arc<Kept>,
    name: Arc<str>,
    namespace: &str,
    params: &RawValue,
) -> Result<Subscription, RpcError> {
    let subscription = match everywhere.join(&name) {
        Some(subscription) => subscription,
        None => everywhere.begin(kept, name, namespace, params)?,
    };
    subscription.is_placed().await?;
    Ok(subscription)
}

impl Everywhere {
    /// Nobody yet; `count` is of those who hear something.
    pub(super) fn new(count: Gauge) -> Self {
        Self { all: Mutex::default(), count }
    }

    /// Joins those who hear it on this worker, if there are any.
    fn join(&self, name: &Arc<str>) -> Option<Subscription> {
        let key = (thread::current().id(), Arc::clone(name));
        let here = self.lock().get(&key)?.upgrade()?;
        here.join()
    }

    /// The first who hears it on this worker.
    fn begin(
        &self,
        kept: &Arc<Kept>,
        name: Arc<str>,
        namespace: &str,
        params: &RawValue,
    ) -> Result<Subscription, RpcError> {
        let (reply, answer) = oneshot::channel();
        kept.with(|keeper| keeper.join(&name, namespace, params, reply, Instant::now()))?;
        let key = (thread::current().id(), Arc::clone(&name));
        let seat = Seat { kept: Arc::clone(kept), name, answer: Some(answer), pushes: None };
        let (first, pushes) = mpsc::channel(MAX_WAITING);
        let subscribers = Arc::new(Subscribers(Mutex::new(Some(vec![first]))));
        let (is_placed, placed) = watch::channel(None);
        let carrying = tokio::spawn(carry(seat, is_placed, Arc::clone(&subscribers)));
        let (carrying, count) = (carrying.abort_handle(), self.count.clone());
        let here = Arc::new(Here { subscribers, placed, carrying, count });
        let mut all = self.lock();
        all.retain(|_, here| here.strong_count() > 0);
        all.insert(key, Arc::downgrade(&here));
        Ok(Subscription::new(here, pushes))
    }

    fn lock(&self) -> MutexGuard<'_, ByName> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Here {
    fn join(self: Arc<Self>) -> Option<Subscription> {
        let (subscriber, pushes) = mpsc::channel(MAX_WAITING);
        add(self.subscribers.lock().as_mut()?, subscriber);
        Some(Subscription::new(self, pushes))
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.carrying.abort();
    }
}

impl Subscribers {
    fn lock(&self) -> MutexGuard<'_, Option<Vec<mpsc::Sender<Push>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add(subscribers: &mut Vec<mpsc::Sender<Push>>, subscriber: mpsc::Sender<Push>) {
    if subscribers.len() == subscribers.capacity() {
        // Those who left are forgotten with the next push, which may never come.
        subscribers.retain(|subscriber| !subscriber.is_closed());
        subscribers.reserve(subscribers.len().max(1));
    }
    subscribers.push(subscriber);
}

/// Carries what comes to all on this worker, until nothing comes any more.
async fn carry(
    mut seat: Seat,
    is_placed: watch::Sender<Option<Result<(), RpcError>>>,
    subscribers: Arc<Subscribers>,
) {
    let placed = seat.sit_down().await;
    if placed.is_err() {
        // Who comes now asks anew.
        subscribers.lock().take();
    }
    is_placed.send_replace(Some(placed));
    while let Some(push) = seat.next().await {
        if let Some(subscribers) = subscribers.lock().as_mut() {
            // Who does not keep up hears no more.
            subscribers.retain(|subscriber| subscriber.try_send(push.clone()).is_ok());
        }
    }
    subscribers.lock().take();
}

impl Seat {
    async fn sit_down(&mut self) -> Result<(), RpcError> {
        let Some(answer) = &mut self.answer else { return Ok(()) };
        self.pushes = Some(answer.await.unwrap_or_else(|_| Err(RpcError::internal()))?);
        self.answer = None;
        Ok(())
    }

    async fn next(&mut self) -> Option<Push> {
        self.pushes.as_mut()?.recv().await
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.answer = None;
        self.pushes = None;
        self.kept.with(|keeper| keeper.left(&self.name, Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_left_takes_no_room_although_nothing_comes() {
        let mut subscribers = Vec::new();
        let (stays, _pushes) = mpsc::channel(1);
        add(&mut subscribers, stays);
        for _ in 0..10_000 {
            let (leaves, pushes) = mpsc::channel(1);
            drop(pushes);
            add(&mut subscribers, leaves);
        }
        assert!(subscribers.capacity() <= 8, "{}", subscribers.capacity());
        assert!(!subscribers[0].is_closed());
    }
}
