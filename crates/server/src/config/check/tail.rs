//! Checking a route on which lines are shown.

use std::collections::HashSet;
use std::env;
use std::fs::File;
use std::path::{Component, Path};
use std::sync::Arc;

use super::Check;
use crate::config::error::{ConfigError, Problem};
use crate::config::route::{Route, Service};
use crate::config::source::Key;
use crate::config::tail::{self as file, Tail, TailFormat, TailSource};
use crate::config::tail_problem::TailProblem;
use crate::service::tail::{Command, Files, Host, Password, Pattern, Plan, Planned, split};
use crate::source::{Format, Keep};

/// Longest name of a source, in bytes.
const MAX_NAME_BYTES: usize = 256;

impl Check<'_> {
    /// What is shown on a route, where its service is a tail.
    pub(super) fn tail(&self, route: &Route, key: &Key) -> Result<Option<Plan>, ConfigError> {
        let Some(Service::Tail(written)) = &route.service else { return Ok(None) };
        self.in_range(written.last, 0, 10_000, &key.name("last"))?;
        self.in_range(written.max_line_bytes, 1, 1 << 20, &key.name("max_line_bytes"))?;
        self.in_range(written.keep_bytes, 1, 64 << 20, &key.name("keep_bytes"))?;
        self.in_range(written.max_files, 1, 1_000, &key.name("max_files"))?;
        self.lasting(written.poll_every, &key.name("poll_every"))?;
        let key = key.name("source");
        if written.source.is_empty() {
            return Err(self.fail_tail(TailProblem::NoSources, &key));
        }
        let mut names = HashSet::new();
        let mut sources = Vec::with_capacity(written.source.len());
        for (index, source) in written.source.iter().enumerate() {
            let key = key.index(index);
            let planned = self.tail_source(source, written, &key)?;
            if let Some(name) = planned.name()
                && !names.insert(Arc::clone(name))
            {
                return Err(self.fail_tail(TailProblem::DuplicateName(name.to_string()), &key));
            }
            sources.push(planned);
        }
        Ok(Some(Plan {
            sources,
            format: match written.format {
                TailFormat::Json => Format::Json,
                TailFormat::Text => Format::Text,
            },
            keep: Keep { lines: written.last, bytes: written.keep_bytes },
        }))
    }

    fn tail_source(
        &self,
        source: &TailSource,
        tail: &Tail,
        key: &Key,
    ) -> Result<Planned, ConfigError> {
        if let Some(name) = source.name.as_ref()
            && (name.is_empty()
                || name.len() > MAX_NAME_BYTES
                || name.chars().any(char::is_control))
        {
            return Err(self.fail_tail(TailProblem::Name(name.clone()), &key.name("name")));
        }
        if source.root.is_some() && (source.host.is_some() || source.command.is_some()) {
            return Err(self.fail_tail(TailProblem::Root, &key.name("root")));
        }
        match (&source.path, &source.command, &source.host) {
            (Some(path), None, None) if source.ssh.is_none() => {
                self.tail_files(source, path, tail, key).map(Planned::Files)
            }
            (Some(path), None, Some(host)) => {
                self.tail_host(source, host, path, tail, key).map(Planned::Host)
            }
            (None, Some(argv), None) if source.ssh.is_none() => {
                let program = argv.first().filter(|program| !program.is_empty());
                let is_whole = argv.iter().all(|word| !word.contains('\0'));
                let Some(program) = program.filter(|_| is_whole) else {
                    return Err(self.fail_tail(TailProblem::Command, &key.name("command")));
                };
                let short = Path::new(program).file_name().map(|name| name.to_string_lossy());
                let name = source.name.clone().unwrap_or_else(|| short.unwrap_or_default().into());
                Ok(Planned::Command(Command {
                    name: name.into(),
                    argv: argv.clone(),
                    max_line_bytes: tail.max_line_bytes,
                }))
            }
            _ => Err(self.fail_tail(TailProblem::Kind, key)),
        }
    }

    fn tail_files(
        &self,
        source: &TailSource,
        path: &str,
        tail: &Tail,
        key: &Key,
    ) -> Result<Files, ConfigError> {
        let wrong = || self.fail_tail(TailProblem::Path(path.to_owned()), &key.name("path"));
        if Path::new(path).components().any(|part| part == Component::ParentDir) {
            return Err(wrong());
        }
        let (root, below) = match &source.root {
            Some(root) => {
                let root = self.source.resolve(root);
                let below = match path.starts_with('/') {
                    true => Path::new(path).strip_prefix(&root).map_err(|_| wrong())?,
                    false => Path::new(path),
                };
                (root, below.to_str().ok_or_else(wrong)?.to_owned())
            }
            None => {
                let (root, below) = split(path);
                (self.source.resolve(root), below.to_owned())
            }
        };
        let pattern = Pattern::parse(&below).ok_or_else(wrong)?;
        let name = source.name.clone().or_else(|| pattern.as_path().map(|_| below));
        Ok(Files {
            name: name.map(Arc::from),
            root,
            pattern,
            last: (tail.last, tail.keep_bytes as u64),
            max_line_bytes: tail.max_line_bytes,
            max_files: tail.max_files,
            poll_every: tail.poll_every.get(),
        })
    }

    fn tail_host(
        &self,
        source: &TailSource,
        host: &str,
        path: &str,
        tail: &Tail,
        key: &Key,
    ) -> Result<Host, ConfigError> {
        let ssh = source.ssh.clone().unwrap_or_default();
        let at = key.name("ssh");
        let is_path = !path.is_empty() && !path.contains('\0') && !path.ends_with('/');
        if !is_path || Path::new(path).components().any(|part| part == Component::ParentDir) {
            let problem = TailProblem::Path(path.to_owned());
            return Err(self.fail_tail(problem, &key.name("path")));
        }
        if !is_host(host) {
            return Err(self.fail_tail(TailProblem::Host(host.to_owned()), &key.name("host")));
        }
        if let Some(jump) = ssh.jump.as_ref().filter(|jump| !is_host(jump)) {
            return Err(self.fail_tail(TailProblem::Host(jump.clone()), &at.name("jump")));
        }
        self.in_range(ssh.port.map_or(1, usize::from), 1, 65_535, &at.name("port"))?;
        self.lasting(ssh.connect_within, &at.name("connect_within"))?;
        let plain = host.rsplit('@').next().unwrap_or(host);
        let name = source.name.clone().unwrap_or_else(|| format!("{plain}:{path}"));
        let resolve = |path: &std::path::PathBuf| self.source.resolve(path);
        Ok(Host {
            name: name.into(),
            host: host.to_owned(),
            path: path.to_owned(),
            password: self.tail_password(&ssh, &at)?,
            config: ssh.config.as_ref().map(resolve),
            identity_file: ssh.identity_file.as_ref().map(resolve),
            known_hosts: ssh.known_hosts.as_ref().map(resolve),
            port: ssh.port,
            jump: ssh.jump,
            accepts_new: ssh.accept_new_host,
            connect_within: ssh.connect_within.get(),
            last: (tail.last, tail.keep_bytes as u64),
            max_line_bytes: tail.max_line_bytes,
        })
    }

    fn tail_password(&self, ssh: &file::Ssh, key: &Key) -> Result<Option<Password>, ConfigError> {
        let password = match (&ssh.password_file, &ssh.password_env) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                return Err(self.fail_tail(TailProblem::PasswordTwice, &key.name("password_env")));
            }
            (Some(path), None) => {
                let path = self.source.resolve(path);
                File::open(&path).map_err(|source| {
                    let problem = TailProblem::PasswordFile { path: path.clone(), source };
                    self.fail_tail(problem, &key.name("password_file"))
                })?;
                Password::File(std::path::absolute(&path).unwrap_or(path))
            }
            (None, Some(name)) => {
                if env::var_os(name).is_none() {
                    let problem = TailProblem::PasswordVariable(name.clone());
                    return Err(self.fail_tail(problem, &key.name("password_env")));
                }
                Password::Variable(name.clone())
            }
        };
        // Whoever is on the way is asked for a password by the same program.
        if ssh.jump.is_some() {
            return Err(self.fail_tail(TailProblem::PasswordAndJump, &key.name("jump")));
        }
        Ok(Some(password))
    }

    fn fail_tail(&self, problem: TailProblem, key: &Key) -> ConfigError {
        self.fail(Problem::Tail(problem), key)
    }
}

/// What `ssh` takes for a host and for nothing else.
fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host.len() <= 1_024
        && !host.starts_with('-')
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@._-:[]%".contains(&byte))
        && !host.ends_with('@')
        && !host.contains("@-")
}

#[cfg(test)]
mod tests {
    use crate::config::{File, Overrides, Plan, Source};

    fn report(source: &str) -> String {
        let service = format!("service = {{ kind = 'tail', source = [{source}] }}");
        let text = format!("[[route]]\npath = '/'\n{service}\n");
        let source = Source::new("tieline.toml", text);
        let plan =
            File::parse(&source).and_then(|file| Plan::new(file, &source, &Overrides::default()));
        plan.map_or_else(|error| error.report(), |_| "good".to_owned())
    }

    #[test]
    fn every_kind_of_source_is_taken() {
        for source in [
            "{ path = '/var/log/syslog' }",
            "{ path = 'logs/*.log', name = 'logs' }",
            "{ path = '*.log', root = '/var/log' }",
            "{ path = '/var/log/a', root = '/var/log' }",
            "{ command = ['journalctl', '-f'] }",
            "{ host = 'user@host', path = '/var/log/messages' }",
            "{ host = '[::1]', path = 'a b', ssh = { port = 22, jump = 'gate', accept_new_host = true } }",
            "{ path = '/a' }, { path = '/b' }",
        ] {
            assert_eq!(report(source), "good", "{source}");
        }
    }

    #[test]
    fn what_would_lead_out_run_something_else_or_say_nothing_is_refused() {
        for (source, key, words) in [
            ("", "source: ", "there is no source"),
            ("{}", "source[0]: ", "one of `path` and `command`"),
            ("{ path = '/a', command = ['b'] }", "source[0]: ", "one of"),
            ("{ command = ['b'], host = 'c' }", "source[0]: ", "one of"),
            ("{ path = '/a', ssh = {} }", "source[0]: ", "one of"),
            ("{ path = '../a' }", "source[0].path: ", "no \"..\""),
            ("{ path = '/var/log/../../etc/passwd' }", "source[0].path: ", "no \"..\""),
            ("{ path = '*/../a', root = '/b' }", "source[0].path: ", "no \"..\""),
            ("{ path = '/etc/passwd', root = '/var/log' }", "source[0].path: ", "below `root`"),
            ("{ path = '' }", "source[0].path: ", "not the path"),
            ("{ path = '/a[' }", "source[0].path: ", "not the path"),
            ("{ command = [] }", "source[0].command: ", "no program"),
            ("{ command = [''] }", "source[0].command: ", "no program"),
            ("{ host = 'a', path = '/b', root = '/c' }", "source[0].root: ", "this machine"),
            ("{ host = '-oProxyCommand=x', path = '/b' }", "source[0].host: ", "not a host"),
            ("{ host = 'a b', path = '/b' }", "source[0].host: ", "not a host"),
            ("{ host = 'a@-b', path = '/b' }", "source[0].host: ", "not a host"),
            ("{ host = 'a', path = '/b', ssh = { jump = '-x' } }", "ssh.jump: ", "not a host"),
            (
                "{ host = 'a', path = '/b', ssh = { connect_within = '0s' } }",
                "ssh.connect_within: ",
                "between",
            ),
            (
                "{ host = 'a', path = '/b', ssh = { password_env = 'TIELINE_NOT_THERE' } }",
                "ssh.password_env: ",
                "no variable",
            ),
            (
                "{ host = 'a', path = '/b', ssh = { password_env = 'PATH', password_file = 'x' } }",
                "ssh.password_env: ",
                "not in both",
            ),
            (
                "{ host = 'a', path = '/b', ssh = { password_env = 'PATH', jump = 'c' } }",
                "ssh.jump: ",
                "on the way",
            ),
            ("{ path = '/a', name = '' }", "source[0].name: ", "a word"),
            ("{ path = '/a' }, { path = '/b/a' }", "source[1]: ", "of its own"),
        ] {
            let report = report(source);
            assert!(report.contains(key) && report.contains(words), "{source}\n{report}");
        }
    }
}
