//! The server's side: understanding a request to upgrade, and answering 101.
//!
//! ```text
//! Upgrade: websocket?  ── no ──▶ an ordinary request
//!   │ yes
//!   ├─ Sec-WebSocket-Version or -Key ──▶ hybi: 13, 8 or 7, anything else 426
//!   ├─ Sec-WebSocket-Key1 or -Key2 ────▶ hixie-76, where drafts are let in
//!   └─ neither ────────────────────────▶ hixie-75, where drafts are let in
//! ```
//!
//! HTTP/2 has no upgrades: there a CONNECT whose `:protocol` is `websocket` asks, and 200 answers
//! it. All that is checked, chosen and agreed on is the same.

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};

use super::asked::{self, Asked};
use super::error::HandshakeError;
use super::header::is_reserved;
use super::origin::{Claim, Scheme};
use super::{Agreement, Dialect, Legacy, accept_key};
use crate::deflate;
use crate::http::{Extension, has_token, write_headers};
use crate::legacy::{hixie75, hixie76};

/// A request that asks for a WebSocket, understood and found valid, not yet answered.
///
/// Spec: RFC 6455 §4.2.1; RFC 8441 §5; drafts hixie-75, hixie-76, hybi-07 and hybi-10.
///
/// # Example
///
/// ```
/// use tieline_proto::handshake::Legacy;
/// use tieline_proto::handshake::server::{Accept, Upgrade};
///
/// let request = http::Request::get("/chat")
///     .header("host", "example.com")
///     .header("upgrade", "websocket")
///     .header("connection", "Upgrade")
///     .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
///     .header("sec-websocket-version", "13")
///     .body(())?;
/// let upgrade = Upgrade::of(&request, Legacy::Off)?.expect("it asks for a WebSocket");
/// let (bytes, agreement) = upgrade.accept(&Accept::default(), &[])?;
/// assert!(bytes.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
/// assert_eq!(agreement.protocol, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Upgrade {
    asked: Asked,
    legacy: Legacy,
    host: Option<String>,
    target: String,
    origin: Option<String>,
    protocols: Vec<String>,
    extensions: Vec<Extension>,
}

/// How to answer an [`Upgrade`].
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "options are plain structs: callers write `..default()`"
)]
pub struct Accept {
    /// The subprotocol, one of those offered. Default none.
    pub protocol: Option<String>,
    /// Accepts permessage-deflate where it is offered. Default off.
    pub deflate: Option<deflate::Config>,
    /// More headers of the 101, such as `Set-Cookie`. Default none.
    pub headers: HeaderMap,
    /// Whether TLS carries the line, for the URL that the hixie drafts echo. Default false.
    pub secure: bool,
}

impl Upgrade {
    /// Understands a request; `None` is an ordinary one, without `Upgrade: websocket`.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`], a fault of the client's, for a request that asks for a WebSocket and
    /// does not say how: 400; 405 for another method than GET; 426 for versions and drafts that
    /// are not spoken.
    pub fn of<B>(request: &Request<B>, legacy: Legacy) -> Result<Option<Self>, HandshakeError> {
        let headers = request.headers();
        if !has_token(headers, "Upgrade", "websocket") {
            return Ok(None);
        }
        let host = asked::check_line(request)?;
        let dialect = asked::dialect(headers);
        if dialect.is_legacy() && legacy == Legacy::Off {
            return Err(HandshakeError::LegacyOff(dialect));
        }
        asked::check_body(headers, dialect)?;
        let asked = Asked::parse(headers, dialect)?;
        Self::understand(request, host, asked, legacy).map(Some)
    }

    /// Understands an extended CONNECT, by which HTTP/2 and later ask; `protocol` is its
    /// `:protocol`, which HTTP libraries keep beside the request.
    ///
    /// Only version 13 is spoken this way. It needs no key; one that is there is answered.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`], a fault of the client's, as [`of`](Self::of) but never 426, and 501 for
    /// another protocol than `websocket`.
    ///
    /// Spec: RFC 8441 §4, §5; RFC 9220 §3.
    ///
    /// # Example
    ///
    /// ```
    /// use tieline_proto::handshake::server::{Accept, Upgrade};
    ///
    /// let request = http::Request::connect("https://example.com/chat")
    ///     .header("sec-websocket-version", "13")
    ///     .body(())?;
    /// let upgrade = Upgrade::of_connect(&request, "websocket")?;
    /// let (response, agreement) = upgrade.respond(&Accept::default())?;
    /// assert_eq!((response.status().as_u16(), agreement.protocol), (200, None));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_connect<B>(request: &Request<B>, protocol: &str) -> Result<Self, HandshakeError> {
        let host = asked::check_connect(request, protocol)?;
        asked::check_body(request.headers(), Dialect::Hybi)?;
        let asked = Asked::parse_connect(request.headers())?;
        Self::understand(request, host, asked, Legacy::Off)
    }

    fn understand<B>(
        request: &Request<B>,
        host: Option<&str>,
        asked: Asked,
        legacy: Legacy,
    ) -> Result<Self, HandshakeError> {
        let headers = request.headers();
        Ok(Self {
            host: host.map(str::to_owned),
            target: request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned(),
            origin: asked::origin(headers, asked.version())?.map(str::to_owned),
            protocols: asked::offered_protocols(headers, asked.dialect())?,
            extensions: asked::offered_extensions(headers, asked.version())?,
            asked,
            legacy,
        })
    }

    /// Answers 101: the bytes to send, and what the connection then starts from.
    ///
    /// `key3` are the [`key3_bytes`](Self::key3_bytes) that follow the head; only hixie-76 reads
    /// them. The extension of the answer comes from `answer.deflate` and what was offered.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`], a fault of the caller's: [`ProtocolNotOffered`],
    /// [`ReservedHeader`], [`DeflateConfig`], [`LegacyKey3`] where there are not eight bytes, and
    /// [`ConnectAsBytes`], since only [`respond`](Self::respond) answers an extended CONNECT.
    ///
    /// [`ConnectAsBytes`]: HandshakeError::ConnectAsBytes
    /// [`DeflateConfig`]: HandshakeError::DeflateConfig
    /// [`LegacyKey3`]: HandshakeError::LegacyKey3
    /// [`ProtocolNotOffered`]: HandshakeError::ProtocolNotOffered
    /// [`ReservedHeader`]: HandshakeError::ReservedHeader
    pub fn accept(
        &self,
        answer: &Accept,
        key3: &[u8],
    ) -> Result<(Vec<u8>, Agreement), HandshakeError> {
        let agreement = self.agree(answer)?;
        let location = self.location(answer.secure);
        let draft = hixie75::Head {
            origin: self.origin(),
            location: &location,
            protocol: agreement.protocol.as_deref(),
        };
        let (mut out, reply) = match &self.asked {
            Asked::Connect { .. } => return Err(HandshakeError::ConnectAsBytes),
            Asked::Hixie75 => (hixie75::encode(draft), None),
            Asked::Hixie76 { parts } => {
                let bytes = key3.len();
                let key3 = key3.try_into().map_err(|_| HandshakeError::LegacyKey3 { bytes })?;
                (hixie76::encode(draft), Some(hixie76::reply(*parts, key3)))
            }
            Asked::Hybi { key, .. } => (encode(key, &agreement), None),
        };
        write_headers(&mut out, &answer.headers, |_| false);
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(reply.as_ref().map_or(&[], |reply| reply));
        Ok((out, agreement))
    }

    /// Answers 101, or 200 to an extended CONNECT, as a response, for an HTTP library that writes
    /// heads itself.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept), and [`LegacyOff`](HandshakeError::LegacyOff) for the drafts
    /// hixie-75 and hixie-76: they need the order and case of their lines.
    pub fn respond(&self, answer: &Accept) -> Result<(Response<()>, Agreement), HandshakeError> {
        let mut response = Response::new(());
        let key = match &self.asked {
            Asked::Connect { key } => key.as_deref(),
            Asked::Hybi { key, .. } => {
                *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
                let headers = response.headers_mut();
                headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
                headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
                Some(key.as_str())
            }
            Asked::Hixie75 | Asked::Hixie76 { .. } => {
                return Err(HandshakeError::LegacyOff(self.dialect()));
            }
        };
        let agreement = self.agree(answer)?;
        let headers = response.headers_mut();
        if let Some(key) = key {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, value(&accept_key(key)));
        }
        if let Some(protocol) = &agreement.protocol {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, value(protocol));
        }
        if !agreement.extensions.is_empty() {
            headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, value(&agreement.extensions));
        }
        headers.extend(answer.headers.clone());
        Ok((response, agreement))
    }

    /// What the client speaks.
    pub const fn dialect(&self) -> Dialect {
        self.asked.dialect()
    }

    /// `Sec-WebSocket-Version`: 13, 8 or 7; `None` for hixie.
    pub const fn version(&self) -> Option<u8> {
        self.asked.version()
    }

    /// The subprotocols offered, in order, each once.
    pub fn protocols(&self) -> &[String] {
        &self.protocols
    }

    /// The extensions offered, in order; none for hixie.
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// `Origin`, or `Sec-WebSocket-Origin` of versions 7 and 8.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// What [`Origins::allows`](super::Origins::allows) judges; `scheme` is what carries the
    /// request, `None` where a proxy hides it.
    pub fn claim(&self, scheme: Option<Scheme>) -> Claim<'_> {
        let (origin, host) = (self.origin(), self.host.as_deref());
        Claim { origin, host, scheme, legacy: self.legacy }
    }

    /// How many bytes behind the head belong to the handshake: 8 for hixie-76, else 0.
    pub const fn key3_bytes(&self) -> usize {
        match self.asked {
            Asked::Hixie76 { .. } => hixie76::KEY3_BYTES,
            Asked::Connect { .. } | Asked::Hixie75 | Asked::Hybi { .. } => 0,
        }
    }

    fn agree(&self, answer: &Accept) -> Result<Agreement, HandshakeError> {
        // §4.2.2: the answer MUST be one of those the client offered.
        let protocol = answer.protocol.clone();
        if let Some(protocol) = protocol.as_ref().filter(|name| !self.protocols.contains(name)) {
            return Err(HandshakeError::ProtocolNotOffered(protocol.clone()));
        }
        if let Some(name) = answer.headers.keys().find(|name| is_reserved(name)) {
            return Err(HandshakeError::ReservedHeader(name.clone()));
        }
        let deflate = match &answer.deflate {
            Some(config) => config.answer(&self.extensions)?,
            None => None,
        };
        let (extensions, deflate) = match deflate {
            Some((extension, agreed)) => (extension.to_string(), Some(agreed)),
            None => (String::new(), None),
        };
        Ok(Agreement { dialect: self.dialect(), protocol, deflate, extensions })
    }

    fn location(&self, secure: bool) -> String {
        let scheme = if secure { "wss" } else { "ws" };
        format!("{scheme}://{}{}", self.host.as_deref().unwrap_or_default(), self.target)
    }
}

/// Writes the head of RFC 6455 without the empty line that ends it.
fn encode(key: &str, agreement: &Agreement) -> Vec<u8> {
    let mut out = String::from(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    );
    out.push_str(&format!("Sec-WebSocket-Accept: {}\r\n", accept_key(key)));
    if let Some(protocol) = &agreement.protocol {
        out.push_str(&format!("Sec-WebSocket-Protocol: {protocol}\r\n"));
    }
    if !agreement.extensions.is_empty() {
        out.push_str(&format!("Sec-WebSocket-Extensions: {}\r\n", agreement.extensions));
    }
    out.into_bytes()
}

fn value(text: &str) -> HeaderValue {
    text.parse().expect("tokens and base64 are header values: checked where they were read")
}
