//! The Tieline server as a library that a test can start.
//!
//! ```text
//! config::File ─▶ config::Plan ─▶ App::bind ─▶ App::run
//!
//! socket ─▶ connection ─┬─▶ carrier::websocket ─▶ Peer ◀─▶ Conversation    the seam
//!                       └─▶ http: pages, /healthz
//! ```
//!
//! Below the seam is what carries peers, above it what serves them: [`Service`] and
//! [`Conversation`] never learn what carries a [`Peer`], and a carrier never learns what serves it.
#![forbid(unsafe_code)]

mod admission;
mod app;
#[cfg(test)]
mod by_hand;
mod carrier;
mod causes;
pub mod config;
mod connection;
mod delivery;
mod handoff;
mod http;
mod inbox;
mod listen;
mod members;
mod message;
mod outbox;
mod peer;
mod peer_id;
mod request;
mod routes;
pub mod service;
mod worker;
mod worker_thread;

pub use app::{Address, App, Handle, RunError};
pub use listen::{BindError, Certificates, TlsError, TlsFiles};
pub use members::{Full, Members, Turn};
pub use message::Message;
pub use outbox::Overflow;
pub use peer::{Peer, Remote};
pub use peer_id::PeerId;
pub use request::Request;
pub use service::{Accept, Conversation, Refusal, Service};
