//! Tells a backend what waits: one event of a device at a time, many devices at once.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, warn};

use super::queue::{Saved, Waiting};
use super::{Change, Events};
use crate::backend::{BackendError, Call, jittered};
use crate::causes::Causes;
use tieline_store::StoreError;

/// Devices that are told of at once.
const MAX_SENDING: usize = 32;

/// The pause after a first failure at most; each next is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// While the backend as a whole is not asked.
const CLOSED_PAUSE: Duration = Duration::from_secs(5);

/// Why an event was not told.
enum Failure {
    /// The backend had it, and did not take it.
    Refused(String),
    /// It was not asked.
    NotAsked(String),
}

impl Events {
    /// Tells the backend what waits, for ever: on one worker at a time.
    ///
    /// # Cancel safety
    ///
    /// Dropped, what was being sent is sent again by the next call.
    pub(crate) async fn deliver(&self) {
        self.0.lock().queue.recover();
        let mut sending = FuturesUnordered::new();
        loop {
            let deadline = {
                let mut state = self.0.lock();
                let now = Instant::now();
                while sending.len() < MAX_SENDING
                    && let Some((position, waiting)) = state.queue.next(now)
                {
                    sending.push(self.send(position, waiting));
                }
                state.queue.deadline()
            };
            let is_full = sending.len() >= MAX_SENDING;
            tokio::select! {
                Some(()) = sending.next(), if !sending.is_empty() => {}
                () = self.0.wake.notified(), if !is_full => {}
                () = sleep_until(deadline.unwrap_or_else(Instant::now)),
                    if !is_full && deadline.is_some() => {}
            }
        }
    }

    async fn send(&self, position: u64, waiting: Waiting) {
        let result = match self.save(position, &waiting).await {
            Ok(()) => self.tell(&waiting).await,
            Err(error) => Err(Failure::NotAsked(Causes(&error).to_string())),
        };
        match result {
            Ok(()) => self.told(position, &waiting).await,
            Err(failure) => self.not_told(position, &waiting, failure).await,
        }
    }

    /// Nothing is told that a restart would not know of.
    async fn save(&self, position: u64, waiting: &Waiting) -> Result<(), StoreError> {
        if waiting.saved == Saved::Yes {
            return Ok(());
        }
        let event = &waiting.event;
        self.commit(|_, draft| (draft.save(position, event), ())).await
    }

    async fn tell(&self, waiting: &Waiting) -> Result<(), Failure> {
        let event = &waiting.event;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let call = Call {
            headers,
            body: Bytes::from(event.body()),
            idempotency_key: Some(event.idempotency_key()),
            ..Call::new(Method::POST, self.0.plan.path.as_str())
        };
        match self.0.backend.call(call).await {
            Ok(reply) if reply.status.is_success() => Ok(()),
            Ok(reply) => Err(Failure::Refused(format!("the backend answered {}", reply.status))),
            Err(error @ (BackendError::Open { .. } | BackendError::Busy { .. })) => {
                Err(Failure::NotAsked(error.to_string()))
            }
            Err(error) => Err(Failure::Refused(error.to_string())),
        }
    }

    async fn told(&self, position: u64, waiting: &Waiting) {
        self.0.counts.told.inc();
        let removed = self
            .commit(|state, draft| {
                state.revived.remove(&position);
                draft.remove(position, &waiting.event);
                (Change::Tidied, ())
            })
            .await;
        if let Err(error) = removed {
            let route = self.name();
            warn!(route, error = %Causes(&error), "an event was told, and may be told again after a restart");
        }
        self.0.lock().queue.remove(position);
    }

    async fn not_told(&self, position: u64, waiting: &Waiting, failure: Failure) {
        let (tries, error, most) = match failure {
            Failure::Refused(error) => {
                self.0.counts.failures.inc();
                (waiting.tries + 1, error, growing(waiting.tries))
            }
            Failure::NotAsked(error) => (waiting.tries, error, CLOSED_PAUSE),
        };
        let route = self.name();
        let waits_since = {
            let mut state = self.0.lock();
            state.queue.pause(position, Instant::now() + jittered(most), tries);
            state.revived.get(&position).copied().unwrap_or(waiting.event.at)
        };
        let key = waiting.event.idempotency_key();
        if tries < self.0.plan.max_tries && waits_since.age() < self.0.plan.max_age {
            return debug!(route, key, tries, error, "an event was not told");
        }
        warn!(route, key, tries, error, "an event is given up: it is on the list of the dead");
        let given_up = self
            .commit(|state, draft| {
                draft.give_up(state, position, error);
                (Change::Tidied, ())
            })
            .await;
        if let Err(error) = given_up {
            warn!(route, error = %Causes(&error), "an event is not given up yet: that cannot be written");
        }
    }
}

/// The pause after so many failures and one more.
fn growing(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << failures.min(16)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_five_minutes() {
        let pauses: Vec<_> = [0, 1, 2, 8, 9, 1_000].map(|n| growing(n).as_secs()).into();
        assert_eq!(pauses, [1, 2, 4, 256, 300, 300]);
    }
}
