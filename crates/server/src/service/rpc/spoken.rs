//! What is said in answer, and what begins once it was.

use serde_json::value::RawValue;

use super::error::RpcError;
use super::id::Id;
use super::subscriptions::SubscriptionId;
use super::written;

/// One answer, to be written.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) id: Id,
    pub(crate) result: Result<Box<RawValue>, RpcError>,
    /// What begins once it was sent.
    pub(crate) begins: Option<SubscriptionId>,
}

/// What goes out, and what begins once it has.
#[derive(Debug, Default)]
pub(crate) struct Spoken {
    /// `None` where nobody waits for an answer.
    pub(crate) text: Option<String>,
    pub(crate) begins: Vec<SubscriptionId>,
}

impl From<String> for Spoken {
    fn from(text: String) -> Self {
        Self { text: Some(text), begins: Vec::new() }
    }
}

impl From<Option<Told>> for Spoken {
    fn from(told: Option<Told>) -> Self {
        let Some(Told { id, result, begins }) = told else { return Self::default() };
        Self { text: Some(written::answer(&id, &result)), begins: begins.into_iter().collect() }
    }
}
