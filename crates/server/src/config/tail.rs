//! What may be written of a route on which lines are shown as they are written.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::span::Span;

/// Lines of files, of commands, and of files of other machines, as they are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Tail {
    /// What is read: at least one.
    pub source: Vec<TailSource>,

    /// How lines are written: "json" or "text". Default "json".
    #[serde(default)]
    pub format: TailFormat,

    /// How many lines of each file one sees who comes, at most 10000. Default 10.
    #[serde(default = "last")]
    #[schemars(range(max = 10_000))]
    pub last: usize,

    /// Longest line, in bytes; of a longer one the rest is left out. Default 65536.
    #[serde(default = "max_line_bytes")]
    #[schemars(range(min = 1, max = 1_048_576))]
    pub max_line_bytes: usize,

    /// Most bytes that are kept of each file for those who come. Default 1048576.
    #[serde(default = "keep_bytes")]
    #[schemars(range(min = 1, max = 67_108_864))]
    pub keep_bytes: usize,

    /// Most files that are followed of one path with wildcards. Default 100.
    #[serde(default = "max_files")]
    #[schemars(range(min = 1, max = 1_000))]
    pub max_files: usize,

    /// How often is looked at files of which the file system does not tell that they changed.
    /// Default "2s".
    #[serde(default = "poll_every")]
    pub poll_every: Span,
}

/// Something whose lines are read: files, a command, or a file of another machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct TailSource {
    /// What those who look know it by. Default: the file's name, or the path of each file below
    /// `root`; of a command its name; of a file of another machine the host and the path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,

    /// A file, which need not be there yet. Of this machine it may have the wildcards `*`, `?` and
    /// `[…]`, each for letters of one name. Never with "..".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,

    /// The folder below which files of this machine are: no link out of it is followed. Default: the
    /// folder of the file, or the longest without wildcards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<PathBuf>,

    /// A program and its arguments, whose standard output is read; no shell reads them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,

    /// The machine whose file it is, as `ssh` is told: "user@host", or a name of its configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,

    /// How it is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh: Option<Ssh>,
}

/// How another machine is reached by the system's `ssh`. What is not written is as its own
/// configuration has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Ssh {
    /// A file in place of `~/.ssh/config`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<PathBuf>,

    /// A file with a private key, and no other key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_file: Option<PathBuf>,

    /// A file in place of `~/.ssh/known_hosts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_hosts: Option<PathBuf>,

    /// The port.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub port: Option<u16>,

    /// A machine on the way, such as "user@gate" (`ProxyJump`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jump: Option<String>,

    /// A file with the password. Default: none; there are keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,

    /// A variable of the server's environment with the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_env: Option<String>,

    /// Whether the key of a host that is not known yet is believed and remembered. A key that has
    /// changed is refused all the same. Default false.
    pub accept_new_host: bool,

    /// How long it may take until the file is read. Default "15s".
    pub connect_within: Span,
}

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TailFormat {
    /// Objects with the name of the source and as many lines as came together, and what else there
    /// is to say.
    #[default]
    Json,
    /// Each line a message, and nothing else.
    Text,
}

impl Default for Ssh {
    fn default() -> Self {
        Self {
            config: None,
            identity_file: None,
            known_hosts: None,
            port: None,
            jump: None,
            password_file: None,
            password_env: None,
            accept_new_host: false,
            connect_within: Span::from_secs(15),
        }
    }
}

const fn last() -> usize {
    10
}

const fn max_line_bytes() -> usize {
    64 << 10
}

const fn keep_bytes() -> usize {
    1 << 20
}

const fn max_files() -> usize {
    100
}

const fn poll_every() -> Span {
    Span::from_secs(2)
}
