//! The engine over real sockets on loopback: each file asks one question.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "../line/masked.rs"]
mod masked;
mod raw;
mod served;

mod backlog;
mod calls;
mod echo;
mod handoff;
mod inherited;
mod pause;
mod places;
mod reach;
mod requests;
mod skipping;
mod stop;
mod tasks;
mod time;
#[cfg(feature = "tls")]
mod tls;
mod topics;
mod watch;
