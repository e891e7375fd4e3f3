//! What the caller says to a request: yes, how, or no.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use tieline_proto::{Limits, deflate};

/// Yes. The default adds nothing to what the [`AcceptOptions`](crate::AcceptOptions) say.
///
/// # Example
///
/// ```
/// let answer = tieline::Answer { protocol: Some("chat.v2".into()), ..Default::default() };
/// ```
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "options are plain structs: callers write `..default()`"
)]
pub struct Answer {
    /// permessage-deflate for this line. Default that of the options.
    pub deflate: Option<deflate::Config>,
    /// More headers of the 101, such as `Set-Cookie`. Default none.
    pub headers: HeaderMap,
    /// The bounds of this line. Default those of the options.
    pub limits: Option<Limits>,
    /// The subprotocol, one of those offered. Default the first of the options' that is offered.
    pub protocol: Option<String>,
}

/// Any other answer than 101: a refusal, or a page for who asked no upgrade.
///
/// # Example
///
/// ```
/// use tieline::{Refusal, http::StatusCode};
///
/// let refusal = Refusal::new(StatusCode::UNAUTHORIZED, "who are you?\n")
///     .with_header("www-authenticate", "Bearer");
/// assert_eq!(refusal.to_string(), "answered 401 Unauthorized");
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "an HTTP answer is these three")]
pub struct Refusal {
    /// The status; never 101.
    pub status: StatusCode,
    /// The headers; the length and `Connection: close` are written without being asked. Boxed, so
    /// that the `Result` of a closure stays small.
    pub headers: Box<HeaderMap>,
    /// The body; plain UTF-8 text where the headers name no `Content-Type`.
    pub body: Bytes,
}

impl Refusal {
    /// An answer without headers of its own.
    pub fn new(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self { status, headers: Box::default(), body: body.into() }
    }

    /// Adds a header.
    ///
    /// # Panics
    ///
    /// Where the name is not in lower case or no token, or the value no visible ASCII: for
    /// constants. Others go into [`headers`](Self::headers).
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(name, http::HeaderValue::from_static(value));
        self
    }

    pub(crate) fn response(&self) -> Response<Bytes> {
        let mut response = Response::new(self.body.clone());
        *response.status_mut() = self.status;
        *response.headers_mut() = HeaderMap::clone(&self.headers);
        response
    }
}

impl From<StatusCode> for Refusal {
    /// An answer that says its status in a line of text.
    fn from(status: StatusCode) -> Self {
        Self::new(status, format!("{status}\n"))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "answered {}", self.status)
    }
}
