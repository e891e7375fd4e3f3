//! The WebSocket client behind a C ABI: for C, C++, Lua, game engines and everything else.
//!
//! ```text
//!  the program's threads                          one thread of the library
//!
//!  tieline_ws_send_text ──▶ Outbox, bounded ──▶┐
//!                                              ├ task ◀──▶ tieline's Reconnecting ◀──▶ server
//!  tieline_ws_poll      ◀── Inbox, bounded  ◀──┘
//! ```
//!
//! Handles are numbers that a registry gives; a freed or foreign one is an error. All
//! that is unsafe is in `border`, behind which everything is ordinary Rust. The header is
//! `include/tieline_ws.h`, the pages for users are in `docs/capi.md`.
#![deny(unsafe_code)]

mod background;
mod border;
mod client;
mod code;
mod event;
mod inbox;
mod outbox;
mod registry;
mod settings;
mod shared;
mod state;
mod task;

pub use border::*;
pub use code::Code;
pub use event::{Kind, MessageKind};
pub use state::State;
