//! Why a program does not run.

use std::io;

/// It was not started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotStarted {
    /// As many run as may.
    #[error("as many processes run as may (setting max_processes)")]
    Full,
    /// The system did not start it.
    #[error("the command could not be started")]
    System(#[from] io::Error),
}

impl NotStarted {
    /// What it is counted as.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::System(_) => "system",
        }
    }
}
