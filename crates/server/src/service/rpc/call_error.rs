//! Why a client did not answer.

use super::error::RpcError;

/// Why a client did not answer a call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// It answered with an error.
    #[error("the client answers: {0}")]
    Answered(RpcError),
    /// The parameters could not be written as JSON, or the answer is not of the type asked for.
    #[error("not what was asked for")]
    Content(#[source] serde_json::Error),
    /// It is gone.
    #[error("the client is gone")]
    Gone,
    /// It took too long (setting `client_call_within`).
    #[error("the client did not answer in time")]
    TimedOut,
    /// It has too many calls to answer already (setting `max_client_calls`).
    #[error("the client has not answered the calls before")]
    TooMany,
}

impl From<CallError> for RpcError {
    /// What a method answers that could not go on without its client.
    fn from(error: CallError) -> Self {
        match error {
            CallError::Answered(error) => error,
            CallError::TimedOut => Self::new(Self::TIMED_OUT, error.to_string()),
            error => Self::new(Self::DEFAULT, error.to_string()),
        }
    }
}
