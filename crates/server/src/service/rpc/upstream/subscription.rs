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

use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::keeper::{MAX_WAITING, Placed};
use super::line::Kept;
use super::push::Push;
use crate::service::rpc::error::RpcError;

/// What one subscriber hears. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Subscription {
    pushes: mpsc::Receiver<Push>,
    _here: Arc<Here>,
}

/// All workers on which somebody hears something, by what they hear.
#[derive(Debug, Default)]
pub(super) struct Everywhere(Mutex<HashMap<(ThreadId, String), Weak<Here>>>);

/// One subscription on one worker, for all who hear it there.
#[derive(Debug)]
struct Here {
    subscribers: Arc<Subscribers>,
    carrying: AbortHandle,
}

/// `None` once nothing is carried any more.
#[derive(Debug)]
struct Subscribers(Mutex<Option<Vec<mpsc::Sender<Push>>>>);

/// A worker's place in a subscription; the keeper hears when it is left, however that comes.
struct Seat {
    kept: Arc<Kept>,
    name: String,
    answer: Option<oneshot::Receiver<Placed>>,
    pushes: Option<mpsc::Receiver<Push>>,
}

impl Subscription {
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
}

/// Subscribes on the worker that this runs on.
pub(super) async fn subscribe(
    everywhere: &Everywhere,
    kept: &Arc<Kept>,
    namespace: &str,
    params: &RawValue,
) -> Result<Subscription, RpcError> {
    let name = kept.with(|keeper| keeper.name(namespace, params));
    if let Some(subscription) = everywhere.join(&name) {
        return Ok(subscription);
    }
    let (reply, answer) = oneshot::channel();
    let mut seat = Seat { kept: Arc::clone(kept), name, answer: Some(answer), pushes: None };
    kept.with(|keeper| keeper.join(&seat.name, namespace, params, reply, Instant::now()))?;
    seat.sit_down().await?;
    // While it was placed, somebody else may have done the same here.
    Ok(everywhere.join(&seat.name).unwrap_or_else(|| everywhere.begin(seat)))
}

impl Everywhere {
    /// Joins those who hear it on this worker, if there are any.
    fn join(&self, name: &str) -> Option<Subscription> {
        let key = (thread::current().id(), name.to_owned());
        let here = self.lock().get(&key)?.upgrade()?;
        here.join()
    }

    /// The first who hears it on this worker.
    fn begin(&self, seat: Seat) -> Subscription {
        let key = (thread::current().id(), seat.name.clone());
        let (first, pushes) = mpsc::channel(MAX_WAITING);
        let subscribers = Arc::new(Subscribers(Mutex::new(Some(vec![first]))));
        let carrying = tokio::spawn(carry(seat, Arc::clone(&subscribers))).abort_handle();
        let here = Arc::new(Here { subscribers, carrying });
        let mut all = self.lock();
        all.retain(|_, here| here.strong_count() > 0);
        all.insert(key, Arc::downgrade(&here));
        Subscription { pushes, _here: here }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(ThreadId, String), Weak<Here>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Here {
    fn join(self: Arc<Self>) -> Option<Subscription> {
        let (subscriber, pushes) = mpsc::channel(MAX_WAITING);
        self.subscribers.lock().as_mut()?.push(subscriber);
        Some(Subscription { pushes, _here: self })
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

/// Carries what comes to all on this worker, until nothing comes any more.
async fn carry(mut seat: Seat, subscribers: Arc<Subscribers>) {
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
