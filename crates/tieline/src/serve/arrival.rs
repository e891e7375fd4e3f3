//! How a connection came, and how its requests are judged.

use std::net::SocketAddr;
use std::sync::Arc;

use tieline_proto::Limits;

use super::backlog::Backlog;
use crate::accept::AcceptOptions;

/// How a connection came.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Arrival {
    /// Which listener it came to, in the order in which they were added.
    pub listener: usize,
    /// Where it comes from; `None` over a Unix socket.
    pub from: Option<SocketAddr>,
    /// Whether TLS carries it.
    pub is_secure: bool,
    pub(super) options: Arc<Admission>,
}

/// How the requests of one listener are judged.
#[derive(Debug, Default)]
pub(super) struct Admission {
    pub(super) accept: AcceptOptions,
    pub(super) limits: Arc<Limits>,
    pub(super) backlog: Arc<Backlog>,
}
