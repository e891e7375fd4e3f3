//! Calls to a node over HTTP: a POST for each.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, CONTENT_TYPE};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, retry};

use super::message::{Answer, Said, read};
use super::options::Options;

/// How long a connection may take to open.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// A node behind a URL.
#[derive(Debug)]
pub(super) struct Http {
    url: String,
    max_bytes: usize,
    /// `Err` where the system lets no client be made, and why.
    client: Result<Client, Arc<reqwest::Error>>,
}

/// A call has no answer. Where the node is, which its cause may tell, is none of a client's business.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The connection broke.
    #[error("the connection to the node broke")]
    Broken(#[source] Arc<reqwest::Error>),
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
    #[error("the node cannot be reached")]
    Unreachable(#[source] Arc<reqwest::Error>),
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
            .map_err(Arc::new);
        Self { url: url.to_owned(), max_bytes: options.max_answer_bytes, client }
    }

    /// Makes a call; its text has this number.
    pub(super) async fn call(&self, id: u64, text: String) -> Result<Answer, Failure> {
        let client = self.client.as_ref().map_err(|why| Failure::Unreachable(Arc::clone(why)))?;
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
    /// Whether the node was not even reached.
    pub(super) const fn is_away(&self) -> bool {
        matches!(self, Self::Broken(_) | Self::Unreachable(_))
    }

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
        let why = Arc::new(error.without_url());
        if is_connect { Self::Unreachable(why) } else { Self::Broken(why) }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::{Arc, Mutex};

    use http_body_util::{BodyExt, Full};
    use hyper::body::Incoming;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use serde_json::{Value, json};
    use tokio::net::TcpListener;

    use crate::service::rpc::counts::NodeCounts;
    use crate::service::rpc::upstream::tests::options;
    use crate::service::rpc::upstream::{Address, Upstream};

    type Bodies = Arc<Mutex<Vec<Value>>>;

    /// A node that answers in turn with these statuses and results, and the last for ever.
    async fn node(answers: &[(u16, &str)]) -> (Upstream, Bodies) {
        let answers: Vec<_> =
            answers.iter().map(|(status, text)| (*status, (*text).to_owned())).collect();
        let answers = Arc::new(answers);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/key", listener.local_addr().unwrap());
        let heard = Bodies::default();
        let bodies = Arc::clone(&heard);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (bodies, answers) = (Arc::clone(&bodies), Arc::clone(&answers));
                let answer = service_fn(move |request: hyper::Request<Incoming>| {
                    let (bodies, answers) = (Arc::clone(&bodies), Arc::clone(&answers));
                    async move {
                        assert_eq!(request.uri().path(), "/key");
                        let body = request.into_body().collect().await.unwrap().to_bytes();
                        let call: Value = serde_json::from_slice(&body).unwrap();
                        let mut bodies = bodies.lock().unwrap();
                        let (status, text) = &answers[bodies.len().min(answers.len() - 1)];
                        let text = text.replace("$ID", &call["id"].to_string());
                        bodies.push(call);
                        let answer = hyper::Response::builder().status(*status);
                        Ok::<_, Infallible>(answer.body(Full::<bytes::Bytes>::from(text)).unwrap())
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
            }
        });
        (Upstream::new(options(Address::Http(url)), NodeCounts::default()), heard)
    }

    #[tokio::test]
    async fn a_call_is_a_post_and_its_answer_the_nodes() {
        let (upstream, heard) = node(&[(200, r#"{"id":$ID,"result":{"b":1.50}}"#)]).await;
        let answer = upstream.call("eth_chainId", None).await.unwrap();
        assert_eq!(answer.get(), r#"{"b":1.50}"#);
        assert_eq!(heard.lock().unwrap()[0]["params"], json!([]));
    }

    #[tokio::test]
    async fn an_error_is_the_nodes_whatever_the_status() {
        let error = r#"{"id":$ID,"error":{"code":-32601,"message":"no"}}"#;
        let (upstream, _) = node(&[(400, error)]).await;
        let error = upstream.call("eth_chainId", None).await.unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (-32601, "no"));
    }

    #[tokio::test]
    async fn what_only_reads_is_asked_again_while_the_node_is_busy() {
        let (upstream, heard) =
            node(&[(503, "busy"), (502, "<html>"), (200, r#"{"id":$ID,"result":1}"#)]).await;
        assert_eq!(upstream.call("eth_chainId", None).await.unwrap().get(), "1");
        assert_eq!(heard.lock().unwrap().len(), 3);
    }

    #[tokio::test]
    async fn what_does_more_is_asked_once() {
        let (upstream, heard) = node(&[(503, "busy")]).await;
        let error = upstream.call("eth_sendRawTransaction", None).await.unwrap_err();
        assert!(error.message.contains("503") && error.message.contains("may or may not"));
        assert_eq!(heard.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn what_is_no_answer_is_told_at_once() {
        for text in ["no JSON", r#"{"id":999,"result":1}"#, ""] {
            let (upstream, heard) = node(&[(200, text)]).await;
            let error = upstream.call("eth_chainId", None).await.unwrap_err();
            assert_eq!(error.code, -32000, "{text}: {error}");
            assert_eq!(heard.lock().unwrap().len(), 1);
        }
    }

    #[tokio::test]
    async fn too_big_an_answer_is_told_and_not_read_to_its_end() {
        let text = format!(r#"{{"id":$ID,"result":"{}"}}"#, "x".repeat(5_000));
        let (upstream, _) = node(&[(200, &text)]).await;
        assert_eq!(upstream.call("eth_chainId", None).await.unwrap_err().code, -32003);
    }
}
