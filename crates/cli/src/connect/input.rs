//! What is to be done in a conversation, whoever says so.

use std::path::PathBuf;

use tieline::{CloseCode, Message};

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// Leaves at once, whatever is under way.
    Abort,
    Close(CloseCode, String),
    Headers,
    Help,
    Message(Message),
    Ping(Vec<u8>),
    /// Closes with 1000.
    Quit,
    /// Writes the last message that arrived into a file.
    Save(PathBuf),
    /// Shows more, or less.
    Toggle(Toggle),
    /// What was typed is no command, and why.
    Wrong(String),
}

/// What may be shown or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Toggle {
    Pings,
    Pretty,
    Times,
}
