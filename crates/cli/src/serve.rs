//! `tieline serve`: from the configuration to the last line closed.

use std::io::{self, Write};

use tieline_server::App;
use tieline_server::config::Plan;
use tracing::warn;

use crate::args::Options;
use crate::running::until_stopped;
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
