//! The upgrade as somebody sees it who stands beside: both heads, and what they agree on.

use data_encoding::BASE64;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use tieline_proto::Limits;
use tieline_proto::deflate::{self, Agreed};
use tieline_proto::handshake::server::{Accept, Upgrade};
use tieline_proto::handshake::{Dialect, HandshakeError, Legacy, accept_key, client};
use tieline_proto::http::{Extension, HeadReader};

use crate::event::{Answered, Asked, Note, What, Windows};

/// Most that is held of either direction until it is understood.
const MAX_HELD: usize = 256 << 10;

/// Longest head that is read.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// Bytes behind the head with which a server meets the challenge of hixie-76.
const REPLY_BYTES: usize = 16;

/// Requests and answers, until one is an upgrade.
#[derive(Debug)]
pub(crate) struct Handshake {
    pub(crate) client: Half,
    pub(crate) server: Half,
    request: Option<Pending>,
    /// Whether the first request may be missing.
    is_middle: bool,
    /// Nothing behind what was said is looked at.
    over: Option<Note>,
}

/// What one end has said so far, and was not understood yet.
#[derive(Debug)]
pub(crate) struct Half {
    pub(crate) held: Vec<u8>,
    reader: HeadReader,
    /// Bytes of a body still to come.
    body: u64,
    /// Bytes that were understood.
    pub(crate) taken: u64,
}

/// A request that was not answered yet.
#[derive(Debug)]
enum Pending {
    /// It does not ask for a WebSocket.
    Ordinary(Method),
    /// It was sent before there was anything to see.
    Unseen,
    /// It asks for one, whatever may be wrong with it.
    Upgrade(HeaderMap, Option<Box<Upgrade>>),
}

/// What comes of what was said.
pub(crate) enum Step {
    /// More has to be said.
    Wait,
    /// This was seen.
    Seen(What),
    /// Frames follow, in this dialect and with these windows.
    Open(Box<Answered>, Dialect),
    /// No WebSocket comes of it.
    Over(Note),
}

impl Half {
    fn new() -> Self {
        let limits = Limits { max_head_bytes: MAX_HEAD_BYTES, ..Limits::default() };
        Self { held: Vec::new(), reader: HeadReader::new(&limits), body: 0, taken: 0 }
    }

    /// The same bytes for a reader that is as eager as can be.
    fn read_again(&mut self) -> &mut HeadReader {
        self.reader = Self::new().reader;
        &mut self.reader
    }

    fn drop_front(&mut self, bytes: usize) {
        self.held.drain(..bytes);
        self.taken += bytes as u64;
    }

    fn drop_body(&mut self) {
        let here = usize::try_from(self.body).unwrap_or(usize::MAX).min(self.held.len());
        self.drop_front(here);
        self.body -= here as u64;
    }
}

impl Handshake {
    /// Before anything was said; `is_middle` where the first request may be missing.
    pub(crate) fn new(is_middle: bool) -> Self {
        let (client, server) = (Half::new(), Half::new());
        Self { client, server, request: None, is_middle, over: None }
    }

    /// How much memory it holds.
    pub(crate) const fn held(&self) -> usize {
        self.client.held.capacity() + self.server.held.capacity()
    }

    /// Whether a request to upgrade waits for its answer.
    pub(crate) const fn is_asked(&self) -> bool {
        matches!(self.request, Some(Pending::Upgrade(..)))
    }

    /// What comes of what was said; to be called until it has to wait.
    pub(crate) fn step(&mut self) -> Step {
        loop {
            self.client.drop_body();
            self.server.drop_body();
            if let Some(note) = self.over.take() {
                return Step::Over(note);
            }
            let step = match self.request.take() {
                None => self.read_request(),
                Some(pending) => self.read_answer(pending),
            };
            if let Some(step) = step {
                let held = self.client.held.len().max(self.server.held.len());
                return match step {
                    Step::Wait if held > MAX_HELD => Step::Over(Note::NoUpgrade),
                    step => step,
                };
            }
        }
    }

    /// Nothing more is said: what was wrong with it, or that it is cut off.
    pub(crate) fn finish(&mut self) -> Option<Note> {
        let asks = self.request.is_some();
        let is_silent = if asks { &self.server } else { &self.client }.held.is_empty();
        if is_silent && !self.is_asked() {
            return None;
        }
        let half = if asks { &mut self.server } else { &mut self.client };
        let held = std::mem::take(&mut half.held);
        let read = match asks {
            true => half.read_again().response(&held).err(),
            false => half.read_again().request(&held).err(),
        };
        Some(read.map_or(Note::HandshakeCutOff, |error| no_http(&held, error)))
    }

    fn read_request(&mut self) -> Option<Step> {
        let (request, len) = match self.client.reader.request(&self.client.held) {
            Ok(Some(read)) => read,
            Ok(None) if self.is_middle && self.client.held.is_empty() => {
                if self.server.held.is_empty() {
                    return Some(Step::Wait);
                }
                self.request = Some(Pending::Unseen);
                return None;
            }
            Ok(None) => return Some(Step::Wait),
            Err(error) => return Some(Step::Over(no_http(&self.client.held, error))),
        };
        self.is_middle = false;
        self.client.drop_front(len);
        let asked = match Upgrade::of(&request, Legacy::On) {
            Ok(None) => {
                if let Err(note) = body(request.headers()).map(|len| self.client.body = len) {
                    return Some(Step::Over(note));
                }
                self.request = Some(Pending::Ordinary(request.method().clone()));
                return None;
            }
            asked => asked,
        };
        let headers = request.headers().clone();
        let (upgrade, error) = match asked {
            Ok(upgrade) => (upgrade, None),
            Err(error) => (None, Some(error)),
        };
        let seen = What::Asked(Box::new(seen(request, upgrade.as_ref(), error)));
        self.request = Some(Pending::Upgrade(headers, upgrade.map(Box::new)));
        Some(Step::Seen(seen))
    }

    fn read_answer(&mut self, pending: Pending) -> Option<Step> {
        let (response, len) = match self.server.reader.response(&self.server.held) {
            Ok(Some(read)) => read,
            Ok(None) => {
                self.request = Some(pending);
                return Some(Step::Wait);
            }
            Err(error) => return Some(Step::Over(no_http(&self.server.held, error))),
        };
        let status = response.status();
        if status != StatusCode::SWITCHING_PROTOCOLS {
            self.server.drop_front(len);
            if status.is_informational() {
                self.request = Some(pending);
                return None;
            }
            return self.go_on(&pending, response);
        }
        let upgrade = match &pending {
            Pending::Upgrade(_, upgrade) => upgrade.as_deref(),
            _ => None,
        };
        let key3 = upgrade.map_or(0, Upgrade::key3_bytes);
        let reply = if key3 > 0 { REPLY_BYTES } else { 0 };
        if self.client.held.len() < key3 || self.server.held.len() < len + reply {
            self.request = Some(pending);
            return Some(Step::Wait);
        }
        let dialect = match upgrade {
            Some(upgrade) => upgrade.dialect(),
            // Only hixie-75 and -76 answer without it.
            None if response.headers().contains_key(header::SEC_WEBSOCKET_ACCEPT) => Dialect::Hybi,
            None if response.headers().contains_key("websocket-origin") => Dialect::Hixie75,
            None => Dialect::Hybi,
        };
        let answered = match (&pending, upgrade) {
            (Pending::Upgrade(_, _), Some(upgrade)) if dialect.is_legacy() => {
                let reply = &self.server.held[len..len + reply];
                judge_draft(upgrade, response, &self.client.held[..key3], reply)
            }
            (Pending::Upgrade(asked, _), upgrade) => judge(asked, upgrade, response),
            _ => judge_alone(response),
        };
        self.client.drop_front(key3);
        self.server.drop_front(len + reply);
        Some(Step::Open(Box::new(answered), dialect))
    }

    /// Any other answer: the next request may be an upgrade.
    fn go_on(&mut self, pending: &Pending, response: Response<()>) -> Option<Step> {
        let (head, ()) = response.into_parts();
        let is_empty = matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            || matches!(pending, Pending::Ordinary(method) if method == Method::HEAD);
        if !is_empty {
            match body(&head.headers) {
                Ok(_) if !head.headers.contains_key(header::CONTENT_LENGTH) => {
                    self.over = Some(Note::NoUpgrade);
                }
                Ok(len) => self.server.body = len,
                Err(note) => self.over = Some(note),
            }
        }
        let Pending::Upgrade(..) = pending else { return None };
        Some(Step::Seen(What::Answered(Box::new(Answered {
            status: head.status,
            headers: head.headers,
            is_accept_right: None,
            protocol: None,
            extensions: Vec::new(),
            deflate: None,
            error: None,
        }))))
    }
}

/// How long a body is, where its head says so in bytes; other bodies are not followed.
fn body(headers: &HeaderMap) -> Result<u64, Note> {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(Note::NoUpgrade);
    }
    let Some(len) = headers.get(header::CONTENT_LENGTH) else { return Ok(0) };
    len.to_str().ok().and_then(|len| len.trim().parse().ok()).ok_or(Note::NoUpgrade)
}

/// What begins like this is no HTTP/1.
fn no_http(held: &[u8], error: tieline_proto::http::HeadError) -> Note {
    match held {
        // Nothing but a handshake of TLS begins like this; how much is there yet may not matter.
        [0x16, ..] => Note::Tls,
        held if held.starts_with(b"PRI ") => Note::Http2,
        _ => Note::NotHttp(error),
    }
}

fn seen(request: Request<()>, upgrade: Option<&Upgrade>, error: Option<HandshakeError>) -> Asked {
    let (head, ()) = request.into_parts();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    Asked {
        method: head.method,
        target,
        dialect: upgrade.map_or(Dialect::Hybi, Upgrade::dialect),
        version: upgrade.and_then(Upgrade::version),
        protocols: upgrade.map(|upgrade| upgrade.protocols().to_vec()).unwrap_or_default(),
        extensions: upgrade.map(|upgrade| written(upgrade.extensions())).unwrap_or_default(),
        headers: head.headers,
        error,
    }
}

/// Checks the answer of a server that speaks RFC 6455, as its client does.
fn judge(asked: &HeaderMap, upgrade: Option<&Upgrade>, response: Response<()>) -> Answered {
    let offered = upgrade.map(Upgrade::extensions).unwrap_or_default();
    let written_key = text(asked, "sec-websocket-key").unwrap_or_default();
    let decoded = BASE64.decode(written_key.as_bytes()).ok();
    let decoded: Option<[u8; 16]> = decoded.and_then(|key| key.try_into().ok());
    let is_accept_right =
        text(response.headers(), "sec-websocket-accept") == Some(&accept_key(written_key));
    let key = decoded.unwrap_or_default();
    let mut request = client::Request::new("", "/", key);
    request.protocols = upgrade.map(|upgrade| upgrade.protocols().to_vec()).unwrap_or_default();
    request.deflate = offer(offered);

    let mut checked = response.clone();
    if is_accept_right && decoded.is_none() {
        // A key of another length, as clients of version 8 have it, is answered all the same.
        let accept = accept_key(&BASE64.encode(&key));
        let accept = HeaderValue::from_str(&accept).expect("base64 is a header value");
        checked.headers_mut().insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    widen(checked.headers_mut());
    let error = request.verify(&checked).err();
    let (head, ()) = response.into_parts();
    Answered { is_accept_right: Some(is_accept_right), error, ..agreed(head.headers) }
}

/// Checks the answer of a server that speaks one of the drafts.
fn judge_draft(upgrade: &Upgrade, response: Response<()>, key3: &[u8], reply: &[u8]) -> Answered {
    let name = match upgrade.dialect() {
        Dialect::Hixie75 => "websocket-protocol",
        _ => "sec-websocket-protocol",
    };
    let (head, ()) = response.into_parts();
    let right = upgrade.accept(&Accept::default(), key3);
    let is_met = right.is_ok_and(|(right, _)| right.ends_with(reply));
    let protocol = text(&head.headers, name).map(str::to_owned);
    let is_challenged = upgrade.key3_bytes() > 0;
    Answered { protocol, is_accept_right: is_challenged.then_some(is_met), ..agreed(head.headers) }
}

/// An answer whose request is not there.
fn judge_alone(response: Response<()>) -> Answered {
    agreed(response.into_parts().0.headers)
}

/// What the headers of an answer agree on.
fn agreed(mut headers: HeaderMap) -> Answered {
    let protocol = text(&headers, "sec-websocket-protocol").map(str::to_owned);
    let extensions = written(&extensions(&headers));
    let as_written = headers.clone();
    widen(&mut headers);
    let deflate = self::extensions(&headers).iter().find_map(windows);
    Answered {
        status: StatusCode::SWITCHING_PROTOCOLS,
        headers: as_written,
        is_accept_right: None,
        protocol,
        extensions,
        deflate,
        error: None,
    }
}

/// The windows of an answer to permessage-deflate.
fn windows(answer: &Extension) -> Option<Windows> {
    let Agreed { ours, theirs, .. } = deflate::Config::default().verify(answer).ok()??;
    Some(Windows { client: ours, server: theirs })
}

/// The offer as one that is checked against the answer.
fn offer(offered: &[Extension]) -> Option<deflate::Config> {
    let mut offers = offered.iter().filter(|offer| offer.name == "permessage-deflate");
    let (offer, others) = (offers.next()?, offers.next());
    let mut config = deflate::Config::default();
    if others.is_some() {
        // Any of them may have been answered.
        return Some(config);
    }
    for (name, value) in &offer.params {
        let bits = value.as_deref().and_then(|bits| bits.parse::<u8>().ok());
        match (name.as_str(), bits) {
            ("server_no_context_takeover", _) => config.server_context_takeover = false,
            ("server_max_window_bits", Some(bits)) => config.server_max_window_bits = bits,
            _ => {}
        }
    }
    Some(config)
}

/// Whoever only inflates takes a client's window of 8 bits for one of 9.
fn widen(headers: &mut HeaderMap) {
    const NARROW: &str = "client_max_window_bits";
    let mut answered = extensions(headers);
    let params = answered.iter_mut().flat_map(|extension| &mut extension.params);
    let mut is_widened = false;
    for (_, value) in params.filter(|(name, value)| name == NARROW && value.as_deref() == Some("8"))
    {
        *value = Some("9".to_owned());
        is_widened = true;
    }
    if is_widened && let Ok(value) = HeaderValue::from_str(&written(&answered).join(", ")) {
        headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, value);
    }
}

fn extensions(headers: &HeaderMap) -> Vec<Extension> {
    let lines = headers.get_all(header::SEC_WEBSOCKET_EXTENSIONS).iter();
    let lists = lines.filter_map(|line| line.to_str().ok());
    lists.filter_map(|list| Extension::parse(list).ok()).flatten().collect()
}

fn written(extensions: &[Extension]) -> Vec<String> {
    extensions.iter().map(Extension::to_string).collect()
}

fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}
