//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Measures the gateway: devices that are registered and say heartbeats, and notifications at a
/// fixed rate, each to another device.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// The released program.
    #[arg(long)]
    pub(crate) server: PathBuf,
    /// How many devices.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) devices: usize,
    /// Notifications a second.
    #[arg(long, default_value_t = 1_000)]
    pub(crate) rate: u32,
    /// How long they go on.
    #[arg(long, default_value_t = 60)]
    pub(crate) seconds: u32,
    /// How often a device says that it lives, in seconds.
    #[arg(long, default_value_t = 25)]
    pub(crate) keep_alive: u32,
}
