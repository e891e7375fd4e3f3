//! Where a page in one line is, and for how long.

use serde_json::{Value, json};
use tieline_server::config::{LogLevel, Plan, PlannedListener, Span};
use tracing::warn;

use crate::level::Level;

/// Where it listens, and what it says of itself.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// Where to listen: IP:PORT, or unix:PATH [default: 127.0.0.1 and a port that is free]
    #[arg(long, short, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    #[arg(hide_default_value = true)]
    listen: String,

    /// Listens where other machines are, without TLS: whoever is on the way reads and types along
    #[arg(long)]
    danger_without_tls: bool,

    /// How long the browser may come back, by a reload or later, such as 8h
    #[arg(long, value_name = "TIME", default_value = "12h")]
    expires: Span,

    /// What is logged, on standard error
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    log_level: Level,
}

/// Other machines would reach it, and nobody has said that they may.
#[derive(Debug, thiserror::Error)]
#[error(
    "other machines reach {0}, and TLS is off: the ticket and all that is typed could be read on the way\n  \
     help: listen at 127.0.0.1 (and reach it by `ssh -L`), serve a configuration with TLS, or add \
     --danger-without-tls"
)]
pub(crate) struct OtherMachines(String);

impl Place {
    /// # Errors
    ///
    /// [`OtherMachines`] where it is said nowhere that they may come.
    pub(super) fn check(&self, plan: &Plan) -> Result<(), OtherMachines> {
        if is_reached(plan) && !self.danger_without_tls {
            return Err(OtherMachines(self.listen.clone()));
        }
        Ok(())
    }

    /// Says once more what was asked for.
    pub(super) fn warn(&self, plan: &Plan) {
        if is_reached(plan) {
            warn!(
                address = self.listen,
                "other machines reach this, and there is no TLS: whoever is on the way reads and types along"
            );
        }
    }

    /// As a configuration has it.
    pub(super) fn listener(&self) -> Value {
        match self.listen.split_once(':') {
            Some(("unix", path)) => json!({ "unix": path }),
            _ => json!({ "address": self.listen }),
        }
    }

    pub(super) const fn expires(&self) -> Span {
        self.expires
    }

    pub(super) fn log_level(&self) -> LogLevel {
        self.log_level.into()
    }
}

/// Whether other machines may reach it.
fn is_reached(plan: &Plan) -> bool {
    plan.listeners.iter().any(PlannedListener::is_reached)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::Bridge;

    #[test]
    fn other_machines_reach_it_only_where_that_is_said() {
        for (listen, is_own) in [
            ("127.0.0.1:0", true),
            ("127.9.9.9:80", true),
            ("localhost:80", true),
            ("[::1]:80", true),
            ("[::ffff:127.0.0.1]:80", true),
            ("unix:/run/x.sock", true),
            ("0.0.0.0:80", false),
            ("[::]:80", false),
            ("192.0.2.7:80", false),
        ] {
            let place = |danger_without_tls| Place {
                listen: listen.to_owned(),
                danger_without_tls,
                expires: Span::from_secs(1),
                log_level: Level::Warn,
            };
            let bridge = Bridge {
                name: "exec",
                place: &place(false),
                service: json!({ "kind": "command", "argv": ["true"] }),
                limits: json!({}),
            };
            let plan = bridge.plan().unwrap();
            assert_eq!(place(false).check(&plan).is_ok(), is_own, "{listen}");
            assert!(place(true).check(&plan).is_ok());
        }
    }
}
