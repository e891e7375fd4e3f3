//! Secrets that stand in files: everybody on a machine sees the arguments of all programs.

use std::path::Path;

/// The one word in a file, without the end of its line; or what is wrong.
pub(crate) fn read(path: &Path, what: &str) -> Result<String, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read the {what} in {}: {error}", path.display()))?;
    let mut words = text.split_whitespace();
    match (words.next(), words.next()) {
        (Some(word), None) => Ok(word.to_owned()),
        _ => Err(format!("{} is not one {what} alone", path.display())),
    }
}
