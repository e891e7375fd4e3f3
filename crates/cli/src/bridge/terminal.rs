//! `tieline terminal`: a terminal on a page.

use std::env;
use std::path::PathBuf;

use anyhow::Context;
use clap::ValueEnum;
use serde_json::json;
use tieline_server::config::Span;

use super::environment::Variables;
use super::{Bridge, Place, run};

pub(crate) const EXAMPLES: &str = "\
A session lives on when its window is closed: whoever comes back finds the screen as it was. Whoever
has the ticket may type, unless it is --read-only.

Examples:
  tieline terminal                                       your shell
  tieline terminal -- bash -l
  tieline terminal --read-only -- htop                   to look at, not to touch
  tieline terminal --record ~/recordings -- bash         every session is recorded (asciicast)
  ssh -L 8080:127.0.0.1:8080 host tieline terminal --listen 127.0.0.1:8080";

/// Lines that are shown again to who comes back.
const SCROLLBACK_LINES: usize = 10_000;

/// Most that is pasted at once, in bytes.
const MAX_PASTED_BYTES: usize = 1 << 20;

/// What runs in the terminal, and who may type.
#[derive(Debug, clap::Args)]
pub(crate) struct Terminal {
    /// The program and its arguments [default: what SHELL names]
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,

    /// Who may type, of several windows on one session
    #[arg(long, value_enum, default_value_t = Typing::All)]
    typing: Typing,

    /// Nobody may type
    #[arg(long, conflicts_with = "typing")]
    read_only: bool,

    /// A folder in which each session is recorded; what is typed is not, what is shown is
    #[arg(long, value_name = "FOLDER")]
    record: Option<PathBuf>,

    /// How long a session lives that nobody watches; 0s ends it with its last window
    #[arg(long, value_name = "TIME", default_value = "12h")]
    keep: Span,

    #[command(flatten)]
    variables: Variables,

    #[command(flatten)]
    place: Place,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Typing {
    /// Every window
    All,
    /// The window that has been there longest
    First,
    /// None
    None,
}

impl Terminal {
    /// Shows it until a signal says stop.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let typing = match self.typing {
            _ if self.read_only => "none",
            Typing::All => "all",
            Typing::First => "first",
            Typing::None => "none",
        };
        let mut service = json!({
            "kind": "terminal",
            "argv": self.argv(),
            "typing": typing,
            "keep": self.keep,
            "scrollback_lines": SCROLLBACK_LINES,
            "environment": self.variables.as_configured()?,
        });
        if let Some(folder) = &self.record {
            let folder = std::path::absolute(folder).context("there is no current folder")?;
            service["record"] = json!({ "folder": folder });
        }
        // What is pasted is one message.
        let limits = json!({ "max_message_bytes": MAX_PASTED_BYTES });
        run(&Bridge { name: "terminal", place: &self.place, service, limits })
    }

    /// What is said to be run, or the shell of who runs this.
    fn argv(&self) -> Vec<String> {
        match self.command.as_slice() {
            [] => vec![env::var("SHELL").unwrap_or_else(|_| "sh".to_owned())],
            command => command.to_vec(),
        }
    }
}
