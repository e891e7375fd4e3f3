//! The program `tieline`.
#![forbid(unsafe_code)]

mod args;
mod bench;
mod bridge;
mod channels;
mod config;
mod connect;
mod decode;
mod environment;
mod exit;
mod exit_code;
mod inspect;
mod level;
mod load;
mod log;
mod manual;
mod printable;
mod quantity;
mod running;
mod secret;
mod serve;
mod style;
mod token;
mod trust;

use std::process::ExitCode;

use crate::args::{Args, Command};

fn main() -> ExitCode {
    let args = Args::read();
    let result = match args.command {
        Command::Serve(options) => serve::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Exec(options) => options.run(),
        Command::Tail(options) => options.run(),
        Command::Terminal(options) => options.run(),
        Command::Publish(options) => options.run(),
        Command::Subscribe(options) => options.run(),
        Command::Connect(options) => options.run(),
        Command::Replay(options) => options.run(),
        Command::Decode(options) => options.run(),
        Command::Inspect(options) => options.run(),
        Command::Config(command) => config::run(&command),
        Command::Token(command) => token::run(&command),
        Command::Man(options) => options.run(Args::program()),
        Command::Completions { shell } => args::completions(shell),
    };
    exit::conclude(result)
}
