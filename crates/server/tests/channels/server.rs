//! A server of one's own for each test, which can be stopped and started again in its place.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use tieline::Client;
use tieline::client::Builder;
use tieline::reconnect::Reconnect;
use tieline_server::config::{File, Overrides, Plan, Source};
use tieline_server::{Address, App};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::PATIENCE;

/// A namespace in memory in which everybody may do everything.
pub(crate) const CHAT: &str = "[namespace.chat]
history = 1000
patterns = true
publish = 'all'
";

/// A namespace that tells who comes and goes.
pub(crate) const HALL: &str = "[namespace.hall]
presence = true
join_leave = true
publish = 'all'
";

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) operator: Option<SocketAddr>,
    config: String,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Server {
    /// A server with channels and devices at `/tieline`.
    pub(crate) async fn start(config: &str) -> Self {
        let route = "[[route]]\npath = '/tieline'\nservice = { kind = 'channels', devices = {} }\n";
        Self::with(&format!("{config}{route}"), "127.0.0.1:0").await
    }

    /// A server with this configuration at this address.
    pub(crate) async fn with(config: &str, address: &str) -> Self {
        let source = Source::new("test", config);
        let file = File::parse(&source).unwrap();
        let listen = vec![address.to_owned()];
        let overrides = Overrides { listen, workers: Some(2), ..Overrides::default() };
        let app = App::bind(Plan::new(file, &source, &overrides).unwrap()).unwrap();
        let address = socket(&app.addresses()[0]);
        let operator = app.operator_address().as_ref().map(socket);
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(async move {
            app.run(async { drop(stopped.await) }).await.unwrap();
        });
        Self { address, operator, config: config.to_owned(), stop, running }
    }

    /// The same server once more, with what it has on disk.
    pub(crate) async fn restart(self) -> Self {
        let (address, config) = (self.address, self.config.clone());
        self.stop().await;
        Self::with(&config, &address.to_string()).await
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        timeout(PATIENCE, self.running).await.unwrap().unwrap();
    }

    pub(crate) async fn client(&self) -> Client {
        to(self.address).connect().await.unwrap()
    }
}

fn socket(address: &Address) -> SocketAddr {
    address.to_string().strip_prefix("http://").unwrap().parse().unwrap()
}

/// A client that comes back soon.
pub(crate) fn to(address: SocketAddr) -> Builder {
    let base = std::time::Duration::from_millis(20);
    Client::to(format!("ws://{address}/tieline")).reconnect(Reconnect {
        base,
        max: 5 * base,
        ..Reconnect::default()
    })
}

/// A folder that nobody else has.
pub(crate) fn folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("tieline-client-{}-{number}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
