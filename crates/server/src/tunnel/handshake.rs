//! The handshake with an upstream: done first, and checked, before the client is told anything.
//!
//! ```text
//! client                    here                           upstream
//!   GET /app, a key  ──▶      │  GET /app, a key of ours ──▶
//!                             │  ◀── 101, its accept: checked, never tunnelled otherwise
//!   ◀── 101, our accept       │      or a refusal: handed on, the connection never used again
//! ```
//!
//! Subprotocol and extensions are the upstream's choice among what the client offered.
//!
//! Spec: RFC 6455 §4.1, §4.2.2.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use data_encoding::BASE64;
use http::header::{
    CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::upgrade::Parts;
use tieline_proto::handshake::client;
use tieline_proto::handshake::server::Upgrade;
use tieline_proto::http::Extension;
use tokio::time::{Instant, timeout_at};

use super::Tunnel;
use super::asking::{Answered, Asking};
use super::copy::Side;
use super::dial::{Io, Stream};
use super::fault::Fault;
use super::headers::{of_request, strip_hop_by_hop};
use super::upload::Upload;
use super::upstream::Open;
use crate::admission::Admitted;
use crate::exchange::{Body, Foreign};
use crate::random;

/// Most of a refusal's body that is handed on.
const MAX_REFUSAL_BYTES: usize = 64 << 10;

/// An upstream that agreed, and nothing was said yet.
pub(super) struct Agreed {
    pub(super) side: Side<Stream>,
    pub(super) open: Open,
    /// Its subprotocol.
    pub(super) protocol: Option<String>,
    /// Its extensions and whatever else the client is to see.
    pub(super) headers: HeaderMap,
}

impl Tunnel {
    /// Asks an upstream for the line that the client asks for.
    ///
    /// # Errors
    ///
    /// What the client is answered instead.
    pub(super) async fn agree(&self, admitted: &Admitted) -> Result<Agreed, Response<Body>> {
        let key = random::bytes();
        let asking = Asking {
            method: Method::GET,
            headers: upgrade_headers(of_request(&admitted.request, &self.plan.trusted), &key),
            body: Some(Upload::empty()),
            is_upgrade: true,
        };
        let asked = self.ask(asking, &admitted.request).await;
        let Answered { response, open, sender } = asked.map_err(|fault| self.refuse(&fault))?;
        // Whatever comes of it, nothing else is asked on this connection.
        drop(sender);
        let status = response.status();
        if status != StatusCode::SWITCHING_PROTOCOLS && !status.is_success() {
            open.0.succeeded();
            return Err(refusal(response, self.plan.answer_within).await);
        }
        let agreed = switch(response, &key, &admitted.upgrade).await;
        match agreed {
            Ok((side, protocol, headers)) => {
                open.0.succeeded();
                open.0.counts.lines.inc();
                Ok(Agreed { side, open, protocol, headers })
            }
            Err(fault) => {
                open.0.failed(&fault, std::time::Instant::now());
                Err(self.refuse(&fault))
            }
        }
    }
}

/// What is asked by `CONNECT` over HTTP/2 becomes an upgrade, too.
fn upgrade_headers(mut headers: HeaderMap, key: &[u8; 16]) -> HeaderMap {
    let key = HeaderValue::from_str(&BASE64.encode(key)).expect("base64 is a value");
    headers.remove(CONTENT_LENGTH);
    headers.insert(SEC_WEBSOCKET_KEY, key);
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers
}

/// Checks the answer, and takes the connection over.
async fn switch(
    mut response: Response<Incoming>,
    key: &[u8; 16],
    offered: &Upgrade,
) -> Result<(Side<Stream>, Option<String>, HeaderMap), Fault> {
    let protocol = check(&response, key, offered)?;
    let upgraded = hyper::upgrade::on(&mut response).await.map_err(Fault::Broken)?;
    let Ok(Parts { io, read_buf, .. }) = upgraded.downcast::<Io>() else {
        unreachable!("hyper was given this stream and gives it back");
    };
    let mut headers = std::mem::take(response.headers_mut());
    strip_hop_by_hop(&mut headers);
    for name in [SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, CONTENT_LENGTH] {
        headers.remove(name);
    }
    // The line has deadlines of its own.
    let stream = io.into_inner().into_inner();
    Ok((Side { stream, ahead: read_buf }, protocol, headers))
}

/// Status, `Upgrade`, `Connection`, accept, and nothing that the client did not offer; answers the
/// subprotocol.
fn check<B>(
    response: &Response<B>,
    key: &[u8; 16],
    offered: &Upgrade,
) -> Result<Option<String>, Fault> {
    let mut head = Response::new(());
    *head.status_mut() = response.status();
    *head.version_mut() = response.version();
    head.headers_mut().clone_from(response.headers());
    let chosen = extensions(head.headers())?;
    // What was agreed between the two ends is nothing to this one, which inflates nothing.
    head.headers_mut().remove(SEC_WEBSOCKET_EXTENSIONS);
    let mut asked = client::Request::new("upstream", "/", *key);
    asked.protocols = offered.protocols().to_vec();
    let agreement = asked.verify(&head).map_err(Fault::BadHandshake)?;
    let is_offered =
        |chosen: &Extension| offered.extensions().iter().any(|it| it.name == chosen.name);
    if !chosen.iter().all(is_offered) {
        return Err(Fault::BadExtension);
    }
    Ok(agreement.protocol)
}

fn extensions(headers: &HeaderMap) -> Result<Vec<Extension>, Fault> {
    let mut all = Vec::new();
    for list in headers.get_all(SEC_WEBSOCKET_EXTENSIONS) {
        let list = list.to_str().ok().and_then(|list| Extension::parse(list).ok());
        all.extend(list.ok_or(Fault::BadExtension)?);
    }
    Ok(all)
}

/// The upstream's refusal as it is, but for what is between two neighbours, and with a body that
/// has bounds.
async fn refusal(response: Response<Incoming>, within: Duration) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    // RFC 9110 §15.5.22: a 426 MUST say what to upgrade to.
    let upgrade = parts.headers.get(UPGRADE).cloned();
    strip_hop_by_hop(&mut parts.headers);
    parts.headers.remove(CONTENT_LENGTH);
    if let Some(upgrade) = upgrade.filter(|_| parts.status == StatusCode::UPGRADE_REQUIRED) {
        parts.headers.insert(UPGRADE, upgrade);
    }
    let body = beginning(body, Instant::now() + within).await;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = parts.status;
    *response.headers_mut() = parts.headers;
    response.extensions_mut().insert(Foreign);
    response
}

/// What of a body comes in time, up to the bound.
async fn beginning(mut body: Incoming, deadline: Instant) -> Bytes {
    let mut whole = BytesMut::new();
    while whole.len() < MAX_REFUSAL_BYTES {
        let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await else { break };
        if let Ok(data) = frame.into_data() {
            let room = MAX_REFUSAL_BYTES - whole.len();
            whole.extend_from_slice(&data[..data.len().min(room)]);
        }
    }
    whole.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tieline::HandshakeError;
    use tieline_proto::handshake::{Legacy, accept_key};

    const KEY: [u8; 16] = *b"the sample nonce";

    fn offered() -> Upgrade {
        let request = http::Request::get("/")
            .header("host", "line.example")
            .header("upgrade", "websocket")
            .header("connection", "Upgrade")
            .header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-protocol", "chat, soap")
            .header("sec-websocket-extensions", "permessage-deflate; client_max_window_bits, x-b")
            .body(())
            .unwrap();
        Upgrade::of(&request, Legacy::Off).unwrap().unwrap()
    }

    fn answer(change: impl FnOnce(&mut Response<()>)) -> Result<Option<String>, Fault> {
        let mut response = Response::builder()
            .status(101)
            .header("upgrade", "WebSocket")
            .header("connection", "upgrade")
            .header("sec-websocket-accept", accept_key(&BASE64.encode(&KEY)))
            .body(())
            .unwrap();
        change(&mut response);
        check(&response, &KEY, &offered())
    }

    fn with(name: &'static str, value: &'static str) -> Result<Option<String>, Fault> {
        answer(|it| {
            it.headers_mut().insert(name, HeaderValue::from_static(value));
        })
    }

    #[test]
    fn what_the_client_offered_may_be_chosen() {
        assert_eq!(answer(|_| {}).unwrap(), None);
        assert_eq!(with("sec-websocket-protocol", "soap").unwrap().as_deref(), Some("soap"));
        let deflate = "permessage-deflate; server_no_context_takeover, x-b; q=\"1\"";
        assert_eq!(with("sec-websocket-extensions", deflate).unwrap(), None);
    }

    #[test]
    fn any_other_answer_is_no_upgrade() {
        for (name, value) in [
            ("upgrade", "h2c"),
            ("connection", "keep-alive"),
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOp="),
            ("sec-websocket-protocol", "other"),
        ] {
            let fault = with(name, value).unwrap_err();
            assert!(matches!(fault, Fault::BadHandshake(_)), "{name}: {fault:?}");
            assert_eq!(fault.status(), StatusCode::BAD_GATEWAY);
        }
        for extensions in ["x-unheard-of", "permessage-deflate;;"] {
            let fault = with("sec-websocket-extensions", extensions).unwrap_err();
            assert!(matches!(fault, Fault::BadExtension), "{fault:?}");
        }
        for name in [UPGRADE, CONNECTION, SEC_WEBSOCKET_ACCEPT] {
            assert!(answer(|it| drop(it.headers_mut().remove(&name))).is_err(), "{name}");
        }
        let fault = answer(|it| *it.status_mut() = StatusCode::OK).unwrap_err();
        assert!(matches!(fault, Fault::BadHandshake(HandshakeError::Status { .. })), "{fault:?}");
    }
}
