//! What may be written of a program in a terminal.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::process::{Ending, Environment};
use super::rate::Rate;
use super::span::Span;

/// A program in a terminal, for browsers; it lives on when nobody watches, and is shown again as it
/// was to who comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Terminal {
    /// The program and its arguments, such as ["bash", "-l"]. No shell reads them, and nothing that a
    /// client says becomes a part of them.
    pub argv: Vec<String>,

    /// The folder in which it runs. Default: the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<PathBuf>,

    /// The variables that it finds; `TERM` and `COLORTERM` besides.
    #[serde(default)]
    pub environment: Environment,

    /// How it is ended that does not end when its terminal is hung up (SIGHUP).
    #[serde(default)]
    pub ending: Ending,

    /// Whose typing is heard: "none"; "first", one line at a time of who began the session; "all".
    /// Default "none".
    #[serde(default)]
    pub typing: Typing,

    /// Columns, until somebody who may type asks for others. Default 80.
    #[serde(default = "columns")]
    #[schemars(range(min = 1, max = 1000))]
    pub columns: u16,

    /// Rows, until somebody who may type asks for others. Default 24.
    #[serde(default = "rows")]
    #[schemars(range(min = 1, max = 1000))]
    pub rows: u16,

    /// Lines that are kept when they scroll off the top. Default 1000.
    #[serde(default = "scrollback_lines")]
    #[schemars(range(max = 100_000))]
    pub scrollback_lines: usize,

    /// Sessions at a time; with 1, all who come share it. Default 16.
    #[serde(default = "max_sessions")]
    #[schemars(range(min = 1, max = 10_000))]
    pub max_sessions: usize,

    /// Who may watch one session at a time. Default 64.
    #[serde(default = "max_viewers")]
    #[schemars(range(min = 1, max = 100_000))]
    pub max_viewers: usize,

    /// How long a session lives when nobody watches; "0s" ends it with its last viewer. Default
    /// "10m".
    #[serde(default = "keep")]
    pub keep: Span,

    /// How long a session lives when nobody types, watched or not; "0s" for ever. Default "0s".
    #[serde(default = "for_ever")]
    pub idle: Span,

    /// How long a session lives at all; "0s" for ever. Default "0s".
    #[serde(default = "for_ever")]
    pub lifetime: Span,

    /// How much a program may write, in bytes; beyond it, it waits for its terminal. Default
    /// "16777216/1s".
    #[serde(default = "output")]
    pub output: Rate,

    /// Records every session. Default off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,

    /// Notes what is typed, passwords among it: in the log, and for `audit_notes`. Default false.
    #[serde(default)]
    pub audit_input: bool,

    /// How many of the newest notes of who opened, joined, left, typed and ended are kept in memory,
    /// and told to whoever may come to the route. Default 0.
    #[serde(default)]
    #[schemars(range(max = 10_000))]
    pub audit_notes: usize,
}

/// Whose typing is heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Typing {
    /// That of all who watch.
    All,
    /// That of one line of who began the session: the one that has been there longest.
    First,
    /// Nobody's.
    #[default]
    None,
}

/// Recordings as asciicast v2, which are fetched below the route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Record {
    /// The folder for them, made where it is not there; only the server's user may read them.
    pub folder: PathBuf,

    /// Most of one recording, in bytes; the rest is left out. Default 67108864.
    #[serde(default = "max_bytes")]
    #[schemars(range(min = 1024))]
    pub max_bytes: u64,

    /// Recordings that are kept; the oldest is removed for a new one. Default 1000.
    #[serde(default = "max_files")]
    #[schemars(range(min = 1, max = 100_000))]
    pub max_files: usize,

    /// Records what is typed as well, passwords among it. Default false.
    #[serde(default)]
    pub input: bool,
}

const fn columns() -> u16 {
    80
}

const fn rows() -> u16 {
    24
}

const fn scrollback_lines() -> usize {
    1_000
}

const fn max_sessions() -> usize {
    16
}

const fn max_viewers() -> usize {
    64
}

const fn keep() -> Span {
    Span::from_secs(600)
}

const fn for_ever() -> Span {
    Span::from_secs(0)
}

const fn output() -> Rate {
    Rate::of(16 << 20, Span::from_secs(1))
}

const fn max_bytes() -> u64 {
    64 << 20
}

const fn max_files() -> usize {
    1_000
}
