//! What may be written of a route whose WebSockets are the input and output of a program.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::process::{Ending, Environment};
use super::span::Span;

/// A program whose standard input and output are WebSockets: one for each peer, or one that all peers
/// of the route share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Command {
    /// The program and its arguments, such as ["vmstat", "1"]. No shell reads them, and nothing of
    /// them ever comes from a client. A name without a slash is looked for in `PATH`.
    pub argv: Vec<String>,

    /// The folder in which it runs. Default: the server's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<PathBuf>,

    /// The variables that it finds, beside those of CGI.
    #[serde(default)]
    pub environment: Environment,

    /// Headers of the request that it finds as `HTTP_…`. `Cookie`, `Authorization` and `Proxy` are
    /// never among them. Default none.
    #[serde(default)]
    pub headers: Vec<String>,

    /// Whether the paths below the route's are its own as well, as `PATH_INFO`. Default false.
    #[serde(default)]
    pub below: bool,

    /// Whether all peers share one process: it begins with the first and ends with the last, and is
    /// told nothing of who asks. Default false: each peer has its own.
    #[serde(default)]
    pub shared: bool,

    /// Messages of a shared process that a newcomer hears first, at most 1048576 bytes of them.
    /// Default 100.
    #[serde(default = "replay")]
    pub replay: usize,

    /// Whether what peers say is its input. Default: true, and false where it is shared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<bool>,

    /// "lines": each line is a message, and each message a line; "bytes": binary messages, as they
    /// come; "length": 32 bits with its length, the highest first, before each message, both ways.
    /// Default "lines".
    #[serde(default)]
    pub frame: Frame,

    /// Standard error: "log" writes its lines to the server's log, "merge" takes it for output, "tag"
    /// makes each line `{"stream":"stdout","line":"…"}` or `"stderr"`. Default "log".
    #[serde(default)]
    pub stderr: Errors,

    /// What a peer of a shared process is told where it was too slow for some of the output; "" for
    /// nothing. Tagged, it is `{"stream":"gap"}`. Default "[some output was left out]".
    #[serde(default = "gap")]
    pub gap: String,

    /// Longest line, and longest message with a length, in bytes. Default 1048576.
    #[serde(default = "max_line_bytes")]
    #[schemars(range(min = 1))]
    pub max_line_bytes: usize,

    /// Most processes of this route at a time, those that end included. Default 100.
    #[serde(default = "max_processes")]
    #[schemars(range(min = 1))]
    pub max_processes: usize,

    /// How long a process may run; "0s" for ever. Default "0s".
    #[serde(default = "run_within")]
    pub run_within: Span,

    /// How it is ended when its peer, or its last one, has gone.
    #[serde(default)]
    pub ending: Ending,
}

impl Command {
    /// Whether what peers say is its input, where nothing is written of that, too.
    pub(crate) fn has_input(&self) -> bool {
        self.input.unwrap_or(!self.shared)
    }
}

/// How messages lie in what a program reads and writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Frame {
    /// They do not: bytes are bytes.
    Bytes,
    /// Each behind its length.
    Length,
    /// Each on a line.
    #[default]
    Lines,
}

/// What becomes of a program's standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Errors {
    /// It goes to the server's log.
    #[default]
    Log,
    /// It is output.
    Merge,
    /// Its lines are told apart from those of the output.
    Tag,
}

const fn replay() -> usize {
    100
}

fn gap() -> String {
    "[some output was left out]".to_owned()
}

const fn max_line_bytes() -> usize {
    1 << 20
}

const fn max_processes() -> usize {
    100
}

const fn run_within() -> Span {
    Span::from_secs(0)
}
