//! What is run, as the configuration has it, and how it is ended.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::environment::{Environment, Variables};
use super::whereabouts::Whereabouts;
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
        whereabouts: &Whereabouts,
    ) -> io::Result<(Command, Option<io::PipeReader>)> {
        let (program, arguments) = self.argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let file = whereabouts.of(program, &variables);
        let mut command = Command::new(file.as_deref().unwrap_or_else(|| Path::new(program)));
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
