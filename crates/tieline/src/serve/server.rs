//! A server: bound, run, stopped.
//!
//! ```text
//! Server::new ─▶ listen … ─▶ run(handler) ─▶ stop ─▶ no new connection, Handler::drain, 1001
//!                                                    ─▶ wait up to the drain time ─▶ done
//! ```

use std::fmt;
use std::io;
use std::net::ToSocketAddrs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::LocalSet;
use tokio::time::timeout;

use super::arrival::Admission;
use super::backlog::Backlog;
use super::engine::{Engine, Stop};
use super::handler::Handler;
use super::inbox::{Inbox, Order};
use super::link::Worker;
use super::listen::{Acceptor, BindError, BoundPlace, Place};
use super::listening::Listening;
#[cfg(feature = "tls")]
use super::tls::TlsSource;
use crate::accept::AcceptOptions;

/// How much longer than the time to drain a worker may take to end.
const GRACE: Duration = Duration::from_secs(1);

/// How a server serves.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "options are plain structs: callers write `..default()`"
)]
pub struct ServerOptions {
    /// Threads that serve, each with its own connections. Default one for each core.
    pub workers: usize,
    /// How long open links may take to end when the server stops. Default 10 s.
    pub drain: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        Self { workers, drain: Duration::from_secs(10) }
    }
}

/// A place to listen, and who may come there.
#[derive(Clone, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "options are plain structs: callers write `..default()`"
)]
pub struct ListenOptions {
    /// Who may open a link, and within which bounds. [`secure`](AcceptOptions::secure) follows
    /// `tls` where that is given.
    pub accept: AcceptOptions,
    /// How much may wait for each peer. Default 1 MiB, then the link is closed.
    pub backlog: Backlog,
    /// TLS. Default none.
    #[cfg(feature = "tls")]
    pub tls: Option<TlsSource>,
}

impl fmt::Debug for ListenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenOptions")
            .field("accept", &self.accept)
            .field("backlog", &self.backlog)
            .finish_non_exhaustive()
    }
}

/// A server whose sockets are bound; nothing is accepted before it runs.
///
/// # Example
///
/// ```no_run
/// use tieline::serve::{self, Server};
///
/// let server = Server::bind("127.0.0.1:8080")?;
/// println!("listening on {}", server.places()[0]);
/// server.run(|| serve::messages(|link, message| link.send(message)))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Server {
    options: ServerOptions,
    places: Vec<(BoundPlace, ListenOptions)>,
}

/// A server at work, seen from outside of its workers. Dropping it stops them without waiting.
#[derive(Debug)]
#[must_use = "a server is stopped when this is dropped"]
pub struct Running {
    stop: watch::Sender<bool>,
    /// How each worker ended.
    ends: mpsc::UnboundedReceiver<Result<(), RunError>>,
    drain: Duration,
    /// Unix sockets live in files, which go with the server.
    _places: Vec<BoundPlace>,
}

/// A server did not start, or a worker ended by itself: our bug, or a system without resources.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A worker does not end: its thread is blocked. It was left behind.
    #[error("a worker is blocked and was left behind")]
    Blocked,
    /// A worker panicked.
    #[error("a worker panicked")]
    Panicked,
    /// A worker cannot start, or its poll failed.
    #[error("a worker cannot run")]
    Worker(#[source] io::Error),
}

impl Server {
    /// A server that listens nowhere yet.
    pub fn new(options: ServerOptions) -> Self {
        Self { options, places: Vec::new() }
    }

    /// A server with a worker for each core that listens at one address, for pages of the same
    /// origin and for programs.
    ///
    /// # Errors
    ///
    /// [`BindError`] where nobody can listen there, and where the address is none.
    pub fn bind(address: impl ToSocketAddrs + fmt::Display) -> Result<Self, BindError> {
        let mut server = Self::default();
        let address = BoundPlace::resolve(address)?;
        server.listen(&Place::Tcp(address), ListenOptions::default())?;
        Ok(server)
    }

    /// Listens at one more place.
    ///
    /// A first socket finds out whether another program listens there, and settles port 0; then
    /// every worker has a socket of its own, among which the system spreads the connections.
    ///
    /// # Errors
    ///
    /// [`BindError`] where nobody can listen there.
    pub fn listen(
        &mut self,
        place: &Place,
        options: ListenOptions,
    ) -> Result<&mut Self, BindError> {
        let bound = BoundPlace::bind(place, self.options.workers.max(1))?;
        self.places.push((bound, options));
        Ok(self)
    }

    /// Where it listens, with the ports that the system chose.
    pub fn places(&self) -> Vec<&Place> {
        self.places.iter().map(|(bound, _)| &bound.place).collect()
    }

    /// Serves until the process ends. `handler` makes the handler of each worker, on its thread.
    ///
    /// # Errors
    ///
    /// [`RunError`] where a worker cannot start or ends by itself.
    pub fn run<H: Handler>(
        self,
        handler: impl Fn() -> H + Send + Sync + 'static,
    ) -> Result<(), RunError> {
        let mut running = self.start(handler)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.map_err(RunError::Worker)?.block_on(running.ended())
    }

    /// Starts the workers, and comes back at once. `handler` makes the handler of each worker, on
    /// its thread.
    ///
    /// # Errors
    ///
    /// [`RunError::Worker`] where the system gives no thread.
    pub fn start<H: Handler>(
        self,
        handler: impl Fn() -> H + Send + Sync + 'static,
    ) -> Result<Running, RunError> {
        let Self { options, mut places } = self;
        let (stop, stopping) = watch::channel(false);
        let handler = Arc::new(handler);
        let mut sockets: Vec<Vec<(Listening, ListenOptions)>> = Vec::new();
        sockets.resize_with(options.workers.max(1), Vec::new);
        for (bound, options) in &mut places {
            for (worker, socket) in sockets.iter_mut().zip(bound.take()) {
                worker.push((socket, options.clone()));
            }
        }
        let (inboxes, orders): (Vec<_>, Vec<_>) = sockets.iter().map(|_| Inbox::new()).unzip();
        let all: Arc<[Inbox]> = inboxes.clone().into();
        let (end, ends) = mpsc::unbounded_channel();
        for (number, ((sockets, inbox), orders)) in
            sockets.into_iter().zip(inboxes).zip(orders).enumerate()
        {
            let start = Start {
                number,
                sockets,
                inbox,
                orders,
                all: Arc::clone(&all),
                stopping: stopping.clone(),
                drain: options.drain,
            };
            let handler = Arc::clone(&handler);
            let end = end.clone();
            let work = move || {
                let ended = match catch_unwind(AssertUnwindSafe(|| start.run(&*handler))) {
                    Ok(ended) => ended.map_err(RunError::Worker),
                    Err(_) => Err(RunError::Panicked),
                };
                // Whoever does not listen any more has ended first.
                let _ = end.send(ended);
            };
            let name = format!("worker-{number}");
            thread::Builder::new().name(name).spawn(work).map_err(RunError::Worker)?;
        }
        let places = places.into_iter().map(|(bound, _)| bound).collect();
        Ok(Running { stop, ends, drain: options.drain, _places: places })
    }
}

impl Running {
    /// Stops accepting, tells the handlers, closes every link with 1001, and waits for them up to
    /// the drain time.
    ///
    /// # Errors
    ///
    /// As [`ended`](Self::ended), and [`RunError::Blocked`] for a worker that does not end by itself
    /// when its time is over.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the workers all the same, without waiting for them.
    pub async fn stop(&mut self) -> Result<(), RunError> {
        self.stop.send_replace(true);
        let within = self.drain.saturating_add(GRACE);
        match timeout(within, self.ended()).await {
            Ok(ended) => ended,
            Err(_) => Err(RunError::Blocked),
        }
    }

    /// Waits until all workers have ended, or the first by itself.
    ///
    /// # Errors
    ///
    /// [`RunError`] for the first worker that panicked or whose poll failed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn ended(&mut self) -> Result<(), RunError> {
        while let Some(ended) = self.ends.recv().await {
            ended?;
        }
        Ok(())
    }
}

/// What a worker begins with.
struct Start {
    number: usize,
    sockets: Vec<(Listening, ListenOptions)>,
    inbox: Inbox,
    orders: mpsc::UnboundedReceiver<Order>,
    all: Arc<[Inbox]>,
    stopping: watch::Receiver<bool>,
    drain: Duration,
}

impl Start {
    fn run<H: Handler>(self, handler: &(impl Fn() -> H + ?Sized)) -> io::Result<()> {
        let Self { number, sockets, inbox, orders, all, mut stopping, drain } = self;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let asked = Box::pin(async move {
            // An error means that the server itself is gone: the same.
            let _ = stopping.wait_for(|stops| *stops).await;
        });
        LocalSet::new().block_on(&runtime, async {
            let acceptors = sockets.into_iter().map(|(socket, options)| acceptor(socket, options));
            let stop = Stop { asked, drain, over_at: None };
            let worker = Worker::new(number, inbox, all);
            Engine::new(worker, orders, acceptors.collect(), handler(), stop)?.run().await
        })
    }
}

fn acceptor(socket: Listening, options: ListenOptions) -> Acceptor {
    let ListenOptions { mut accept, backlog, .. } = options;
    #[cfg(feature = "tls")]
    {
        accept.secure |= options.tls.is_some();
    }
    let limits = Arc::new(accept.limits.clone());
    let admission = Arc::new(Admission { accept, limits, backlog: Arc::new(backlog) });
    Acceptor::new(
        socket,
        admission,
        #[cfg(feature = "tls")]
        options.tls,
    )
}
