//! Lines made of HTTP requests, end to end: the real server, real connections.
#![expect(clippy::unwrap_used, reason = "what helps tests is a test, too")]

mod access;
mod client;
mod delivery;
mod ending;
mod limits;
mod server;
