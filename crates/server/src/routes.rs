//! Which route answers a path.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::Method;
use tieline::serve::Backlog;
use tracing::{error, info};

use crate::auth::{TICKET_PATH, Ticketed, Tickets};
use crate::causes::Causes;
use crate::config::{self, HEALTH_PATH, PlannedPage, PlannedRoute};
use crate::limits::Flow;
use crate::request::Request;
use crate::resources::Resources;
use crate::service::rpc::{Methods, Rpc};
use crate::service::{Channels, Chat, Command, Counter, Echo, Gateway, Room, Service, Shell};
use crate::service::{Tail, Terminal, TicketOffice};
use crate::tunnel::Tunnel;

/// A route with its service running.
pub(crate) struct Route {
    pub(crate) plan: PlannedRoute,
    pub(crate) service: Option<Arc<dyn Service>>,
    /// The same, where it is handed on to upstreams: its lines are streamed.
    pub(crate) tunnel: Option<Tunnel>,
    /// Its path, as metrics have it.
    pub(crate) label: Arc<str>,
    /// How much may wait for a peer, and what happens then.
    pub(crate) backlog: Arc<Backlog>,
}

/// All routes of a server; every worker has the same.
#[derive(Debug)]
pub(crate) struct Routes {
    by_path: HashMap<String, Arc<Route>>,
    /// Routes with pages that lie below their path, the longest path first.
    folders: Vec<Arc<Route>>,
    /// Routes whose service has the paths below theirs, the longest path first.
    open: Vec<Arc<Route>>,
    /// What lets in to those that ask for a ticket.
    tickets: Option<Arc<Tickets>>,
}

impl Routes {
    /// Starts the services.
    pub(crate) fn new(mut plans: Vec<PlannedRoute>, resources: &Arc<Resources>) -> Self {
        // Their methods are there before those who call them.
        plans.sort_by_key(|plan| !matches!(plan.service, Some(config::Service::Rpc(_))));
        let ticketed =
            plans.iter().find_map(|plan| Some((plan, plan.access.as_ref()?.ticketed()?)));
        let office = ticketed.map(|(plan, ticketed)| Route::ticket_office(plan, ticketed));
        let tickets = ticketed.map(|(_, ticketed)| Arc::clone(&ticketed.tickets));
        let started = plans.into_iter().map(|plan| Route::new(plan, resources));
        let routes: Vec<_> = started.chain(office).map(Arc::new).collect();
        let folders = longest_first(routes.iter().filter(|route| route.has_pages_below()));
        let open = longest_first(routes.iter().filter(|route| route.has_service_below()));
        let by_path = routes.into_iter().map(|route| (route.plan.path.clone(), route)).collect();
        Self { by_path, folders, open, tickets }
    }

    /// A route whose service no configuration has.
    #[cfg(test)]
    pub(crate) fn of(plan: PlannedRoute, service: impl Service) -> Self {
        let label = Arc::from(plan.path.as_str());
        let (service, backlog) = (Some(Arc::new(service) as Arc<dyn Service>), Arc::default());
        let route = Arc::new(Route { plan, service, tunnel: None, label, backlog });
        let by_path = HashMap::from([(route.plan.path.clone(), route)]);
        Self { by_path, folders: Vec::new(), open: Vec::new(), tickets: None }
    }

    /// The route with exactly this path.
    pub(crate) fn find(&self, path: &str) -> Option<&Arc<Route>> {
        self.by_path.get(path)
    }

    /// The route whose folder has this path below it, and the rest of the path.
    pub(crate) fn find_below<'p>(&self, path: &'p str) -> Option<(&Arc<Route>, &'p str)> {
        self.folders.iter().find_map(|route| Some((route, route.rest(path)?)))
    }

    /// The route whose service has this path: exactly, or below its own.
    pub(crate) fn serving(&self, path: &str) -> Option<&Arc<Route>> {
        // No service has what the server says of itself.
        if path == HEALTH_PATH {
            return None;
        }
        let exact = self.find(path).filter(|route| route.service.is_some());
        exact.or_else(|| self.open.iter().find(|route| route.rest(path).is_some()))
    }

    /// The route whose service answers an ordinary request to this path. Of a page and a service
    /// the one with the longer path has it; with the same path the page has GET and HEAD, but of what
    /// the service owns.
    pub(crate) fn answering(&self, path: &str, method: &Method) -> Option<&Arc<Route>> {
        let route = self.serving(path)?;
        let service = route.service.as_ref()?;
        let shows = |route: &&Arc<Route>| route.plan.page.is_some();
        let page = self.find(path).filter(shows).or_else(|| Some(self.find_below(path)?.0));
        let is_owned = || route.rest(path).is_some_and(|rest| service.owns(rest));
        let is_shown = matches!(*method, Method::GET | Method::HEAD)
            && page.is_some_and(|page| match page.plan.path.len().cmp(&route.plan.path.len()) {
                Ordering::Greater => true,
                Ordering::Equal => !is_owned(),
                Ordering::Less => false,
            });
        (service.answers(method) && !is_shown).then_some(route)
    }

    /// The route whose lines HTTP carries below its path, and what of this path lies there; a route at
    /// exactly this path goes first.
    pub(crate) fn carrying<'p>(&self, path: &'p str) -> Option<(&Arc<Route>, &'p str)> {
        let (above, part) = path.rsplit_once('/')?;
        let whole = &path[..=above.len()];
        let carries = |path| self.find(path).filter(|route| route.plan.carriers);
        if self.by_path.contains_key(path) {
            return None;
        }
        Some((carries(above).or_else(|| carries(whole))?, part))
    }

    /// Whether the lines at this path are streamed to an upstream, below the engine.
    pub(crate) fn tunnels(&self, path: &str) -> bool {
        self.serving(path).is_some_and(|route| route.tunnel.is_some())
    }

    /// What the services do beside their peers on a worker.
    pub(crate) fn attend(&self, worker: usize) -> impl Iterator<Item = Attendance> {
        let services = self.by_path.values().filter_map(|route| route.service.as_ref());
        services.filter_map(move |service| service.attend(worker)).chain(self.fetch_keys(worker))
    }

    /// Keeps the keys of the routes fresh, by one of the workers.
    fn fetch_keys(&self, worker: usize) -> impl Iterator<Item = Attendance> {
        let accesses = self.by_path.values().filter_map(|route| route.plan.access.as_ref());
        accesses.filter(move |_| worker == 0).filter_map(|access| {
            let jwks = Arc::clone(access.jwks()?);
            Some(Box::pin(async move { jwks.attend().await }) as Attendance)
        })
    }

    /// The ticket, as long as nobody has used it.
    pub(crate) fn ticket(&self) -> Option<String> {
        self.tickets.as_ref()?.unused()
    }

    /// Reads the files of who may come again. Where some are bad, the old ones stay, and an error
    /// is logged.
    pub(crate) fn reload_access(&self) {
        for (path, route) in &self.by_path {
            match route.plan.access.as_ref().map(|access| access.reload()) {
                None => {}
                Some(Ok(())) => info!(path, "tokens and keys reloaded"),
                Some(Err(error)) => {
                    let error = Causes(&error);
                    error!(path, %error, "tokens and keys not reloaded: the old ones stay");
                }
            }
        }
    }
}

/// What a service does beside its peers.
type Attendance = Pin<Box<dyn Future<Output = ()>>>;

fn longest_first<'r>(routes: impl Iterator<Item = &'r Arc<Route>>) -> Vec<Arc<Route>> {
    let mut routes: Vec<_> = routes.map(Arc::clone).collect();
    routes.sort_by_key(|route| std::cmp::Reverse(route.plan.path.len()));
    routes
}

impl Route {
    /// What a line that this request opens may say; `None` where that is not limited.
    pub(crate) fn flow(&self, request: &Request) -> Option<Flow> {
        let address = request.address().map(|address| address.ip());
        let user = request.identity().map(|identity| identity.user.as_str());
        self.plan.limiter.flow(address, user)
    }

    fn new(plan: PlannedRoute, resources: &Arc<Resources>) -> Self {
        let tunnel = plan
            .proxy
            .as_ref()
            .map(|proxy| Tunnel::new(Arc::clone(proxy), &plan.path, &resources.proxied));
        let service = match &tunnel {
            Some(tunnel) => Some(Arc::new(tunnel.clone()) as Arc<dyn Service>),
            None => plan.service.as_ref().map(|kind| start(kind, &plan, resources)),
        };
        let overflow = service.as_ref().map(|service| service.overflow()).unwrap_or_default();
        let backlog = Arc::new(Backlog { max_bytes: plan.backlog_bytes, overflow });
        let label = Arc::from(plan.path.as_str());
        Self { plan, service, tunnel, label, backlog }
    }

    /// Where the ticket is exchanged that lets in to this route: for its pages, and as often as they
    /// may ask there.
    fn ticket_office(plan: &PlannedRoute, ticketed: &Ticketed) -> Self {
        let plan = PlannedRoute {
            path: TICKET_PATH.to_owned(),
            service: None,
            proxy: None,
            gateway: None,
            tail: None,
            page: None,
            carriers: false,
            access: None,
            subprotocols: Vec::new(),
            deflate: None,
            methods: Methods::new(),
            ..plan.clone()
        };
        let service: Arc<dyn Service> = Arc::new(TicketOffice::new(ticketed.clone()));
        let label = Arc::from(TICKET_PATH);
        Self { plan, service: Some(service), tunnel: None, label, backlog: Arc::default() }
    }

    fn has_service_below(&self) -> bool {
        self.service.as_ref().is_some_and(|service| service.takes_below())
    }

    /// What of a path lies below this route's.
    fn rest<'p>(&self, path: &'p str) -> Option<&'p str> {
        let rest = path.strip_prefix(self.plan.path.as_str())?;
        if self.plan.path.ends_with('/') { Some(rest) } else { rest.strip_prefix('/') }
    }

    const fn has_pages_below(&self) -> bool {
        matches!(
            self.plan.page,
            Some(PlannedPage::Bridge(_) | PlannedPage::Console | PlannedPage::Folder(_))
        )
    }
}

/// The one place where a configured kind becomes a service.
fn start(
    kind: &config::Service,
    plan: &PlannedRoute,
    resources: &Arc<Resources>,
) -> Arc<dyn Service> {
    match kind {
        config::Service::Channels(channels) => {
            Arc::new(Channels::new(&plan.path, plan.access.is_some(), channels, resources))
        }
        config::Service::Chat {} => Arc::new(Chat::new(&plan.path, resources)),
        config::Service::Command(command) => {
            Arc::new(Command::new(command, &plan.path, &resources.processes))
        }
        config::Service::Counter {} => Arc::new(Counter::new(&plan.path, resources)),
        config::Service::Echo {} => Arc::new(Echo),
        config::Service::Gateway(_) => {
            let gateway = plan.gateway.as_ref().expect("a gateway was checked as one");
            Arc::new(Gateway::new(&plan.path, plan.access.is_some(), gateway, resources))
        }
        config::Service::Proxy(_) => unreachable!("its plan has a tunnel instead"),
        config::Service::Room {} => Arc::new(Room::new(&plan.path, resources)),
        config::Service::Rpc(rpc) => {
            let methods = plan.methods.clone();
            let rpc = Rpc::new(rpc, methods, &plan.path, resources);
            resources.methods.add(&plan.path, rpc.callable(plan.access.clone()));
            Arc::new(rpc)
        }
        config::Service::Shell(shell) => {
            Arc::new(Shell::new(shell, &plan.path, &resources.processes))
        }
        config::Service::Tail(_) => {
            let tail = plan.tail.as_ref().expect("a tail was checked as one");
            Arc::new(Tail::new(tail, &plan.path, resources))
        }
        config::Service::Terminal(terminal) => {
            Arc::new(Terminal::new(&plan.path, terminal, resources))
        }
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("plan", &self.plan).finish_non_exhaustive()
    }
}
