//! What happens to a line.

use std::time::Duration;

use tieline::http::HeaderMap;
use tieline::reconnect::Why;
use tieline::{Received, WebSocket};

/// What happens to a line.
#[derive(Debug)]
pub(super) enum Event {
    Opened(Opened),
    Received(Received),
    /// It ended, or did not open; the next attempt, where there is one, is made so late.
    Ended {
        why: Why,
        retry_in: Option<Duration>,
    },
    /// Somebody asked for a line and got none.
    TurnedAway(String),
}

/// What was agreed on a line.
#[derive(Debug)]
pub(super) struct Opened {
    /// Its URL.
    pub(super) url: String,
    pub(super) protocol: String,
    pub(super) extensions: String,
    /// What the server answered; empty where this end is the server.
    pub(super) headers: HeaderMap,
    /// How long it took.
    pub(super) took: Duration,
}

impl Opened {
    pub(super) fn of<S>(socket: &WebSocket<S>, took: Duration) -> Self {
        Self {
            url: socket.url().to_owned(),
            protocol: socket.protocol().to_owned(),
            extensions: socket.extensions().to_owned(),
            headers: socket.response_headers().cloned().unwrap_or_default(),
            took,
        }
    }
}
