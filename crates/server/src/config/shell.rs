//! What may be written of a route where peers share a counter and run commands.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::process::{Ending, Environment};
use super::span::Span;

/// A shared counter, and commands of a list that any peer may have run, whose results all peers hear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Shell {
    /// What may be asked for, letter for letter, and the program with its arguments that runs then,
    /// such as { "uptime" = ["uptime"], "disk" = ["df", "-h"] }. Default none.
    #[serde(default)]
    pub commands: BTreeMap<String, Vec<String>>,

    /// Has /bin/sh run whatever a peer writes, with the rights of the server. Default false.
    #[serde(default)]
    pub danger_any_command: bool,

    /// The folder in which commands run. Default: the server's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<PathBuf>,

    /// The variables that commands find.
    #[serde(default)]
    pub environment: Environment,

    /// How long a command may run, at most a day; then it is ended, and what it has written by then
    /// is its result. Default "10s".
    #[serde(default = "run_within")]
    pub run_within: Span,

    /// Most bytes that are kept of what a command writes, and of its errors. Default 65536.
    #[serde(default = "max_output_bytes")]
    #[schemars(range(min = 1))]
    pub max_output_bytes: usize,

    /// Most commands that run at a time, those that end included; who asks for another is told so.
    /// Default 1.
    #[serde(default = "max_processes")]
    #[schemars(range(min = 1))]
    pub max_processes: usize,

    /// How a command is ended that runs for too long.
    #[serde(default)]
    pub ending: Ending,
}

const fn run_within() -> Span {
    Span::from_secs(10)
}

const fn max_output_bytes() -> usize {
    64 << 10
}

const fn max_processes() -> usize {
    1
}
