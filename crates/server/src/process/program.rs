//! What is run, as the configuration has it, and how it is ended.

use std::env;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::fs::{Access, access};

use super::environment::{Environment, Variables};
use crate::config;

/// A program with its arguments. No shell reads them, and nothing of them comes from a client.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// The program and its arguments, at least one word. A name without a slash is looked for in the
    /// `PATH` that the program will have.
    pub(crate) argv: Vec<String>,
    /// Where it runs; `None`: where the server does.
    pub(crate) dir: Option<PathBuf>,
    /// The variables that it has, and no others.
    pub(crate) environment: Environment,
    pub(crate) ending: Ending,
}

/// How a process is ended that does not end itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending {
    /// From the end of its standard input to SIGTERM. Default 1 s.
    pub(crate) stdin_within: Duration,
    /// From SIGTERM to SIGKILL. Default 5 s.
    pub(crate) term_within: Duration,
}

/// Where its standard error goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stderr {
    /// Into a pipe of its own.
    Apart,
    /// Where its standard output goes, in the order in which both are written.
    Merged,
}

impl From<&config::Ending> for Ending {
    fn from(written: &config::Ending) -> Self {
        let (stdin_within, term_within) = (written.stdin_within.get(), written.term_within.get());
        Self { stdin_within, term_within }
    }
}

impl Ending {
    /// The longest that it takes.
    pub(super) fn longest(&self) -> Duration {
        self.stdin_within + self.term_within
    }
}

impl Program {
    /// The command that starts it, in a group of its own. Where standard error is merged, what reads
    /// both is answered, too.
    pub(super) fn command(
        &self,
        variables: Variables,
        stderr: Stderr,
    ) -> io::Result<(Command, Option<io::PipeReader>)> {
        let (program, arguments) = self.argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        // A program whose path is known is started without a copy of the server's memory map.
        let path = find(program, &variables);
        let mut command = Command::new(path.as_deref().unwrap_or(Path::new(program)));
        command.arg0(program).args(arguments).process_group(0).stdin(Stdio::piped());
        command.env_clear().envs(variables);
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        let merged = match stderr {
            Stderr::Apart => {
                command.stdout(Stdio::piped()).stderr(Stdio::piped());
                None
            }
            Stderr::Merged => {
                let (reader, writer) = io::pipe()?;
                command.stdout(writer.try_clone()?).stderr(writer);
                Some(reader)
            }
        };
        Ok((command, merged))
    }
}

/// Where a program without a slash in its name is: in the first folder of the `PATH` that it will have
/// which has it. `None` where the system is to look itself.
fn find(program: &str, variables: &Variables) -> Option<PathBuf> {
    if program.contains('/') {
        return None;
    }
    let (_, folders) = variables.iter().rfind(|(name, _)| name == "PATH")?;
    // What is relative is so to the folder in which the program will run.
    let mut files =
        env::split_paths(folders).take_while(|it| it.is_absolute()).map(|it| it.join(program));
    files.find(|file| file.is_file() && access(file, Access::EXEC_OK).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_looked_for_in_the_path_that_it_will_have() {
        let found = |path: &str| find("sh", &vec![("PATH".into(), path.into())]);
        assert_eq!(found("/nonexistent:/proc:/bin"), Some("/bin/sh".into()));
        assert_eq!(found("/nonexistent"), None);
        assert_eq!(found("here:/bin"), None);
        assert_eq!(find("/bin/sh", &vec![("PATH".into(), "/bin".into())]), None);
        assert_eq!(find("sh", &Variables::new()), None);
    }
}
