//! The configuration, checked: nothing in it can be wrong any more.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tieline::serve::Place;
use tieline_proto::Limits;
use tieline_proto::deflate;
use tieline_proto::handshake::{Hosts, Legacy, Origins};

use super::file::Log;
use super::route::Service;
use crate::listen::Certificates;
use crate::rpc::Methods;

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
    /// Where to listen, each place once.
    pub listeners: Vec<Listener>,
    /// What to serve, each path once.
    pub routes: Vec<Route>,
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
    /// The path of the one route that is spoken to here, where there is no HTTP.
    pub ipc: Option<String>,
}

/// What stands at one path.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Route {
    /// The path.
    pub path: String,
    /// What answers a WebSocket.
    pub service: Option<Service>,
    /// What a browser is shown.
    pub page: Option<Page>,
    /// Pages that may open a WebSocket.
    pub origins: Origins,
    /// Subprotocols, the preferred first.
    pub subprotocols: Vec<String>,
    /// permessage-deflate, where it is spoken.
    pub deflate: Option<deflate::Config>,
    /// Bounds of one line.
    pub limits: Arc<Limits>,
    /// Most bytes that wait for one peer.
    pub backlog_bytes: usize,
    /// Methods in Rust that a service of the kind `rpc` answers. Default none.
    pub methods: Methods,
}

/// What a browser is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Page {
    /// The built-in page.
    Console,
    /// One file.
    File(PathBuf),
    /// A folder, its path without links.
    Folder(PathBuf),
}
