//! Checking a gateway: its APIs, who signs, and how long what may take.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use http::Method;

use super::{Check, HOUR, NO_TIME, SECOND, SHORTEST, YEAR};
use crate::config::error::{ConfigError, Problem};
use crate::config::gateway::{Api, ApiKind, DeviceInbox, Gateway, GatewayApp};
use crate::config::plan;
use crate::config::route::{Route, Service};
use crate::config::source::Key;
use crate::config::{File, GatewayProblem, Span};
use crate::service::Pattern;

/// Most devices that a route may know.
pub(super) const MAX_DEVICES: usize = 1 << 26;

/// A device waits so long for an answer.
const MAX_ANSWER: Span = Span::from_secs(10);

/// A device needs so long to leave.
const MIN_LEAVE: Span = Span::from_secs(10);

impl Check<'_> {
    /// What a gateway needs, where the route's service is one.
    pub(super) fn gateway(
        &self,
        route: &Route,
        file: &File,
        key: &Key,
    ) -> Result<Option<plan::Gateway>, ConfigError> {
        let Some(Service::Gateway(written)) = &route.service else { return Ok(None) };
        let secrets = self.apps(&written.app, key)?;
        self.apis(written, file, key)?;
        self.times(written, key)?;
        self.costs(written, key)?;
        self.inbox(&written.inbox, false, file, &key.name("inbox"))?;
        let events = written.events.as_ref();
        let events = events.map(|events| self.events(events, file, &key.name("events")));
        let events = events.transpose()?;
        let mut plan = (**written).clone();
        // What is left of the time to drain is for the last to go.
        let most = Span::from_millis(file.drain.get().as_millis() as u64 / 4 * 3);
        if plan.leave_over.get() > most.get() {
            plan.leave_over = most;
        }
        Ok(Some(plan::Gateway { plan, secrets, events }))
    }

    fn apps(&self, apps: &[GatewayApp], key: &Key) -> Result<HashMap<String, String>, ConfigError> {
        let mut secrets = HashMap::new();
        for (index, app) in apps.iter().enumerate() {
            let at = key.name("app").index(index);
            let fail = |problem, name: &str| self.fail(Problem::Gateway(problem), &at.name(name));
            let is_key = |byte: u8| byte.is_ascii_graphic() && byte != b',';
            if app.key.is_empty() || !app.key.bytes().all(is_key) {
                return Err(fail(GatewayProblem::Key(app.key.clone()), "key"));
            }
            let path = self.source.resolve(&app.secret_file);
            let secret = secret(&path).map_err(|source| {
                fail(GatewayProblem::Secret { path: path.clone(), source }, "secret_file")
            })?;
            if secrets.insert(app.key.clone(), secret).is_some() {
                return Err(fail(GatewayProblem::DuplicateApp(app.key.clone()), "key"));
            }
        }
        Ok(secrets)
    }

    fn apis(&self, written: &Gateway, file: &File, key: &Key) -> Result<(), ConfigError> {
        let fail = |problem, key: &Key| Err(self.fail(Problem::Gateway(problem), key));
        if written.api.is_empty() {
            return fail(GatewayProblem::NoApis, key);
        }
        let mut seen: Vec<(&str, Pattern)> = Vec::new();
        for (index, api) in written.api.iter().enumerate() {
            let at = key.name("api").index(index);
            let path = self.api(api, file, &at)?;
            let is_like =
                |(method, other): &(&str, Pattern)| *method == api.method && other.overlaps(&path);
            if let Some(first) = seen.iter().position(is_like) {
                let first = self.line_of(&key.name("api").index(first).name("path"));
                let (method, path) = (api.method.clone(), api.path.clone());
                return fail(
                    GatewayProblem::DuplicateApi { method, path, first },
                    &at.name("path"),
                );
            }
            seen.push((&api.method, path));
            if api.signed && written.app.is_empty() {
                return fail(GatewayProblem::NoApps, &at);
            }
            for (index, app) in api.apps.iter().enumerate() {
                if !written.app.iter().any(|known| known.key == *app) {
                    let at = at.name("apps").index(index);
                    return fail(GatewayProblem::App(app.clone()), &at);
                }
            }
        }
        Ok(())
    }

    /// One API; its path.
    fn api(&self, api: &Api, file: &File, at: &Key) -> Result<Pattern, ConfigError> {
        let wrong = |problem, name: &str| self.fail(Problem::Gateway(problem), &at.name(name));
        let pattern = |text: &str, name: &str| {
            Pattern::parse(text).map_err(|_| wrong(GatewayProblem::Path(text.to_owned()), name))
        };
        let methods =
            [(Some(&api.method), "method"), (api.backend_method.as_ref(), "backend_method")];
        for (method, name) in methods {
            if let Some(method) = method.filter(|text| !is_method(text)) {
                return Err(wrong(GatewayProblem::Method(method.clone()), name));
            }
        }
        let path = pattern(&api.path, "path")?;
        if let Some(text) = &api.backend_path {
            let target = pattern(text, "backend_path")?;
            if let Some(name) = target.names().find(|name| !path.names().any(|own| own == *name)) {
                return Err(wrong(GatewayProblem::Name(name.to_owned()), "backend_path"));
            }
        }
        match (api.kind, &api.backend) {
            (ApiKind::Notify, Some(_)) => {
                return Err(wrong(GatewayProblem::NotifyBackend, "backend"));
            }
            (ApiKind::Notify, None) if !api.signed => {
                return Err(wrong(GatewayProblem::NotifyUnsigned, "signed"));
            }
            (ApiKind::Notify, None) if api.apps.is_empty() => {
                return Err(wrong(GatewayProblem::NotifyApps, "apps"));
            }
            (ApiKind::Notify, None) => {}
            (_, None) => return Err(self.fail(Problem::Gateway(GatewayProblem::Backend), at)),
            (_, Some(name)) => self.has_backend(name, &file.backend, &at.name("backend"))?,
        }
        if let Some(timeout) = api.timeout {
            self.time_in_range(timeout, SHORTEST, MAX_ANSWER, &at.name("timeout"))?;
        }
        Ok(path)
    }

    /// What is kept for devices; `acknowledges` is whether they acknowledge where nothing is said.
    pub(super) fn inbox(
        &self,
        inbox: &DeviceInbox,
        acknowledges: bool,
        file: &File,
        key: &Key,
    ) -> Result<(), ConfigError> {
        if inbox.durable {
            self.needs_store(file, &key.name("durable"))?;
        }
        // Whoever wants answers has to keep the questions.
        let waits = inbox.until_acknowledged.unwrap_or(acknowledges);
        let least = usize::from(waits || inbox.durable);
        self.in_range(inbox.max_messages, least, 1 << 20, &key.name("max_messages"))?;
        self.in_range(inbox.max_bytes, least, 1 << 30, &key.name("max_bytes"))?;
        self.time_in_range(inbox.time_to_live, SECOND, YEAR, &key.name("time_to_live"))
    }

    fn times(&self, written: &Gateway, key: &Key) -> Result<(), ConfigError> {
        for (name, value, min, max) in [
            ("keep_alive", written.keep_alive, SECOND, HOUR),
            ("bind_within", written.bind_within, SECOND, HOUR),
            ("register_within", written.register_within, NO_TIME, HOUR),
            ("line_life", written.line_life, NO_TIME, YEAR),
            ("leave_within", written.leave_within, MIN_LEAVE, HOUR),
            ("leave_over", written.leave_over, NO_TIME, HOUR),
            ("answer_within", written.answer_within, SECOND, MAX_ANSWER),
        ] {
            self.time_in_range(value, min, max, &key.name(name))?;
        }
        let limits = key.name("limits");
        self.time_in_range(written.limits.forget_after, SECOND, YEAR, &limits.name("forget_after"))
    }

    fn costs(&self, written: &Gateway, key: &Key) -> Result<(), ConfigError> {
        let (limits, at) = (&written.limits, key.name("limits"));
        for (name, value, max) in [
            ("max_devices", limits.max_devices, MAX_DEVICES),
            ("binds_per_second", limits.binds_per_second as usize, 1 << 20),
            ("texts_per_second", limits.texts_per_second as usize, 1 << 20),
            ("beats_per_second", limits.beats_per_second as usize, 1 << 10),
            ("max_running", limits.max_running, 1 << 10),
            ("max_waiting", limits.max_waiting, 1 << 16),
            ("max_notifying", limits.max_notifying, 1 << 16),
            ("max_notify_bytes", limits.max_notify_bytes, 1 << 30),
        ] {
            self.in_range(value, 1, max, &at.name(name))?;
        }
        Ok(())
    }
}

/// Upper case, as methods are.
fn is_method(text: &str) -> bool {
    Method::from_bytes(text.as_bytes()).is_ok()
        && text.bytes().all(|byte| byte.is_ascii_uppercase())
        && text != "CONNECT"
}

fn secret(path: &Path) -> io::Result<String> {
    let secret = std::fs::read_to_string(path)?.trim().to_owned();
    if secret.is_empty() { Err(io::Error::other("there is nothing in it")) } else { Ok(secret) }
}

#[cfg(test)]
mod tests {
    use crate::config::{ConfigError, File, Overrides, Plan, Source};

    const REGISTER: &str = "
[[route.service.api]]
type = 'register'
path = '/register'
backend = 'shop'
signed = false
";

    /// A gateway on lines 7 to 9 and what follows.
    fn plan(lines: &str) -> Result<Plan, ConfigError> {
        plan_with(lines, &Overrides::default())
    }

    fn plan_with(lines: &str, overrides: &Overrides) -> Result<Plan, ConfigError> {
        let text = format!(
            "[[backend]]\nname = 'shop'\nurl = 'http://127.0.0.1:1'\n[[route]]\npath = '/'\n\n\
             [route.service]\nkind = 'gateway'\n{lines}\n"
        );
        let source = Source::new("x.toml", text);
        File::parse(&source).and_then(|file| Plan::new(file, &source, overrides))
    }

    #[test]
    fn what_is_right_is_planned_with_its_secrets() {
        let secret = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let app = format!("[[route.service.app]]\nkey = 'k'\nsecret_file = '{secret}'\n");
        let api = "[[route.service.api]]\ntype = 'notify'\npath = '/n'\napps = ['k']\n";
        let plan =
            plan(&format!("{REGISTER}{app}{api}")).unwrap_or_else(|e| panic!("{}", e.report()));
        let gateway = plan.routes[0].gateway.as_ref().unwrap();
        assert!(gateway.secrets["k"].starts_with("[package]"));
        assert!(!format!("{gateway:?}").contains("[package]"), "secrets are not shown");
    }

    #[test]
    fn devices_have_left_before_the_time_to_drain_is_over() {
        for (drain, written, planned) in
            [("10s", "5s", "5s"), ("4s", "5s", "3s"), ("0s", "1s", "0s")]
        {
            let settings = format!("leave_over = '{written}'{REGISTER}");
            let overrides =
                Overrides { drain: Some(drain.parse().unwrap()), ..Overrides::default() };
            let plan = plan_with(&settings, &overrides).unwrap();
            let gateway = plan.routes[0].gateway.as_ref().unwrap();
            assert_eq!(gateway.plan.leave_over, planned.parse().unwrap(), "{drain}");
        }
    }

    #[test]
    fn each_mistake_is_told_with_what_would_be_right() {
        let api = |lines: &str| format!("[[route.service.api]]\n{lines}");
        let with = |settings: &str| format!("{settings}{REGISTER}");
        let app = |file: &str| {
            format!("{REGISTER}[[route.service.app]]\nkey = 'k'\nsecret_file = '{file}'")
        };
        for (lines, place, words) in [
            (String::new(), "7:8: route[0].service: ", "[[route.service.api]]"),
            (with("x = 1"), "9:1: route[0].service.x: ", "unknown key"),
            (api("path = 'a'"), "10:8: route[0].service.api[0].path: ", "begin with \"/\""),
            (api("path = '/a'\nsigned = false"), "9:1: route[0].service.api[0]: ", "[[backend]]"),
            (
                api("path = '/a'\nsigned = false\nbackend = 'b'"),
                "12:11: route[0].service.api[0].backend: ",
                "no backend with the name \"b\"",
            ),
            (
                api("path = '/a'\nbackend = 'shop'"),
                "9:1: route[0].service.api[0]: ",
                "secret_file = ",
            ),
            (
                api("path = '/a'\nbackend = 'shop'\nmethod = 'post'"),
                "12:10: route[0].service.api[0].method: ",
                "\"POST\"",
            ),
            (
                api("path = '/{a}'\nbackend = 'shop'\nbackend_path = '/{b}'"),
                "12:16: route[0].service.api[0].backend_path: ",
                "the path of the call has no {b}",
            ),
            (
                api("path = '/a'\nbackend = 'shop'\ntimeout = '11s'"),
                "12:11: route[0].service.api[0].timeout: ",
                "between 1ms and 10s",
            ),
            (
                api("type = 'notify'\npath = '/a'\nsigned = false"),
                "12:10: route[0].service.api[0].signed: ",
                "write to every device",
            ),
            (
                api("type = 'notify'\npath = '/a'"),
                "9:1: route[0].service.api[0].apps: ",
                "only backends have",
            ),
            (
                api("type = 'notify'\npath = '/a'\nbackend = 'shop'"),
                "12:11: route[0].service.api[0].backend: ",
                "goes to a device",
            ),
            (format!("{REGISTER}{REGISTER}"), "18:8: route[0].service.api[1].path: ", "(line 12)"),
            (
                api("path = '/a'\nbackend = 'shop'\nsigned = false\napps = ['k']"),
                "13:9: route[0].service.api[0].apps[0]: ",
                "[[route.service.app]]",
            ),
            (
                app("none"),
                "17:15: route[0].service.app[0].secret_file: ",
                "readable for the server",
            ),
            (app("/dev/null"), "17:15: route[0].service.app[0].secret_file: ", "nothing in it"),
            (
                with("leave_within = '9s'"),
                "9:16: route[0].service.leave_within: ",
                "9s is not between 10s and 3600s",
            ),
            (
                with("answer_within = '11s'"),
                "9:17: route[0].service.answer_within: ",
                "between 1s and 10s",
            ),
            (
                with("inbox = { durable = true }"),
                "9:21: route[0].service.inbox.durable: ",
                "[store]",
            ),
            (
                with("inbox = { until_acknowledged = true, max_messages = 0 }"),
                "9:53: route[0].service.inbox.max_messages: ",
                "between 1 and",
            ),
            (
                with("limits = { max_waiting = 0 }"),
                "9:26: route[0].service.limits.max_waiting: ",
                "between 1 and",
            ),
            (
                with("events = { backend = 'b' }"),
                "9:22: route[0].service.events.backend: ",
                "no backend with the name",
            ),
        ] {
            let report = plan(&lines).unwrap_err().report();
            assert!(report.starts_with(&format!("x.toml:{place}")), "{lines}\n{report}");
            assert!(report.contains(words), "{lines}\n{report}");
        }
    }
}
