//! Checking where the server listens.

use std::net::SocketAddr;
use std::sync::Arc;

use tieline::serve::Place;
use tieline_proto::handshake::{Hosts, Legacy};

use super::Check;
use super::route::MAX_LINES;
use crate::carrier::MAX_PATH_BYTES;
use crate::config::error::{ConfigError, Problem};
use crate::config::plan::{Listener, Route};
use crate::config::source::Key;
use crate::config::{self as file};
use crate::limits::Limiter;
use crate::listen::{Certificates, TlsFiles};

impl Check<'_> {
    pub(super) fn listeners(
        &self,
        written: &[file::Listener],
    ) -> Result<Vec<Listener>, ConfigError> {
        let mut listeners: Vec<Listener> = Vec::with_capacity(written.len());
        for (index, listener) in written.iter().enumerate() {
            let key = Key::top("listener").index(index);
            let checked = self.listener(listener, &key)?;
            let same =
                |other: &Listener| other.place == checked.place && !is_free_port(&other.place);
            if let Some(first) = listeners.iter().position(same) {
                let first = self.line_of(&Key::top("listener").index(first));
                let place = checked.place.to_string();
                let name = match listener {
                    file::Listener { unix: Some(_), .. } => "unix",
                    file::Listener { systemd: Some(_), .. } => "systemd",
                    file::Listener { ipc: Some(_), .. } => "ipc",
                    _ => "address",
                };
                let problem = Problem::DuplicateListener { place, first };
                return Err(self.fail_listener(problem, &key.name(name)));
            }
            listeners.push(checked);
        }
        Ok(listeners)
    }

    fn listener(&self, written: &file::Listener, key: &Key) -> Result<Listener, ConfigError> {
        let place = match (&written.address, &written.unix, &written.systemd, &written.ipc) {
            (Some(address), None, None, None) => {
                Place::Tcp(parse_address(address).ok_or_else(|| {
                    self.fail_listener(Problem::Address(address.clone()), &key.name("address"))
                })?)
            }
            (None, None, Some(name), None) => Place::Systemd(name.clone()),
            (None, None, None, Some(path)) => {
                let path = self.source.resolve(path);
                let len = path.as_os_str().len();
                if len > MAX_PATH_BYTES {
                    return Err(self.fail(Problem::IpcPath(len), &key.name("ipc")));
                }
                Place::Ipc(path)
            }
            (None, Some(path), None, None) => Place::Unix(match self.overrides.listen.as_slice() {
                [] => self.source.resolve(path),
                _ => path.clone(),
            }),
            _ => return Err(self.fail_listener(Problem::AddressOrUnix, key)),
        };
        if written.ipc.is_some() != written.route.is_some() {
            return Err(self.fail(Problem::IpcRoute, key));
        }
        let is_loopback = matches!(&place, Place::Tcp(address) if address.ip().is_loopback());
        let limits = &written.limits;
        let at = key.name("limits");
        self.some_time(limits.handshake_within, &at.name("handshake_within"))?;
        self.in_range(limits.max_head_bytes, 256, 1 << 20, &at.name("max_head_bytes"))?;
        self.in_range(limits.max_headers, 1, 10_000, &at.name("max_headers"))?;
        let most = limits.lines_per_address.map_or(1, |most| most as usize);
        self.in_range(most, 1, MAX_LINES, &at.name("lines_per_address"))?;
        Ok(Listener {
            certificates: self.certificates(written.tls.as_ref(), &key.name("tls"))?,
            legacy: if written.legacy { Legacy::On } else { Legacy::Off },
            hosts: self.hosts(&written.hosts, is_loopback, key)?,
            limits: tieline_proto::Limits {
                handshake_within: limits.handshake_within.get(),
                max_head_bytes: limits.max_head_bytes,
                max_headers: limits.max_headers,
                ..tieline_proto::Limits::default()
            },
            label: place.to_string().into(),
            limiter: Arc::new(Limiter::of_listener(limits)),
            ipc: written.route.clone(),
            place,
        })
    }

    /// Each listener without HTTP speaks to a route that is there, and speaks JSON-RPC.
    pub(super) fn ipc_routes(
        &self,
        listeners: &[Listener],
        routes: &[Route],
    ) -> Result<(), ConfigError> {
        for (index, listener) in listeners.iter().enumerate() {
            let Some(path) = &listener.ipc else { continue };
            let is_rpc = |route: &&Route| matches!(route.service, Some(file::Service::Rpc(_)));
            if !routes.iter().filter(is_rpc).any(|route| route.path == *path) {
                let key = Key::top("listener").index(index).name("route");
                return Err(self.fail(Problem::NoRpcRoute(path.clone()), &key));
            }
        }
        Ok(())
    }

    /// The names that are answered to at an address.
    pub(super) fn hosts(
        &self,
        names: &[String],
        is_loopback: bool,
        key: &Key,
    ) -> Result<Hosts, ConfigError> {
        if let Some(index) = names.iter().position(|name| !is_host(name)) {
            let key = key.name("hosts").index(index);
            return Err(self.fail(Problem::Host(names[index].clone()), &key));
        }
        Ok(match names {
            [] if !is_loopback => Hosts::Any,
            names => Hosts::Loopback(names.to_vec()),
        })
    }

    pub(super) fn certificates(
        &self,
        tls: Option<&file::Tls>,
        key: &Key,
    ) -> Result<Option<Certificates>, ConfigError> {
        let Some(tls) = tls else { return Ok(None) };
        let files = TlsFiles {
            certificate: self.source.resolve(&tls.certificate),
            key: self.source.resolve(&tls.key),
            client_ca: tls.client_ca.as_ref().map(|path| self.source.resolve(path)),
            key_log: tls.danger_key_log.as_ref().map(|path| self.source.resolve(path)),
        };
        Certificates::load(files).map(Some).map_err(|error| {
            let key = key.name(error.key());
            self.fail(Problem::Tls(error), &key)
        })
    }
}

/// `localhost` is 127.0.0.1; no other name is looked up. An IPv4 address in IPv6's clothes, such as
/// `[::ffff:127.0.0.1]`, is that IPv4 address: as much a loopback, and as much in use.
pub(super) fn parse_address(text: &str) -> Option<SocketAddr> {
    if let Some(port) = text.strip_prefix("localhost:") {
        return Some(SocketAddr::from(([127, 0, 0, 1], port.parse().ok()?)));
    }
    match text.parse().ok()? {
        SocketAddr::V6(address) if address.ip().to_ipv4_mapped().is_some() => {
            Some(SocketAddr::new(address.ip().to_canonical(), address.port()))
        }
        address => Some(address),
    }
}

const fn is_free_port(place: &Place) -> bool {
    matches!(place, Place::Tcp(address) if address.port() == 0)
}

fn is_host(name: &str) -> bool {
    Hosts::Loopback(vec![name.to_owned()]).allows(Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{File, Overrides, Plan, Source};

    fn listener(address: &str) -> Listener {
        let route = "[[route]]\npath = '/'\nservice = { kind = 'echo' }";
        let text = format!("[[listener]]\naddress = '{address}'\n{route}\n");
        let source = Source::new("x.toml", text);
        let file = File::parse(&source).unwrap();
        Plan::new(file, &source, &Overrides::default()).unwrap().listeners.remove(0)
    }

    #[test]
    fn a_loopback_address_checks_the_host_in_whichever_way_it_is_written() {
        for address in ["127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1"] {
            assert!(!listener(address).hosts.allows(Some("evil.example")), "{address}");
        }
        let mapped = listener("[::ffff:127.0.0.1]:1");
        assert!(!mapped.hosts.allows(Some("evil.example")));
        assert_eq!(mapped.place, Place::Tcp(([127, 0, 0, 1], 1).into()));
        assert!(listener("0.0.0.0:1").hosts.allows(Some("any.example")));
        assert!(listener("[::]:1").hosts.allows(Some("any.example")));
    }
}
