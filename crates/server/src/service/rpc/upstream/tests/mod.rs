//! A node that is real, goes away and comes back; nothing here sleeps.

mod calls;
mod metrics;
mod missed;
mod subscriptions;

use std::future::Future;
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::node::Node;
use super::push::Gap;
use super::*;
use crate::metrics::Metrics;
use crate::service::rpc::counts::Counts;

/// For what must come: it fails a test, and its length decides nothing else.
const PATIENCE: Duration = Duration::from_secs(20);

struct Running {
    node: Node,
    upstream: Upstream,
    metrics: Metrics,
    _running: Task,
}

struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(super) fn options(address: Address) -> Options {
    Options {
        address,
        lines: 1,
        timeout: PATIENCE,
        longest_wait: Duration::from_millis(1),
        max_calls: 100,
        max_answer_bytes: 4_096,
        max_subscriptions: 4,
        fill_blocks: 4,
        repeatable: vec!["my_read".to_owned()],
        on_gap: OnGap::GoOn,
    }
}

fn run(node: Node, change: impl FnOnce(&mut Options)) -> Running {
    let mut options = options(node.address());
    change(&mut options);
    let metrics = Metrics::default();
    let counts = metrics.register(Counts::registered).node("/rpc", &options.address.to_string());
    let upstream = Upstream::new(options, counts);
    let running = upstream.clone();
    let task = Task(tokio::spawn(async move { running.run().await }));
    Running { node, upstream, metrics, _running: task }
}

async fn running() -> Running {
    run(Node::websocket().await, |_| {})
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("it happens in time")
}

fn raw(value: &Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).unwrap()
}

impl Running {
    async fn call(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        let answer = soon(self.upstream.call(method, Some(&raw(&params)))).await?;
        Ok(serde_json::from_str(answer.get()).unwrap())
    }

    fn start(&self, method: &'static str, params: Value) -> JoinHandle<Result<Value, RpcError>> {
        let upstream = self.upstream.clone();
        tokio::spawn(async move {
            let answer = upstream.call(method, Some(&raw(&params))).await?;
            Ok(serde_json::from_str(answer.get()).unwrap())
        })
    }

    async fn subscribe(&self, params: Value) -> Subscription {
        soon(self.upstream.subscribe("eth", &raw(&params))).await.unwrap()
    }

    /// What the metrics say, by their names and results.
    fn counted(&self, name: &str) -> u64 {
        let text = self.metrics.text();
        let (name, result) = name.split_once(' ').unwrap_or((name, ""));
        let mut of = format!("route=\"/rpc\",node=\"{}\"", self.upstream.0.options.address);
        if !result.is_empty() {
            of += &format!(",result=\"{result}\"");
        }
        let line = format!("tieline_node_{name}{{{of}}} ");
        let value = text.lines().find_map(|text| text.strip_prefix(&line));
        value.unwrap_or_else(|| panic!("{line}\n{text}")).parse().unwrap()
    }

    /// Waits until a line is open.
    async fn is_open(&self) {
        self.call("eth_chainId", json!([])).await.unwrap();
    }
}

async fn next(subscription: &mut Subscription) -> String {
    match soon(subscription.next()).await {
        None => "the end".to_owned(),
        Some(Push::Gap(Gap { from, to, why })) => {
            let block =
                |number: Option<u64>| number.map_or_else(|| "?".to_owned(), |n| n.to_string());
            format!("gap {}-{} {why}", block(from), block(to))
        }
        Some(Push::Result(result)) => {
            let result: Value = serde_json::from_str(result.get()).unwrap();
            match (result["logIndex"].as_str(), result["hash"].as_str()) {
                (Some(index), _) => format!("{} {index}", result["blockHash"].as_str().unwrap()),
                (None, Some(hash)) => hash.to_owned(),
                (None, None) => result.to_string(),
            }
        }
    }
}

async fn hears<const N: usize>(subscription: &mut Subscription, expected: [&str; N]) {
    for expected in expected {
        assert_eq!(next(subscription).await, expected);
    }
}
