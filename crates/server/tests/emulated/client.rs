//! A client of emulated lines: requests by HTTP/1.1 or HTTP/2, and the counting that docs/wire.md asks for.

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use tokio::time::timeout;

use crate::server::{PATIENCE, Server};

/// Which HTTP is spoken, and whether each request has a connection of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Http {
    /// Each request may come to another worker.
    OneEach,
    One,
    Two,
}

#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    /// The address of the route.
    pub(crate) base: String,
}

/// A line, and what its client counts.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) client: Client,
    pub(crate) id: String,
    pub(crate) secret: String,
    /// The number of the last message that came.
    pub(crate) seen: u64,
    /// The number of the last message that was sent.
    pub(crate) sent: u64,
}

/// What a request was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
}

/// Messages as they come.
pub(crate) struct Stream {
    response: Response,
    text: String,
    is_events: bool,
}

/// What a stream says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Message(String),
    /// Code and reason.
    Close(u64, String),
    Heartbeat,
    /// The stream is over.
    End,
}

impl Client {
    pub(crate) fn new(server: &Server, path: &str, http: Http) -> Self {
        let builder = reqwest::Client::builder().no_proxy();
        let http = match http {
            Http::OneEach => builder.http1_only().pool_max_idle_per_host(0),
            Http::One => builder.http1_only(),
            Http::Two => builder.http2_prior_knowledge(),
        };
        Self { http: http.build().unwrap(), base: format!("{}{path}", server.base) }
    }

    pub(crate) fn request(&self, method: Method, part: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/{part}", self.base))
    }

    pub(crate) async fn open(&self) -> Line {
        self.open_as(self.request(Method::POST, "open")).await
    }

    /// The line that this request opens.
    pub(crate) async fn open_as(&self, request: RequestBuilder) -> Line {
        let answer = ask(request).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let text = |name: &str| answer.json[name].as_str().unwrap().to_owned();
        let client = self.clone();
        Line { client, id: text("line"), secret: text("secret"), seen: 0, sent: 0 }
    }
}

impl Line {
    /// A request for this line.
    pub(crate) fn request(&self, method: Method, part: &str, query: &str) -> RequestBuilder {
        let part = format!("{part}?line={}{query}", self.id);
        self.client.request(method, &part).bearer_auth(&self.secret)
    }

    /// The request that says these texts, the first with this number.
    pub(crate) fn sending(&self, from: u64, texts: &[&str]) -> RequestBuilder {
        let body = serde_json::to_vec(texts).unwrap();
        self.request(Method::POST, "send", &format!("&from={from}")).body(body)
    }

    pub(crate) async fn send(&mut self, texts: &[&str]) {
        let answer = ask(self.sending(self.sent + 1, texts)).await;
        self.sent += texts.len() as u64;
        assert_eq!((answer.status, &answer.json["seen"]), (200, &self.sent.into()), "{answer:?}");
    }

    /// What waits, or comes within so many seconds.
    pub(crate) fn polling(&self, seconds: u64) -> RequestBuilder {
        self.request(Method::GET, "poll", &format!("&seen={}&wait={seconds}", self.seen))
    }

    /// The same, counted; the end behind them.
    pub(crate) async fn poll(&mut self, seconds: u64) -> Vec<Said> {
        let answer = ask(self.polling(seconds)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let said: Vec<_> = answer.json.as_array().unwrap().iter().map(said).collect();
        self.seen += said.iter().filter(|said| matches!(said, Said::Message(_))).count() as u64;
        said
    }

    /// So many texts, by as many polls as it takes.
    pub(crate) async fn hear(&mut self, count: usize) -> Vec<String> {
        let mut heard = Vec::new();
        while heard.len() < count {
            for said in self.poll(20).await {
                let Said::Message(text) = said else { panic!("{said:?} behind {heard:?}") };
                heard.push(text);
            }
        }
        heard
    }

    /// A stream from where it is.
    pub(crate) async fn stream(&self, part: &str) -> Stream {
        let request = self.request(Method::GET, part, &format!("&seen={}", self.seen));
        Stream::of(request).await
    }
}

impl Answer {
    /// The word for what is wrong.
    pub(crate) fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }
}

impl Stream {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let response = timeout(PATIENCE, request.send()).await.unwrap().unwrap();
        assert_eq!(response.status(), 200);
        let kind = response.headers()["content-type"].to_str().unwrap();
        let is_events = kind == "text/event-stream";
        assert!(is_events || kind == "application/x-ndjson", "{kind}");
        for (name, value) in
            [("cache-control", "no-store, no-transform"), ("x-accel-buffering", "no")]
        {
            assert_eq!(response.headers()[name], value);
        }
        let mut stream = Self { response, text: String::new(), is_events };
        // What comes first, so that it is seen to come.
        let first = stream.piece().await;
        assert_eq!(first.as_deref(), Some(if is_events { "retry: 1000" } else { "" }));
        stream
    }

    /// The next event or line, however the network cut it.
    async fn piece(&mut self) -> Option<String> {
        let separator = if self.is_events { "\n\n" } else { "\n" };
        loop {
            if let Some((piece, rest)) = self.text.split_once(separator) {
                let piece = piece.to_owned();
                self.text = rest.to_owned();
                return Some(piece);
            }
            let more = timeout(PATIENCE, self.response.chunk()).await.expect("a piece in time");
            match more.unwrap() {
                Some(more) => self.text.push_str(std::str::from_utf8(&more).unwrap()),
                None => {
                    assert_eq!(self.text, "", "half a piece at the end");
                    return None;
                }
            }
        }
    }

    /// What it says next, with the number of it where it is an event.
    pub(crate) async fn next(&mut self) -> (Option<u64>, Said) {
        let Some(piece) = self.piece().await else { return (None, Said::End) };
        if !self.is_events {
            return match piece.as_str() {
                "" => (None, Said::Heartbeat),
                line => (None, said(&serde_json::from_str(line).unwrap())),
            };
        }
        if piece == ":" {
            return (None, Said::Heartbeat);
        }
        let (first, data) = piece.split_once('\n').unwrap();
        let said = said(&serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap());
        match first.split_once(": ").unwrap() {
            ("id", number) => (Some(number.parse().unwrap()), said),
            ("event", kind) => {
                assert_eq!((kind, matches!(said, Said::Close(..))), ("close", true));
                (None, said)
            }
            _ => panic!("{piece}"),
        }
    }

    /// The next line of JSON, as it stands; nothing where the stream is over.
    pub(crate) async fn json(&mut self) -> Option<Value> {
        loop {
            let piece = self.piece().await?;
            if !piece.is_empty() {
                return Some(serde_json::from_str(&piece).unwrap());
            }
        }
    }

    /// The next message, heartbeats left out.
    pub(crate) async fn message(&mut self) -> String {
        loop {
            match self.next().await.1 {
                Said::Message(text) => return text,
                Said::Heartbeat => {}
                said => panic!("{said:?}"),
            }
        }
    }

    /// The end, and how, heartbeats left out.
    pub(crate) async fn close(&mut self) -> (u64, String) {
        loop {
            match self.next().await.1 {
                Said::Close(code, reason) => return (code, reason),
                Said::Heartbeat => {}
                said => panic!("{said:?}"),
            }
        }
    }
}

/// Asks, and reads the whole answer.
pub(crate) async fn ask(request: RequestBuilder) -> Answer {
    let response = timeout(PATIENCE, request.send()).await.unwrap().unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = timeout(PATIENCE, response.text()).await.unwrap().unwrap();
    let json = serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text));
    if json.is_object() || json.is_array() {
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["cache-control"], HeaderValue::from_static("no-store, no-transform"));
    }
    Answer { status, headers, json }
}

fn said(value: &Value) -> Said {
    match value {
        Value::String(text) => Said::Message(text.clone()),
        Value::Object(object) => {
            let close = &object["close"];
            let reason = close["reason"].as_str().unwrap().to_owned();
            Said::Close(close["code"].as_u64().unwrap(), reason)
        }
        other => panic!("{other}"),
    }
}

/// What is said of an array in an answer.
pub(crate) fn texts(answer: &Answer) -> Vec<&str> {
    answer.json.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}
