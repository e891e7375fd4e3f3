//! Checking a route that is handed on.

use std::sync::Arc;

use http::uri::Authority;
use http::{HeaderValue, Uri};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tieline::tls::{Roots, TlsOptions};

use super::route::is_path;
use super::{Check, SHORTEST, YEAR};
use crate::config::error::{ConfigError, Problem};
use crate::config::proxy::{self as file, Proxy};
use crate::config::route::{Route, Service};
use crate::config::source::Key;
use crate::config::span::Span;
use crate::tunnel::{Health, Network, Plan, Secure, Target};

impl Check<'_> {
    /// What the tunnel of a route needs, where its service is a proxy.
    pub(super) fn proxy(&self, route: &Route, key: &Key) -> Result<Option<Plan>, ConfigError> {
        let Some(Service::Proxy(written)) = &route.service else { return Ok(None) };
        if route.compression.is_some() {
            return Err(self.fail(Problem::LeftToUpstreams, &key.name("compression")));
        }
        if !route.subprotocols.is_empty() {
            return Err(self.fail(Problem::LeftToUpstreams, &key.name("subprotocols")));
        }
        let key = &key.name("service");
        self.in_range(written.max_open, 1, 1 << 30, &key.name("max_open"))?;
        let (connect, answer) = (written.connect_within, written.answer_within);
        self.time_in_range(connect, SHORTEST, YEAR, &key.name("connect_within"))?;
        self.time_in_range(answer, SHORTEST, YEAR, &key.name("answer_within"))?;
        Ok(Some(Plan {
            upstreams: self.upstreams(written, key)?,
            strip_prefix: self.strip_prefix(written, &route.path, key)?,
            host: self.upstream_host(written, key)?,
            trusted: self.networks(&written.trusted_proxies, &key.name("trusted_proxies"))?,
            connect_within: written.connect_within.get(),
            answer_within: written.answer_within.get(),
            idle_within: Some(written.idle_within.get()).filter(|within| !within.is_zero()),
            max_open: written.max_open,
            max_body_bytes: written.max_body_bytes,
            max_failures: Some(written.max_failures).filter(|most| *most > 0),
            down_for: written.down_for.get(),
            health: self.health(written.health.as_ref(), &key.name("health"))?,
        }))
    }

    fn upstreams(&self, written: &Proxy, key: &Key) -> Result<Vec<Target>, ConfigError> {
        let at = key.name("upstreams");
        if written.upstreams.is_empty() {
            return Err(self.fail(Problem::NoUpstreams, &at));
        }
        let mut tls = None;
        let mut targets = Vec::with_capacity(written.upstreams.len());
        for (index, text) in written.upstreams.iter().enumerate() {
            let wrong = || self.fail(Problem::Upstream(text.clone()), &at.index(index));
            let Some(Address { is_secure, authority, base }) = Address::parse(text) else {
                return Err(wrong());
            };
            let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
            let secure = if is_secure {
                if tls.is_none() {
                    tls = Some(self.upstream_tls(&written.tls, &key.name("tls"))?);
                }
                let config = tls.clone().expect("made above");
                let name = written.tls.name.as_ref().unwrap_or(&host).clone();
                let name = ServerName::try_from(name).map_err(|_| match &written.tls.name {
                    Some(name) => {
                        self.fail(Problem::Host(name.clone()), &key.name("tls").name("name"))
                    }
                    None => wrong(),
                })?;
                Some(Secure { config, name })
            } else {
                None
            };
            let port = authority.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
            targets.push(Target { name: text.clone(), authority, host, port, base, tls: secure });
        }
        Ok(targets)
    }

    fn upstream_tls(
        &self,
        written: &file::UpstreamTls,
        key: &Key,
    ) -> Result<Arc<ClientConfig>, ConfigError> {
        let mut options = TlsOptions::default();
        if let Some(ca) = &written.ca {
            let path = self.source.resolve(ca);
            options.roots = Roots::None;
            options.extra_roots_pem = std::fs::read(&path).map_err(|source| {
                self.fail(Problem::RootsFile { path, source }, &key.name("ca"))
            })?;
        }
        let key = if written.ca.is_some() { &key.name("ca") } else { key };
        options.config().map(Arc::new).map_err(|error| self.fail(Problem::UpstreamTls(error), key))
    }

    fn strip_prefix(&self, written: &Proxy, path: &str, key: &Key) -> Result<String, ConfigError> {
        let Some(prefix) = &written.strip_prefix else { return Ok(String::new()) };
        let whole = prefix.trim_end_matches('/');
        let is_prefix =
            path.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if prefix.starts_with('/') && is_prefix {
            return Ok(whole.to_owned());
        }
        let problem = Problem::NotPrefix { prefix: prefix.clone(), path: path.to_owned() };
        Err(self.fail(problem, &key.name("strip_prefix")))
    }

    fn upstream_host(
        &self,
        written: &Proxy,
        key: &Key,
    ) -> Result<Option<HeaderValue>, ConfigError> {
        let Some(host) = &written.host else { return Ok(None) };
        let authority = host.parse::<Authority>().ok().filter(|it| !it.as_str().contains('@'));
        let value = authority.and_then(|it| HeaderValue::from_str(it.as_str()).ok());
        match value {
            Some(value) => Ok(Some(value)),
            None => Err(self.fail(Problem::Host(host.clone()), &key.name("host"))),
        }
    }

    fn networks(&self, written: &[String], key: &Key) -> Result<Vec<Network>, ConfigError> {
        let network = |(index, text): (usize, &String)| {
            text.parse::<Network>()
                .map_err(|()| self.fail(Problem::Network(text.clone()), &key.index(index)))
        };
        written.iter().enumerate().map(network).collect()
    }

    fn health(
        &self,
        written: Option<&file::Health>,
        key: &Key,
    ) -> Result<Option<Health>, ConfigError> {
        let Some(written) = written else { return Ok(None) };
        if !is_path(&written.path) {
            return Err(self.fail(Problem::Path(written.path.clone()), &key.name("path")));
        }
        self.time_in_range(written.every, Span::from_millis(10), YEAR, &key.name("every"))?;
        self.time_in_range(written.within, SHORTEST, YEAR, &key.name("within"))?;
        self.in_range(written.rise as usize, 1, 1_000, &key.name("rise"))?;
        self.in_range(written.fall as usize, 1, 1_000, &key.name("fall"))?;
        Ok(Some(Health {
            path: written.path.clone(),
            every: written.every.get(),
            within: written.within.get(),
            rise: written.rise,
            fall: written.fall,
        }))
    }
}

/// An upstream's address, taken apart.
struct Address {
    is_secure: bool,
    authority: Authority,
    base: String,
}

impl Address {
    fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let is_secure = match uri.scheme_str()? {
            "http" | "ws" => false,
            "https" | "wss" => true,
            _ => return None,
        };
        let authority = uri.authority()?.clone();
        let is_plain = !authority.as_str().contains('@') && !authority.host().is_empty();
        let has_port = authority.port().is_none_or(|port| port.as_u16() > 0);
        if !is_plain || !has_port || uri.query().is_some() || text.contains('#') {
            return None;
        }
        let base = uri.path().trim_end_matches('/').to_owned();
        Some(Self { is_secure, authority, base })
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{File, Overrides, Plan, Source};

    fn plan(route: &str) -> Result<Plan, String> {
        let text = format!("[[route]]\npath = '/app/v1'\n{route}\n");
        let source = Source::new("t.toml", text);
        let plan =
            File::parse(&source).and_then(|file| Plan::new(file, &source, &Overrides::default()));
        plan.map_err(|error| error.report())
    }

    fn service(settings: &str) -> String {
        format!("service = {{ kind = 'proxy', {settings} }}")
    }

    #[test]
    fn upstreams_are_taken_apart() {
        let upstreams = "upstreams = ['http://app.internal', 'wss://[::1]:8443/base/', \
                         'ws://10.0.0.1:9001']";
        let mut plan = plan(&service(upstreams)).unwrap();
        let proxy = plan.routes.remove(0).proxy.unwrap();
        let seen: Vec<_> = proxy
            .upstreams
            .iter()
            .map(|it| (it.host.as_str(), it.port, it.base.as_str(), it.tls.is_some()))
            .collect();
        let expected = [
            ("app.internal", 80, "", false),
            ("::1", 8443, "/base", true),
            ("10.0.0.1", 9001, "", false),
        ];
        assert_eq!(seen, expected);
        assert_eq!(proxy.strip_prefix, "");
    }

    #[test]
    fn a_prefix_is_the_beginning_of_the_path() {
        for (prefix, expected) in [("/app", "/app"), ("/app/v1", "/app/v1"), ("/app/", "/app")] {
            let settings = format!("upstreams = ['http://a'], strip_prefix = '{prefix}'");
            let mut plan = plan(&service(&settings)).unwrap();
            assert_eq!(plan.routes.remove(0).proxy.unwrap().strip_prefix, expected);
        }
    }

    #[test]
    fn every_mistake_is_told_with_its_key() {
        let good = "upstreams = ['http://a']";
        let with = |more: &str| service(&format!("{good}, {more}"));
        for (route, key, words) in [
            (service("upstreams = []"), "service.upstreams: ", "nobody would answer"),
            (service("upstreams = ['localhost:1']"), "service.upstreams[0]: ", "http://127.0.0.1"),
            (
                service("upstreams = ['ftp://a']"),
                "service.upstreams[0]: ",
                "address of an upstream",
            ),
            (service("upstreams = ['http://u@a']"), "service.upstreams[0]: ", "an upstream"),
            (service("upstreams = ['http://a/?b']"), "service.upstreams[0]: ", "a query not"),
            (service("max_open = 1"), "service", "missing key `upstreams`"),
            (with("strip_prefix = '/ap'"), "service.strip_prefix: ", "up to a slash"),
            (with("strip_prefix = 'app'"), "service.strip_prefix: ", "not the beginning"),
            (with("host = 'a b'"), "service.host: ", "not a host name"),
            (with("trusted_proxies = ['10.0.0.0/33']"), "service.trusted_proxies[0]: ", "\"unix\""),
            (with("max_open = 0"), "service.max_open: ", "not between"),
            (with("answer_within = '0s'"), "service.answer_within: ", "not between"),
            (with("health = { path = 'x' }"), "service.health.path: ", "begin with"),
            (with("health = { path = '/x', fall = 0 }"), "service.health.fall: ", "not between"),
            (with("colour = 'red'"), "service.colour: ", "unknown key"),
            (
                service("upstreams = ['https://a'], tls = { ca = 'none.pem' }"),
                "service.tls.ca: ",
                "name a PEM file",
            ),
            (format!("{}\ncompression = {{}}", service(good)), "compression: ", "leave it out"),
            (format!("{}\nsubprotocols = ['a']", service(good)), "subprotocols: ", "its upstreams"),
        ] {
            let report = plan(&route).unwrap_err();
            assert!(report.contains(&format!("route[0].{key}")), "{route}\n{report}");
            assert!(report.contains(words), "{route}\n{report}");
        }
    }
}
