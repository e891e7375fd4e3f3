//! What is on the wire of a WebSocket connection, taken apart for people to read.
//!
//! | what is at hand                       | start from  |
//! |---------------------------------------|-------------|
//! | the frames of one direction, as bytes | [`Frames`]  |
//!
//! Nothing of the protocol is written here a second time: `tieline-proto` judges what is on the wire.
#![forbid(unsafe_code)]

mod frames;

pub use frames::{Deflate, Frame, Frames, Outcome, Sender};
