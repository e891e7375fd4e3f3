//! What may stand on the command line.

use std::io;
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use tieline_server::config::{LogFormat, LogLevel, Overrides, Span};

use crate::level::Level;
use crate::{bench, bridge, channels, connect, decode, inspect, manual, token};

const EXAMPLES: &str = "\
Examples:
  tieline serve                              the page and the demos at http://127.0.0.1:8080
  tieline serve --listen 0.0.0.0:80          for the whole network
  tieline serve --config tieline.toml        what the file says
  tieline terminal -- bash                   a terminal on a page of its own
  tieline exec -- vmstat 1                   what a command says, likewise
  tieline tail /var/log/syslog               the lines of a file as they are written
  tieline publish demo:lobby hello           says something on a channel
  tieline subscribe demo:lobby               what is said on a channel
  tieline connect ws://127.0.0.1:8080/echo   talks over a WebSocket by hand
  tieline decode 81 05 48 65 6c 6c 6f        what these bytes say
  tieline inspect traffic.pcapng             what is in a capture
  tieline config print > tieline.toml        a file to start from
  tieline config check tieline.toml          is it right?
  tieline token gen secret jwt.secret        a secret that tokens are signed by
  tieline bench ws://127.0.0.1:8080/echo     how much does it bear?

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 could not connect,
4 the peer broke the protocol.";

const SERVE_EXAMPLES: &str = "\
Without --config it serves the page at /, /echo, /counter, /chat and /room. /healthz is always there.
What a flag says wins over its variable, the variable over the file, the file over the default.

Examples:
  tieline serve
  tieline serve --listen 127.0.0.1:9000 --listen unix:/run/tieline.sock
  tieline serve --config /etc/tieline.toml --log-format json
  TIELINE_LISTEN=0.0.0.0:80,[::]:80 tieline serve

Signals: TERM and INT stop it, a second one at once; HUP reads certificates, tokens and keys again.";

const BENCH_EXAMPLES: &str = "\
In a closed loop a connection sends when it was answered; in an open one (--rate) the clock says
when, so that a server that stands still is not spared what it did not hear. Both want a server
that sends messages back as they are; --any-reply and --fan-out suit others.

Examples:
  tieline bench ws://127.0.0.1:8080/echo
  tieline bench ws://127.0.0.1:8080/echo --connections 1000 --in-flight 16 --json
  tieline bench wss://example.com/echo --rate 5000 --max-p99 20ms
  tieline bench ws://127.0.0.1:8080/chat --fan-out --text --connections 500
  tieline bench ws://127.0.0.1:8080/echo --idle -c 50000 --source 127.0.0.2-127.0.0.5 --pid PID

Exit codes: 0 done, 1 a limit was missed or there were errors, 2 wrong usage, 3 could not connect,
4 the server broke the protocol.";

/// Serves browsers, devices and programs in real time over WebSocket.
#[derive(Debug, Parser)]
#[command(name = "tieline", version, after_help = EXAMPLES, max_term_width = 100)]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Starts the server
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(Options),
    /// Shows a command on a page, and lets it be spoken to
    #[command(after_help = bridge::EXEC_EXAMPLES)]
    Exec(bridge::Exec),
    /// Shows a terminal on a page: a shell, or any other program
    #[command(after_help = bridge::TERMINAL_EXAMPLES)]
    Terminal(bridge::Terminal),
    /// Shows the lines of files on a page as they are written, here and over SSH
    #[command(after_help = bridge::TAIL_EXAMPLES)]
    Tail(bridge::Tail),
    /// Publishes on a channel
    #[command(after_help = channels::PUBLISH_EXAMPLES)]
    Publish(channels::Publish),
    /// Prints what is published on channels
    #[command(after_help = channels::SUBSCRIBE_EXAMPLES)]
    Subscribe(channels::Subscribe),
    /// Talks over a WebSocket, by hand or from a script
    #[command(after_help = connect::EXAMPLES)]
    Connect(Box<connect::Connect>),
    /// Says again what was recorded, and compares the answers
    #[command(after_help = connect::REPLAY_EXAMPLES)]
    Replay(Box<connect::Replay>),
    /// Takes frames apart, bit by bit
    #[command(after_help = decode::EXAMPLES)]
    Decode(decode::Decode),
    /// Shows what is in a capture: handshakes, frames and messages of every WebSocket
    #[command(after_help = inspect::EXAMPLES)]
    Inspect(inspect::Inspect),
    /// Checks and shows configurations
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Measures a WebSocket server under load
    #[command(after_help = BENCH_EXAMPLES)]
    Bench(Box<bench::Options>),
    /// Makes secrets, keys and tokens, and says what a token holds
    #[command(subcommand)]
    Token(token::Command),
    /// Prints the manual, a page for each command
    #[command(after_help = manual::EXAMPLES)]
    Man(manual::Manual),
    /// Prints the completions of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Says whether a configuration is right, and where it is not
    Check(Named),
    /// Prints the configuration in effect as TOML, defaults included
    Print(Named),
    /// Prints the JSON schema of configuration files
    Schema,
}

/// A configuration, by name or by flag.
#[derive(Debug, clap::Args)]
pub(crate) struct Named {
    /// The file, instead of --config and TIELINE_CONFIG
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) options: Options,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Where to listen: IP:PORT, unix:PATH, or systemd:NAME; may be given more than once: an address of IPv6 does
    /// not take IPv4 [default: 127.0.0.1:8080]
    #[arg(long, short, value_name = "ADDRESS", env = "TIELINE_LISTEN", value_delimiter = ',')]
    #[arg(hide_env_values = true)]
    listen: Vec<String>,

    /// Threads that serve [default: one for each core]
    #[arg(long, short, value_name = "N", env = "TIELINE_WORKERS", hide_env_values = true)]
    workers: Option<usize>,

    /// Speaks the old drafts hixie-75 and hixie-76, too; =false where the file says true
    #[arg(long, env = "TIELINE_LEGACY", value_parser = BoolishValueParser::new())]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(value_name = "BOOL", hide_env_values = true, hide_possible_values = true)]
    legacy: Option<bool>,

    /// Serves what this TOML file says
    #[arg(long, short, value_name = "FILE", env = "TIELINE_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,

    /// How long open lines may take to end when the server stops, such as 10s [default: 10s]
    #[arg(long, value_name = "TIME", env = "TIELINE_DRAIN", hide_env_values = true)]
    drain: Option<Span>,

    /// How the log is written [default: text on a terminal, json otherwise]
    #[arg(long, value_name = "FORMAT", env = "TIELINE_LOG_FORMAT", hide_env_values = true)]
    log_format: Option<Format>,

    /// What is logged [default: info]
    #[arg(long, value_name = "LEVEL", env = "TIELINE_LOG_LEVEL", hide_env_values = true)]
    log_level: Option<Level>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Json,
    Text,
}

impl Args {
    /// All that may stand on the command line.
    pub(crate) fn program() -> clap::Command {
        Self::command()
    }

    /// Reads the command line and the environment; ends the program where they are wrong.
    pub(crate) fn read() -> Self {
        let matches = Self::command().get_matches();
        Self::from_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    fn from_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let args = Self::from_arg_matches(matches)?;
        let Command::Config(ConfigCommand::Check(named) | ConfigCommand::Print(named)) =
            &args.command
        else {
            return Ok(args);
        };
        // Only here, for clap's `conflicts_with` counts a variable, too.
        if named.file.is_some() && is_flag_given(matches, "config") {
            let text = "the argument '[FILE]' cannot be used with '--config <FILE>'";
            return Err(Self::command().error(ErrorKind::ArgumentConflict, text));
        }
        Ok(args)
    }
}

/// Whether the innermost subcommand was given the flag itself, not its variable.
fn is_flag_given(mut matches: &ArgMatches, id: &str) -> bool {
    while let Some((_, inner)) = matches.subcommand() {
        matches = inner;
    }
    matches.value_source(id) == Some(ValueSource::CommandLine)
}

impl Named {
    /// The file named in either way; the one without a flag wins over the variable.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.file.as_deref().or(self.options.config.as_deref())
    }
}

impl Options {
    pub(crate) fn overrides(&self) -> Overrides {
        Overrides {
            listen: self.listen.clone(),
            workers: self.workers,
            legacy: self.legacy,
            drain: self.drain,
            log_format: self.log_format.map(|format| match format {
                Format::Json => LogFormat::Json,
                Format::Text => LogFormat::Text,
            }),
            log_level: self.log_level.map(LogLevel::from),
        }
    }
}

/// Prints the completions for `shell`.
pub(crate) fn completions(shell: Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "tieline", &mut script);
    io::Write::write_all(&mut io::stdout(), &script)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }
}
