//! The log, on standard error: lines for people on a terminal, JSON for machines.

use std::io::{IsTerminal, stderr};
use std::panic;

use tieline_server::config::{Log, LogFormat, LogLevel};
use tracing::error;
use tracing_subscriber::EnvFilter;

/// Starts it. Panics are logged, too, as one line.
pub(crate) fn start(log: &Log) {
    let is_terminal = stderr().is_terminal();
    let by_place = if is_terminal { LogFormat::Text } else { LogFormat::Json };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(log.level))
        .with_writer(stderr)
        .with_target(false)
        .with_ansi(is_terminal && crate::style::is_wanted());
    match log.format.unwrap_or(by_place) {
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).init(),
        _ => builder.init(),
    }
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let what = panic.payload_as_str().unwrap_or_default();
        error!(place, what, "panic: please report it");
    }));
}

/// What others' crates say below warnings is about their inner life.
fn filter(level: LogLevel) -> EnvFilter {
    let level = match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    let others = if level == "error" { "error" } else { "warn" };
    EnvFilter::new(format!("{others},tieline={level},tieline_server={level},tieline_cli={level}"))
}
