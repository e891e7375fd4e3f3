//! The Tieline server as a library that a test can start.
//!
//! ```text
//! config::File ─▶ config::Plan ─▶ App::bind ─▶ App::run
//!
//! engine ─┬─▶ carrier::link ──────────────────▶ Peer ◀─▶ Conversation    the seam
//!         └─▶ http: pages, /healthz ─▶ carrier::stream ─┘
//!                └───────────────────▶ Exchange ──────────▶ Service::answer
//! ```
//!
//! Below the seam is what carries peers, above it what serves them: [`Service`] and
//! [`Conversation`] never learn what carries a [`Peer`], and a carrier never learns what serves it.
#![forbid(unsafe_code)]

mod admission;
mod app;
mod ask;
mod auth;
mod backend;
mod backoff;
#[cfg(test)]
mod by_hand;
mod carrier;
mod causes;
pub mod config;
mod counts;
mod delivery;
mod devices;
mod entrance;
mod events;
mod exchange;
mod gate;
mod holds;
mod host;
mod http;
mod inbox;
mod limits;
mod listen;
mod members;
mod metrics;
mod name;
mod operator;
mod outbox;
mod patient;
mod peer;
mod peer_id;
mod process;
mod random;
mod reach;
mod refusal;
mod request;
mod resources;
mod routes;
pub mod service;
mod source;
mod splitter;
mod start;
mod survey;
mod tally;
mod target;
mod tunnel;
mod worker;
mod workers;

pub use app::{Address, App, Handle};
pub use auth::{Access, AccessError, Algorithm, Identity, Renewal};
pub use exchange::{Answer, Body, Exchange};
pub use listen::{Certificates, TlsError, TlsFiles};
pub use members::{Full, Members, Turn};
pub use name::Name;
pub use peer::{Peer, Remote};
pub use peer_id::PeerId;
pub use refusal::Refusal;
pub use request::Request;
pub use service::{Accept, Conversation, Service, rpc};
pub use start::StartError;
pub use tieline::serve::{BindError, Message, Overflow, Payload, RunError};
pub use tieline_store::StoreError;
