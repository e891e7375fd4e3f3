//! Devices and backends at a gateway: the words, the calls, and whatever goes wrong.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::future::poll_fn;
use std::sync::Mutex as StdMutex;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::Request as Received;
use axum::response::{IntoResponse, Response as Answered};
use http::StatusCode;
use serde_json::{Value, json};
use tieline::serve::Message;
use tieline::{CloseCode, Closed, Lost};
use tokio::task::{LocalSet, spawn_local, yield_now};
use tokio::time::{advance, sleep_until, timeout};

use super::signature::tests::sign_as;
use super::*;
use crate::backend::tests::serve;
use crate::by_hand::{Bench, request};
use crate::config::{File, Overrides, Plan, Source};
use crate::devices::Notified;
use crate::store::Scratch;

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
        let resources = Resources::new(plan.backends, None).unwrap();
        let gateway = Gateway::new("/", plan.routes[0].gateway.as_ref().unwrap(), &resources);
        spawn_local(gateway.attend(0).unwrap());
        Self { gateway, bench: Bench::new(), asked, _folder: folder }
    }

    fn open(&mut self) -> End {
        let peer = self.bench.peer();
        let conversation = self.gateway.open(&peer, &request("192.0.2.7"));
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

fn envelope(path: &str, body: &str) -> String {
    json!({"method": "POST", "path": path, "headers": {"x-ca-seq": ["7"]}, "body": body})
        .to_string()
}

fn code(answer: &Value) -> &str {
    answer["header"]["x-ca-error-code"].as_str().unwrap_or_default()
}

async fn run(test: impl AsyncFnOnce()) {
    LocalSet::new().run_until(test()).await;
}

#[tokio::test]
async fn a_device_binds_beats_registers_is_notified_and_leaves() {
    run(async || {
        let mut scene = Scene::new("").await;
        let (mut end, credential) = scene.bind("ab12cd34@12344133").await;
        end.say("H1");
        assert_eq!(scene.next(&mut end).await, format!("HO#{credential}"));
        let answer = scene.call(&mut end, "/register", "username=xiaoming").await;
        assert_eq!(
            (&answer["status"], &answer["body"]),
            (&json!(200), &json!("username=xiaoming"))
        );
        assert_eq!(answer["header"]["x-ca-seq"], "7");
        let devices = scene.gateway.0.devices.clone();
        let notified = devices.notify("ab12cd34@12344133", "HELLO #WORLD!\n\n", None).await;
        assert_eq!(notified, Notified::Delivered);
        assert_eq!(scene.next(&mut end).await, "NF#HELLO #WORLD!\n\n");
        end.say("NO");
        assert_eq!(scene.call(&mut end, "/unregister", "").await["status"], 200);
        assert_eq!(devices.notify("ab12cd34@12344133", "x", None).await, Notified::Unknown);
        assert_eq!(
            scene.asked(),
            [
                "POST /register ab12cd34@12344133 username=xiaoming",
                "POST /unregister ab12cd34@12344133 ",
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn a_call_may_come_before_the_line_is_bound_and_not_before_it_is_asked_for() {
    run(async || {
        let mut scene = Scene::new("").await;
        let mut end = scene.open();
        assert_eq!(code(&scene.call(&mut end, "/free", "").await), "I400RG");
        end.say("RG#a");
        end.say(&envelope("/orders/1", "before RO"));
        assert!(scene.next(&mut end).await.starts_with("RO#"));
        assert!(scene.next(&mut end).await.contains("before RO"));
        assert_eq!(scene.asked(), ["POST /v1/1 a before RO"]);
    })
    .await;
}

#[tokio::test]
async fn a_second_rg_is_told_again_or_refused() {
    run(async || {
        let mut scene = Scene::new("").await;
        let (mut end, credential) = scene.bind("a").await;
        end.say("RG#a");
        assert_eq!(scene.next(&mut end).await, format!("RO#{credential}#25000"));
        end.say("RG#b");
        assert_eq!(scene.next(&mut end).await, "RF#AlreadyBound");
        for bad in ["RG#", "RG#a b", "RG#a\u{1}", "RG#a#b", &format!("RG#{}", "x".repeat(129))] {
            let mut end = scene.open();
            end.say(bad);
            assert_eq!(scene.next(&mut end).await, "RF#InvalidDeviceId", "{bad:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_newest_line_of_a_device_is_its_line() {
    run(async || {
        let mut scene = Scene::new("").await;
        let first = scene.register("a").await;
        let mut second = scene.register("a").await;
        assert_eq!(scene.ended(&first).await, CloseCode::NORMAL);
        let devices = scene.gateway.0.devices.clone();
        assert_eq!(devices.notify("a", "x", None).await, Notified::Delivered);
        assert_eq!(scene.next(&mut second).await, "NF#x");
    })
    .await;
}

#[tokio::test]
async fn what_is_stored_comes_behind_the_answer_of_register() {
    run(async || {
        let mut scene = Scene::new("").await;
        let mut end = scene.register("a").await;
        end.leave();
        let devices = scene.gateway.0.devices.clone();
        assert_eq!(devices.notify("a", "1", None).await, Notified::Stored);
        let (mut end, _) = scene.bind("a").await;
        assert_eq!(scene.call(&mut end, "/register", "").await["status"], 200);
        assert_eq!(scene.next(&mut end).await, "NF#1");
    })
    .await;
}

#[tokio::test]
async fn calls_of_a_device_are_made_one_after_the_other_and_others_beside_them() {
    run(async || {
        let mut scene = Scene::new("answer_within = '1s'").await;
        let (mut end, _) = scene.bind("a").await;
        for number in 0..5 {
            end.say(&envelope(&format!("/orders/{number}"), "x"));
        }
        for _ in 0..5 {
            scene.next(&mut end).await;
        }
        let expected: Vec<_> = (0..5).map(|number| format!("POST /v1/{number} a x")).collect();
        assert_eq!(scene.asked(), expected);
    })
    .await;
}

#[tokio::test]
async fn a_register_that_fails_leaves_the_device_unknown() {
    run(async || {
        let mut scene = Scene::with("", |_, _| (StatusCode::FORBIDDEN, "no").into_response()).await;
        let (mut end, _) = scene.bind("a").await;
        let answer = scene.call(&mut end, "/register", "").await;
        assert_eq!((&answer["status"], &answer["body"]), (&json!(403), &json!("no")));
        assert_eq!(code(&answer), "", "the backend's own errors have no code");
        let devices = scene.gateway.0.devices.clone();
        assert_eq!(devices.notify("a", "x", None).await, Notified::Unknown);
    })
    .await;
}

#[tokio::test]
async fn a_backend_that_is_dead_or_answers_no_text_is_an_error_envelope() {
    run(async || {
        let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", nobody.local_addr().unwrap());
        drop(nobody);
        let mut scene = Scene::at(&url, "", Asked::default());
        let (mut end, _) = scene.bind("a").await;
        let answer = scene.call(&mut end, "/free", "").await;
        assert_eq!((code(&answer), &answer["header"]["x-ca-seq"]), ("D502CO", &json!("7")));

        let mut scene = Scene::with("", |_, _| vec![0xFF_u8, 0xFE].into_response()).await;
        let (mut end, _) = scene.bind("a").await;
        assert_eq!(code(&scene.call(&mut end, "/free", "").await), "D502AN");
    })
    .await;
}

#[tokio::test]
async fn a_slow_call_is_answered_in_time_and_holds_up_its_own_device_alone() {
    run(async || {
        let slow = "answer_within = '1s'\n[[route.service.api]]\npath = '/slow'\nbackend = 'shop'\nsigned = false";
        let mut scene = Scene::new(slow).await;
        let (mut one, _) = scene.bind("a").await;
        let (mut other, _) = scene.bind("b").await;
        one.say(&envelope("/slow", ""));
        assert_eq!(scene.call(&mut other, "/orders/1", "").await["status"], 200);
        let answer: Value = serde_json::from_str(&scene.next(&mut one).await).unwrap();
        assert_eq!((&answer["status"], code(&answer)), (&json!(504), "D504OD"));
        assert_eq!(scene.call(&mut one, "/orders/2", "").await["status"], 200);
    })
    .await;
}

#[tokio::test]
async fn what_no_api_has_is_told_and_a_type_that_is_another() {
    run(async || {
        let mut scene = Scene::new("").await;
        let (mut end, _) = scene.bind("a").await;
        assert_eq!(code(&scene.call(&mut end, "/nowhere", "").await), "I404NF");
        let wrong = json!({"method": "POST", "path": "/register",
            "headers": {"x-ca-websocket_api_type": "UNREGISTER", "x-ca-seq": "9"}});
        end.say(&wrong.to_string());
        let answer: Value = serde_json::from_str(&scene.next(&mut end).await).unwrap();
        assert_eq!((code(&answer), &answer["header"]["x-ca-seq"]), ("I400TY", &json!("9")));
        end.say("{");
        let answer: Value = serde_json::from_str(&scene.next(&mut end).await).unwrap();
        assert_eq!(code(&answer), "I400BD");
        assert!(scene.asked().is_empty());
    })
    .await;
}

/// An envelope that an application has signed, now.
fn signed(path: &str, key: &str, secret: &str, nonce: u32, more: Value, body: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
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

#[tokio::test]
async fn a_signed_api_takes_what_is_signed_once() {
    run(async || {
        let mut scene = Scene::new("").await;
        let (mut end, _) = scene.bind("a").await;
        assert_eq!(code(&scene.call(&mut end, "/signed", "").await), "I400MH");
        let call = signed("/signed", "device", "device-secret", 1, json!({}), "x");
        for expected in ["", "A403NU"] {
            end.say(&call);
            let answer: Value = serde_json::from_str(&scene.next(&mut end).await).unwrap();
            assert_eq!(code(&answer), expected);
        }
        end.say(&signed("/signed", "device", "another", 2, json!({}), "x"));
        let answer: Value = serde_json::from_str(&scene.next(&mut end).await).unwrap();
        assert_eq!(code(&answer), "A403SI");
        assert_eq!(scene.asked(), ["POST /signed a x"]);
    })
    .await;
}

#[tokio::test]
async fn a_backend_notifies_over_a_line_and_a_device_does_not() {
    run(async || {
        let mut scene = Scene::new("").await;
        let mut device = scene.register("a").await;
        let mut backend = scene.open();
        let to =
            |device: &str| json!({"x-ca-deviceid": device, "x-ca-websocket_api_type": "NOTIFY"});
        backend.say(&signed("/notify", "back", "backend-secret", 1, to("a"), "hello"));
        backend.say(&signed("/notify", "back", "backend-secret", 2, to("nobody"), "hello"));
        let mut answers = Vec::new();
        for _ in 0..2 {
            let answer: Value = serde_json::from_str(&scene.next(&mut backend).await).unwrap();
            let seq = answer["header"]["x-ca-seq"].clone();
            answers.push((seq, answer["status"].clone(), code(&answer).to_owned()));
        }
        assert_eq!(
            answers,
            [
                (json!("1"), json!(200), String::new()),
                (json!("2"), json!(404), "N404DV".to_owned())
            ]
        );
        assert_eq!(scene.next(&mut device).await, "NF#hello");
        device.say(&signed("/notify", "device", "device-secret", 3, to("a"), "x"));
        let answer: Value = serde_json::from_str(&scene.next(&mut device).await).unwrap();
        assert_eq!(code(&answer), "A403AP");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_line_that_says_nothing_is_ended() {
    run(async || {
        let mut scene = Scene::at("http://127.0.0.1:1", "", Asked::default());
        let end = scene.open();
        advance(Duration::from_secs(11)).await;
        assert_eq!(scene.ended(&end).await, CloseCode::POLICY);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_device_that_does_not_register_or_beat_is_ended() {
    run(async || {
        let mut scene = Scene::at("http://127.0.0.1:1", "", Asked::default());
        let (mut end, credential) = scene.bind("a").await;
        for _ in 0..2 {
            advance(Duration::from_secs(25)).await;
            end.say("H1");
            assert_eq!(scene.next(&mut end).await, format!("HO#{credential}"));
        }
        advance(Duration::from_secs(12)).await;
        assert_eq!(scene.ended(&end).await, CloseCode::POLICY, "it does not register");

        let mut scene = Scene::at("http://127.0.0.1:1", "register_within = '0s'", Asked::default());
        let (mut end, _) = scene.bind("a").await;
        advance(Duration::from_secs(74)).await;
        assert!(scene.settle(&mut end).await.is_empty() && !end.peer.is_closing());
        advance(Duration::from_secs(3)).await;
        assert_eq!(scene.ended(&end).await, CloseCode::POLICY, "it does not beat");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_life_ends_with_cr_and_time_to_leave() {
    run(async || {
        let settings = "line_life = '1h'\nregister_within = '0s'\nkeep_alive = '1h'";
        let mut scene = Scene::at("http://127.0.0.1:1", settings, Asked::default());
        let mut end = scene.open();
        end.say("RG#a");
        assert!(scene.next(&mut end).await.ends_with("#3600000"));
        advance(Duration::from_secs(54 * 60 - 2)).await;
        assert!(scene.settle(&mut end).await.is_empty(), "up to a tenth less than an hour");
        advance(Duration::from_secs(6 * 60 + 4)).await;
        assert_eq!(scene.next(&mut end).await, "CR");
        advance(Duration::from_secs(10)).await;
        assert!(scene.settle(&mut end).await.is_empty() && !end.peer.is_closing());
        advance(Duration::from_secs(10)).await;
        assert_eq!(scene.ended(&end).await, CloseCode::RESTART);
    })
    .await;
}

/// Has the server stop: how many of a thousand devices have left after each of these times.
async fn left_after(settings: &str, millis: &[u64]) -> Vec<usize> {
    let mut scene = Scene::at("http://127.0.0.1:1", settings, Asked::default());
    let mut ends = Vec::new();
    for number in 0..1_000 {
        ends.push(scene.bind(&number.to_string()).await.0);
    }
    let began = Instant::now();
    for end in &mut ends {
        end.stop();
    }
    let mut left = Vec::new();
    for millis in millis {
        sleep_until(began + Duration::from_millis(*millis)).await;
        yield_now().await;
        left.push(ends.iter().filter(|end| end.peer.is_closing()).count());
    }
    for end in ends.iter_mut().filter(|end| end.peer.is_closing()) {
        assert_eq!(scene.next(end).await, "CR");
        assert_eq!(scene.ended(end).await, CloseCode::GOING_AWAY);
    }
    left
}

#[tokio::test(start_paused = true)]
async fn devices_leave_one_after_the_other_when_the_server_stops() {
    run(async || {
        // A second for a thousand of them.
        let left = left_after("leave_over = '5s'", &[0, 250, 750, 1_001]).await;
        assert!(left[0] < 10, "{left:?}");
        assert!((150..350).contains(&left[1]) && (650..850).contains(&left[2]), "{left:?}");
        assert_eq!(left[3], 1_000);
        let left = left_after("leave_over = '100ms'", &[50, 101]).await;
        assert!((400..600).contains(&left[0]), "{left:?}");
        assert_eq!(left[1], 1_000);
        assert_eq!(left_after("leave_over = '0s'", &[0]).await, [1_000]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn whoever_has_no_turn_to_leave_goes_at_once_and_who_was_told_is_not_told_again() {
    run(async || {
        let settings = "line_life = '10s'\nregister_within = '0s'";
        let mut scene = Scene::at("http://127.0.0.1:1", settings, Asked::default());
        let mut nobodys = scene.open();
        nobodys.stop();
        assert_eq!(scene.settle(&mut nobodys).await, Vec::<String>::new());
        assert_eq!(scene.ended(&nobodys).await, CloseCode::GOING_AWAY);
        let (mut end, _) = scene.bind("a").await;
        advance(Duration::from_secs(11)).await;
        assert_eq!(scene.next(&mut end).await, "CR");
        end.stop();
        assert!(!end.peer.is_closing());
        advance(Duration::from_secs(1)).await;
        assert_eq!(scene.settle(&mut end).await, Vec::<String>::new());
        assert_eq!(scene.ended(&end).await, CloseCode::GOING_AWAY);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn too_much_is_told_os_once_and_a_flood_is_ended() {
    run(async || {
        let settings = "register_within = '0s'\nlimits = { texts_per_second = 5 }";
        let mut scene = Scene::at("http://127.0.0.1:1", settings, Asked::default());
        let (mut end, _) = scene.bind("a").await;
        for _ in 0..20 {
            end.say("XY");
        }
        assert_eq!(scene.settle(&mut end).await, ["OS"]);
        end.say(&envelope("/free", ""));
        let answer: Value = serde_json::from_str(&scene.next(&mut end).await).unwrap();
        assert_eq!((&answer["status"], code(&answer)), (&json!(429), "T429OS"));
        advance(Duration::from_secs(20)).await;
        assert_eq!(scene.ended(&end).await, CloseCode::TRY_AGAIN);

        let (mut end, _) = scene.bind("b").await;
        for _ in 0..120 {
            end.say("XY");
        }
        assert_eq!(scene.ended(&end).await, CloseCode::POLICY);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn heartbeats_are_answered_so_many_times_in_a_second() {
    run(async || {
        let mut scene = Scene::at("http://127.0.0.1:1", "", Asked::default());
        let (mut end, credential) = scene.bind("a").await;
        let mut expected = String::new();
        for _ in 0..50 {
            end.say("H1");
        }
        for _ in 0..4 {
            write!(expected, "HO#{credential} ").unwrap();
        }
        assert_eq!(scene.settle(&mut end).await.join(" ") + " ", expected);
        // The gateway's own word from a device, and what is no word at all, are let be.
        for text in ["HO", &format!("HO#{credential}"), "XYZ#1", "", "RO#1#2"] {
            end.say(text);
        }
        assert!(scene.settle(&mut end).await.is_empty() && !end.peer.is_closing());
        end.conversation.message(&end.peer, Message::from(&b"x"[..]));
        assert_eq!(scene.ended(&end).await, CloseCode::UNSUPPORTED);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn devices_that_come_all_at_once_are_bound_one_after_the_other() {
    run(async || {
        let settings = "limits = { binds_per_second = 10 }";
        let mut scene = Scene::at("http://127.0.0.1:1", settings, Asked::default());
        let mut ends: Vec<_> = (0..90).map(|_| scene.open()).collect();
        for (number, end) in ends.iter_mut().enumerate() {
            end.say(&format!("RG#{number}"));
        }
        let mut heard = Vec::new();
        for end in &mut ends {
            heard.extend(scene.settle(end).await);
        }
        let is_bound = |heard: &[String]| heard.iter().filter(|it| it.starts_with("RO#")).count();
        assert_eq!(is_bound(&heard), 1, "{heard:?}");
        assert_eq!(heard.iter().filter(|text| *text == "OS").count(), 9);
        for _ in 0..9 {
            advance(Duration::from_millis(999)).await;
            for end in &mut ends {
                heard.extend(scene.settle(end).await);
            }
        }
        assert_eq!(is_bound(&heard), 81);
    })
    .await;
}

#[tokio::test]
async fn a_device_that_unregisters_and_leaves_at_once_has_unregistered() {
    run(async || {
        let mut scene = Scene::new("").await;
        let mut end = scene.register("a").await;
        end.say(&envelope("/unregister", "out"));
        end.leave();
        let devices = scene.gateway.0.devices.clone();
        let waiting = async {
            while devices.find("a").is_some_and(|device| device.is_registered) {
                yield_now().await;
            }
        };
        timeout(LONG, waiting).await.unwrap();
        assert_eq!(scene.asked().last().unwrap(), "POST /unregister a out");
    })
    .await;
}

#[tokio::test]
async fn a_device_that_asks_more_than_may_wait_is_not_read_from() {
    run(async || {
        let settings = "limits = { max_waiting = 4 }\nanswer_within = '1s'\n\
            [[route.service.api]]\npath = '/slow'\nbackend = 'shop'\nsigned = false";
        let mut scene = Scene::new(settings).await;
        let (mut end, _) = scene.bind("a").await;
        for _ in 0..3 {
            end.say(&envelope("/slow", ""));
        }
        let is_paused = |end: &End| end.peer.line().unwrap().borrow().is_paused();
        assert!(!is_paused(&end));
        end.say(&envelope("/slow", ""));
        assert!(is_paused(&end));
        for _ in 0..4 {
            assert!(scene.next(&mut end).await.contains("D504OD"));
        }
        assert!(!is_paused(&end));
    })
    .await;
}
