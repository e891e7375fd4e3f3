//! The server as a whole: bound, run, stopped.
//!
//! ```text
//! App::bind(plan) ─▶ addresses() ─▶ run(shutdown) ─▶ stop accepting ─▶ tell services
//!                                ─▶ 1001 ─▶ wait up to the drain time ─▶ end processes ─▶ done
//! ```

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tieline::AcceptOptions;
use tieline::serve::{BindError, ListenOptions, Place, RunError, Server, ServerOptions, TlsSource};
use tokio::sync::watch;
use tracing::{error, info};

use crate::carrier::Carrier;
use crate::causes::Causes;
use crate::config::{Plan, PlannedListener, PlannedOperator};
use crate::listen::SecureListeners;
use crate::operator::{Operator, Side};
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
    secure: Arc<SecureListeners>,
    operator: Option<Operator>,
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
    shared: Arc<Shared>,
    secure: Arc<SecureListeners>,
    operator: Option<Arc<Side>>,
}

impl App {
    /// Listens everywhere, and starts the services.
    ///
    /// # Errors
    ///
    /// [`StartError`] for the first place that cannot be listened at, and for a store that cannot be
    /// used; nothing is left bound.
    pub fn bind(plan: Plan) -> Result<Self, StartError> {
        let Plan {
            workers,
            drain,
            operator,
            listeners,
            routes,
            backends,
            store,
            namespaces,
            standing,
            ..
        } = plan;
        let mut server = Server::new(ServerOptions { workers, drain });
        let listeners: Vec<_> = listeners.into_iter().map(Arc::new).collect();
        for listener in &listeners {
            server.listen(&listener.place, listen_options(listener))?;
        }
        let (stop, stopping) = watch::channel(false);
        let resources = Resources::new(backends, namespaces, store.as_ref())?;
        let resources = Arc::new(resources.with(standing)?);
        resources.counts.register(&resources.metrics);
        let secure = Arc::new(secure(&listeners, operator.as_ref()));
        let shown = Box::new(Arc::clone(&secure));
        resources.metrics.register(|registry| registry.register_collector(shown));
        secure.warn_of_expiry();
        secure.warn_of_key_logs();
        let operator = operator.map(|plan| {
            let place = Place::Tcp(plan.address);
            let bound = Operator::bind(plan, &resources, stopping.clone());
            bound.map_err(|source| BindError::new(place, source))
        });
        let operator = operator.transpose()?;
        let routes = Routes::new(routes, &resources);
        resources.outboxes.warn_of_unclaimed();
        resources.devices.warn_of_unclaimed();
        let shared = Arc::new(Shared { routes, listeners, resources, stopping });
        Ok(Self { server, shared, secure, operator, stop, drain })
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

    /// Where the operator's side listens, if there is one.
    pub fn operator_address(&self) -> Option<Address> {
        self.operator.as_ref().map(|operator| Address {
            place: Place::Tcp(operator.address()),
            is_secure: operator.side().certificates().is_some(),
        })
    }

    /// The one-time ticket for routes with access of the kind `ticket`, where there are any and nobody
    /// has used it: for whoever started the server, and for nobody else. A page of the server takes it
    /// behind the `#` of its address.
    pub fn ticket(&self) -> Option<String> {
        self.shared.routes.ticket()
    }

    /// A handle for while it runs.
    pub fn handle(&self) -> Handle {
        let operator = self.operator.as_ref().map(|operator| Arc::clone(operator.side()));
        Handle { shared: Arc::clone(&self.shared), secure: Arc::clone(&self.secure), operator }
    }

    /// Serves until `shutdown` is ready; then stops accepting, tells the services, closes every
    /// line with 1001, and waits for them up to the plan's drain time, and for the processes that it
    /// has started until they have ended.
    ///
    /// # Errors
    ///
    /// [`RunError`] where a worker cannot start or ends by itself; the others are then stopped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the workers as `shutdown` does, without waiting for them.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
        let Self { server, shared, operator, stop, drain, .. } = self;
        // It answers until everything else has ended.
        let _operator = operator.map(Operator::start).transpose().map_err(RunError::Worker)?;
        let processes = shared.resources.processes.clone();
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
        processes.finish().await;
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

/// Where TLS is spoken.
fn secure(
    listeners: &[Arc<PlannedListener>],
    operator: Option<&PlannedOperator>,
) -> SecureListeners {
    let public = listeners
        .iter()
        .filter_map(|listener| Some((listener.place.clone(), listener.certificates.clone()?)));
    let operator = operator
        .and_then(|operator| Some((Place::Tcp(operator.address), operator.certificates.clone()?)));
    SecureListeners::new(public.chain(operator).collect())
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
        self.secure.reload();
    }

    /// Reads the tokens and keys of every route, and of the operator's side, again. Those that are
    /// good hold from the next request on; where some are not, the old ones stay, and an error is
    /// logged.
    pub fn reload_access(&self) {
        self.shared.routes.reload_access();
        let keys = self.operator.as_ref().and_then(|side| side.plan.keys.as_ref());
        match keys.map(|keys| keys.reload()) {
            None => {}
            Some(Ok(())) => info!("the operator's keys reloaded"),
            Some(Err(error)) => {
                let error = Causes(&error);
                error!(%error, "the operator's keys not reloaded: the old ones stay");
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
