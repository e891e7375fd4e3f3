//! The client side of the interop suites: speaks to other people's servers and says how it went.

mod autobahn;
mod counter;
mod echo;
mod gateway;
mod report;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::report::Report;

/// Speaks to a WebSocket server and prints `ok …` or `FAILED …` for each thing it tried.
#[derive(Debug, Parser)]
#[command(name = "interop-client")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Autobahn(autobahn::Arguments),
    Counter(counter::Arguments),
    Echo(echo::Arguments),
    Gateway(gateway::Arguments),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut report = Report::default();
    let ended = match Arguments::parse().command {
        Command::Autobahn(arguments) => autobahn::run(&arguments).await,
        Command::Counter(arguments) => counter::run(&arguments, &mut report).await,
        Command::Echo(arguments) => echo::run(&arguments, &mut report).await,
        Command::Gateway(arguments) => gateway::run(&arguments).await,
    };
    if let Err(error) = ended {
        report.failed(format_args!("{error:#}"));
    }
    report.exit_code()
}
