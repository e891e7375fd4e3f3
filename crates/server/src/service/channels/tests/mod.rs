//! The native line without a carrier: what is said, in which order, and what outlives a line.

mod access;
mod calls;
mod devices;
mod fixtures;
mod methods;
mod own;
mod presence;
mod sessions;
mod slow;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tieline::serve::Message;
use tieline::{CloseCode, Closed, Lost};
use tokio::task::{LocalSet, yield_now};

use super::*;
use crate::auth::{Access, Rule, Tokens};
use crate::by_hand::{Bench, file, request};
use crate::config::{File, Overrides, Plan, Source};
use crate::service::Gateway;
use crate::service::rpc::Rpc;

const NAMESPACES: &str = "
[namespace.chat]
history = 3
publish = 'all'
presence = true
join_leave = true
patterns = true
[namespace.news]
publish = 'all'
patterns = true
slow = 'skip'
[namespace.quiet]
publish = 'all'
presence = true
[namespace.plain]
publish = 'all'
";

/// The channels of one route, spoken of on one worker.
struct Scene {
    channels: Channels,
    bench: Bench,
    resources: Arc<Resources>,
    /// A gateway beside them, where the settings have one.
    gateway: Option<Gateway>,
}

/// A line, as the other end has it.
struct End {
    peer: Peer,
    conversation: Box<dyn Conversation>,
    calls: u64,
}

impl Scene {
    fn new(settings: &str) -> Self {
        Self::of(settings, false)
    }

    /// The same at a route that asks who comes, and lets in who says nothing.
    fn asking(settings: &str) -> Self {
        Self::of(settings, true)
    }

    fn of(settings: &str, asks_who: bool) -> Self {
        let text = format!(
            "[[route]]\npath = '/'\n[route.service]\nkind = 'channels'\n{settings}\n{NAMESPACES}"
        );
        let source = Source::new("by-hand.toml", text);
        let plan = File::parse(&source)
            .and_then(|file| Plan::new(file, &source, &Overrides::default()))
            .unwrap_or_else(|error| panic!("{}", error.report()));
        let config::Service::Channels(written) = plan.routes[0].service.clone().unwrap() else {
            panic!("the route is one of channels");
        };
        let resources = Resources::new(plan.backends, plan.namespaces, None).unwrap();
        let gateways = plan.routes.iter();
        let gateway = gateways
            .filter_map(|route| devices::gateway(&route.path, route.gateway.as_ref(), &resources));
        let gateway = gateway.last();
        for route in &plan.routes {
            if let Some(config::Service::Rpc(rpc)) = &route.service {
                let rpc = Rpc::new(rpc, route.methods.clone(), &route.path, &resources);
                resources.methods.add(&route.path, rpc.callable(route.access.clone()));
            }
        }
        let channels = Channels::new("/", asks_who, &written, &resources);
        Self { channels, bench: Bench::new(), resources: Arc::new(resources), gateway }
    }

    /// The same channels, on another worker.
    fn elsewhere(&self) -> Self {
        let channels = Channels(Arc::clone(&self.channels.0));
        let resources = Arc::clone(&self.resources);
        Self { channels, bench: Bench::new(), resources, gateway: None }
    }

    fn metrics(&self) -> String {
        self.resources.metrics.text()
    }

    /// A line of which nothing was said yet.
    fn open(&mut self) -> End {
        self.open_as(&request("192.0.2.7"))
    }

    fn open_as(&mut self, request: &Request) -> End {
        let peer = self.bench.peer();
        let conversation = self.channels.open(&peer, request);
        End { peer, conversation, calls: 0 }
    }

    /// A line that has connected, and what it was answered.
    async fn connect(&mut self, params: Value) -> (End, Value) {
        let mut end = self.open();
        let answer = self.call(&mut end, "connect", params).await;
        (end, answer)
    }

    /// A line that has subscribed.
    async fn subscriber(&mut self, channel: &str) -> End {
        let (mut end, _) = self.connect(json!({})).await;
        self.call(&mut end, "subscribe", json!({ "channel": channel })).await;
        self.heard(&end).await;
        end
    }

    /// All that is heard once everything has happened that can happen now.
    async fn heard(&mut self, end: &End) -> Vec<Value> {
        let mut heard = Vec::new();
        for _ in 0..50 {
            yield_now().await;
            let texts = self.bench.heard(&end.peer);
            heard.extend(texts.iter().map(|text| serde_json::from_str(text).unwrap()));
        }
        heard
    }

    /// Calls, and answers what that is answered, or its error; what was told before or meanwhile is left out.
    async fn call(&mut self, end: &mut End, method: &str, params: Value) -> Value {
        let id = end.ask(method, params);
        let heard = self.heard(end).await;
        let answer = heard.into_iter().find(|it| it["id"] == id);
        let mut answer = answer.unwrap_or_else(|| panic!("{method} is not answered"));
        match answer.get_mut("result") {
            Some(result) => result.take(),
            None => answer["error"].take(),
        }
    }

    async fn publish(&mut self, end: &mut End, channel: &str, data: Value) -> Value {
        self.call(end, "publish", json!({ "channel": channel, "data": data })).await
    }

    /// The line is lost, and its client does not know.
    fn lose(&self, end: &mut End) {
        end.conversation.close(&end.peer, &Closed::Lost(Lost::Eof));
    }

    /// Its client ends it.
    fn end(&self, end: &mut End) {
        let how = Closed::Cleanly { code: CloseCode::NORMAL, reason: String::new() };
        end.conversation.close(&end.peer, &how);
    }
}

impl End {
    fn say(&mut self, text: &str) {
        let peer = self.peer.clone();
        self.conversation.message(&peer, Message::from(text));
    }

    /// Calls; the number by which the answer is known.
    fn ask(&mut self, method: &str, params: Value) -> u64 {
        self.calls += 1;
        let call =
            json!({ "jsonrpc": "2.0", "id": self.calls, "method": method, "params": params });
        self.say(&call.to_string());
        self.calls
    }
}

/// The parameters of the notifications with this name.
fn told<'a>(heard: &'a [Value], method: &str) -> Vec<&'a Value> {
    heard.iter().filter(|it| it["method"] == method).map(|it| &it["params"]).collect()
}

/// A request of whoever has this token, of those in a file.
fn request_with(lines: &str, token: &str) -> Request {
    let rule = Rule::Tokens(Tokens::load(file(lines)).unwrap());
    let access = Arc::new(Access::of(rule));
    let identity = access.check(token, SystemTime::now()).unwrap();
    request("192.0.2.7").of(Arc::new(identity), &access)
}

/// Runs a scene where time goes on only when nothing else can.
fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, test);
}
