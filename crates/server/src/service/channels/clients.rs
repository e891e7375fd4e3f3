//! The clients of all routes, by the ids under which others see them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::value::RawValue;
use tieline::CloseCode;

use super::Shared;
use super::session::Session;
use super::words::{Message, notification};
use crate::devices::Notified;
use crate::peer_id::PeerId;

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
        let line = self.find(id).and_then(|session| session.line());
        line.inspect(|line| line.close(code, reason)).is_some()
    }

    /// The line of a client, where it is known; `None` within where it has none now.
    pub(crate) fn line_of(&self, id: &str) -> Option<Option<PeerId>> {
        self.find(id).map(|session| session.line().map(|line| line.id()))
    }

    /// Says something to a client alone; what became of it.
    pub(crate) fn tell(&self, id: &str, data: &RawValue) -> Notified {
        let Some(session) = self.find(id) else { return Notified::Unknown };
        session.tell(|id| notification("message", &Message { device: None, id, data }))
    }

    fn find(&self, id: &str) -> Option<Arc<Session>> {
        let routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        routes.iter().find_map(|route| route.sessions.find(id))
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").finish_non_exhaustive()
    }
}
