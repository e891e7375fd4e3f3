//! What a route's calls may cost.

use std::time::Duration;

/// The bounds of one route; every field has its setting.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// Largest result of a call, and all answers of a batch together, in bytes. Default 25,000,000.
    pub(crate) max_answer_bytes: usize,
    /// Most calls in a batch. Default 1,000.
    pub(crate) max_batch: usize,
    /// Largest body of an HTTP request, in bytes. Default 5 MiB.
    pub(crate) max_body_bytes: usize,
    /// Most calls to a client that it has not answered. Default 64.
    pub(crate) max_client_calls: usize,
    /// Most calls of one line at a time, a batch counted as one; then it is not read from. Default 64.
    pub(crate) max_in_flight: usize,
    /// Most subscriptions of one line. Default 128.
    pub(crate) max_subscriptions: usize,
    /// How long a call, a batch or the body of a request may take. Default 30 s.
    pub(crate) call_within: Duration,
    /// How long a client may take to answer a call. Default 30 s.
    pub(crate) client_call_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_answer_bytes: 25_000_000,
            max_batch: 1_000,
            max_body_bytes: 5 << 20,
            max_client_calls: 64,
            max_in_flight: 64,
            max_subscriptions: 128,
            call_within: Duration::from_secs(30),
            client_call_within: Duration::from_secs(30),
        }
    }
}
