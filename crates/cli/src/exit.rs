//! How the program ends: with the code for its kind of end, and an error that says what to do.

use std::process::ExitCode;

use tieline_server::StartError;
use tieline_server::config::ConfigError;

use crate::bench::Failure;
use crate::bridge::OtherMachines;
use crate::channels;
use crate::connect;
use crate::decode;
use crate::exit_code::Exit;
use crate::inspect;
use crate::style;

/// Prints what went wrong, if anything did, and answers the code.
pub(crate) fn conclude(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return Exit::Ok.into() };
    eprintln!("{} {}", style::on_stderr("error:", style::RED), describe(&error));
    exit_of(&error).into()
}

/// Whose fault it is decides.
fn exit_of(error: &anyhow::Error) -> Exit {
    if let Some(failure) = error.downcast_ref::<channels::Failure>() {
        return failure.exit();
    }
    if let Some(failure) = error.downcast_ref::<connect::Failure>() {
        return failure.exit();
    }
    if let Some(failure) = error.downcast_ref::<decode::Failure>() {
        return failure.exit();
    }
    if let Some(failure) = error.downcast_ref::<inspect::Failure>() {
        return failure.exit();
    }
    match error.downcast_ref::<Failure>() {
        Some(failure) => failure.exit(),
        None if error.is::<ConfigError>() || error.is::<OtherMachines>() => Exit::Usage,
        None => Exit::Failed,
    }
}

fn describe(error: &anyhow::Error) -> String {
    if let Some(error) = error.downcast_ref::<ConfigError>() {
        return error.report();
    }
    let advice = if let Some(failure) = error.downcast_ref::<channels::Failure>() {
        failure.advice().map(str::to_owned)
    } else if let Some(failure) = error.downcast_ref::<connect::Failure>() {
        failure.advice().map(str::to_owned)
    } else {
        error.downcast_ref::<StartError>().and_then(StartError::advice)
    };
    match advice {
        Some(advice) => format!("{error:#}\n  help: {advice}"),
        None => format!("{error:#}"),
    }
}
