//! An endpoint built in code: where it is, what is said there, and how the handshake goes.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::Arc;

use http::StatusCode;
use thiserror::Error;
use tieline_proto::{Limits, deflate};

use super::line::{Line, Transport};
use super::path::{Parameters, PathError, Pattern};
use crate::accept::{Answer, Refusal, Request};
use crate::connect::{Connect, ConnectError};

type OnRequest = dyn Fn(&Request, Answer) -> Result<Answer, Refusal> + Send + Sync;
/// Whether a parameter is what it should be.
type Check = fn(&str) -> bool;
type OnConnect = dyn Fn(Connect) -> Connect + Send + Sync;

/// A path where clients say `Up` and hear `Down`; the same value serves both ends.
///
/// # Example
///
/// ```
/// use tieline::endpoint::Endpoint;
/// use tieline::{Limits, Refusal, http::StatusCode};
///
/// let rooms = Endpoint::<String, String>::at("/rooms/{room}")
///     .param::<u32>("room")
///     .subprotocol("rooms.v2")
///     .subprotocol("rooms.v1")
///     .limits(Limits { max_message_bytes: 4 << 10, ..Limits::default() })
///     .on_request(|request, answer| match request.header("authorization") {
///         Some("Bearer 3f2a") => Ok(answer),
///         _ => Err(Refusal::from(StatusCode::UNAUTHORIZED)),
///     })
///     .on_connect(|connect| connect.header("authorization", "Bearer 3f2a"));
/// ```
pub struct Endpoint<Up, Down> {
    pattern: Result<Pattern, PathError>,
    path: String,
    checks: Vec<(&'static str, Check)>,
    protocols: Vec<String>,
    limits: Option<Limits>,
    deflate: Option<deflate::Config>,
    on_request: Option<Arc<OnRequest>>,
    on_connect: Option<Arc<OnConnect>>,
    types: PhantomData<fn(Up) -> Down>,
}

/// A client could not open an endpoint.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EndpointConnectError {
    /// The parameters do not fill the path.
    #[error("the path cannot be filled")]
    Path(#[from] PathError),
    /// The line could not be opened.
    #[error("the line could not be opened")]
    Connect(#[from] ConnectError),
}

impl<Up, Down> Endpoint<Up, Down> {
    /// An endpoint at a path; a segment in braces is a parameter, as in `/rooms/{room}`.
    ///
    /// A path that cannot be is told by who uses it: [`Endpoints::add`](super::Endpoints::add) and
    /// [`connect`](Self::connect).
    pub fn at(path: &str) -> Self {
        Self {
            pattern: Pattern::parse(path),
            path: path.to_owned(),
            checks: Vec::new(),
            protocols: Vec::new(),
            limits: None,
            deflate: None,
            on_request: None,
            on_connect: None,
            types: PhantomData,
        }
    }

    /// Wants a parameter to be a `T`; a request where it is none is answered 404.
    #[must_use]
    pub fn param<T: FromStr>(mut self, name: &'static str) -> Self {
        if self.pattern.as_ref().is_ok_and(|pattern| !pattern.has(name)) {
            self.pattern = Err(PathError::Unknown(name.to_owned()));
        }
        self.checks.push((name, |value| value.parse::<T>().is_ok()));
        self
    }

    /// Adds a subprotocol, the preferred one first: clients offer them all, and the server chooses
    /// the first that is offered. Default none.
    #[must_use]
    pub fn subprotocol(mut self, protocol: impl Into<String>) -> Self {
        self.protocols.push(protocol.into());
        self
    }

    /// Sets the bounds of the line, at both ends. Default those of the set's options on the server,
    /// and [`Limits::default`] on the client.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits: Some(limits), ..self }
    }

    /// Speaks permessage-deflate where both ends do. Default off.
    #[must_use]
    pub fn deflate(self, deflate: deflate::Config) -> Self {
        Self { deflate: Some(deflate), ..self }
    }

    /// Lets the server see each request and change its answer, or refuse it.
    #[must_use]
    pub fn on_request<F>(self, change: F) -> Self
    where
        F: Fn(&Request, Answer) -> Result<Answer, Refusal> + Send + Sync + 'static,
    {
        Self { on_request: Some(Arc::new(change)), ..self }
    }

    /// Lets the client change its request.
    #[must_use]
    pub fn on_connect<F>(self, change: F) -> Self
    where
        F: Fn(Connect) -> Connect + Send + Sync + 'static,
    {
        Self { on_connect: Some(Arc::new(change)), ..self }
    }

    /// Opens a line to this endpoint of the server at `base`, such as `wss://example.com`.
    ///
    /// # Errors
    ///
    /// [`EndpointConnectError`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes whatever was open.
    pub async fn connect(
        &self,
        base: &str,
        params: &[(&str, &str)],
    ) -> Result<Line<Down, Up>, EndpointConnectError> {
        let path = self.pattern()?.fill(params)?;
        let url = format!("{}{path}", base.trim_end_matches('/'));
        let mut connect = Connect::to(url);
        if let Some(limits) = &self.limits {
            connect = connect.limits(limits.clone());
        }
        for protocol in &self.protocols {
            connect = connect.subprotocol(protocol);
        }
        if let Some(deflate) = &self.deflate {
            connect = connect.deflate(deflate.clone());
        }
        if let Some(change) = &self.on_connect {
            connect = change(connect);
        }
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let socket = connect.open().await?.map_transport(|stream| Box::new(stream) as Transport);
        Ok(Line::new(socket, params.iter().map(owned).collect()))
    }

    pub(super) fn pattern(&self) -> Result<&Pattern, PathError> {
        self.pattern.as_ref().map_err(PathError::clone)
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Whether the parameters are what they should be.
    pub(super) fn takes(&self, parameters: &Parameters) -> bool {
        self.checks.iter().all(|(name, check)| {
            parameters.iter().any(|(given, value)| given == name && check(value))
        })
    }

    /// The server's answer to a request for this endpoint.
    pub(super) fn answer(&self, request: &Request) -> Result<Answer, Refusal> {
        let offered = |protocol: &&String| request.protocols().contains(protocol);
        let answer = Answer {
            protocol: self.protocols.iter().find(offered).cloned(),
            limits: self.limits.clone(),
            deflate: self.deflate.clone(),
            ..Answer::default()
        };
        // An ordinary request is not the configurator's: it gets a 426.
        match &self.on_request {
            Some(change) if request.upgrade().is_some() => change(request, answer),
            _ => Ok(answer),
        }
    }
}

/// The answer to a path that no endpoint has.
pub(super) fn not_found() -> Refusal {
    Refusal::from(StatusCode::NOT_FOUND)
}

impl<Up, Down> Clone for Endpoint<Up, Down> {
    fn clone(&self) -> Self {
        Self {
            pattern: self.pattern.clone(),
            path: self.path.clone(),
            checks: self.checks.clone(),
            protocols: self.protocols.clone(),
            limits: self.limits.clone(),
            deflate: self.deflate.clone(),
            on_request: self.on_request.clone(),
            on_connect: self.on_connect.clone(),
            types: PhantomData,
        }
    }
}

impl<Up, Down> fmt::Debug for Endpoint<Up, Down> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("path", &self.path)
            .field("protocols", &self.protocols)
            .finish_non_exhaustive()
    }
}
