//! Checking a route that runs a program.

use http::HeaderName;

use super::Check;
use crate::config::command::{Command, Errors, Frame};
use crate::config::error::{ConfigError, Problem};
use crate::config::source::Key;
use crate::process::may_be_handed_on;

impl Check<'_> {
    pub(super) fn command(&self, written: &Command, key: &Key) -> Result<(), ConfigError> {
        self.argv(&written.argv, &key.name("argv"))?;
        self.program_dir(written.dir.as_deref(), &key.name("dir"))?;
        self.environment(&written.environment, &key.name("environment"))?;
        for (index, name) in written.headers.iter().enumerate() {
            let header = HeaderName::from_bytes(name.as_bytes());
            if !header.is_ok_and(|header| may_be_handed_on(&header)) {
                let key = key.name("headers").index(index);
                return Err(self.fail(Problem::HeaderForProgram(name.clone()), &key));
            }
        }
        if written.stderr == Errors::Tag && written.frame != Frame::Lines {
            return Err(self.fail(Problem::TagWithoutLines, &key.name("stderr")));
        }
        self.in_range(written.replay, 0, 100_000, &key.name("replay"))?;
        self.in_range(written.max_line_bytes, 1, 1 << 30, &key.name("max_line_bytes"))?;
        self.in_range(written.max_processes, 1, 1 << 20, &key.name("max_processes"))?;
        self.ending(&written.ending, &key.name("ending"))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{ConfigError, File, Overrides, Plan, Service, Source};

    fn plan(settings: &str) -> Result<Plan, ConfigError> {
        let text = format!("[[route]]\npath = '/'\n[route.service]\nkind = 'command'\n{settings}");
        let source = Source::new("/etc/tieline/tieline.toml", text.as_str());
        Plan::new(File::parse(&source)?, &source, &Overrides::default())
    }

    #[test]
    fn what_cannot_be_run_is_told_with_its_key() {
        for (settings, key, words) in [
            ("", "", "missing key `argv`"),
            ("argv = []\n", "argv: ", "[\"vmstat\", \"1\"]"),
            ("argv = ['']\n", "argv: ", "no program"),
            ("argv = 'ls | wc'\n", "", "a list in [ ]"),
            ("argv = ['a', \"b\\u0000\"]\n", "argv[1]: ", "NUL"),
            ("argv = ['a']\ndir = '/nonexistent'\n", "dir: ", "/nonexistent"),
            ("argv = ['a']\nheaders = ['Cookie']\n", "headers[0]: ", "Cookie"),
            ("argv = ['a']\nheaders = ['a b']\n", "headers[0]: ", "a b"),
            ("argv = ['a']\nframe = 'bytes'\nstderr = 'tag'\n", "stderr: ", "lines"),
            ("argv = ['a']\nmax_processes = 0\n", "max_processes: ", "between 1 and"),
            ("argv = ['a']\nmax_line_bytes = 0\n", "max_line_bytes: ", "between 1 and"),
            (
                "argv = ['a']\nending = { term_within = '1h' }\n",
                "ending.term_within: ",
                "3600s is not between 0s and",
            ),
            (
                "argv = ['a']\nenvironment = { allow = ['TIELINE_PROCESS'] }\n",
                "environment.allow[0]: ",
                "the server's own",
            ),
            ("argv = ['a']\nenvironment = { set = { 'A=B' = '1' } }\n", "environment.set", "A=B"),
        ] {
            let report = plan(settings).unwrap_err().report();
            assert!(
                report.contains(&format!("route[0].service.{key}")) || key.is_empty(),
                "{report}"
            );
            assert!(report.contains(words), "{report}");
        }
    }

    #[test]
    fn a_folder_is_looked_for_beside_the_file() {
        let folder = tieline_store::Scratch::new();
        std::fs::create_dir(&*folder).unwrap();
        let text =
            "[[route]]\npath = '/'\nservice = { kind = 'command', argv = ['a'], dir = '.' }\n";
        let path = folder.join("tieline.toml");
        std::fs::write(&path, text).unwrap();
        let source = Source::read(&path).unwrap();
        let file = File::parse(&source).unwrap();
        let plan = Plan::new(file, &source, &Overrides::default()).unwrap();
        let Some(Service::Command(command)) = &plan.routes[0].service else { panic!("no command") };
        assert_eq!(command.dir.as_deref(), Some(folder.join(".").as_path()));
    }
}
