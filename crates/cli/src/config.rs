//! `tieline config`: is a configuration right, what is in effect, and what may be written.

use std::io::{self, Write};

use anyhow::Context;
use tieline_server::config::{File, Plan};

use crate::args::{ConfigCommand, Named};
use crate::load;

/// Runs one of the three commands.
pub(crate) fn run(command: &ConfigCommand) -> anyhow::Result<()> {
    match command {
        ConfigCommand::Check(named) => check(named),
        ConfigCommand::Print(named) => print(named),
        ConfigCommand::Schema => schema(),
    }
}

fn check(named: &Named) -> anyhow::Result<()> {
    let (file, source) = load::config(named.path())?;
    Plan::new(file, &source, &named.options.overrides())?;
    writeln!(io::stdout(), "OK: {}", source.name())?;
    Ok(())
}

fn print(named: &Named) -> anyhow::Result<()> {
    let (file, source) = load::config(named.path())?;
    let overrides = named.options.overrides();
    Plan::new(file.clone(), &source, &overrides)?;
    let text = overrides.apply(file).to_toml();
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn schema() -> anyhow::Result<()> {
    let schema = serde_json::to_string_pretty(&File::schema()).context("cannot write JSON")?;
    writeln!(io::stdout(), "{schema}")?;
    Ok(())
}
