//! What may be written of a backend: where it is, and how it is called.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::span::Span;

/// An HTTP server behind this one, which services refer to by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Backend {
    /// The name under which services refer to it.
    pub name: String,

    /// Scheme, host and base path, such as `http://127.0.0.1:9000` or `https://shop.example/api`.
    /// No redirect is followed, and no proxy of the environment is used.
    pub url: String,

    /// How long a call may take, repetitions included. Default "8s".
    #[serde(default = "timeout")]
    pub timeout: Span,

    /// How long a connection may take to open. Default "2s".
    #[serde(default = "connect_within")]
    pub connect_within: Span,

    /// How often a call is made again at most, where that is safe: with a method that may be
    /// repeated or an idempotency key, when there was no connection or the answer was 502, 503 or
    /// 504. Default 2.
    #[serde(default = "retries")]
    #[schemars(range(max = 10))]
    pub retries: u32,

    /// Largest answer, in bytes. Default 1048576.
    #[serde(default = "max_answer_bytes")]
    #[schemars(range(min = 1))]
    pub max_answer_bytes: usize,

    /// Most calls in flight, of all workers together; one more is refused at once. Default 1024.
    #[serde(default = "max_in_flight")]
    #[schemars(range(min = 1))]
    pub max_in_flight: usize,

    /// A file with the secret that signs each request (HMAC-SHA256), at least 16 bytes; white space
    /// at its end does not count. It is read when the server starts. Default: requests are not
    /// signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_secret_file: Option<PathBuf>,

    /// Whether a name may lead to private and loopback addresses. An address written in the URL
    /// and `localhost` need no such word. Default false.
    #[serde(default)]
    pub allow_private: bool,

    /// "auto" (HTTP/2 where an https backend offers it, else HTTP/1.1), "http1", or "http2" (also
    /// without TLS, by prior knowledge). Default "auto".
    #[serde(default)]
    pub protocol: Protocol,

    /// Roots that the backend's certificate may lead to, PEM, beside those of the system. Default
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,

    /// When a backend that fails is left alone for a while.
    #[serde(default)]
    pub breaker: Breaker,
}

/// Which HTTP is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Protocol {
    /// HTTP/2 where an https backend offers it, else HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only.
    Http2,
}

/// When a backend that fails is left alone for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Breaker {
    /// Failures in a row after which it is: no connection, no answer in time, no HTTP, or 502, 503
    /// or 504. 0 never leaves it alone. Default 5.
    pub failures: u32,

    /// For how long; then one call tries. Default "5s".
    pub pause: Span,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 5, pause: Span::from_secs(5) }
    }
}

const fn timeout() -> Span {
    Span::from_secs(8)
}

const fn connect_within() -> Span {
    Span::from_secs(2)
}

const fn retries() -> u32 {
    2
}

const fn max_answer_bytes() -> usize {
    1 << 20
}

const fn max_in_flight() -> usize {
    1_024
}
