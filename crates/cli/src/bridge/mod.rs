//! `tieline exec`, `terminal` and `tail`: a page in one line, without a configuration file.
//!
//! Each writes the configuration that a file would hold: the service at `/line`, for whoever has the
//! ticket, and its page at `/`.

mod environment;
mod exec;
mod place;
mod tail;
mod terminal;

use std::io::{self, Write};

use anyhow::Context;
use serde_json::{Value, json};
use tieline_server::App;
use tieline_server::config::{File, Overrides, Plan, Source};

pub(crate) use exec::{EXAMPLES as EXEC_EXAMPLES, Exec};
pub(crate) use place::OtherMachines;
pub(crate) use tail::{EXAMPLES as TAIL_EXAMPLES, Tail};
pub(crate) use terminal::{EXAMPLES as TERMINAL_EXAMPLES, Terminal};

use self::place::Place;
use crate::running::until_stopped;
use crate::{log, style};

/// Where the service is.
const LINE: &str = "/line";

/// What stands behind the page.
struct Bridge<'a> {
    /// As the command line names it.
    name: &'static str,
    place: &'a Place,
    /// What a configuration file says of it.
    service: Value,
    /// What one line of it may cost.
    limits: Value,
}

/// Serves it until a signal says stop.
fn run(bridge: &Bridge<'_>) -> anyhow::Result<()> {
    let plan = bridge.plan()?;
    bridge.place.check(&plan)?;
    log::start(&plan.log);
    bridge.place.warn(&plan);
    let app = App::bind(plan)?;
    until_stopped(app, announce)
}

impl Bridge<'_> {
    fn plan(&self) -> anyhow::Result<Plan> {
        let text =
            toml::to_string(&self.configuration()).context("cannot write a configuration")?;
        let source = Source::new(format!("tieline {}", self.name), text);
        Ok(Plan::new(File::parse(&source)?, &source, &Overrides::default())?)
    }

    fn configuration(&self) -> Value {
        json!({
            "log": { "level": self.place.log_level() },
            "listener": [self.place.listener()],
            "route": [
                { "path": "/", "page": { "kind": "bridge", "route": LINE } },
                {
                    "path": LINE,
                    "service": self.service,
                    "access": { "kind": "ticket", "expires": self.place.expires() },
                    "limits": self.limits,
                },
            ],
        })
    }
}

/// The address of the page, and how it ends. A reader who has gone is no reason not to serve.
fn announce(app: &App) {
    let ticket = app.ticket().unwrap_or_default();
    let mut out = io::stdout().lock();
    for address in app.addresses() {
        let address = style::on_stdout(&visit(&address.to_string(), &ticket), style::BOLD);
        let _ = writeln!(out, "{address}");
    }
    let _ = writeln!(out, "Open it in a browser; it is good once. Ctrl-C stops it.");
    let _ = out.flush();
}

/// An address that a browser opens: all addresses of this machine are not one.
fn visit(address: &str, ticket: &str) -> String {
    let address = address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
    format!("{address}/#{ticket}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_all_interfaces_is_shown_as_one_that_can_be_opened() {
        for (address, shown) in [
            ("http://127.0.0.1:80", "http://127.0.0.1:80/#t"),
            ("http://0.0.0.0:80", "http://127.0.0.1:80/#t"),
            ("http://[::]:80", "http://[::1]:80/#t"),
            ("http://10.0.0.0:80", "http://10.0.0.0:80/#t"),
        ] {
            assert_eq!(visit(address, "t"), shown);
        }
    }
}
