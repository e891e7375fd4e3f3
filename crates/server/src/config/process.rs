//! What may be written of a program that the server runs: its environment, and how it ends.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::span::Span;

/// Names that are handed on where nothing else is written.
const DEFAULT_NAMES: &[&str] =
    &["PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "SHELL", "TMPDIR", "TZ", "USER"];

/// The variables that a program finds, and no others of the server's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Environment {
    /// Names of variables that are taken from the server's own environment, where they are there.
    /// Default: PATH, HOME, LANG, LC_ALL, LC_CTYPE, LOGNAME, SHELL, TMPDIR, TZ and USER.
    pub allow: Vec<String>,

    /// Variables with their values. They have the last word. Default none.
    pub set: BTreeMap<String, String>,
}

/// How a program is ended that does not end itself: its input ends, then it is sent SIGTERM, then
/// SIGKILL, and everything that it has started with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Ending {
    /// How long after the end of its input SIGTERM comes. Default "1s".
    pub stdin_within: Span,

    /// How long after SIGTERM SIGKILL comes. Default "5s".
    pub term_within: Span,
}

impl Default for Environment {
    fn default() -> Self {
        let allow = DEFAULT_NAMES.iter().map(|name| (*name).to_owned()).collect();
        Self { allow, set: BTreeMap::new() }
    }
}

impl Default for Ending {
    fn default() -> Self {
        Self { stdin_within: Span::from_secs(1), term_within: Span::from_secs(5) }
    }
}
