//! Variables that begin with `TIELINE_`: the known ones stand for flags, others are mistakes.

use clap::CommandFactory;

use crate::args::Args;
use crate::channels::TOKEN;

const PREFIX: &str = "TIELINE_";

/// The variables that are set and mean nothing, in order.
pub(crate) fn unknown() -> Vec<String> {
    let mut unknown: Vec<_> = std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with(PREFIX) && !is_known(name))
        .collect();
    unknown.sort();
    unknown
}

fn is_known(name: &str) -> bool {
    let command = Args::command();
    let arguments = command.get_subcommands().flat_map(clap::Command::get_arguments);
    name == TOKEN || arguments.filter_map(clap::Arg::get_env).any(|known| known == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_has_its_variable() {
        for name in ["LISTEN", "WORKERS", "LEGACY", "CONFIG", "DRAIN", "LOG_FORMAT", "LOG_LEVEL"] {
            assert!(is_known(&format!("TIELINE_{name}")), "{name}");
        }
        for name in ["URL", "TOKEN", "TOKEN_FILE"] {
            assert!(is_known(&format!("TIELINE_{name}")), "{name}");
        }
        assert!(!is_known("TIELINE_LISTENER"));
    }
}
