//! The clients of all routes, by the ids under which others see them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tieline::CloseCode;

use super::Shared;

/// Every route on which channels are spoken of. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Clients(Arc<Mutex<Vec<Arc<Shared>>>>);

impl Clients {
    /// One more route.
    pub(super) fn add(&self, route: &Arc<Shared>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(route));
    }

    /// Ends the line of a client; whether it had one.
    pub(crate) fn disconnect(&self, id: &str, code: CloseCode, reason: &str) -> bool {
        let routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = routes.iter().find_map(|route| route.sessions.line(id));
        drop(routes);
        line.inspect(|line| line.close(code, reason)).is_some()
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").finish_non_exhaustive()
    }
}
