//! A line out of a request that hyper reads: `WebSocket` beside ordinary HTTP on one port.
//!
//! With the feature `http2` that is a stream of HTTP/2 as well (RFC 8441), where the server's
//! builder was told to `enable_connect_protocol()`.
//!
//! # Example
//!
//! ```
//! use hyper::body::Incoming;
//! use hyper::{Request, Response};
//! use tieline::{AcceptOptions, Answer, bytes::Bytes};
//!
//! // A service for `hyper::server::conn::http1`, served `with_upgrades()`.
//! async fn serve(mut request: Request<Incoming>) -> Response<Bytes> {
//!     let options = AcceptOptions::default();
//!     match tieline::hyper::upgrade(&mut request, &options, Answer::default()) {
//!         Ok((response, line)) => {
//!             tokio::spawn(async move {
//!                 let Ok(mut socket) = line.await else { return };
//!                 while let Some(Ok(message)) = socket.next().await {
//!                     if socket.send(message).await.is_err() {
//!                         return;
//!                     }
//!                 }
//!             });
//!             response.map(|()| Bytes::new())
//!         }
//!         Err(error) => error.response().expect("the client is still there"),
//!     }
//! }
//! ```

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tieline_proto::Limits;
use tieline_proto::handshake::server::Upgrade;
use tieline_proto::handshake::{Agreement, HandshakeError, Legacy};

use crate::accept::{AcceptError, AcceptOptions, Answer, url_of};
use crate::socket::WebSocket;

/// The transport of a line that came through hyper.
pub type Stream = TokioIo<Upgraded>;

/// Grants a request: gives the 101 to answer, over HTTP/2 the 200, and the line that opens once it
/// is written.
///
/// The drafts hixie-75 and hixie-76 are refused whatever the options say: hyper writes heads in its
/// own order, and their handshake has bytes outside of them.
///
/// # Errors
///
/// [`AcceptError`], whose [`response`](AcceptError::response) is then the answer;
/// [`NotUpgrade`](AcceptError::NotUpgrade) for an ordinary request, which is as it was.
pub fn upgrade<B>(
    request: &mut Request<B>,
    options: &AcceptOptions,
    answer: Answer,
) -> Result<(Response<()>, Upgrading), AcceptError> {
    let upgrade = asked(request)?.ok_or(AcceptError::NotUpgrade)?;
    options.admit(&upgrade, Some(options.scheme()))?;
    let granted = Granted::new(&upgrade, options, answer, url_of(request, options.secure))?;
    Ok(granted.open(hyper::upgrade::on(request)))
}

/// What a request asks for: over HTTP/2 by the protocol of a CONNECT, before by `Upgrade`.
pub(crate) fn asked<B>(request: &Request<B>) -> Result<Option<Upgrade>, HandshakeError> {
    #[cfg(feature = "http2")]
    if let Some(protocol) = request.extensions().get::<hyper::ext::Protocol>() {
        return Upgrade::of_connect(request, protocol.as_str()).map(Some);
    }
    Upgrade::of(request, Legacy::Off)
}

/// A request that was granted, and the answer to it.
pub(crate) struct Granted {
    response: Response<()>,
    agreement: Agreement,
    limits: Limits,
    url: String,
}

impl Granted {
    pub(crate) fn new(
        upgrade: &Upgrade,
        options: &AcceptOptions,
        answer: Answer,
        url: String,
    ) -> Result<Self, HandshakeError> {
        let limits = answer.limits.clone().unwrap_or_else(|| options.limits.clone());
        let (response, agreement) = upgrade.respond(&options.answer(upgrade, answer))?;
        Ok(Self { response, agreement, limits, url })
    }

    pub(crate) fn open(self, transport: OnUpgrade) -> (Response<()>, Upgrading) {
        let Self { response, agreement, limits, url } = self;
        (response, Upgrading { transport, agreement, limits, url })
    }
}

/// A line that opens once its 101 or 200 is written; a future of the [`WebSocket`].
///
/// # Errors
///
/// [`AcceptError::Io`] where the client left before, or the response was never written.
///
/// # Cancel safety
///
/// Dropping it drops the line.
#[derive(Debug)]
#[must_use = "the line opens when this is awaited"]
pub struct Upgrading {
    transport: OnUpgrade,
    agreement: Agreement,
    limits: Limits,
    url: String,
}

impl Future for Upgrading {
    type Output = Result<WebSocket<Stream>, AcceptError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let upgraded = ready!(Pin::new(&mut self.transport).poll(cx)).map_err(io::Error::other)?;
        let (stream, limits) = (TokioIo::new(upgraded), self.limits.clone());
        let url = std::mem::take(&mut self.url);
        let socket = WebSocket::server(stream, &self.agreement, limits, &[]);
        Poll::Ready(Ok(socket.with_url(url)))
    }
}
