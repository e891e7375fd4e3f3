//! Devices and backends at a gateway: the words, the calls, and whatever goes wrong.

mod binding;
mod calling;
mod lasting;
mod notifying;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Mutex as StdMutex;
use std::time::{Duration, SystemTime};

use axum::body::to_bytes;
use axum::extract::Request as Received;
use axum::response::{IntoResponse, Response as Answered};
use http::StatusCode;
use serde_json::{Value, json};
use tieline::serve::Message;
use tieline::{CloseCode, Closed, Lost};
use tokio::task::{LocalSet, spawn_local, yield_now};
use tokio::time::timeout;

use super::signature::tests::sign_as;
use super::*;
use crate::auth::{Access, Identity, Rule, Tokens};
use crate::backend::tests::serve;
use crate::by_hand::{Bench, file, request};
use crate::config::{File, Overrides, Plan, Source};
use crate::devices::Notified;
use tieline_store::Scratch;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

const APIS: &str = "
[[route.service.api]]
type = 'register'
path = '/register'
backend = 'shop'
signed = false
[[route.service.api]]
type = 'unregister'
path = '/unregister'
backend = 'shop'
signed = false
[[route.service.api]]
path = '/orders/{id}'
backend = 'shop'
backend_path = '/v1/{id}'
signed = false
[[route.service.api]]
path = '/free'
backend = 'shop'
signed = false
ordered = false
[[route.service.api]]
path = '/signed'
backend = 'shop'
[[route.service.api]]
type = 'notify'
path = '/notify'
apps = ['back']
[[route.service.app]]
key = 'back'
secret_file = 'back.secret'
[[route.service.app]]
key = 'device'
secret_file = 'device.secret'
";

/// What a backend was asked: method, path and query, device, body.
type Asked = Arc<StdMutex<Vec<String>>>;

/// A gateway on a worker of its own.
struct Scene {
    gateway: Gateway,
    bench: Bench,
    asked: Asked,
    _folder: Scratch,
}

/// A line, as the other end has it.
struct End {
    peer: Peer,
    conversation: Box<dyn Conversation>,
    heard: VecDeque<String>,
}

impl Scene {
    /// With a backend that answers 200 and what it was sent, and settings of the gateway.
    async fn new(settings: &str) -> Self {
        Self::with(settings, |_, body| (StatusCode::OK, body).into_response()).await
    }

    /// With a backend that answers so, by path and body.
    async fn with(
        settings: &str,
        answer: impl Fn(&str, String) -> Answered + Clone + Send + Sync + 'static,
    ) -> Self {
        let asked = Asked::default();
        let notes = Arc::clone(&asked);
        let url = serve(move |request: Received| {
            let (answer, notes) = (answer.clone(), Arc::clone(&notes));
            async move {
                let (head, body) = request.into_parts();
                let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec());
                let body = body.unwrap();
                let device = head.headers.get("x-ca-deviceid").unwrap().to_str().unwrap();
                let note = format!("{} {} {device} {body}", head.method, head.uri);
                notes.lock().unwrap().push(note);
                if head.uri.path() == "/slow" {
                    std::future::pending::<()>().await;
                }
                answer(head.uri.path(), body)
            }
        })
        .await;
        Self::at(&url, settings, asked)
    }

    fn at(url: &str, settings: &str, asked: Asked) -> Self {
        let folder = Scratch::new();
        std::fs::create_dir_all(&*folder).unwrap();
        for (name, secret) in [("back", "backend-secret\n"), ("device", "device-secret")] {
            std::fs::write(folder.join(format!("{name}.secret")), secret).unwrap();
        }
        let text = format!(
            "[[backend]]\nname = 'shop'\nurl = '{url}'\nretries = 0\n\
             [[route]]\npath = '/'\n[route.service]\nkind = 'gateway'\n{settings}\n{APIS}"
        );
        let file = folder.join("tieline.toml");
        std::fs::write(&file, text).unwrap();
        let source = Source::read(&file).unwrap();
        let plan =
            File::parse(&source).and_then(|file| Plan::new(file, &source, &Overrides::default()));
        let plan = plan.unwrap_or_else(|error| panic!("{}", error.report()));
        let resources = Resources::new(plan.backends, plan.namespaces, None).unwrap();
        let gateway =
            Gateway::new("/", false, plan.routes[0].gateway.as_ref().unwrap(), &resources);
        spawn_local(gateway.attend(0).unwrap());
        Self { gateway, bench: Bench::new(), asked, _folder: folder }
    }

    fn open(&mut self) -> End {
        self.open_with(&request("192.0.2.7"))
    }

    fn open_with(&mut self, request: &Request) -> End {
        let peer = self.bench.peer();
        let conversation = self.gateway.open(&peer, request);
        End { peer, conversation, heard: VecDeque::new() }
    }

    /// A device that has bound its line; its credential.
    async fn bind(&mut self, device: &str) -> (End, String) {
        let mut end = self.open();
        end.say(&format!("RG#{device}"));
        let heard = self.next(&mut end).await;
        let credential = heard.strip_prefix("RO#").and_then(|rest| rest.strip_suffix("#25000"));
        (end, credential.unwrap_or_else(|| panic!("{heard}")).to_owned())
    }

    /// A device that has registered.
    async fn register(&mut self, device: &str) -> End {
        let (mut end, _) = self.bind(device).await;
        assert_eq!(self.call(&mut end, "/register", "in").await["status"], 200);
        end
    }

    /// The next text that the line hears.
    async fn next(&mut self, end: &mut End) -> String {
        if let Some(text) = end.heard.pop_front() {
            return text;
        }
        let heard = poll_fn(|cx| self.bench.poll_heard(&end.peer, cx));
        end.heard.extend(timeout(LONG, heard).await.expect("something is heard in time"));
        end.heard.pop_front().unwrap()
    }

    /// How the line is ended.
    async fn ended(&mut self, end: &End) -> CloseCode {
        let ended = poll_fn(|cx| self.bench.poll_ended(&end.peer, cx));
        timeout(LONG, ended).await.expect("it is ended in time")
    }

    /// Lets everything happen that can happen now.
    async fn settle(&mut self, end: &mut End) -> Vec<String> {
        for _ in 0..100 {
            yield_now().await;
            end.heard.extend(self.bench.heard(&end.peer));
        }
        end.heard.drain(..).collect()
    }

    /// Calls, and waits for the answer.
    async fn call(&mut self, end: &mut End, path: &str, body: &str) -> Value {
        end.say(&envelope(path, body));
        serde_json::from_str(&self.next(end).await).unwrap()
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl End {
    fn say(&mut self, text: &str) {
        self.conversation.message(&self.peer, Message::from(text));
    }

    /// The server stops.
    fn stop(&mut self) {
        self.conversation.drain(&self.peer);
        if !self.conversation.lingers(&self.peer) {
            self.peer.close(CloseCode::GOING_AWAY, "the server stops");
        }
    }

    fn leave(&mut self) {
        self.conversation.close(&self.peer, &Closed::Lost(Lost::Eof));
    }
}

/// A request of a user whose token ends, at a route whose tokens these are.
fn request_of(user: &str, tokens: &str) -> Request {
    let rule = Rule::Tokens(Tokens::load(file(tokens)).unwrap());
    let access = Access::of(rule);
    let expires = Some(SystemTime::now() + LONG);
    let identity = Identity { expires, ..Identity::of(user) };
    request("192.0.2.7").of(Arc::new(identity), &Arc::new(access))
}

fn envelope(path: &str, body: &str) -> String {
    json!({"method": "POST", "path": path, "headers": {"x-ca-seq": ["7"]}, "body": body})
        .to_string()
}

fn code(answer: &Value) -> &str {
    answer["header"]["x-ca-error-code"].as_str().unwrap_or_default()
}

/// An envelope that an application has signed, now.
fn signed(path: &str, key: &str, secret: &str, nonce: u32, more: Value, body: &str) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let mut headers = json!({
        "x-ca-key": key, "x-ca-nonce": nonce.to_string(),
        "x-ca-timestamp": now.as_millis().to_string(), "x-ca-seq": nonce.to_string(),
    });
    for (name, value) in more.as_object().unwrap() {
        headers[name] = value.clone();
    }
    let mut envelope = json!({"method": "POST", "path": path, "headers": headers, "body": body});
    let mut request = envelope::Request::parse(&envelope.to_string()).unwrap();
    sign_as(&mut request, "x-ca-key,x-ca-nonce,x-ca-timestamp", secret);
    for name in ["x-ca-signature", "x-ca-signature-headers"] {
        envelope["headers"][name] = request.header(name).unwrap().into();
    }
    envelope.to_string()
}

async fn run(test: impl AsyncFnOnce()) {
    LocalSet::new().run_until(test()).await;
}
