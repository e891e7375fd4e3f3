//! A client of an API gateway that pushes to devices: calls go up, messages come down.
//!
//! ```text
//! RG#device  ──▶                        the device says who it is
//!            ◀── RO#credential#25000    bound; a heartbeat each 25 s
//! {"method":"POST","path":"/register",…} ──▶   a call, signed where there are credentials
//!            ◀── {"status":200,"header":{"x-ca-seq":"0"},…}
//! H1         ──▶ ◀── HO#credential
//!            ◀── NF#a message           and NO once it was dealt with
//!            ◀── OS, CR                 close, and come back
//! ```
//!
//! It comes back by itself after waits that double, each a random part of its longest, binds the same
//! device and registers it again. Any API is called by its method and path; nothing is generated.

mod call;
mod client;
mod envelope;
mod event;
mod options;
mod order;
mod session;
mod signature;
mod word;

pub use call::{Body, Call, CallError, Response};
pub use client::{Client, Driver, client};
pub use event::{Event, Events};
pub use options::{Options, device_id};
pub use signature::Credentials;
