//! JSON-RPC 2.0 in both directions: methods in Rust, behind an HTTP backend or at a node, called over
//! whatever carries a peer, and over HTTP.
//!
//! ```text
//! a line ─▶ conversation, or a dialect ─┐                           ┌─▶ methods in Rust
//!                                       ├─▶ exchange ─▶ dispatch ───┼─▶ an HTTP backend
//! a POST ─▶ post ───────────────────────┘   one, or a batch         └─▶ an upstream node
//! ```

mod backend;
mod cache;
mod call;
mod call_error;
mod callable;
mod client;
mod conversation;
mod counts;
mod demo;
mod dialect;
mod dispatch;
mod error;
mod events;
mod exchange;
mod feed;
mod following;
mod id;
mod line;
mod members;
mod methods;
mod names;
mod params;
mod post;
mod rates;
mod renewing;
mod request;
mod service;
mod spoken;
mod subscriptions;
#[cfg(test)]
mod tests;
pub(crate) mod upstream;
pub(crate) mod written;

pub use call::Call;
pub use call_error::CallError;
pub(crate) use callable::{Callable, Callables, Unlet};
pub use client::Client;
pub(crate) use counts::Counts;
pub use error::RpcError;
pub use events::{EventError, Events};
pub use feed::Feed;
pub(crate) use id::Id;
pub use methods::Methods;
pub(crate) use names::Pattern;
pub(crate) use params::decode;
pub(crate) use renewing::told;
pub(crate) use request::{Ask, Item, MAX_METHOD_BYTES, Said, parse};
pub(crate) use service::Rpc;

/// The examples of the page about it.
#[cfg(doctest)]
#[doc = include_str!("../../../../../docs/rpc.md")]
struct Documented;
