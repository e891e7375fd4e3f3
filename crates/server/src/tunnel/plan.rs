//! A proxied route, checked: nothing in it can be wrong any more.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::uri::Authority;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;

use super::network::Network;

/// What a tunnel needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// At least one.
    pub(crate) upstreams: Vec<Target>,
    /// The beginning of paths that upstreams do not see; the route's path begins with it. Without a
    /// slash at its end, and so empty where nothing is left out.
    pub(crate) strip_prefix: String,
    /// The `Host` that upstreams see; `None` for the client's.
    pub(crate) host: Option<HeaderValue>,
    pub(crate) trusted: Vec<Network>,
    pub(crate) connect_within: Duration,
    pub(crate) answer_within: Duration,
    /// `None` for ever.
    pub(crate) idle_within: Option<Duration>,
    pub(crate) max_open: usize,
    pub(crate) max_body_bytes: u64,
    /// `None` where an upstream is asked always.
    pub(crate) max_failures: Option<u32>,
    pub(crate) down_for: Duration,
    pub(crate) health: Option<Health>,
}

/// How upstreams are asked whether they live.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    /// From `/` on, behind the target's base.
    pub(crate) path: String,
    pub(crate) every: Duration,
    pub(crate) within: Duration,
    pub(crate) rise: u32,
    pub(crate) fall: u32,
}

/// Where an upstream is.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// As the operator wrote it: for the log and the metrics.
    pub(crate) name: String,
    /// Host, and the port where it was written.
    pub(crate) authority: Authority,
    /// A name or an address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Put in front of each request's path; without a slash at its end.
    pub(crate) base: String,
    pub(crate) tls: Option<Secure>,
}

/// How TLS is spoken to an upstream.
#[derive(Clone, Debug)]
pub(crate) struct Secure {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) name: ServerName<'static>,
}
