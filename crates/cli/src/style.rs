//! Colours, where somebody sees them: on a terminal, and not under `NO_COLOR`.

use std::io::{IsTerminal, stderr, stdout};

pub(crate) const BOLD: &str = "1";
pub(crate) const CYAN: &str = "36";
pub(crate) const DIM: &str = "2";
pub(crate) const GREEN: &str = "32";
pub(crate) const MAGENTA: &str = "35";
pub(crate) const RED: &str = "1;31";
pub(crate) const YELLOW: &str = "33";

/// `text` in a style, for standard output.
pub(crate) fn on_stdout(text: &str, style: &str) -> String {
    paint(text, style, stdout().is_terminal())
}

/// `text` in a style, for standard error.
pub(crate) fn on_stderr(text: &str, style: &str) -> String {
    paint(text, style, stderr().is_terminal())
}

/// Whether colours are wanted at all.
pub(crate) fn is_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn paint(text: &str, style: &str, is_terminal: bool) -> String {
    if is_terminal && is_wanted() && !text.is_empty() {
        format!("\x1b[{style}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}
