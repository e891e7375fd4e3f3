//! Checking the page of a bridge: what stands behind it.

use serde::Serialize;

use super::Check;
use crate::config::access::Access;
use crate::config::command::{Errors, Frame};
use crate::config::error::{ConfigError, Problem};
use crate::config::source::Key;
use crate::config::tail::TailFormat;
use crate::config::{File, Service};

/// What the page is told of the route that it speaks to: of what is written there, as much as changes
/// what the page does.
#[derive(Serialize)]
struct Told<'a> {
    route: &'a str,
    /// Whether a ticket lets in there.
    ticket: bool,
    #[serde(flatten)]
    shown: Shown,
}

/// What is behind it.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Shown {
    Command { frame: Frame, tagged: bool, input: bool },
    Shell,
    Tail { format: TailFormat },
    Terminal { audit: bool, recordings: bool },
}

impl Check<'_> {
    /// What the page is told, in JSON.
    pub(super) fn bridge(&self, path: &str, file: &File, key: &Key) -> Result<String, ConfigError> {
        let route = file.route.iter().find(|route| route.path == path);
        let shown = route.and_then(|route| Some((route, shown(route.service.as_ref()?)?)));
        let Some((route, shown)) = shown else {
            return Err(self.fail(Problem::NoBridge(path.to_owned()), &key.name("route")));
        };
        let ticket = matches!(route.access, Access::Ticket(_));
        let told = Told { route: path, ticket, shown };
        Ok(serde_json::to_string(&told).expect("names, texts and flags have their JSON"))
    }
}

/// `None` for a service that the page cannot show.
fn shown(service: &Service) -> Option<Shown> {
    Some(match service {
        Service::Command(command) => Shown::Command {
            frame: command.frame,
            tagged: command.stderr == Errors::Tag,
            input: command.has_input(),
        },
        Service::Shell(_) => Shown::Shell,
        Service::Tail(tail) => Shown::Tail { format: tail.format },
        Service::Terminal(terminal) => Shown::Terminal {
            audit: terminal.audit_notes > 0,
            recordings: terminal.record.is_some(),
        },
        Service::Channels(_)
        | Service::Chat {}
        | Service::Counter {}
        | Service::Echo {}
        | Service::Gateway(_)
        | Service::Proxy(_)
        | Service::Room {}
        | Service::Rpc(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::config::{ConfigError, File, Overrides, Plan, PlannedPage, Source};

    fn told(service: &str) -> Result<String, ConfigError> {
        let text = format!(
            "[[route]]\npath = '/line'\nservice = {{ {service} }}\n\
             [[route]]\npath = '/'\npage = {{ kind = 'bridge', route = '/line' }}\n"
        );
        let source = Source::new("/etc/tieline/tieline.toml", text.as_str());
        let plan = Plan::new(File::parse(&source)?, &source, &Overrides::default())?;
        let Some(PlannedPage::Bridge(told)) = &plan.routes[1].page else { panic!("no bridge") };
        Ok(told.clone())
    }

    #[test]
    fn the_page_is_told_what_it_shows() {
        for (service, expected) in [
            (
                "kind = 'command', argv = ['a'], stderr = 'tag'",
                r#""kind":"command","frame":"lines","tagged":true,"input":true}"#,
            ),
            (
                "kind = 'command', argv = ['a'], shared = true, frame = 'bytes'",
                r#""kind":"command","frame":"bytes","tagged":false,"input":false}"#,
            ),
            ("kind = 'shell', commands = { a = ['a'] }", r#""kind":"shell"}"#),
            (
                "kind = 'tail', source = [{ command = ['a'] }], format = 'text'",
                r#""kind":"tail","format":"text"}"#,
            ),
            (
                "kind = 'terminal', argv = ['a'], record = { folder = 'x' }",
                r#""kind":"terminal","audit":false,"recordings":true}"#,
            ),
        ] {
            let expected = [r#"{"route":"/line","ticket":false,"#, expected].concat();
            assert_eq!(told(service).unwrap(), expected);
        }
    }

    #[test]
    fn a_service_that_the_page_cannot_show_is_told_with_its_key() {
        let report = told("kind = 'echo'").unwrap_err().report();
        assert!(report.contains("route[1].page.route: "), "{report}");
    }
}
