//! The server as a whole: bound, run, stopped.
//!
//! ```text
//! App::bind(plan) ─▶ addresses() ─▶ run(shutdown) ─▶ stop accepting ─▶ tell services
//!                                                   ─▶ 1001 ─▶ wait up to the drain time ─▶ done
//! ```

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tieline::AcceptOptions;
use tieline::serve::{ListenOptions, Place, RunError, Server, ServerOptions, TlsSource};
use tokio::sync::watch;
use tracing::{error, info};

use crate::carrier::Carrier;
use crate::causes::Causes;
use crate::config::{Plan, PlannedListener};
use crate::resources::Resources;
use crate::routes::Routes;
use crate::start::StartError;
use crate::worker::Shared;

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
    server: Server,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    drain: Duration,
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

impl App {
    /// Listens everywhere, and starts the services.
    ///
    /// # Errors
    ///
    /// [`StartError`] for the first place that cannot be listened at, and for a store that cannot be
    /// used; nothing is left bound.
    pub fn bind(plan: Plan) -> Result<Self, StartError> {
        let Plan { workers, drain, listeners, routes, backends, store, .. } = plan;
        let mut server = Server::new(ServerOptions { workers, drain });
        let listeners: Vec<_> = listeners.into_iter().map(Arc::new).collect();
        for listener in &listeners {
            server.listen(&listener.place, listen_options(listener))?;
        }
        let (stop, stopping) = watch::channel(false);
        let resources = Arc::new(Resources::new(backends, store.as_ref())?);
        let routes = Routes::new(routes, &resources);
        resources.outboxes.warn_of_unclaimed();
        let shared = Arc::new(Shared { routes, listeners, resources, stopping });
        Ok(Self { server, shared, stop, drain })
    }

    /// Where it listens, with the ports that the system chose.
    pub fn addresses(&self) -> Vec<Address> {
        let places = self.server.places().into_iter().cloned();
        let address = |(place, listener): (Place, &Arc<PlannedListener>)| Address {
            place,
            is_secure: listener.certificates.is_some(),
        };
        places.zip(&self.shared.listeners).map(address).collect()
    }

    /// A handle for while it runs.
    pub fn handle(&self) -> Handle {
        Handle { listeners: self.shared.listeners.clone() }
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
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
        let Self { server, shared, stop, drain } = self;
        let mut running = server.start(move || Carrier::new(Arc::clone(&shared)))?;
        let stop = StopOnDrop(stop);
        tokio::select! {
            ended = running.ended() => return ended,
            () = shutdown => {}
        }
        info!(drain_ms = drain.as_millis() as u64, "stopping");
        drop(stop);
        match running.stop().await {
            Err(RunError::Blocked) => error!("a worker is blocked: it is left behind"),
            ended => ended?,
        }
        info!("stopped");
        Ok(())
    }
}

/// Tells the workers that the server stops, at the latest when nobody waits for it any more.
struct StopOnDrop(watch::Sender<bool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.send_replace(true);
    }
}

/// How the engine is to listen at a place.
fn listen_options(listener: &Arc<PlannedListener>) -> ListenOptions {
    let certificates = listener.certificates.is_some().then(|| {
        let listener = Arc::clone(listener);
        let current = move || listener.certificates.as_ref().expect("as above").current();
        Arc::new(current) as TlsSource
    });
    let accept = AcceptOptions { limits: listener.limits.clone(), ..AcceptOptions::default() };
    ListenOptions { accept, tls: certificates, ..ListenOptions::default() }
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
            (place, _) => place.fmt(f),
        }
    }
}
