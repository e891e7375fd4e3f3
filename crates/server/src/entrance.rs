//! Where a request arrived, and which names and pages are let in there.

use std::net::SocketAddr;
use std::sync::Arc;

use http::header::ORIGIN;
use tieline_proto::handshake::{Claim, Legacy, Scheme};

use crate::config::PlannedListener;
use crate::host::host;
use crate::routes::Route;

/// Where a request arrived.
#[derive(Clone, Debug)]
pub(crate) struct Entrance {
    pub(crate) listener: Arc<PlannedListener>,
    /// `None` over a Unix socket.
    pub(crate) from: Option<SocketAddr>,
}

impl Entrance {
    pub(crate) fn is_secure(&self) -> bool {
        self.listener.certificates.is_some()
    }

    pub(crate) fn scheme(&self) -> Scheme {
        if self.is_secure() { Scheme::Https } else { Scheme::Http }
    }

    /// Whether the request's `Host` is a name that this listener answers to.
    pub(crate) fn allows_host<B>(&self, request: &http::Request<B>) -> bool {
        self.listener.hosts.allows(host(request.uri(), request.headers()))
    }
}

/// Whether an ordinary request with an `Origin` comes from one of the route's pages.
pub(crate) fn allows_origin(head: &http::Request<()>, entrance: &Entrance, route: &Route) -> bool {
    let mut origins = head.headers().get_all(ORIGIN).iter();
    let origin = match (origins.next(), origins.next()) {
        (Some(origin), None) => origin.to_str().unwrap_or_default(),
        _ => return false,
    };
    route.plan.origins.allows(&Claim {
        origin: Some(origin),
        host: host(head.uri(), head.headers()),
        scheme: Some(entrance.scheme()),
        legacy: Legacy::Off,
    })
}
