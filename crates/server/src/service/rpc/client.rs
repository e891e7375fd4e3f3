//! Calls from the server to the client, on the line on which the client calls the server.

use std::fmt;
use std::rc::{Rc, Weak};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};
use tokio::time::timeout;

use super::call_error::CallError;
use super::line::Line;
use super::written;
use crate::peer_id::PeerId;

/// A client that can be called, on its own worker. Clones are the same client.
///
/// Its ids are numbers of the server's own and have nothing to do with those of the client. A client
/// that is gone answers nothing and hears nothing.
#[derive(Clone)]
pub struct Client {
    line: Weak<Line>,
    id: PeerId,
}

impl Client {
    pub(crate) fn of(line: &Rc<Line>) -> Self {
        Self { line: Rc::downgrade(line), id: line.peer().id() }
    }

    /// What tells it from every other peer.
    pub const fn id(&self) -> PeerId {
        self.id
    }

    /// Calls a method of the client: `params` are written as JSON, a tuple as an array. The client's
    /// own call that waits for this keeps no other from being read.
    ///
    /// # Errors
    ///
    /// [`CallError`] where it does not answer, or not what was asked for.
    ///
    /// # Cancel safety
    ///
    /// Dropping it forgets the call; the client has heard it all the same.
    pub async fn call<R: DeserializeOwned>(
        &self,
        method: &str,
        params: &impl Serialize,
    ) -> Result<R, CallError> {
        let params = to_raw_value(params).map_err(CallError::Content)?;
        let answer = self.call_raw(method, &params).await?;
        serde_json::from_str(answer.get()).map_err(CallError::Content)
    }

    /// Tells the client something that it does not answer.
    ///
    /// # Errors
    ///
    /// [`CallError::Content`] for parameters that cannot be written as JSON.
    pub fn notify(&self, method: &str, params: &impl Serialize) -> Result<(), CallError> {
        let params = to_raw_value(params).map_err(CallError::Content)?;
        if let Some(line) = self.line.upgrade() {
            line.peer().send(written::notification(method, &params));
        }
        Ok(())
    }

    async fn call_raw(&self, method: &str, params: &RawValue) -> Result<Box<RawValue>, CallError> {
        let (awaited, within) = {
            let line = self.line.upgrade().ok_or(CallError::Gone)?;
            (line.call_client(method, params)?, line.limits().client_call_within.get())
        };
        let answer = timeout(within, awaited.answer()).await.map_err(|_| CallError::TimedOut)?;
        answer.ok_or(CallError::Gone)?.map_err(CallError::Answered)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("id", &self.id).finish_non_exhaustive()
    }
}
