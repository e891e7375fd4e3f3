//! Why somebody is not let in, or not taken: what is answered instead.

use http::{HeaderMap, Response, StatusCode};

/// An answer instead of a line.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refusal {
    /// The status, 4xx or 5xx.
    pub status: StatusCode,
    /// More headers, such as `WWW-Authenticate`. Default none.
    pub headers: Box<HeaderMap>,
    /// What would be right, in a line of text.
    pub reason: String,
}

impl Refusal {
    /// A refusal with this status and reason.
    pub fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Self { status, headers: Box::default(), reason: reason.into() }
    }

    /// The refusal as HTTP has it.
    pub(crate) fn into_response(self) -> Response<String> {
        let mut response = Response::new(self.reason + "\n");
        *response.status_mut() = self.status;
        *response.headers_mut() = *self.headers;
        response
    }
}
