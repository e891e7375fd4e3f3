//! `tieline exec`: a command's output on a page, and its input.

use clap::ValueEnum;
use serde_json::json;

use super::environment::Variables;
use super::{Bridge, Place, run};

pub(crate) const EXAMPLES: &str = "\
No shell reads the command: it is started as it stands. Each window has a process of its own, unless
it is --shared; a process ends with its window, or with the last, and with the server.

Examples:
  tieline exec -- vmstat 1
  tieline exec --shared -- ping example.com            one process for all windows
  tieline exec --stderr merge -- make test
  tieline exec -- sh -c 'while read -r name; do date +\"$name\"; done'
  tieline exec --listen 127.0.0.1:8080 -- vmstat 1     always at the same address";

/// What is run, and how its output becomes messages.
#[derive(Debug, clap::Args)]
pub(crate) struct Exec {
    /// The command and its arguments
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<String>,

    /// One process for all windows, which begins with the first and ends with the last
    #[arg(long)]
    shared: bool,

    /// Whether what is said in a window is the command's input [default: true, false with --shared]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true")]
    input: Option<bool>,

    /// How the output becomes messages
    #[arg(long, value_enum, default_value_t = Frame::Lines)]
    frame: Frame,

    /// What becomes of standard error [default: tag with lines, log otherwise]
    #[arg(long, value_enum)]
    stderr: Option<Errors>,

    #[command(flatten)]
    variables: Variables,

    #[command(flatten)]
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Frame {
    /// Bytes, as they come
    Bytes,
    /// Each message behind its length in 32 bits
    Length,
    /// Each line a message
    Lines,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Errors {
    /// It goes to this terminal
    Log,
    /// It is output
    Merge,
    /// Its lines are told apart
    Tag,
}

impl Exec {
    /// Shows it until a signal says stop.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let frame = match self.frame {
            Frame::Bytes => "bytes",
            Frame::Length => "length",
            Frame::Lines => "lines",
        };
        let stderr = match self.stderr {
            Some(Errors::Merge) => "merge",
            Some(Errors::Tag) => "tag",
            None if self.frame == Frame::Lines => "tag",
            Some(Errors::Log) | None => "log",
        };
        let mut service = json!({
            "kind": "command",
            "argv": self.command,
            "shared": self.shared,
            "frame": frame,
            "stderr": stderr,
            "environment": self.variables.as_configured()?,
        });
        if let Some(input) = self.input {
            service["input"] = input.into();
        }
        run(&Bridge { name: "exec", place: &self.place, service, limits: json!({}) })
    }
}
