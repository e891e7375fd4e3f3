//! One frame as it is on the wire: a header, then its payload.
//!
//! Spec: RFC 6455 §5.

mod header;

pub use header::{Header, MAX_HEADER_BYTES, Opcode};
