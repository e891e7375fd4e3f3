//! A node behind the server: many clients on few lines.
//!
//! ```text
//! call ──────▶ numbered anew ─▶ the line with the fewest calls ─▶ node
//!              raw answer    ◀─ by its number, in any order    ◀─
//! subscribe ─▶ once at the node for all who want the same ─▶ pushes, shared, once to each worker
//! ```
//!
//! | the node is away, and …                      | then                                          |
//! |----------------------------------------------|-----------------------------------------------|
//! | a call only reads                            | it waits for the node, within its time        |
//! | any other call comes                         | -32000 at once: it was not sent               |
//! | a call that only reads was under way         | it is said again to the node that comes back  |
//! | any other call was under way                 | -32000: nobody knows what became of it        |
//! | somebody subscribes                          | it is placed when the node is back, in time   |
//! | subscriptions were there                     | they go on, and what was missed is read or told |

mod call;
mod http;
mod keeper;
mod line;
mod lines;
mod message;
mod methods;
#[cfg(test)]
mod node;
mod options;
mod push;
mod same;
mod subscription;
#[cfg(test)]
mod tests;
mod transport;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::value::RawValue;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use self::call::{Call, Failed};
use self::http::Http;
use self::lines::Lines;
use self::message::Answer;
pub(crate) use self::options::{Address, OnGap, Options};
pub(crate) use self::push::Push;
pub(crate) use self::subscription::Subscription;
use super::counts::{NodeCounts, Outcome};
use super::error::RpcError;

/// A node, as all clients of a route share it. Clones are the same node.
#[derive(Clone, Debug)]
pub(crate) struct Upstream(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: Options,
    /// Numbers for everything that the node is asked.
    ids: Arc<AtomicU64>,
    calls: Semaphore,
    counts: NodeCounts,
    way: Way,
}

/// How the node is spoken to.
#[derive(Debug)]
enum Way {
    Http(Http),
    Lines(Lines),
}

impl Upstream {
    /// A node; nothing is opened before [`run`](Self::run).
    pub(crate) fn new(options: Options, counts: NodeCounts) -> Self {
        let ids = Arc::new(AtomicU64::new(1));
        let way = match &options.address {
            Address::Http(url) => {
                // Until a call says otherwise.
                counts.up.set(1);
                Way::Http(Http::new(url, &options))
            }
            Address::Ipc(_) | Address::WebSocket(_) => {
                Way::Lines(Lines::new(&options, Arc::clone(&ids), counts.clone()))
            }
        };
        let calls = Semaphore::new(options.max_calls);
        Self(Arc::new(Shared { options, ids, calls, counts, way }))
    }

    /// Keeps the lines open, for ever. One worker does it for all.
    pub(crate) async fn run(&self) {
        if let Way::Lines(lines) = &self.0.way {
            lines.run(&self.0.options).await;
        }
    }

    /// What becomes of a client that misses something and has not asked to be told.
    pub(crate) fn on_gap(&self) -> OnGap {
        self.0.options.on_gap
    }

    /// Makes a call. The answer is the node's, to the letter.
    ///
    /// # Errors
    ///
    /// The node's own error; −32601 for what cannot be had over lines that are shared; −32002 where
    /// it is not answered in time; −32003 where the answer is too big; −32005 where as many calls
    /// as may be are under way; −32000 where the node is away.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future throws the answer away; the call may have been made.
    pub(crate) async fn call(&self, method: &str, params: Option<&RawValue>) -> Answer {
        methods::offered(method)?;
        let shared = &*self.0;
        let Ok(_place) = shared.calls.try_acquire() else {
            shared.counts.busy();
            let most = shared.options.max_calls;
            return Err(RpcError::limit_exceeded(&format!("{most} calls to the node at a time")));
        };
        let flight = shared.counts.fly();
        let (outcome, answer) = match (Call { method, params, shared }).make().await {
            Ok(answer @ Ok(_)) => (Outcome::Answered, answer),
            Ok(answer @ Err(_)) => (Outcome::Error, answer),
            Err(Failed { outcome, error }) => (outcome, Err(error)),
        };
        flight.end(outcome);
        answer
    }

    /// Subscribes, on the worker that this runs on; `namespace` is what stands before `_subscribe`.
    ///
    /// # Errors
    ///
    /// The node's own error; −32601 where it is reached over HTTP; −32002 where it is not placed in
    /// time; −32005 where there are as many different ones as may be.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes the subscription back.
    pub(crate) async fn subscribe(
        &self,
        namespace: &str,
        params: &RawValue,
    ) -> Result<Subscription, RpcError> {
        let Way::Lines(lines) = &self.0.way else {
            let why = "notifications not supported: the node is reached over HTTP";
            return Err(RpcError::new(RpcError::METHOD_NOT_FOUND, why));
        };
        let within = self.0.options.timeout;
        let name = self.name(namespace, params);
        timeout(within, lines.subscribe(name, namespace, params)).await.unwrap_or_else(|_| {
            let why = format!("request timed out: the node did not subscribe within {within:?}");
            Err(RpcError::new(RpcError::TIMED_OUT, why))
        })
    }

    /// What tells a subscription from others: all who want the same have one name for it.
    fn name(&self, namespace: &str, params: &RawValue) -> Arc<str> {
        let name = same::name_of(namespace, params);
        if methods::is_shared(namespace, params) {
            return name.into();
        }
        // A number that was never used makes it the same as no other.
        format!("{name} #{}", self.0.ids.fetch_add(1, Ordering::Relaxed)).into()
    }
}
