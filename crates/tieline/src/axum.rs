//! A line out of an axum handler.
//!
//! # Example
//!
//! ```
//! use axum::{Router, response::Response, routing::any};
//! use tieline::axum::Upgrade;
//!
//! async fn echo(upgrade: Upgrade) -> Response {
//!     upgrade.protocols(["echo"]).on_upgrade(|mut socket| async move {
//!         while let Some(Ok(message)) = socket.next().await {
//!             if socket.send(message).await.is_err() {
//!                 return;
//!             }
//!         }
//!     })
//! }
//!
//! let app: Router = Router::new().route("/echo", any(echo));
//! ```

use std::fmt;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use hyper::upgrade::OnUpgrade;
use tieline_proto::handshake::server::Upgrade as Asked;
use tieline_proto::handshake::{HandshakeError, Hosts, Origins};
use tieline_proto::{Limits, deflate};

use crate::accept::{AcceptError, AcceptOptions, Answer, url_of};
pub use crate::hyper::Stream;
use crate::hyper::{Granted, Upgrading, asked};
use crate::socket::WebSocket;

/// Extracts a request for a line; [`on_upgrade`](Self::on_upgrade) grants it.
///
/// Safe by default: pages of the same origin only, [`Limits::default`], no compression. Whether TLS
/// carried the request is not known here, so origins compare by host and port.
#[must_use = "the line opens by `on_upgrade`"]
pub struct Upgrade {
    asked: Asked,
    transport: OnUpgrade,
    url: String,
    options: AcceptOptions,
}

impl Upgrade {
    /// Sets the subprotocols spoken, the preferred one first: the first that is offered is chosen.
    /// Default none.
    pub fn protocols<P: Into<String>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.options.protocols = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the bounds of the line. Default [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.options.limits = limits;
        self
    }

    /// Accepts permessage-deflate where it is offered. Default off.
    pub fn deflate(mut self, deflate: deflate::Config) -> Self {
        self.options.deflate = Some(deflate);
        self
    }

    /// Sets the pages that may open a line. Default those of the same origin.
    pub fn origins(mut self, origins: Origins) -> Self {
        self.options.origins = origins;
        self
    }

    /// Sets the names that this server answers to. Default any; give a listener on a loopback
    /// address [`Hosts::default`].
    pub fn hosts(mut self, hosts: Hosts) -> Self {
        self.options.hosts = hosts;
        self
    }

    /// What is asked for: subprotocols, extensions, origin, version.
    pub const fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Grants the request, and gives the line to `serve` in a task of its own once it is open.
    ///
    /// The response may be given more headers. A request from a page that is not allowed becomes
    /// a 403, and `serve` is not called.
    #[must_use = "the response is what opens the line"]
    pub fn on_upgrade<F, Served>(self, serve: F) -> Response
    where
        F: FnOnce(WebSocket<Stream>) -> Served + Send + 'static,
        Served: Future<Output = ()> + Send + 'static,
    {
        let (response, line) = match self.grant() {
            Ok(granted) => granted,
            Err(error) => return Rejection(error.into()).into_response(),
        };
        tokio::spawn(async move {
            // The client may be gone before it has the 101: then there is nobody to serve.
            if let Ok(socket) = line.await {
                serve(socket).await;
            }
        });
        response.map(|()| Body::empty())
    }

    fn grant(self) -> Result<(http::Response<()>, Upgrading), HandshakeError> {
        self.options.admit(&self.asked, None)?;
        let granted = Granted::new(&self.asked, &self.options, Answer::default(), self.url)?;
        Ok(granted.open(self.transport))
    }
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade").field("asked", &self.asked).finish_non_exhaustive()
    }
}

impl<S: Sync> FromRequestParts<S> for Upgrade {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let mut head = http::Request::new(());
        *head.method_mut() = parts.method.clone();
        *head.uri_mut() = parts.uri.clone();
        *head.version_mut() = parts.version;
        *head.headers_mut() = parts.headers.clone();
        #[cfg(feature = "http2")]
        if let Some(protocol) = parts.extensions.get::<hyper::ext::Protocol>() {
            head.extensions_mut().insert(protocol.clone());
        }
        let asked = asked(&head).map_err(|error| Rejection(error.into()))?;
        let asked = asked.ok_or(Rejection(AcceptError::NotUpgrade))?;
        let transport = parts.extensions.remove().ok_or(Rejection(AcceptError::NotUpgrade))?;
        let options = AcceptOptions::default();
        Ok(Self { asked, transport, url: url_of(&head, options.secure), options })
    }
}

/// Why a request is no [`Upgrade`]: answers itself, 426 for an ordinary request and otherwise what
/// [`AcceptError::status`] says.
#[derive(Debug)]
pub struct Rejection(AcceptError);

impl Rejection {
    /// The reason.
    pub const fn error(&self) -> &AcceptError {
        &self.0
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        match self.0.response() {
            Some(response) => response.map(Body::from),
            None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}
