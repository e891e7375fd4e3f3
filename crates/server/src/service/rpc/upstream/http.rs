//! Calls to a node over HTTP: a POST for each.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, CONTENT_TYPE};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, retry};

use super::message::{Answer, Said, read};
use super::options::Options;
use crate::causes::Causes;

/// How long a connection may take to open.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// A node behind a URL.
#[derive(Debug)]
pub(super) struct Http {
    url: String,
    max_bytes: usize,
    /// `Err` where the system lets no client be made, and why.
    client: Result<Client, String>,
}

/// A call has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The connection broke.
    #[error("the connection to the node broke: {0}")]
    Broken(String),
    /// What came is no answer to the call.
    #[error("the node says what is not JSON-RPC (HTTP status {0})")]
    NotRpc(StatusCode),
    /// The node, or what stands before it, cannot answer at the moment.
    #[error("the node answers with HTTP status {0}")]
    Status(StatusCode),
    /// The answer is longer than it may be.
    #[error("the answer is longer than max_answer_bytes = {0}")]
    TooBig(usize),
    /// The connection did not open: nothing was sent.
    #[error("the node cannot be reached: {0}")]
    Unreachable(String),
}

impl Http {
    /// Nothing is opened before the first call.
    pub(super) fn new(url: &str, options: &Options) -> Self {
        let client = Client::builder()
            .redirect(Policy::none())
            .retry(retry::never())
            .no_proxy()
            .connect_timeout(CONNECT_WITHIN)
            .pool_max_idle_per_host(options.lines)
            .build()
            .map_err(|error| Causes(&error).to_string());
        Self { url: url.to_owned(), max_bytes: options.max_answer_bytes, client }
    }

    /// Makes a call; its text has this number.
    pub(super) async fn call(&self, id: u64, text: String) -> Result<Answer, Failure> {
        let client = self.client.as_ref().map_err(|why| Failure::Unreachable(why.clone()))?;
        let request = client
            .post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .body(text);
        let response = request.send().await?;
        let status = response.status();
        let body = self.body(response).await?;
        // A JSON-RPC error may come with any status.
        let mut found = None;
        let is_rpc = read(&body, |said| match said {
            Said::Answer(Some(other), answer) if other == id => found = Some(answer),
            // A node that could not read the call answers to no id.
            Said::Answer(None, Err(error)) => found = found.take().or(Some(Err(error))),
            _ => {}
        });
        match (is_rpc, found) {
            (Ok(()), Some(answer)) => Ok(answer),
            _ if !status.is_success() => Err(Failure::Status(status)),
            _ => Err(Failure::NotRpc(status)),
        }
    }

    async fn body(&self, mut response: reqwest::Response) -> Result<Bytes, Failure> {
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > self.max_bytes {
                return Err(Failure::TooBig(self.max_bytes));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

impl Failure {
    /// Whether the same call may have better luck later.
    pub(super) fn may_heal(&self) -> bool {
        match self {
            Self::Broken(_) | Self::Unreachable(_) => true,
            Self::Status(status) => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::NotRpc(_) | Self::TooBig(_) => false,
        }
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        let is_connect = error.is_connect();
        // A node's URL may hold a key.
        let why = Causes(&error.without_url()).to_string();
        if is_connect { Self::Unreachable(why) } else { Self::Broken(why) }
    }
}
