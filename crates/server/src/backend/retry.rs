//! How long to wait before a call is made again.

use std::time::Duration;

use http::header::RETRY_AFTER;

use super::call::Reply;
use crate::random;

/// The first pause at most; each next is twice as long.
const FIRST: Duration = Duration::from_millis(100);

/// The longest.
const LONGEST: Duration = Duration::from_secs(5);

/// The pauses of one call.
pub(super) struct Pauses {
    left: u32,
    next: Duration,
}

impl Pauses {
    /// As many as there may be repetitions.
    pub(super) const fn new(retries: u32) -> Self {
        Self { left: retries, next: FIRST }
    }

    /// The next pause, where there may be another try: between half and all of what it is at most,
    /// so that callers who failed together do not come back together. A backend that says when it
    /// wants to be asked again is not asked before.
    pub(super) fn next(&mut self, reply: Option<&Reply>) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        let most = self.next;
        self.next = (most * 2).min(LONGEST);
        let asked = reply.and_then(retry_after).unwrap_or_default();
        Some(jittered(most).max(asked))
    }
}

/// Something between half of it and all of it.
pub(crate) fn jittered(most: Duration) -> Duration {
    most.mul_f64(0.5 + random::fraction() / 2.0)
}

/// In seconds; the other form, a date, is left to our own pauses.
fn retry_after(reply: &Reply) -> Option<Duration> {
    let seconds = reply.headers.get(RETRY_AFTER)?.to_str().ok()?;
    seconds.parse().ok().map(|seconds: u32| Duration::from_secs(seconds.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};

    #[test]
    fn pauses_grow_up_to_a_limit_and_are_never_quite_the_same() {
        let mut pauses = Pauses::new(10);
        let mut most = FIRST;
        for _ in 0..10 {
            let pause = pauses.next(None).unwrap();
            assert!(pause >= most / 2 && pause <= most, "{pause:?} of {most:?}");
            most = (most * 2).min(LONGEST);
        }
        assert_eq!(pauses.next(None), None);
        assert_ne!(jittered(LONGEST), jittered(LONGEST));
    }

    #[test]
    fn a_backend_that_asks_for_more_time_has_it() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, "7".parse().unwrap());
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let reply = Reply { status, headers, body: Bytes::new() };
        assert_eq!(Pauses::new(1).next(Some(&reply)), Some(Duration::from_secs(7)));
    }
}
