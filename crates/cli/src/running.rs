//! A server while it runs, and the signals that it heeds.

use std::io;

use anyhow::Context;
use tieline_server::{App, Handle};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::info;

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
