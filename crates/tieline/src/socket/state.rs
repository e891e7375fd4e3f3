//! Where in its life a line is, in the browser's numbers.

use tieline_proto::connection::State;

/// The browser's `readyState`; `as u8` gives its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the browser's object has these four")]
#[repr(u8)]
pub enum ReadyState {
    /// The handshake is not done. No `WebSocket` of this crate says so: it exists only after it.
    Connecting = 0,
    /// Messages go both ways.
    Open = 1,
    /// The closing handshake has begun, or the transport has yet to end.
    Closing = 2,
    /// It is over.
    Closed = 3,
}

impl ReadyState {
    pub(super) const fn of(state: State, ended: bool) -> Self {
        match (state, ended) {
            (_, true) => Self::Closed,
            (State::Open, false) => Self::Open,
            (State::Closing { .. } | State::Closed { .. }, false) => Self::Closing,
        }
    }
}
