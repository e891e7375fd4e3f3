//! The WebSocket protocol as pure logic.
//!
//! Bytes and the time go in; events, bytes to send and the next deadline come out. There is no
//! socket here, no clock, no randomness and no async: what carries the bytes is the caller's.
//!
//! | step                    | start from                                             |
//! |-------------------------|--------------------------------------------------------|
//! | read a request head     | [`http::HeadReader`]                                   |
//! | answer an upgrade       | [`handshake::server::Upgrade`]                         |
//! | ask for one             | [`handshake::client::Request`]                         |
//! | speak on the open line  | [`Connection`]                                         |
//!
//! Spec: RFC 6455; RFC 7692 (permessage-deflate); the drafts hixie-75, hixie-76 and hybi-07 to 17.
#![forbid(unsafe_code)]

pub mod close;
mod close_code;
pub mod connection;
pub mod deflate;
mod error;
pub mod frame;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod handshake;
pub mod http;
pub mod legacy;
mod limits;
pub mod mask;
pub mod utf8;

pub use close::{Closed, Lost};
pub use close_code::CloseCode;
pub use connection::{Connection, Event, Incoming, Message, MessageKind, Outgoing, Role};
pub use error::{ProtocolError, UsageError};
pub use limits::Limits;
