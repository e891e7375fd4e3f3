//! What happens in a conversation: told once, to whoever shows or records it.

use std::time::Duration;

use tieline::bytes::Bytes;
use tieline::reconnect::Why;
use tieline::{CloseCode, Message};

use super::event::Opened;

#[derive(Debug)]
pub(super) enum Happening {
    /// This end begins to close the line.
    Closing {
        code: CloseCode,
        reason: String,
    },
    /// The line ended, or did not open; the next attempt, if there is one, is made so late.
    Ended {
        why: Why,
        retry_in: Option<Duration>,
    },
    /// Something that is no part of the conversation.
    Note(String),
    Opened(Opened),
    /// The peer asked whether this end is there, and was answered.
    Pinged(Bytes),
    /// The peer is there; how long ago it was asked, where it was asked by hand.
    Ponged {
        payload: Bytes,
        round_trip: Option<Duration>,
    },
    Received(Message),
    Sent(Message),
}
