//! What went well and what did not, a line each.

use std::fmt::Display;
use std::process::ExitCode;

/// Prints outcomes as they come and remembers whether all were good.
#[derive(Debug, Default)]
pub(crate) struct Report {
    failed: bool,
}

impl Report {
    /// Prints `ok what`, or `FAILED what: detail`.
    pub(crate) fn check(&mut self, what: &str, is_good: bool, detail: impl Display) {
        if is_good {
            println!("ok {what}");
        } else {
            self.failed(format_args!("{what}: {detail}"));
        }
    }

    /// Prints `FAILED what`.
    pub(crate) fn failed(&mut self, what: impl Display) {
        println!("FAILED {what}");
        self.failed = true;
    }

    /// 0 if nothing failed, else 1.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(u8::from(self.failed))
    }
}
