//! The configuration, checked: nothing in it can be wrong any more.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tieline::serve::Place;
use tieline_proto::Limits;
use tieline_proto::deflate;
use tieline_proto::handshake::{Hosts, Legacy, Origins};

use super::backend::Protocol;
use super::file::Log;
use super::route::Service;
use crate::auth::{Access, Standing, Tokens};
use crate::backend::{Reach, SigningKey};
use crate::limits::Limiter;
use crate::listen::Certificates;
use crate::rpc::Methods;
use crate::service::{Namespaces, tail};
use crate::tunnel;

/// Everything that the server will do. [`App::bind`](crate::App::bind) starts from it.
///
/// # Example
///
/// ```
/// use tieline_server::config::{File, Overrides, Plan, Source};
///
/// let source = Source::new("demo.toml", "[[route]]\npath = '/'\nservice = { kind = 'echo' }\n");
/// let plan = Plan::new(File::parse(&source)?, &source, &Overrides::default())?;
/// assert_eq!(plan.routes[0].path, "/");
/// # Ok::<(), tieline_server::config::ConfigError>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Plan {
    /// Threads that serve, at least one.
    pub workers: usize,
    /// How long open lines may take to end.
    pub drain: Duration,
    /// What is logged, and how.
    pub log: Log,
    /// The operator's side.
    pub operator: Option<Operator>,
    /// Where to listen, each place once.
    pub listeners: Vec<Listener>,
    /// What to serve, each path once.
    pub routes: Vec<Route>,
    /// What services call, each name once.
    pub backends: Vec<Backend>,
    /// What outlives the server, where anything does.
    pub store: Option<Store>,
    /// What holds for the channels of each namespace.
    pub(crate) namespaces: Arc<Namespaces>,
    /// Whose tokens hold no more.
    pub(crate) standing: Standing,
}

/// An HTTP server behind this one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Backend {
    /// Its name.
    pub name: String,
    /// Scheme, host and base path.
    pub(crate) url: url::Url,
    /// What its name may lead to.
    pub(crate) reach: Reach,
    /// How long a call may take, repetitions included.
    pub timeout: Duration,
    /// How long a connection may take to open.
    pub connect_within: Duration,
    /// How often a call is made again.
    pub retries: u32,
    /// Largest answer, in bytes.
    pub max_answer_bytes: usize,
    /// Most calls in flight.
    pub max_in_flight: usize,
    /// What signs requests.
    pub(crate) secret: Option<SigningKey>,
    /// Which HTTP is spoken.
    pub protocol: Protocol,
    /// Whom to believe.
    pub(crate) tls: rustls::ClientConfig,
    /// Failures in a row after which it is left alone; 0 never.
    pub breaker_failures: u32,
    /// For how long.
    pub breaker_pause: Duration,
}

/// Where the store is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Store {
    /// Its folder.
    pub path: PathBuf,
    /// Bytes of the disk that are left free.
    pub min_free_bytes: u64,
}

/// Who is told when devices come and go.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Events {
    /// The name of the backend.
    pub backend: String,
    /// The path of the POST.
    pub path: String,
    /// Whether they are in the store.
    pub is_durable: bool,
    /// How soon a device may be back without having been away.
    pub grace: Duration,
    /// Most events that wait.
    pub max_waiting: usize,
    /// How often one is sent.
    pub max_tries: u32,
    /// How long one is sent.
    pub max_age: Duration,
    /// Most dead events that are kept.
    pub max_dead: usize,
}

/// A place to listen.
#[derive(Debug)]
#[non_exhaustive]
pub struct Listener {
    /// Where.
    pub place: Place,
    /// The certificates, read and found good.
    pub certificates: Option<Certificates>,
    /// Whether hixie is spoken.
    pub legacy: Legacy,
    /// Names answered to.
    pub hosts: Hosts,
    /// Bounds of the handshake.
    pub limits: Limits,
    /// Its place, as metrics have it.
    pub(crate) label: Arc<str>,
    /// How often, and how many, from one address.
    pub(crate) limiter: Arc<Limiter>,
    /// The path of the one route that is spoken to here, where there is no HTTP.
    pub ipc: Option<String>,
}

impl Listener {
    /// Whether other machines may reach it. Where systemd listens is not known here, and may be
    /// anywhere.
    pub fn is_reached(&self) -> bool {
        match &self.place {
            Place::Tcp(address) => !address.ip().is_loopback(),
            Place::Ipc(_) | Place::Unix(_) => false,
            _ => true,
        }
    }
}

/// The operator's side.
#[derive(Debug)]
#[non_exhaustive]
pub struct Operator {
    /// Where it listens.
    pub address: SocketAddr,
    /// The keys of who may ask; without any there is no device API.
    pub(crate) keys: Option<Tokens>,
    /// Names answered to.
    pub hosts: Hosts,
    /// The certificates, read and found good.
    pub certificates: Option<Certificates>,
}

/// What stands at one path.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Route {
    /// The path.
    pub path: String,
    /// What answers a WebSocket.
    pub service: Option<Service>,
    /// Where it is handed on, for a service of kind `proxy`.
    pub(crate) proxy: Option<Arc<tunnel::Plan>>,
    /// What is read, for a service of kind `tail`.
    pub(crate) tail: Option<Arc<tail::Plan>>,
    /// What a gateway needs beside what is written, where the service is one.
    pub gateway: Option<Gateway>,
    /// What a browser is shown.
    pub page: Option<Page>,
    /// Who may come to the service; `None`: everybody.
    pub access: Option<Arc<Access>>,
    /// Pages that may open a WebSocket.
    pub origins: Origins,
    /// Whether lines may be carried over HTTP requests below the path.
    pub carriers: bool,
    /// Subprotocols, the preferred first.
    pub subprotocols: Vec<String>,
    /// permessage-deflate, where it is spoken.
    pub deflate: Option<deflate::Config>,
    /// Bounds of one line.
    pub limits: Arc<Limits>,
    /// Most bytes that wait for one peer.
    pub backlog_bytes: usize,
    /// How often, how many, and how much.
    pub(crate) limiter: Arc<Limiter>,
    /// Methods in Rust that a service of the kind `rpc` answers. Default none.
    pub methods: Methods,
}

/// A gateway, with what its files hold.
#[derive(Clone)]
#[non_exhaustive]
pub struct Gateway {
    /// What is written.
    pub plan: super::Gateway,
    /// The secrets of its applications, by their keys.
    pub(crate) secrets: HashMap<String, String>,
    /// Where it is told that devices come and go.
    pub events: Option<Events>,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("plan", &self.plan).finish_non_exhaustive()
    }
}

/// What a browser is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Page {
    /// The built-in page of a bridge, and what it is told of its route, in JSON.
    Bridge(String),
    /// The built-in page.
    Console,
    /// One file.
    File(PathBuf),
    /// A folder, its path without links.
    Folder(PathBuf),
}
