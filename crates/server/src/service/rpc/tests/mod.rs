//! Conversations with a peer made by hand: what is answered, in which order, and within which bounds.

mod batches;
mod calls;
mod clients;
mod jsonrpc_bidirectional;
mod renewing;
mod rpc_websockets;
mod rules;
mod subscriptions;

use serde_json::Value;
use tieline::serve::Message;
use tokio::task::{LocalSet, yield_now};

use super::methods::Methods;
use super::service::Rpc;
use crate::by_hand::{Bench, request};
use crate::config;
use crate::peer::Peer;
use crate::request::Request;
use crate::resources::Resources;
use crate::service::{Conversation, Service};

/// A line to a service, and the other end of it.
struct Line {
    bench: Bench,
    peer: Peer,
    conversation: Box<dyn Conversation>,
}

impl Line {
    fn new(service: &Rpc) -> Self {
        Self::of(service, &request("192.0.2.1"))
    }

    /// A line that this request opened.
    fn of(service: &Rpc, request: &Request) -> Self {
        let mut bench = Bench::new();
        let peer = bench.peer();
        let conversation = service.open(&peer, request);
        Self { bench, peer, conversation }
    }

    fn say(&mut self, text: &str) {
        self.conversation.message(&self.peer, Message::from(text));
    }

    fn heard(&mut self) -> Vec<String> {
        self.bench.heard(&self.peer)
    }

    /// What is heard once everything that can be done now is done.
    async fn heard_then(&mut self) -> Vec<String> {
        for _ in 0..100 {
            yield_now().await;
        }
        self.heard()
    }

    /// The answer that is heard at once.
    fn answer(&mut self, text: &str) -> String {
        self.say(text);
        let heard = self.heard();
        assert_eq!(heard.len(), 1, "{text}: {heard:?}");
        heard.into_iter().next().unwrap()
    }

    fn error(&mut self, text: &str) -> (Value, i64) {
        let answer: Value = serde_json::from_str(&self.answer(text)).unwrap();
        (answer["id"].clone(), answer["error"]["code"].as_i64().unwrap())
    }
}

fn rpc(toml: &str) -> config::Rpc {
    toml::from_str(toml).unwrap()
}

fn demo(toml: &str) -> Rpc {
    let config = rpc(&format!("demo = true\n{toml}"));
    Rpc::new(&config, Methods::new(), "/rpc", &Resources::default())
}

fn with(methods: Methods, toml: &str) -> Rpc {
    Rpc::new(&rpc(toml), methods, "/rpc", &Resources::default())
}

fn call(id: &str, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

async fn on_a_worker(test: impl AsyncFnOnce()) {
    LocalSet::new().run_until(test()).await;
}
