//! The client's side: asking for a WebSocket, and checking the answer.

use std::fmt::Write;

use http::{HeaderMap, Response, StatusCode, Version};

use super::error::{Fault, HandshakeError, Problem};
use super::header::{extensions, is_reserved, one};
use super::{Agreement, Dialect, accept_key, key};
use crate::deflate;
use crate::http::{has_token, is_host_byte, is_token, tokens, write_headers};

/// What a client asks for.
///
/// Spec: RFC 6455 §4.1.
///
/// # Example
///
/// ```
/// use tieline_proto::handshake::client::Request;
/// use tieline_proto::{Limits, http::HeadReader};
///
/// // A key is sixteen fresh random bytes; this one is the RFC's.
/// let request = Request::new("example.com", "/chat", *b"the sample nonce");
/// assert!(request.encode()?.starts_with(b"GET /chat HTTP/1.1\r\nHost: example.com\r\n"));
///
/// let answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade:websocket\r\n\
///     Connection:Upgrade\r\nSec-WebSocket-Accept:s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
/// let (response, _) = HeadReader::new(&Limits::default()).response(answer)?.unwrap();
/// assert_eq!(request.verify(&response)?.protocol, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "options are plain structs, checked by `encode`")]
pub struct Request {
    /// `Host`: a name or address, and the port where it is not the scheme's own.
    pub host: String,
    /// Path and query, from `/` on, percent-encoded.
    pub target: String,
    /// The nonce, fresh random bytes for each request.
    pub key: [u8; 16],
    /// `Sec-WebSocket-Version`: 13, or 8 or 7 to speak as the interim drafts did.
    pub version: u8,
    /// `Origin`, for a client that acts for a page (`Sec-WebSocket-Origin` below version 13).
    pub origin: Option<String>,
    /// Subprotocols offered, the one liked best first, each a token.
    pub protocols: Vec<String>,
    /// Offers permessage-deflate.
    pub deflate: Option<deflate::Config>,
    /// More headers, such as `Cookie` and `Authorization`; none of the handshake's own.
    pub headers: HeaderMap,
}

impl Request {
    /// A request of version 13 that offers neither subprotocols nor extensions.
    pub fn new(host: impl Into<String>, target: impl Into<String>, key: [u8; 16]) -> Self {
        Self {
            host: host.into(),
            target: target.into(),
            key,
            version: 13,
            origin: None,
            protocols: Vec::new(),
            deflate: None,
            headers: HeaderMap::new(),
        }
    }

    /// Writes the request's head.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`], a fault of the caller's: [`InvalidField`](HandshakeError::InvalidField)
    /// for a field that could not stand in a head, or would end its line there;
    /// [`ReservedHeader`](HandshakeError::ReservedHeader) and
    /// [`DeflateConfig`](HandshakeError::DeflateConfig).
    pub fn encode(&self) -> Result<Vec<u8>, HandshakeError> {
        self.check()?;
        let mut out = format!("GET {} HTTP/1.1\r\n", self.target);
        let mut line = |name: &str, value: &str| {
            write!(out, "{name}: {value}\r\n").expect("writing to a String cannot fail");
        };
        line("Host", &self.host);
        line("Upgrade", "websocket");
        line("Connection", "Upgrade");
        line("Sec-WebSocket-Key", &key::encode(&self.key));
        line("Sec-WebSocket-Version", &self.version.to_string());
        if let Some(origin) = &self.origin {
            line(if self.version == 13 { "Origin" } else { "Sec-WebSocket-Origin" }, origin);
        }
        if !self.protocols.is_empty() {
            line("Sec-WebSocket-Protocol", &self.protocols.join(", "));
        }
        if let Some(deflate) = &self.deflate {
            line("Sec-WebSocket-Extensions", &deflate.offer()?.to_string());
        }
        let mut out = out.into_bytes();
        write_headers(&mut out, &self.headers, |_| false);
        out.extend_from_slice(b"\r\n");
        Ok(out)
    }

    /// Checks the server's answer; what it agreed to is what the connection starts from.
    ///
    /// Headers that mean nothing here are ignored, whatever their names.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`], a fault of the server's: [`Status`](HandshakeError::Status) for anything
    /// but 101, with the headers; [`Header`](HandshakeError::Header) for `Upgrade`, `Connection` or
    /// `Sec-WebSocket-Accept` that do not say what they must, for a subprotocol or an extension that
    /// was not offered; [`DeflateResponse`](HandshakeError::DeflateResponse). The transport is
    /// then closed and never used again.
    ///
    /// Spec: RFC 6455 §4.1, from "Once the client's opening handshake has been sent".
    pub fn verify(&self, response: &Response<()>) -> Result<Agreement, HandshakeError> {
        let (status, headers) = (response.status(), response.headers());
        if status != StatusCode::SWITCHING_PROTOCOLS {
            return Err(HandshakeError::Status { status, headers: Box::new(headers.clone()) });
        }
        if response.version() < Version::HTTP_11 {
            return Err(HandshakeError::Version(Fault::Server, response.version()));
        }
        let is_websocket = |name: &[u8]| name.eq_ignore_ascii_case(b"websocket");
        let upgrades = tokens(headers, "Upgrade").next().is_some();
        if !upgrades || !tokens(headers, "Upgrade").all(is_websocket) {
            return Err(wrong(headers, "Upgrade"));
        }
        if !has_token(headers, "Connection", "upgrade") {
            return Err(wrong(headers, "Connection"));
        }
        let accept = read(headers, "Sec-WebSocket-Accept")?;
        if accept != Some(&accept_key(&key::encode(&self.key))) {
            return Err(wrong(headers, "Sec-WebSocket-Accept"));
        }
        let protocol = self.agreed_protocol(headers)?;
        let (extensions, deflate) = self.agreed_deflate(headers)?;
        Ok(Agreement { dialect: Dialect::Hybi, protocol, deflate, extensions })
    }

    fn agreed_protocol(&self, headers: &HeaderMap) -> Result<Option<String>, HandshakeError> {
        const NAME: &str = "Sec-WebSocket-Protocol";
        match read(headers, NAME)? {
            Some(protocol) if !self.protocols.iter().any(|offered| offered == protocol) => {
                Err(HandshakeError::answer(NAME, Problem::Unexpected))
            }
            protocol => Ok(protocol.map(str::to_owned)),
        }
    }

    fn agreed_deflate(
        &self,
        headers: &HeaderMap,
    ) -> Result<(String, Option<deflate::Agreed>), HandshakeError> {
        const NAME: &str = "Sec-WebSocket-Extensions";
        let answered = extensions(headers, NAME)
            .map_err(|error| HandshakeError::Extensions(Fault::Server, error))?;
        let extension = match answered.as_slice() {
            [] => return Ok((String::new(), None)),
            [extension] => extension,
            [_, ..] => return Err(HandshakeError::answer(NAME, Problem::Duplicate)),
        };
        let agreed = match &self.deflate {
            Some(deflate) => deflate.verify(extension).map_err(HandshakeError::DeflateResponse)?,
            None => None,
        };
        match agreed {
            Some(agreed) => Ok((extension.to_string(), Some(agreed))),
            None => Err(HandshakeError::answer(NAME, Problem::Unexpected)),
        }
    }

    /// Nothing that is written here may end its line or its list element.
    fn check(&self) -> Result<(), HandshakeError> {
        let is_target = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
        let fields = [
            ("host", !self.host.is_empty() && self.host.bytes().all(is_host_byte)),
            ("target", self.target.starts_with('/') && self.target.bytes().all(is_target)),
            ("version", matches!(self.version, 13 | 8 | 7)),
            ("origin", self.origin.as_deref().is_none_or(is_visible)),
            ("protocols", are_distinct_tokens(&self.protocols)),
        ];
        if let Some((field, _)) = fields.into_iter().find(|(_, valid)| !valid) {
            return Err(HandshakeError::InvalidField(field));
        }
        if let Some(name) = self.headers.keys().find(|name| is_reserved(name)) {
            return Err(HandshakeError::ReservedHeader(name.clone()));
        }
        Ok(())
    }
}

fn read<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, HandshakeError> {
    one(headers, name).map_err(|problem| HandshakeError::answer(name, problem))
}

fn wrong(headers: &HeaderMap, name: &'static str) -> HandshakeError {
    let problem = if headers.contains_key(name) { Problem::Invalid } else { Problem::Missing };
    HandshakeError::answer(name, problem)
}

fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// §4.1: the elements MUST all be unique.
fn are_distinct_tokens(protocols: &[String]) -> bool {
    let is_new = |(index, name): (usize, &String)| !protocols[..index].contains(name);
    protocols.iter().all(|name| is_token(name.as_bytes()))
        && protocols.iter().enumerate().all(is_new)
}
