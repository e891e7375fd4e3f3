//! Where in its life a client is, in the browser's numbers.

use tieline::ReadyState;

/// Where in its life a client is: the numbers of the browser's `readyState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a number in a C header")]
#[repr(i32)]
pub enum State {
    /// No line is open yet, or none again.
    Connecting = 0,
    /// Messages go both ways.
    Open = 1,
    /// `tieline_ws_close` was called, or the line was lost and its CLOSE was not polled yet.
    Closing = 2,
    /// The last event was polled.
    Closed = 3,
}

impl From<ReadyState> for State {
    fn from(state: ReadyState) -> Self {
        match state {
            ReadyState::Connecting => Self::Connecting,
            ReadyState::Open => Self::Open,
            ReadyState::Closing => Self::Closing,
            ReadyState::Closed => Self::Closed,
        }
    }
}
