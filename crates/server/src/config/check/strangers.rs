//! Programs and logs of this machine are not for everybody whom the network lets through.

use super::Check;
use crate::config::File;
use crate::config::error::{ConfigError, Problem};
use crate::config::plan::Listener;
use crate::config::route::{Route, Service};
use crate::config::source::Key;

impl Check<'_> {
    /// A route that runs programs or shows logs asks who comes, unless only this machine reaches it.
    pub(super) fn strangers(&self, file: &File, listeners: &[Listener]) -> Result<(), ConfigError> {
        let Some(listener) = listeners.iter().find(|listener| listener.is_reached()) else {
            return Ok(());
        };
        let Some(index) = file.route.iter().position(is_for_everybody) else { return Ok(()) };
        let key = Key::top("route").index(index).name("service");
        Err(self.fail(Problem::Strangers { place: listener.place.to_string() }, &key))
    }
}

const fn is_for_everybody(route: &Route) -> bool {
    let is_of_this_machine = matches!(
        route.service,
        Some(Service::Command(_) | Service::Shell(_) | Service::Tail(_) | Service::Terminal(_))
    );
    is_of_this_machine && route.access.is_open() && !route.danger_without_access
}

#[cfg(test)]
mod tests {
    use crate::config::{File, Overrides, Plan, Source};

    /// What is said of a route with these lines, where the server listens there.
    fn report(listener: &str, route: &str) -> Option<String> {
        let text = format!("[[listener]]\n{listener}\n[[route]]\npath = '/x'\n{route}\n");
        let source = Source::new("x.toml", text);
        let plan = Plan::new(File::parse(&source).unwrap(), &source, &Overrides::default());
        plan.err().map(|error| error.report())
    }

    #[test]
    fn where_other_machines_come_programs_and_logs_ask_who_they_are() {
        let public = "address = '0.0.0.0:0'";
        let services = [
            "service = { kind = 'command', argv = ['cat'] }",
            "service = { kind = 'shell', commands = { a = ['date'] } }",
            "service = { kind = 'tail', source = [{ path = '/var/log/x' }] }",
            "service = { kind = 'terminal', argv = ['sh'] }",
        ];
        for service in services {
            let told = report(public, service).unwrap();
            assert!(told.contains("x.toml:5:"), "{told}");
            assert!(told.contains("0.0.0.0:0") && told.contains("danger_without_access"), "{told}");
            assert!(report("systemd = 'x'", service).is_some());

            let allowed = format!("{service}\ndanger_without_access = true");
            assert_eq!(report(public, &allowed), None);
            let asked = format!("{service}\naccess = {{ kind = 'ticket' }}");
            assert_eq!(report(public, &asked), None);
            for own in ["address = '127.0.0.1:0'", "address = '[::1]:0'", "unix = '/tmp/x'"] {
                assert_eq!(report(own, service), None, "{own}");
            }
        }
        assert_eq!(report(public, "service = { kind = 'echo' }"), None);
    }
}
