//! What is on the wire of a WebSocket connection, taken apart for people to read.
//!
//! | what is at hand                        | start from        |
//! |----------------------------------------|-------------------|
//! | the frames of one direction, as bytes  | [`Frames`]        |
//! | both directions, as they come          | [`Conversation`]  |
//! | a capture, in a file or a stream       | [`Packets`], which an [`Inspector`] is given |
//! | an interface (feature `live`)          | `Live`, likewise  |
//!
//! What was seen is an [`Event`]; [`json::event`] is the same for programs.
//!
//! Nothing of the protocol is written here a second time: `tieline-proto` judges what is on the wire.
#![forbid(unsafe_code)]

mod capture;
mod conversation;
mod direction;
mod event;
mod frame;
mod frames;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod handshake;
mod hixie;
pub mod json;
#[cfg(feature = "live")]
mod live;
mod search;
mod side;
mod tcp;
#[cfg(feature = "tls")]
mod tls;

pub use capture::{CaptureError, Packet, Packets};
pub use conversation::{Conversation, Start, Terms};
pub use direction::Bounds;
pub use event::{Answered, Asked, Connected, End, Ending, Event, Note, Seen, What, Windows};
pub use frame::{Frame, Outcome, Sender, Unread, opcode_name};
pub use frames::{Deflate, Frames};
#[cfg(feature = "live")]
pub use live::{Live, LiveError};
pub use tcp::{Counts, Inspector, Room};
#[cfg(feature = "tls")]
pub use tls::Keys;
