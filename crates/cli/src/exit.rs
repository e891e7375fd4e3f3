//! How the program ends: one code for each kind of end, and an error that says what to do.

use std::process::ExitCode;

use tieline_server::BindError;
use tieline_server::config::ConfigError;

use crate::bench::Failure;
use crate::style;

/// What the exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Ok = 0,
    /// It did not work.
    Failed = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// A peer could not be reached.
    NotConnected = 3,
    /// A peer broke the protocol.
    Protocol = 4,
}

impl Exit {
    /// Whose fault it is decides.
    fn of(error: &anyhow::Error) -> Self {
        match error.downcast_ref::<Failure>() {
            Some(failure) => failure.exit(),
            None if error.is::<ConfigError>() => Self::Usage,
            None => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Prints what went wrong, if anything did, and answers the code.
pub(crate) fn conclude(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return Exit::Ok.into() };
    eprintln!("{} {}", style::on_stderr("error:", style::RED), describe(&error));
    Exit::of(&error).into()
}

fn describe(error: &anyhow::Error) -> String {
    if let Some(error) = error.downcast_ref::<ConfigError>() {
        return error.report();
    }
    match error.downcast_ref::<BindError>().and_then(BindError::advice) {
        Some(advice) => format!("{error:#}\n  help: {advice}"),
        None => format!("{error:#}"),
    }
}
