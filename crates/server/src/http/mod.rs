//! Ordinary HTTP beside the lines: pages, `/healthz`, and answers that say what would be right.
//!
//! hyper serves it on the worker's own thread, with keep-alive. A later request on the same
//! connection may still ask for a WebSocket; it becomes a peer like every other.

mod answer;
mod body;
mod console;
mod disk;
mod harden;
mod kind;
mod serve;

pub(crate) use harden::harden;
pub(crate) use serve::serve;

/// Where the server says that it lives, whatever the routes are.
pub(crate) const HEALTH_PATH: &str = "/healthz";
