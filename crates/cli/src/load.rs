//! The configuration that a command line names.

use std::path::Path;

use tieline_server::config::{ConfigError, File, Source};

/// The file at the path, or the built-in one.
pub(crate) fn config(path: Option<&Path>) -> Result<(File, Source), ConfigError> {
    let Some(path) = path else { return Ok(File::builtin()) };
    let source = Source::read(path)
        .map_err(|error| ConfigError::unreadable(path.display().to_string(), error))?;
    Ok((File::parse(&source)?, source))
}
