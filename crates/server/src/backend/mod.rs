//! The HTTP servers behind this one, each under the name that the configuration gives it.
//!
//! ```text
//! call ─▶ a place among those in flight ─▶ url, headers, traceparent
//!      ─▶ breaker ─▶ signature ─▶ the thread's own pool ─▶ answer, read up to the limit
//!            ▲                                               │
//!            └── a pause that grows, while it is safe ◀──────┘   all within one timeout
//! ```
//!
//! A backend is told to whom it may lead, and leads nowhere else: no redirect is followed, no proxy
//! of the environment is used, and a name that resolves to an address of the inside is refused.

mod addresses;
mod breaker;
mod call;
mod client;
mod counts;
mod error;
mod headers;
mod request;
mod retry;
mod signing;
mod trace;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use http::StatusCode;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};

pub(crate) use addresses::{Reach, Resolver, is_refused};
pub(crate) use call::{Call, Reply};
pub(crate) use error::BackendError;
pub(crate) use headers::{for_backend, for_caller};
pub(crate) use retry::jittered;
pub(crate) use signing::{MIN_SECRET_BYTES, SigningKey};

use self::breaker::Breaker;
use self::client::Client;
use self::counts::{BackendCounts, Counts};
use self::request::Request;
use self::retry::Pauses;
use crate::config::PlannedBackend;
use crate::metrics::Metrics;

/// All backends of a server.
#[derive(Debug, Default)]
pub(crate) struct Backends(HashMap<String, Arc<Backend>>);

/// One HTTP server that is called, by all workers.
pub(crate) struct Backend {
    plan: PlannedBackend,
    client: Client,
    breaker: Breaker,
    /// The places of calls in flight.
    places: Semaphore,
    counts: BackendCounts,
}

impl Backends {
    /// Makes all that are planned; nothing is connected before the first call.
    pub(crate) fn new(plans: Vec<PlannedBackend>, metrics: &Metrics) -> Self {
        let counts = Counts::register(metrics);
        let backend = |plan: PlannedBackend| {
            let name = plan.name.clone();
            let counts = counts.of(&name);
            (name, Arc::new(Backend::new(plan, counts)))
        };
        Self(plans.into_iter().map(backend).collect())
    }

    /// The backend of this name.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Backend>> {
        self.0.get(name).cloned()
    }
}

impl Backend {
    fn new(plan: PlannedBackend, counts: BackendCounts) -> Self {
        Self {
            client: Client::new(),
            breaker: Breaker::new(plan.breaker_failures, plan.breaker_pause, counts.clone()),
            places: Semaphore::new(plan.max_in_flight),
            counts,
            plan,
        }
    }

    /// Makes a call, on whichever thread of whichever runtime, and again where that is safe and of
    /// use. An answer is one whatever its status says.
    ///
    /// # Errors
    ///
    /// [`BackendError`] where there is no answer, within the timeout at the latest.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the call is given up; whether the backend has heard it is not known.
    pub(crate) async fn call(&self, call: Call) -> Result<Reply, BackendError> {
        let began = Instant::now();
        let deadline = began + call.timeout.unwrap_or(self.plan.timeout);
        let result = match self.places.try_acquire() {
            Err(_) => Err(BackendError::Busy { limit: self.plan.max_in_flight }),
            Ok(_place) => {
                let _flight = self.counts.fly();
                match Request::new(&self.plan, call) {
                    Ok(request) => self.tries(&request, deadline).await,
                    Err(error) => Err(error),
                }
            }
        };
        self.counts.done(&result, began.elapsed());
        result
    }

    async fn tries(&self, request: &Request, deadline: Instant) -> Result<Reply, BackendError> {
        let mut pauses = Pauses::new(if request.is_repeatable { self.plan.retries } else { 0 });
        let mut last = self.attempt(request, deadline).await;
        while is_worth_another(&last) {
            let Some(pause) = pauses.next(last.as_ref().ok()) else { break };
            if Instant::now() + pause >= deadline {
                break;
            }
            sleep(pause).await;
            self.counts.retried();
            match self.attempt(request, deadline).await {
                // What the backend last said is more than that it is not asked again.
                Err(BackendError::Open { .. }) => break,
                result => last = result,
            }
        }
        last
    }

    async fn attempt(&self, request: &Request, deadline: Instant) -> Result<Reply, BackendError> {
        let Some(pass) = self.breaker.admit(Instant::now()) else {
            return Err(BackendError::Open { failures: self.plan.breaker_failures });
        };
        let exchange = self.client.exchange(request, &self.plan);
        let answer = timeout_at(deadline, exchange).await.unwrap_or(Err(BackendError::TimedOut));
        match &answer {
            Ok(reply) if is_gateway_failure(reply.status) => pass.failed(Instant::now()),
            Ok(_) | Err(BackendError::TooLarge { .. }) => pass.succeeded(),
            Err(
                BackendError::TimedOut | BackendError::Unreachable(_) | BackendError::Broken(_),
            ) => pass.failed(Instant::now()),
            // That says nothing of the backend.
            Err(_) => drop(pass),
        }
        answer
    }
}

fn is_worth_another(last: &Result<Reply, BackendError>) -> bool {
    match last {
        Ok(reply) => is_gateway_failure(reply.status),
        Err(error) => matches!(error, BackendError::Unreachable(_)),
    }
}

/// Not the backend's own answer, but that of what stands in front of it.
const fn is_gateway_failure(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    )
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("plan", &self.plan).finish_non_exhaustive()
    }
}
