//! What is asked of the driver of a client.

use tokio::sync::oneshot;

use super::call::{Call, CallError, Kind, Response};

/// What a call leads to.
pub(super) type Answered = Result<Response, CallError>;

/// What is asked of the driver.
pub(super) enum Order {
    /// A message that came on this line was dealt with.
    Acknowledge(u64),
    Call(Kind, Call, oneshot::Sender<Answered>),
}
