//! The hixie drafts: text between `00` and `FF`, before there was a mask, a ping or a close code.
//!
//! They are off everywhere unless a listener lets them in.
//!
//! Spec: draft-hixie-thewebsocketprotocol-75 and -76 (the latter also hybi-00).

mod framing;
pub(crate) mod hixie75;
pub(crate) mod hixie76;

pub(crate) use framing::{CLOSE, Decoded, Decoder, encode};
