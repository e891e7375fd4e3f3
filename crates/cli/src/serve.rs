//! `tieline serve`: from the configuration to the last line closed.

use std::io::{self, Write};

use anyhow::Context;
use tieline_server::config::Plan;
use tieline_server::{App, Handle};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use crate::args::Options;
use crate::{environment, load, log, style};

/// Serves until a signal says stop.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let (file, source) = load::config(options.config.as_deref())?;
    let plan = Plan::new(file, &source, &options.overrides())?;
    log::start(&plan.log);
    for name in environment::unknown() {
        warn!(name, "unknown environment variable: it has no effect");
    }
    let app = App::bind(plan)?;
    until_stopped(app, announce)
}

/// Serves until a signal says stop; `announce` says where, once a signal would be heeded.
pub(crate) fn until_stopped(app: App, announce: impl FnOnce(&App)) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(serve(app, announce))
}

async fn serve(app: App, announce: impl FnOnce(&App)) -> anyhow::Result<()> {
    // Before the first address is printed: whoever reads it may send a signal at once.
    let mut stop = Stop::listen().context("cannot listen for signals")?;
    let hangup = signal(SignalKind::hangup()).context("cannot listen for signals")?;
    let reloading = tokio::spawn(reload(app.handle(), hangup));
    announce(&app);
    let (asked, is_asked) = tokio::sync::oneshot::channel();
    let mut running = std::pin::pin!(app.run(async {
        // An error means that it was asked in another way: the same.
        let _ = is_asked.await;
    }));
    let result = tokio::select! {
        result = &mut running => result,
        name = stop.next() => {
            info!(signal = name, "told to stop; once more to stop at once");
            let _ = asked.send(());
            tokio::select! {
                result = &mut running => result,
                name = stop.next() => anyhow::bail!("stopped at once by a second signal ({name})"),
            }
        }
    };
    reloading.abort();
    result.map_err(Into::into)
}

/// One line for each listener, and one for the ticket, which goes behind the `#` of a page's address. A
/// reader who has gone is no reason not to serve.
fn announce(app: &App) {
    let mut out = io::stdout().lock();
    for address in app.addresses() {
        let address = style::on_stdout(&address.to_string(), style::BOLD);
        let _ = writeln!(out, "listening on {address}");
    }
    if let Some(address) = app.operator_address() {
        let address = style::on_stdout(&address.to_string(), style::BOLD);
        let _ = writeln!(out, "operator at {address}");
    }
    if let Some(ticket) = app.ticket() {
        let _ = writeln!(out, "ticket {ticket}");
    }
    let _ = out.flush();
}

async fn reload(handle: Handle, mut hangup: Signal) {
    while hangup.recv().await.is_some() {
        info!("reading certificates, tokens and keys again");
        handle.reload_certificates();
        handle.reload_access();
    }
}

/// The signals that stop the server.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn listen() -> io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { interrupt, terminate })
    }

    /// Waits for one of them, and says which.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "INT",
            _ = self.terminate.recv() => "TERM",
        }
    }
}
