//! What the next bytes brought, and where it is.

use std::ops::Range;

use super::MessageKind;
use crate::frame::Opcode;

/// What the next bytes brought.
#[derive(Debug)]
pub(super) enum Step {
    Message(MessageKind, Place),
    Control(Opcode, Place),
    LegacyClose,
}

/// Where a payload is.
#[derive(Debug)]
pub(super) enum Place {
    /// In the bytes just received.
    Here(Range<usize>),
    /// Put together elsewhere.
    Held,
}
