//! A real server of one's own for each test, on a free port of the loopback.

use std::thread::JoinHandle;
use std::time::Duration;

use tieline_server::App;
use tieline_server::config::{File, Overrides, Plan, Source};
use tokio::sync::oneshot;

/// Longest time that anything may take before a test fails instead of hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    /// `http://127.0.0.1:4711`, say.
    pub(crate) base: String,
    /// The operator's side, where there is one.
    pub(crate) operator: Option<String>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// One with so many workers and these routes.
    pub(crate) fn start(workers: usize, routes: &str) -> Self {
        let text = format!(
            "workers = {workers}\ndrain = '5s'\n[[listener]]\naddress = '127.0.0.1:0'\n{routes}"
        );
        let source = Source::new("test.toml", text);
        let plan = File::parse(&source)
            .and_then(|file| Plan::new(file, &source, &Overrides::default()))
            .unwrap_or_else(|error| panic!("{}", error.report()));
        let app = App::bind(plan).unwrap();
        let base = app.addresses()[0].to_string();
        let operator = app.operator_address().map(|address| address.to_string());
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let stopped = async { drop(stopped.await) };
            runtime.unwrap().block_on(app.run(stopped)).unwrap();
        });
        Self { base, operator, stop: Some(stop), thread: Some(thread) }
    }

    /// IP and port.
    pub(crate) fn host(&self) -> &str {
        self.base.strip_prefix("http://").unwrap()
    }

    /// Has it stop, and does not wait.
    pub(crate) fn stop(&mut self) {
        self.stop.take();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            if !std::thread::panicking() {
                ended.unwrap();
            }
        }
    }
}
