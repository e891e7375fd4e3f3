//! A process from its start to its end, whoever hears it.

use tieline::CloseCode;

use super::framer::{Framer, TooLong};
use super::input::Input;
use super::log::log;
use super::settings::Settings;
use super::source::Source;
use crate::process::{Exit, NotStarted, Running, Variables};

/// Why a process is heard no more.
#[derive(Debug)]
pub(super) enum End {
    Exited(Exit),
    NotStarted(NotStarted),
    RanTooLong,
    TooLong(TooLong),
}

/// Starts a process and runs it to its end. What it writes for its peers goes to `hear`. Dropping it
/// ends the process.
pub(super) async fn run(
    settings: &Settings,
    variables: &Variables,
    input: &Input,
    hear: impl AsyncFn(Source, Framer) -> Result<(), TooLong>,
) -> End {
    let Settings { places, program, .. } = settings;
    let running = match places.start(program, variables, settings.stderr()).await {
        Ok(running) => running,
        Err(error) => return End::NotStarted(error),
    };
    let Running { stdin, stdout, stderr, kept } = running;
    let source = |pipe| Source::new(pipe, &kept);
    let output = hear(source(stdout), settings.framer());
    let errors = async {
        match (stderr.map(source), settings.error_framer()) {
            (None, _) => Ok(()),
            (Some(errors), Some(framer)) => hear(errors, framer).await,
            (Some(errors), None) => {
                log(errors, &settings.route).await;
                Ok(())
            }
        }
    };
    let heard = async {
        tokio::try_join!(output, errors)?;
        Ok::<_, TooLong>(kept.wait().await)
    };
    let fed = async {
        input.feed(stdin).await;
        std::future::pending().await
    };
    tokio::select! {
        heard = heard => heard.map_or_else(End::TooLong, End::Exited),
        never = fed => never,
        () = settings.too_long() => {
            // Before its peers hear of it.
            kept.end();
            End::RanTooLong
        }
    }
}

impl End {
    /// The code and the reason with which its peers are closed.
    pub(super) fn told(&self) -> (CloseCode, String) {
        match self {
            Self::Exited(exit) => (CloseCode::NORMAL, exit.to_string()),
            Self::NotStarted(error @ NotStarted::Full) => (CloseCode::TRY_AGAIN, error.to_string()),
            Self::NotStarted(error) => (CloseCode::INTERNAL, error.to_string()),
            Self::RanTooLong => {
                let reason = "the command ran for longer than it may (setting run_within)";
                (CloseCode::POLICY, reason.to_owned())
            }
            Self::TooLong(error) => (CloseCode::INTERNAL, error.to_string()),
        }
    }
}
