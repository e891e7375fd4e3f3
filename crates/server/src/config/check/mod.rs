//! From what is written to what can be run: every check, in the order of the file.

mod access;
mod backend;
mod bridge;
mod channels;
mod command;
mod gateway;
mod listener;
mod operator;
mod process;
mod proxy;
mod route;
mod rpc;
mod shell;
mod store;
mod strangers;
mod tail;
mod terminal;
mod upstream;

use std::cell::OnceCell;
use std::sync::Arc;
use std::thread;

use super::error::{ConfigError, Problem};
use super::file::File;
use super::overrides::Overrides;
use super::plan::Plan;
use super::source::{Key, Source};
use super::span::Span;
use crate::auth::{Standing, Tickets};

const MAX_WORKERS: usize = 1_024;

const NO_TIME: Span = Span::from_secs(0);
/// Shortest time that is some.
const SHORTEST: Span = Span::from_millis(1);
const SECOND: Span = Span::from_secs(1);
const HOUR: Span = Span::from_secs(3_600);
const DAY: Span = Span::from_secs(24 * 3_600);
const YEAR: Span = Span::from_secs(365 * 24 * 3_600);

/// What every check needs to say where a problem is.
struct Check<'a> {
    source: &'a Source,
    overrides: &'a Overrides,
    /// The one of the server, once a route asks for it.
    tickets: OnceCell<Arc<Tickets>>,
    /// What all accesses share.
    standing: Standing,
}

impl Plan {
    /// Checks a configuration whole: shapes, paths, origins, files and certificates.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for the first thing that is wrong; it knows the key and what would be right.
    pub fn new(file: File, source: &Source, overrides: &Overrides) -> Result<Self, ConfigError> {
        plan(&overrides.apply(file), source, overrides)
    }
}

fn plan(file: &File, source: &Source, overrides: &Overrides) -> Result<Plan, ConfigError> {
    let standing = Standing::default();
    let check = Check { source, overrides, tickets: OnceCell::new(), standing };
    let plan = Plan {
        workers: check.workers(file.workers)?,
        drain: file.drain.get(),
        log: file.log.clone(),
        operator: check.operator(file.operator.as_ref())?,
        listeners: check.listeners(&file.listener)?,
        store: check.store(file.store.as_ref())?,
        backends: check.backends(&file.backend)?,
        routes: check.routes(file)?,
        namespaces: check.namespaces(file)?,
        standing: check.standing.clone(),
    };
    check.rpc_backends(file)?;
    check.ipc_routes(&plan.listeners, &plan.routes)?;
    check.strangers(file, &plan.listeners)?;
    Ok(plan)
}

impl Check<'_> {
    fn fail(&self, problem: Problem, key: &Key) -> ConfigError {
        problem.at(key, self.source)
    }

    /// Problems of a listener are the flag's where the flag named it.
    fn fail_listener(&self, problem: Problem, key: &Key) -> ConfigError {
        match self.overrides.listen.as_slice() {
            [] => self.fail(problem, key),
            _ => problem.at_flag("--listen"),
        }
    }

    fn in_range(&self, value: usize, min: usize, max: usize, key: &Key) -> Result<(), ConfigError> {
        if (min..=max).contains(&value) {
            return Ok(());
        }
        Err(self.fail(out_of_range(value, min, max), key))
    }

    fn time_in_range(
        &self,
        value: Span,
        min: Span,
        max: Span,
        key: &Key,
    ) -> Result<(), ConfigError> {
        if (min.get()..=max.get()).contains(&value.get()) {
            return Ok(());
        }
        Err(self.fail(Problem::TimeRange { value, min, max }, key))
    }

    /// A time that is some, and no more than a day.
    fn lasting(&self, span: Span, key: &Key) -> Result<(), ConfigError> {
        self.time_in_range(span, SHORTEST, DAY, key)
    }

    fn some_time(&self, span: Span, key: &Key) -> Result<(), ConfigError> {
        if span.get().is_zero() { Err(self.fail(Problem::NoTime, key)) } else { Ok(()) }
    }

    fn workers(&self, workers: Option<usize>) -> Result<usize, ConfigError> {
        match workers {
            None => Ok(thread::available_parallelism().map_or(1, usize::from)),
            Some(workers) if (1..=MAX_WORKERS).contains(&workers) => Ok(workers),
            Some(workers) => {
                let problem = out_of_range(workers, 1, MAX_WORKERS);
                Err(match self.overrides.workers {
                    Some(_) => problem.at_flag("--workers"),
                    None => self.fail(problem, &Key::top("workers")),
                })
            }
        }
    }

    fn line_of(&self, key: &Key) -> Option<usize> {
        self.source.locate(key).map(|at| at.line)
    }
}

fn out_of_range(value: usize, min: usize, max: usize) -> Problem {
    Problem::Range { value: value as u64, min: min as u64, max: max as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_told_with_its_place_its_key_and_what_would_be_right() {
        let echo = "[[route]]\npath = '/'\nservice = { kind = 'echo' }\n";
        let listener = |lines: &str| format!("{echo}[[listener]]\n{lines}\n");
        for (text, place, words) in [
            ("x = 1\n".to_owned(), "1:1: x: ", "unknown key `x`"),
            ("[[route]\n".into(), "1:9: ", "unclosed array table"),
            ("workers = 0\n".into(), "1:11: workers: ", "0 is not between 1 and 1024"),
            ("drain = '10'\n".into(), "1:9: drain: ", "500ms, 10s, 2m or 1h"),
            ("log = { format = 'xml' }\n".into(), "1:18: log.format: ", "`json` or `text`"),
            ("workers = 1\n".into(), " ", "there is no route"),
            (
                "[store]\npath = 'x'\nmin_free_bytes = '1g'\n".into(),
                "3:18: store.min_free_bytes: ",
                "a whole number",
            ),
            ("[[route]]\npath = 'x'\n".into(), "2:8: route[0].path: ", "begin with \"/\""),
            ("[[route]]\npath = '/healthz'\n".into(), "2:8: route[0].path: ", "the server itself"),
            ("[[route]]\npath = '/x'\n".into(), "1:1: route[0]: ", "page = { kind = \"console\" }"),
            (
                "[[route]]\npath = '/'\nservice = 'echo'\n".into(),
                "3:11: route[0].service: ",
                "kind = \"echo\"",
            ),
            (
                echo.replace("'echo'", "'ekko'"),
                "3:20: route[0].service.kind: ",
                "`channels`, `chat`, `command`, ",
            ),
            (
                format!("{echo}origins = ['https://a.example/']\n"),
                "4:12: route[0].origins[0]: ",
                "no slash at its end",
            ),
            (
                format!("{echo}subprotocols = ['a b']\n"),
                "4:17: route[0].subprotocols[0]: ",
                "without spaces",
            ),
            (
                "[[route]]\npath = '/'\nservice = { kind = 'terminal', argv = ['sh'] }\n\
                 carriers = true\n"
                    .into(),
                "4:12: route[0].carriers: ",
                "leave `carriers` out",
            ),
            (
                format!("{echo}compression = {{ level = 10 }}\n"),
                "4:25: route[0].compression.level: ",
                "10",
            ),
            (
                format!("{echo}limits = {{ max_message_bytes = 0 }}\n"),
                "4:32: route[0].limits.max_message_bytes: ",
                "between 1 and",
            ),
            (
                format!("{echo}limits = {{ max_message_bytes = '1k' }}\n"),
                "4:32: route[0].limits.max_message_bytes: ",
                "a whole number",
            ),
            (
                format!("{echo}page = {{ kind = 'file', path = 'x.html' }}\n"),
                "4:32: route[0].page.path: ",
                "relative paths",
            ),
            (
                listener("address = 'localhost'"),
                "5:11: listener[0].address: ",
                "\"127.0.0.1:8080\"",
            ),
            (listener("legacy = true"), "4:1: listener[0]: ", "unix = "),
            (listener("ipc = 'x'"), "4:1: listener[0]: ", "route = "),
            (
                listener("ipc = 'x'\nroute = '/'"),
                "6:9: listener[0].route: ",
                "service = { kind = \"rpc\" }",
            ),
            (
                format!("{}route = '/'", listener(&format!("ipc = '/{}'", "x".repeat(107)))),
                "5:7: listener[0].ipc: ",
                "a shorter one",
            ),
            (
                "[[route]]\npath = '/'\nservice = { kind = 'rpc', allow = ['a b'] }\n".into(),
                "3:36: route[0].service.allow[0]: ",
                "eth_*",
            ),
            (
                "[[route]]\npath = '/'\nservice = { kind = 'rpc', backend = { name = 'x', methods = ['*'] } }\n".into(),
                "3:46: route[0].service.backend.name: ",
                "[[backend]]",
            ),
            (
                "[[route]]\npath = '/'\nservice = { kind = 'rpc', limits = { max_batch = 0 } }\n".into(),
                "3:50: route[0].service.limits.max_batch: ",
                "between 1 and",
            ),
            (
                format!("{echo}limits = {{ pong_within = '0s' }}\n"),
                "4:26: route[0].limits.pong_within: ",
                "longer than 0s",
            ),
            (
                listener("address = '127.0.0.1:1'\nlimits = { handshake_within = '0s' }"),
                "6:31: listener[0].limits.handshake_within: ",
                "longer than 0s",
            ),
            (
                listener("address = '127.0.0.1:1'\nhosts = ['a:1']"),
                "6:10: listener[0].hosts[0]: ",
                "without a port",
            ),
            (
                listener("address = '127.0.0.1:1'\n[[listener]]\naddress = '127.0.0.1:1'"),
                "7:11: listener[1].address: ",
                "already at 127.0.0.1:1 (line 4)",
            ),
            (
                listener(
                    "address = '127.0.0.1:1'\ntls = { certificate = 'none.pem', key = 'k.pem' }",
                ),
                "6:23: listener[0].tls.certificate: ",
                "name a PEM file",
            ),
        ] {
            let source = Source::new("tieline.toml", text.as_str());
            let plan = File::parse(&source)
                .and_then(|file| Plan::new(file, &source, &Overrides::default()));
            let report = plan.unwrap_err().report();
            assert!(report.starts_with(&format!("tieline.toml:{place}")), "{text}\n{report}");
            assert!(report.contains(words), "{text}\n{report}");
        }
    }

    #[test]
    fn a_mistake_of_a_flag_is_the_flags() {
        let (file, source) = File::builtin();
        let fail = |flags: &Overrides| Plan::new(file.clone(), &source, flags).unwrap_err();
        let error = fail(&Overrides { listen: vec!["here".into()], ..Overrides::default() });
        assert!(error.to_string().starts_with("--listen: "), "{error}");
        let error = fail(&Overrides { workers: Some(0), ..Overrides::default() });
        assert_eq!(error.to_string(), "--workers: 0 is not between 1 and 1024");
    }

    #[test]
    fn the_limits_of_the_builtin_routes_are_as_documented() {
        let (file, source) = File::builtin();
        let plan = Plan::new(file, &source, &Overrides::default()).unwrap();
        let paths: Vec<_> = plan.routes.iter().map(|route| route.path.as_str()).collect();
        assert_eq!(paths, ["/", "/echo", "/counter", "/chat", "/room", "/tieline"]);
        let (echo, chat) = (&plan.routes[1], &plan.routes[3]);
        assert_eq!((echo.limits.max_message_bytes, echo.limits.max_fragments), (16 << 20, 262_144));
        assert_eq!((chat.limits.max_message_bytes, chat.backlog_bytes), (64 << 10, 1 << 20));
        assert!(echo.deflate.is_some() && chat.deflate.is_none());
    }
}
