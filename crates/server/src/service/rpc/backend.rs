//! Methods that an HTTP backend answers: each call is a POST of JSON-RPC, with an id of ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method};
use serde_json::value::RawValue;
use tracing::debug;

use super::error::RpcError;
use super::names::Names;
use super::request::{Item, Said, parse};
use super::written;
use crate::backend::{self, Backend, BackendError};

/// A backend, and the methods that it answers.
#[derive(Debug)]
pub(crate) struct Behind {
    name: Box<str>,
    backend: Arc<Backend>,
    path: Box<str>,
    methods: Names,
    last: AtomicU64,
}

impl Behind {
    pub(crate) fn new(name: &str, backend: Arc<Backend>, path: &str, methods: Names) -> Self {
        let last = AtomicU64::new(0);
        Self { name: name.into(), backend, path: path.into(), methods, last }
    }

    /// Whether it answers this method.
    pub(crate) fn has(&self, method: &str) -> bool {
        self.methods.has(method)
    }

    /// Asks it. The result is the backend's, to the letter.
    ///
    /// # Errors
    ///
    /// The backend's own; -32002, -32003 and -32005 where it is slow, says too much or is busy; -32603
    /// where it does not answer as it should.
    pub(crate) async fn call(
        &self,
        method: &str,
        params: Option<&RawValue>,
    ) -> Result<Box<RawValue>, RpcError> {
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let mut call = backend::Call::new(Method::POST, &*self.path);
        let json = HeaderValue::from_static("application/json");
        call.headers.insert(CONTENT_TYPE, json.clone());
        call.headers.insert(ACCEPT, json);
        let none = RawValue::from_string("[]".to_owned()).expect("an empty array is JSON");
        call.body = Bytes::from(written::call(id, method, params.unwrap_or(&none)));
        let reply = self.backend.call(call).await.map_err(|error| self.unanswered(&error))?;
        match parse(&reply.body, 1) {
            Ok(Said::One(Item::Answer(answer))) if answer.id.number() == Some(id) => {
                answer.result.map_err(|error| RpcError::read(&error))
            }
            _ => {
                debug!(backend = %self.name, status = %reply.status, "no answer to a call");
                let why = format!("the backend answers {} and no JSON-RPC", reply.status.as_u16());
                Err(RpcError::new(RpcError::INTERNAL, why))
            }
        }
    }

    /// What the caller may know of it: nothing of where the backend is.
    fn unanswered(&self, error: &BackendError) -> RpcError {
        debug!(backend = %self.name, %error, "a call was not answered");
        match error {
            BackendError::Busy { .. } => {
                RpcError::limit_exceeded("too many calls, try again later")
            }
            BackendError::TimedOut => RpcError::timed_out(),
            BackendError::TooLarge { .. } => RpcError::too_large(),
            _ => RpcError::new(RpcError::INTERNAL, "the backend is not available"),
        }
    }
}
