//! The server as a whole: bound, run, stopped.
//!
//! ```text
//! App::bind(plan) ─▶ addresses() ─▶ run(shutdown) ─▶ stop accepting ─▶ tell services
//!                                                   ─▶ 1001 ─▶ wait up to the drain time ─▶ done
//! ```

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tracing::{error, info};

use crate::causes::Causes;
use crate::config::{Place, Plan, PlannedListener};
use crate::listen::{BindError, BoundPlace};
use crate::routes::Routes;
use crate::worker::Shared;
use crate::worker_thread;

/// How much longer than the time to drain a worker may take to end.
const GRACE: Duration = Duration::from_secs(1);

/// A server whose sockets are bound and whose services are ready; nothing is accepted before
/// [`run`](Self::run).
///
/// # Example
///
/// ```no_run
/// use tieline_server::App;
/// use tieline_server::config::{File, Overrides, Plan};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let (file, source) = File::builtin();
/// let app = App::bind(Plan::new(file, &source, &Overrides::default())?)?;
/// for address in app.addresses() {
///     println!("listening on {address}");
/// }
/// app.run(std::future::pending()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct App {
    workers: usize,
    places: Vec<(BoundPlace, Arc<PlannedListener>)>,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
}

/// Where a server listens, as people write it: `http://127.0.0.1:8080`, `https://…`, `unix:PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    place: Place,
    is_secure: bool,
}

/// Changes a running server, from any thread.
#[derive(Clone, Debug)]
pub struct Handle {
    listeners: Vec<Arc<PlannedListener>>,
}

/// A worker could not start, or ended by itself. Our bug, or a system without resources.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// It panicked.
    #[error("a worker panicked")]
    Panicked,
    /// The system has no room for it.
    #[error("a worker cannot start")]
    Start(#[source] io::Error),
}

impl App {
    /// Listens everywhere, and starts the services.
    ///
    /// # Errors
    ///
    /// [`BindError`] for the first place that cannot be listened at; nothing is left bound.
    pub fn bind(plan: Plan) -> Result<Self, BindError> {
        let Plan { workers, drain, listeners, routes, .. } = plan;
        let places = listeners
            .into_iter()
            .map(|listener| Ok((BoundPlace::bind(&listener.place, workers)?, Arc::new(listener))))
            .collect::<Result<Vec<_>, _>>()?;
        let (stop, stopping) = watch::channel(false);
        let shared = Arc::new(Shared { routes: Routes::new(routes), drain, stopping });
        Ok(Self { workers, places, shared, stop })
    }

    /// Where it listens, with the ports that the system chose.
    pub fn addresses(&self) -> Vec<Address> {
        let address = |(bound, listener): &(BoundPlace, Arc<PlannedListener>)| Address {
            place: bound.place.clone(),
            is_secure: listener.certificates.is_some(),
        };
        self.places.iter().map(address).collect()
    }

    /// A handle for while it runs.
    pub fn handle(&self) -> Handle {
        Handle { listeners: self.places.iter().map(|(_, listener)| Arc::clone(listener)).collect() }
    }

    /// Serves until `shutdown` is ready; then stops accepting, tells the services, closes every
    /// line with 1001, and waits for them up to the plan's drain time.
    ///
    /// # Errors
    ///
    /// [`RunError`] where a worker cannot start or ends by itself; the others are then stopped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the workers as `shutdown` does, without waiting for them.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
        let mut sockets: Vec<_> = (0..self.workers).map(|_| Vec::new()).collect();
        for (bound, listener) in &mut self.places {
            for (worker, socket) in sockets.iter_mut().zip(bound.take()) {
                worker.push((socket, Arc::clone(listener)));
            }
        }
        let mut workers = Vec::with_capacity(self.workers);
        for (number, sockets) in sockets.into_iter().enumerate() {
            let shared = Arc::clone(&self.shared);
            let (done, is_done) = oneshot::channel();
            let work = move || {
                let result = worker_thread::run(shared, sockets);
                // Whoever does not listen any more has ended first.
                let _ = done.send(result);
            };
            let started = thread::Builder::new().name(format!("worker-{number}")).spawn(work);
            started.map_err(RunError::Start)?;
            workers.push(is_done);
        }
        let all = futures_util::future::try_join_all(workers.into_iter().map(|worker| async {
            match worker.await {
                Ok(result) => result.map_err(RunError::Start),
                Err(_) => Err(RunError::Panicked),
            }
        }));
        let mut all = std::pin::pin!(all);
        tokio::select! {
            result = &mut all => return result.map(drop),
            () = shutdown => {}
        }
        info!(drain_ms = self.shared.drain.as_millis() as u64, "stopping");
        self.stop.send_replace(true);
        until_ended(all, self.shared.drain).await?;
        info!("stopped");
        Ok(())
    }
}

/// Waits for the workers, who end by themselves when the time to drain is over: one whose thread
/// is blocked does not, and is left behind.
async fn until_ended<T>(
    workers: impl Future<Output = Result<T, RunError>>,
    drain: Duration,
) -> Result<(), RunError> {
    match timeout(drain.saturating_add(GRACE), workers).await {
        Ok(ended) => ended.map(drop),
        Err(_) => {
            error!("a worker is blocked: it is left behind");
            Ok(())
        }
    }
}

impl Handle {
    /// Reads the certificates of every listener again. Those that are good are used from the next
    /// handshake on; where some are not, the old ones stay, and an error is logged.
    pub fn reload_certificates(&self) {
        for listener in &self.listeners {
            let Some(certificates) = &listener.certificates else { continue };
            let file = certificates.certificate().display();
            match certificates.reload() {
                Ok(()) => info!(place = %listener.place, %file, "certificates reloaded"),
                Err(error) => error!(
                    place = %listener.place,
                    error = %Causes(&error),
                    "certificates not reloaded: the old ones stay"
                ),
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.place, self.is_secure) {
            (Place::Tcp(address), false) => write!(f, "http://{address}"),
            (Place::Tcp(address), true) => write!(f, "https://{address}"),
            (Place::Unix(path), _) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_blocked_worker_does_not_hold_the_end() {
        let began = tokio::time::Instant::now();
        let blocked = std::future::pending::<Result<(), _>>();
        until_ended(blocked, Duration::from_secs(10)).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 11);
    }
}
