//! Checking where a node is, and what may be asked of it.

use std::path::Path;

use super::Check;
use crate::config::error::{ConfigError, Problem};
use crate::config::route::Service;
use crate::config::source::Key;
use crate::config::upstream::{UNIX, Upstream};

impl Check<'_> {
    /// The node written at `key`.
    pub(super) fn upstream(&self, written: &Upstream, key: &Key) -> Result<(), ConfigError> {
        let url = &written.url;
        if self.resolved(written).options().is_none() {
            return Err(self.fail(Problem::NodeUrl(url.clone()), &key.name("url")));
        }
        for (name, value, min, max) in [
            ("lines", written.lines, 1, 64),
            ("max_calls", written.max_calls, 1, 1 << 20),
            ("max_answer_bytes", written.max_answer_bytes, 1 << 10, 1 << 30),
            ("max_subscriptions", written.max_subscriptions, 1, 1 << 20),
            ("fill_blocks", written.fill_blocks, 0, 1_024),
        ] {
            self.in_range(value, min, max, &key.name(name))?;
        }
        self.lasting(written.timeout, &key.name("timeout"))?;
        self.lasting(written.longest_wait, &key.name("longest_wait"))
    }

    /// The service with the paths in it as they are seen from anywhere.
    pub(super) fn service(&self, written: &Service) -> Service {
        let mut service = written.clone();
        match &mut service {
            Service::Command(command) => self.resolve_dir(&mut command.dir),
            Service::Rpc(rpc) => {
                if let Some(upstream) = &mut rpc.upstream {
                    *upstream = self.resolved(upstream);
                }
            }
            Service::Shell(shell) => self.resolve_dir(&mut shell.dir),
            Service::Terminal(terminal) => self.resolve_terminal(terminal),
            _ => {}
        }
        service
    }

    fn resolved(&self, written: &Upstream) -> Upstream {
        let mut upstream = written.clone();
        if let Some(path) = written.url.strip_prefix(UNIX).filter(|path| !path.is_empty()) {
            let path = self.source.resolve(Path::new(path));
            upstream.url = format!("{UNIX}{}", path.display());
        }
        upstream
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{ConfigError, File, Overrides, Plan, Service, Source};

    fn plan(upstream: &str) -> Result<Plan, ConfigError> {
        let text = format!(
            "[[route]]\npath = '/'\n[route.service]\nkind = 'rpc'\n[route.service.upstream]\n{upstream}"
        );
        let source = Source::new("/etc/tieline/tieline.toml", text.as_str());
        Plan::new(File::parse(&source)?, &source, &Overrides::default())
    }

    fn url(url: &str) -> Result<String, ConfigError> {
        let plan = plan(&format!("url = '{url}'\n"))?;
        let Some(Service::Rpc(rpc)) = &plan.routes[0].service else { panic!("no rpc") };
        Ok(rpc.upstream.as_ref().unwrap().options().unwrap().address.to_string())
    }

    #[test]
    fn a_node_is_at_a_url_or_a_unix_socket() {
        for (written, shown) in [
            ("ws://127.0.0.1:8545", "ws://127.0.0.1:8545"),
            ("wss://node.example/v3/key", "wss://node.example"),
            ("http://[::1]:8545/", "http://[::1]:8545"),
            ("https://node.example", "https://node.example"),
            ("unix:/run/node.ipc", "unix:/run/node.ipc"),
            ("unix:node.ipc", "unix:node.ipc"),
        ] {
            assert_eq!(url(written).unwrap(), shown);
        }
        for wrong in ["", "127.0.0.1:8545", "ws://", "ftp://a", "ws:/a", "unix:", "/run/node.ipc"] {
            let report = url(wrong).unwrap_err().report();
            assert!(report.contains("route[0].service.upstream.url: "), "{report}");
            assert!(report.contains("help: write \"ws://127.0.0.1:8545\""), "{report}");
        }
        assert!(url(&format!("unix:/{}", "x".repeat(107))).is_err());
    }

    #[test]
    fn what_is_out_of_range_is_told_with_its_key() {
        for (key, value) in [
            ("lines", "0"),
            ("max_calls", "0"),
            ("max_answer_bytes", "1"),
            ("max_subscriptions", "0"),
            ("fill_blocks", "1025"),
            ("timeout", "'0s'"),
            ("longest_wait", "'0s'"),
        ] {
            let report = plan(&format!("url = 'ws://a'\n{key} = {value}\n")).unwrap_err().report();
            assert!(report.starts_with("/etc/tieline/tieline.toml:7:"), "{report}");
            assert!(report.contains(&format!("route[0].service.upstream.{key}: ")), "{report}");
        }
        assert!(plan("url = 'ws://a'\nfill_blocks = 0\n").is_ok());
    }
}
