//! An ordinary request to a service, and its answer. What asks and what answers are both above it.

mod body;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio::time::timeout;

pub use body::Body;

use crate::refusal::Refusal;
use crate::request::Request;

/// What a service makes of a request; on the worker that took it.
pub type Answer = Pin<Box<dyn Future<Output = Response<Body>>>>;

/// Marks an answer that is another server's: what it says of itself stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Foreign;

/// A request that asks for no WebSocket.
#[derive(Debug)]
pub struct Exchange {
    /// Its head.
    pub request: Request,
    /// Its method.
    pub method: Method,
    body: Incoming,
}

impl Exchange {
    pub(crate) const fn new(request: Request, method: Method, body: Incoming) -> Self {
        Self { request, method, body }
    }

    /// Its body, as it comes. How long that may take, and how much it may be, is for the caller to
    /// bound.
    pub fn into_body(self) -> Incoming {
        self.body
    }

    /// All of it.
    pub(crate) fn into_parts(self) -> (Request, Method, Incoming) {
        let Self { request, method, body } = self;
        (request, method, body)
    }

    /// Its body, once all of it is there.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] with 413 for a body of more than `max_bytes`, 408 for one that takes longer than `within`,
    /// and 400 for one that breaks off.
    pub async fn whole(&mut self, max_bytes: usize, within: Duration) -> Result<Bytes, Refusal> {
        whole(&mut self.body, max_bytes, within).await
    }
}

/// A body, once all of it is there; refused as [`Exchange::whole`] says.
pub(crate) async fn whole(
    body: &mut Incoming,
    max_bytes: usize,
    within: Duration,
) -> Result<Bytes, Refusal> {
    let body = Limited::new(body, max_bytes).collect();
    match timeout(within, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is larger than {max_bytes} bytes"),
        )),
        Ok(Err(_)) => Err(Refusal::new(StatusCode::BAD_REQUEST, "the body breaks off")),
        Err(_) => Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            format!("the body was not whole within {within:?}"),
        )),
    }
}
