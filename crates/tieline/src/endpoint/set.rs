//! Several endpoints on one server, each on its own path.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::built::{Endpoint, not_found};
use super::declared::{Declared, run};
use super::line::{Line, LineError, Transport};
use super::path::{Parameters, PathError, Pattern};
use crate::accept::{AcceptError, AcceptOptions, Answer, Refusal, Request, accept_with};

/// How long accepting rests when the system has no room for another connection.
const REST: Duration = Duration::from_millis(100);

type Decide = dyn Fn(&Request, &Parameters) -> Result<Answer, Refusal> + Send + Sync;
type Served = Pin<Box<dyn Future<Output = Result<(), LineError>> + Send>>;

/// A set of endpoints: the path decides which one answers, a given segment before a parameter.
///
/// Any other path gets a 404, and a request without an upgrade a 426. The module shows a set in
/// use.
pub struct Endpoints {
    routes: Vec<Route>,
    options: AcceptOptions,
    most_lines: usize,
    on_error: Box<dyn Fn(&ServeError) + Send + Sync>,
}

struct Route {
    pattern: Pattern,
    answer: Box<Decide>,
    serve: Box<dyn Fn(Line) -> Served + Send + Sync>,
}

/// Why one line of a set came to nothing, or ended badly.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// It was refused before it was open, and answered.
    #[error("the request was refused")]
    Accept(#[from] AcceptError),
    /// No connection could be accepted: file descriptors or memory ran out.
    #[error("no connection can be accepted")]
    Listen(#[source] io::Error),
    /// It ended otherwise than cleanly.
    #[error("the line ended badly")]
    Line(#[from] LineError),
}

impl Default for Endpoints {
    fn default() -> Self {
        Self {
            routes: Vec::new(),
            options: AcceptOptions::default(),
            most_lines: 10_000,
            on_error: Box::new(|_| {}),
        }
    }
}

impl Endpoints {
    /// A set without endpoints, and with the options of [`accept`](crate::accept()).
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets who may ask: origins, hosts, drafts. What an endpoint says of its limits, compression
    /// and subprotocols goes before.
    #[must_use]
    pub fn options(self, options: AcceptOptions) -> Self {
        Self { options, ..self }
    }

    /// Sets how many lines [`serve`](Self::serve) has open at once; more wait to be accepted.
    /// Default 10,000.
    #[must_use]
    pub fn most_lines(self, most_lines: usize) -> Self {
        Self { most_lines, ..self }
    }

    /// Sets what is told of the errors in [`serve`](Self::serve). Default nobody.
    #[must_use]
    pub fn on_error(self, tell: impl Fn(&ServeError) + Send + Sync + 'static) -> Self {
        Self { on_error: Box::new(tell), ..self }
    }

    /// Adds an endpoint, and what serves each of its lines.
    ///
    /// # Errors
    ///
    /// [`PathError`] for a path that cannot be, or that another endpoint has.
    pub fn add<Up, Down, F, Served>(
        mut self,
        endpoint: Endpoint<Up, Down>,
        serve: F,
    ) -> Result<Self, PathError>
    where
        Up: 'static,
        Down: 'static,
        F: Fn(Line<Up, Down>) -> Served + Send + Sync + 'static,
        Served: Future<Output = Result<(), LineError>> + Send + 'static,
    {
        let pattern = endpoint.pattern()?.clone();
        if self.routes.iter().any(|route| route.pattern.rivals(&pattern)) {
            return Err(PathError::Duplicate(endpoint.path().to_owned()));
        }
        self.routes.push(Route {
            pattern,
            answer: Box::new(move |request, parameters| {
                if endpoint.takes(parameters) { endpoint.answer(request) } else { Err(not_found()) }
            }),
            serve: Box::new(move |line| Box::pin(serve(line.typed()))),
        });
        self.routes.sort_by_cached_key(|route| route.pattern.claim());
        Ok(self)
    }

    /// Adds a declared endpoint; each line is served by a clone of it.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub fn declare<D: Declared>(self, endpoint: D) -> Result<Self, PathError> {
        self.add(endpoint.endpoint(), move |line| run(endpoint.clone(), line))
    }

    /// Accepts one line and serves it to its end.
    ///
    /// # Errors
    ///
    /// [`ServeError`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the transport, and with it the line.
    pub async fn accept<S>(&self, stream: S) -> Result<(), ServeError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let mut found = None;
        let stream: Transport = Box::new(stream);
        let socket = accept_with(stream, &self.options, |request| {
            let (route, parameters) = self.route(request.path()).ok_or_else(not_found)?;
            let answer = (route.answer)(request, &parameters)?;
            found = Some((route, parameters));
            Ok(answer)
        })
        .await?;
        let (route, parameters) = found.expect("what was accepted was found");
        Ok((route.serve)(Line::new(socket, parameters)).await?)
    }

    /// Accepts lines until `shutdown` is ready, each in a task of its own, then lets those that are
    /// open end: drop the future to end them at once.
    ///
    /// Where the system has no room for another connection it rests for a moment and tries again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops every line.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let room = Arc::new(Semaphore::new(self.most_lines));
        let set = Arc::new(self);
        let mut lines = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            let next = async {
                let place = Arc::clone(&room).acquire_owned().await.expect("it is never closed");
                (place, listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                () = &mut shutdown => break,
                Some(_ended) = lines.join_next() => continue,
                next = next => next,
            };
            match accepted {
                Ok((stream, _)) => {
                    let set = Arc::clone(&set);
                    lines.spawn(async move {
                        let _place = place;
                        // A small message should not wait for the next; without it, all works.
                        _ = stream.set_nodelay(true);
                        if let Err(error) = set.accept(stream).await {
                            (set.on_error)(&error);
                        }
                    });
                }
                Err(error) if is_the_peers(&error) => {}
                Err(error) => {
                    (set.on_error)(&ServeError::Listen(error));
                    sleep(REST).await;
                }
            }
        }
        drop(listener);
        while lines.join_next().await.is_some() {}
    }

    fn route(&self, path: &str) -> Option<(&Route, Parameters)> {
        self.routes.iter().find_map(|route| Some((route, route.pattern.matches(path)?)))
    }
}

/// Whether a connection failed before it was accepted.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.routes.iter().map(|route| &route.pattern)).finish()
    }
}
