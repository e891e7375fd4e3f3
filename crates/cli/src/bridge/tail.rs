//! `tieline tail`: the lines of files, here and on other machines, on a page.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Map, Value, json};

use super::{Bridge, Place, run};

pub(crate) const EXAMPLES: &str = "\
A path with a colon before its first slash is a file of another machine, which the system's ssh is
asked for, with its configuration, keys and known hosts. A host that is not known is refused, and
its fingerprint logged, unless --accept-new-host is given.

Examples:
  tieline tail /var/log/syslog
  tieline tail /var/log/nginx/access.log app.log -n 100
  tieline tail '/var/log/app/*.log'                 those that come later, too
  tieline tail user@host:/var/log/messages";

/// What is read.
#[derive(Debug, clap::Args)]
pub(crate) struct Tail {
    /// PATH, with * and ? for any letters of a name, or HOST:PATH, or USER@HOST:PATH
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,

    /// How many lines of each file are shown first
    #[arg(long, short = 'n', value_name = "N", default_value_t = 100)]
    lines: usize,

    /// Believes the key of a host that is not known yet, and remembers it
    #[arg(long)]
    accept_new_host: bool,

    /// A private key for other machines, and no other
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,

    /// A file in place of ~/.ssh/config
    #[arg(long, value_name = "FILE")]
    ssh_config: Option<PathBuf>,

    /// A file with the password for other machines
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,

    #[command(flatten)]
    place: Place,
}

impl Tail {
    /// Shows them until a signal says stop.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let sources: Vec<_> =
            self.paths.iter().map(|path| self.source(path)).collect::<anyhow::Result<_>>()?;
        let service = json!({ "kind": "tail", "last": self.lines, "source": sources });
        run(&Bridge { name: "tail", place: &self.place, service, limits: json!({}) })
    }

    fn source(&self, path: &str) -> anyhow::Result<Value> {
        if let Some((host, path)) = remote(path) {
            return Ok(json!({ "host": host, "path": path, "ssh": self.ssh()? }));
        }
        Ok(json!({ "path": absolute(Path::new(path))? }))
    }

    fn ssh(&self) -> anyhow::Result<Value> {
        let mut ssh = Map::new();
        ssh.insert("accept_new_host".into(), self.accept_new_host.into());
        for (name, file) in [
            ("identity_file", &self.identity),
            ("config", &self.ssh_config),
            ("password_file", &self.password_file),
        ] {
            if let Some(file) = file {
                ssh.insert(name.into(), absolute(file)?.into());
            }
        }
        Ok(ssh.into())
    }
}

/// The host and the path of a file of another machine, as `scp` tells them from one of this machine.
fn remote(path: &str) -> Option<(&str, &str)> {
    let (host, rest) = path.split_once(':')?;
    (!host.is_empty() && !host.contains('/')).then_some((host, rest))
}

/// The same file, wherever the server is.
fn absolute(path: &Path) -> anyhow::Result<String> {
    let whole = std::path::absolute(path).context("there is no current folder")?;
    let text = whole.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_before_the_first_slash_makes_it_another_machines() {
        for (path, expected) in [
            ("host:/var/log/x", Some(("host", "/var/log/x"))),
            ("user@host:x", Some(("user@host", "x"))),
            ("/var/log/a:b", None),
            ("./host:x", None),
            (":x", None),
            ("x", None),
        ] {
            assert_eq!(remote(path), expected, "{path}");
        }
    }
}
