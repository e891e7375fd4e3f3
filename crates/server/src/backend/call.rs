//! What a backend is asked, and what it answers.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

/// A request to a backend.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Appended to the backend's base path; begins with `/`.
    pub(crate) path_and_query: String,
    /// What belongs to a connection or to Tieline itself is taken out of it.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// How long it may take, retries included. `None`: the backend's.
    pub(crate) timeout: Option<Duration>,
    /// Sent as `idempotency-key`; makes any method safe to repeat.
    pub(crate) idempotency_key: Option<String>,
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    /// Without what belonged to the connection; `content-length` is the body's own.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    /// A call without headers or body, with the backend's timeout.
    pub(crate) fn new(method: Method, path_and_query: impl Into<String>) -> Self {
        Self {
            method,
            path_and_query: path_and_query.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            timeout: None,
            idempotency_key: None,
        }
    }
}
