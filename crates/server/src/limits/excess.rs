//! Too often or too many, and how that is answered.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderValue, Response, StatusCode};

use crate::refusal::Refusal;

/// A limit that was exceeded at admission.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many: come back later (setting limits.{setting})")]
pub(crate) struct Exceeded {
    /// The setting.
    pub(crate) setting: &'static str,
    /// When it is worth another try.
    pub(crate) retry_after: Duration,
}

impl Exceeded {
    /// What the client is answered.
    ///
    /// Spec: RFC 6585 §4.
    pub(crate) fn response(&self) -> Response<String> {
        let mut refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, self.to_string());
        // Whole seconds, and rather one too late than one too early.
        let seconds = self.retry_after.as_secs() + u64::from(self.retry_after.subsec_nanos() > 0);
        refusal.headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        refusal.into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_names_the_setting_and_when_to_come_back() {
        for (millis, seconds) in [(0, "1"), (1, "1"), (1_000, "1"), (1_001, "2")] {
            let retry_after = Duration::from_millis(millis);
            let response = Exceeded { setting: "lines_per_user", retry_after }.response();
            assert_eq!(response.status(), 429);
            assert_eq!(response.headers()[RETRY_AFTER], seconds);
            assert!(response.body().contains("limits.lines_per_user"));
        }
    }
}
