//! Checking the backends: names, addresses, secrets and roots.

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use tieline::tls::{TlsError, TlsOptions};
use url::{Host, Url};

use super::Check;
use crate::backend::{MIN_SECRET_BYTES, Reach, SigningKey, is_refused};
use crate::config::backend::{self as file, Protocol};
use crate::config::error::{ConfigError, Problem};
use crate::config::plan::Backend;
use crate::config::source::Key;

const MAX_RETRIES: usize = 10;
const MAX_IN_FLIGHT: usize = 1 << 20;

/// Where a backend's URL leads.
struct Place {
    url: Url,
    reach: Reach,
}

impl Check<'_> {
    pub(super) fn backends(&self, written: &[file::Backend]) -> Result<Vec<Backend>, ConfigError> {
        let mut backends: Vec<Backend> = Vec::with_capacity(written.len());
        for (index, backend) in written.iter().enumerate() {
            let key = Key::top("backend").index(index);
            let name = &backend.name;
            if name.is_empty() {
                return Err(self.fail(Problem::BackendName, &key.name("name")));
            }
            if let Some(first) = backends.iter().position(|other| other.name == *name) {
                let first = self.line_of(&Key::top("backend").index(first).name("name"));
                let problem = Problem::DuplicateBackend { name: name.clone(), first };
                return Err(self.fail(problem, &key.name("name")));
            }
            backends.push(self.backend(backend, &key)?);
        }
        Ok(backends)
    }

    /// The backend of this name, for the services that refer to it.
    pub(super) fn has_backend(
        &self,
        name: &str,
        written: &[file::Backend],
        key: &Key,
    ) -> Result<(), ConfigError> {
        if written.iter().any(|backend| backend.name == name) {
            return Ok(());
        }
        Err(self.fail(Problem::NoBackend(name.to_owned()), key))
    }

    fn backend(&self, written: &file::Backend, key: &Key) -> Result<Backend, ConfigError> {
        let Place { url, reach } = self.place(written, &key.name("url"))?;
        self.in_range(written.retries as usize, 0, MAX_RETRIES, &key.name("retries"))?;
        self.in_range(written.max_answer_bytes, 1, 1 << 30, &key.name("max_answer_bytes"))?;
        self.in_range(written.max_in_flight, 1, MAX_IN_FLIGHT, &key.name("max_in_flight"))?;
        for (name, span) in
            [("timeout", written.timeout), ("connect_within", written.connect_within)]
        {
            if span.get().is_zero() {
                return Err(self.fail(Problem::NoTime, &key.name(name)));
            }
        }
        let secret = match &written.signing_secret_file {
            None => None,
            Some(path) => {
                let key = key.name("signing_secret_file");
                Some(self.secret(&self.source.resolve(path), &key)?)
            }
        };
        let tls = self.client_tls(written, &url, key)?;
        Ok(Backend {
            name: written.name.clone(),
            url,
            reach,
            timeout: written.timeout.get(),
            connect_within: written.connect_within.get(),
            retries: written.retries,
            max_answer_bytes: written.max_answer_bytes,
            max_in_flight: written.max_in_flight,
            secret,
            protocol: written.protocol,
            tls,
            breaker_failures: written.breaker.failures,
            breaker_pause: written.breaker.pause.get(),
        })
    }

    fn place(&self, written: &file::Backend, key: &Key) -> Result<Place, ConfigError> {
        let fail = || self.fail(Problem::BackendUrl(written.url.clone()), key);
        let url: Url = written.url.parse().map_err(|_| fail())?;
        let is_plain = matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        let Some(host) = url.host().filter(|_| is_plain) else { return Err(fail()) };
        let refuse = |address: IpAddr| self.fail(Problem::BackendAddress(address), key);
        // Whoever writes an address means it; a name is somebody else's to change.
        let reach = match host {
            Host::Ipv4(address) if is_refused(address.into()) => {
                return Err(refuse(address.into()));
            }
            Host::Ipv6(address) if is_refused(address.into()) => {
                return Err(refuse(address.into()));
            }
            Host::Ipv4(_) | Host::Ipv6(_) => Reach::Private,
            Host::Domain(_) if written.allow_private => Reach::Private,
            Host::Domain("localhost") => Reach::Loopback,
            Host::Domain(_) => Reach::Public,
        };
        Ok(Place { url, reach })
    }

    /// A secret in a file of its own; an editor's newline at its end is not part of it.
    fn secret(&self, path: &Path, key: &Key) -> Result<SigningKey, ConfigError> {
        let bytes = std::fs::read(path).map_err(|source| {
            self.fail(Problem::SecretFile { path: path.to_owned(), source }, key)
        })?;
        SigningKey::new(bytes.trim_ascii_end()).ok_or_else(|| {
            let problem = Problem::ShortSecret { path: path.to_owned(), min: MIN_SECRET_BYTES };
            self.fail(problem, key)
        })
    }

    fn client_tls(
        &self,
        written: &file::Backend,
        url: &Url,
        key: &Key,
    ) -> Result<ClientConfig, ConfigError> {
        let mut options = TlsOptions::default();
        if let Some(path) = &written.ca_file {
            let path = self.source.resolve(path);
            options.extra_roots_pem = roots(&path).map_err(|source| {
                self.fail(Problem::RootsFile { path, source }, &key.name("ca_file"))
            })?;
        }
        let made = if url.scheme() == "https" { options.config() } else { trusting_nobody() };
        let mut config = made.map_err(|error| {
            let name = if written.ca_file.is_some() { "ca_file" } else { "url" };
            self.fail(Problem::BackendTls(error), &key.name(name))
        })?;
        config.alpn_protocols = match written.protocol {
            Protocol::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Protocol::Http1 => vec![b"http/1.1".to_vec()],
            Protocol::Http2 => vec![b"h2".to_vec()],
        };
        Ok(config)
    }
}

/// A file that has something in it: nothing would be taken for no file.
fn roots(path: &Path) -> io::Result<Vec<u8>> {
    match std::fs::read(path)? {
        pem if pem.trim_ascii().is_empty() => Err(io::Error::other("it is empty")),
        pem => Ok(pem),
    }
}

/// For a backend without TLS: the system's roots are not read for it, and need not be there.
fn trusting_nobody() -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{File, Overrides, Plan, Source};

    fn plan(backend: &str) -> Result<Backend, String> {
        let route = "[[route]]\npath = '/'\nservice = { kind = 'echo' }";
        let source =
            Source::new("x.toml", format!("{route}\n[[backend]]\nname = 'a'\n{backend}\n"));
        let plan =
            File::parse(&source).and_then(|file| Plan::new(file, &source, &Overrides::default()));
        plan.map(|mut plan| plan.backends.remove(0)).map_err(|error| error.report())
    }

    #[test]
    fn an_address_that_is_written_is_meant_and_a_name_leads_outside() {
        for (url, more, reach) in [
            ("http://127.0.0.1:9000", "", Reach::Private),
            ("http://[::1]/api", "", Reach::Private),
            ("http://10.1.2.3", "", Reach::Private),
            ("http://LOCALHOST:9000", "", Reach::Loopback),
            ("http://shop.example/api/", "", Reach::Public),
            ("http://localhost.evil.example", "", Reach::Public),
            ("http://shop.internal", "allow_private = true", Reach::Private),
        ] {
            assert_eq!(plan(&format!("url = '{url}'\n{more}")).unwrap().reach, reach, "{url}");
        }
    }

    #[test]
    fn each_mistake_is_told_with_what_would_be_right() {
        for (lines, place, words) in [
            ("url = 'shop.example'", "6:7: backend[0].url: ", "http://127.0.0.1:9000"),
            ("url = 'ftp://a'", "6:7: backend[0].url: ", "http://127.0.0.1:9000"),
            ("url = 'http://u:p@a'", "6:7: backend[0].url: ", "no name and password"),
            ("url = 'http://a/?x=1'", "6:7: backend[0].url: ", "no query"),
            ("url = 'http://169.254.169.254/'", "6:7: backend[0].url: ", "no backend"),
            ("url = 'http://0xA9FEA9FE/'", "6:7: backend[0].url: ", "169.254.169.254"),
            ("url = 'http://[::]:80'", "6:7: backend[0].url: ", "no backend"),
            ("url = 'http://a'\nretries = 11", "7:11: backend[0].retries: ", "between 0 and 10"),
            ("url = 'http://a'\ntimeout = '0s'", "7:11: backend[0].timeout: ", "longer than 0s"),
            (
                "url = 'http://a'\nsigning_secret_file = 'none'",
                "7:23: backend[0].signing_secret_file: ",
                "readable for the server",
            ),
            (
                "url = 'http://a'\nsigning_secret_file = '/dev/null'",
                "7:23: backend[0].signing_secret_file: ",
                "16 bytes",
            ),
            ("url = 'https://a'\nca_file = '/dev/null'", "7:11: backend[0].ca_file: ", "PEM"),
            (
                "url = 'http://a'\n[[backend]]\nname = 'a'\nurl = 'http://b'",
                "8:8: backend[1].name: ",
                "already has the name \"a\" (line 5)",
            ),
        ] {
            let report = plan(lines).unwrap_err();
            assert!(report.starts_with(&format!("x.toml:{place}")), "{lines}\n{report}");
            assert!(report.contains(words), "{lines}\n{report}");
        }
    }
}
