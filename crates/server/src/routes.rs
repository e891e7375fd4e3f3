//! Which route answers a path.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use tieline::serve::Backlog;

use crate::config::{self, PlannedPage, PlannedRoute};
use crate::service::{Chat, Counter, Echo, Room, Service};

/// A route with its service running.
pub(crate) struct Route {
    pub(crate) plan: PlannedRoute,
    pub(crate) service: Option<Arc<dyn Service>>,
    /// How much may wait for a peer, and what happens then.
    pub(crate) backlog: Arc<Backlog>,
}

/// All routes of a server; every worker has the same.
#[derive(Debug)]
pub(crate) struct Routes {
    by_path: HashMap<String, Arc<Route>>,
    /// Routes with pages that lie below their path, the longest path first.
    folders: Vec<Arc<Route>>,
}

impl Routes {
    /// Starts the services.
    pub(crate) fn new(plans: Vec<PlannedRoute>) -> Self {
        let routes: Vec<_> = plans.into_iter().map(|plan| Arc::new(Route::new(plan))).collect();
        let mut folders: Vec<_> =
            routes.iter().filter(|route| route.has_pages_below()).map(Arc::clone).collect();
        folders.sort_by_key(|route| std::cmp::Reverse(route.plan.path.len()));
        let by_path = routes.into_iter().map(|route| (route.plan.path.clone(), route)).collect();
        Self { by_path, folders }
    }

    /// The route with exactly this path.
    pub(crate) fn find(&self, path: &str) -> Option<&Arc<Route>> {
        self.by_path.get(path)
    }

    /// The route whose folder has this path below it, and the rest of the path.
    pub(crate) fn find_below<'p>(&self, path: &'p str) -> Option<(&Arc<Route>, &'p str)> {
        self.folders.iter().find_map(|route| {
            let rest = path.strip_prefix(route.plan.path.as_str())?;
            let rest = if route.plan.path.ends_with('/') { rest } else { rest.strip_prefix('/')? };
            Some((route, rest))
        })
    }
}

impl Route {
    fn new(plan: PlannedRoute) -> Self {
        let service = plan.service.as_ref().map(start);
        let overflow = service.as_ref().map(|service| service.overflow()).unwrap_or_default();
        let backlog = Arc::new(Backlog { max_bytes: plan.backlog_bytes, overflow });
        Self { plan, service, backlog }
    }

    const fn has_pages_below(&self) -> bool {
        matches!(self.plan.page, Some(PlannedPage::Console | PlannedPage::Folder(_)))
    }
}

/// The one place where a configured kind becomes a service.
fn start(kind: &config::Service) -> Arc<dyn Service> {
    match kind {
        config::Service::Chat {} => Arc::new(Chat::default()),
        config::Service::Counter {} => Arc::new(Counter::default()),
        config::Service::Echo {} => Arc::new(Echo),
        config::Service::Room {} => Arc::new(Room::default()),
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("plan", &self.plan).finish_non_exhaustive()
    }
}
